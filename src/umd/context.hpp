// SPDX-License-Identifier: Apache-2.0
// A context: an address space and a queue of one core. Work of one context runs in order.
#pragma once

#include "umd/device.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace medlar::umd {

enum class Priority : uint32_t {
  kLow = MEDLAR_PRIORITY_LOW,
  kNormal = MEDLAR_PRIORITY_NORMAL,
  kHigh = MEDLAR_PRIORITY_HIGH
};

/// One task on its way to the kernel.
struct TaskSubmission {
  std::span<const medlar_address> addresses;  ///< Element 0 is the network descriptor.
  std::span<const int> in_fences;
  uint64_t timeout_ns = 0;  ///< Modelled device time; 0 for the driver's default.
  uint32_t loadable = 0;    ///< Of Context::add_loadable.
};

/// What the kernel gave back.
struct SubmittedTask {
  KernelFd fence;
  uint64_t serial = 0;
};

/// Thread-safe. Destroying it cancels unfinished work; buffers, models and fences keep it alive.
class Context {
 public:
  static Result<std::shared_ptr<Context>> create(std::shared_ptr<Device> device,
                                                 Priority priority = Priority::kNormal);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// A place for a network's tasks on the core; the error names the limit. `layers` name the operations of
  /// its (only) task in the kernel's log.
  Result<uint32_t> add_loadable(std::span<const std::string> layers = {});
  void remove_loadable(uint32_t loadable);

  Result<SubmittedTask> submit(const TaskSubmission& task);

  /// The last failure as the kernel recorded it, in fields; kind MEDLAR_ERROR_NONE when there was none.
  medlar_query_error last_failure() const;
  /// The kernel's reason for the failure of task `serial` (0: of the last refused submit), if it still
  /// remembers it.
  std::optional<Error> last_error(uint64_t serial) const;

  const Device& device() const { return *device_; }
  const KernelFd& fd() const { return fd_; }
  uint32_t id() const { return id_; }

 private:
  Context(std::shared_ptr<Device> device, KernelFd fd) : device_(std::move(device)), fd_(std::move(fd)) {}

  std::shared_ptr<Device> device_;
  KernelFd fd_;
  uint32_t id_ = 0;
  std::mutex submit_mutex_;  ///< A refused submit and the question why belong together.
};

}  // namespace medlar::umd
