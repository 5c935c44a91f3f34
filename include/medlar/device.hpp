// SPDX-License-Identifier: Apache-2.0
// A simulated module: its DLA cores, its memory, its queues of work.
#pragma once

#include "medlar/error.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace medlar {

struct ModuleState;
struct BufferState;
struct StreamState;
struct EventState;

/// Memory of the module, mapped here: what the CPU writes is what the DLA reads. A handle; the last one frees
/// the pages. Thread-safe, except that the contents are the users' business.
class MEDLAR_API Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::shared_ptr<BufferState> state) : state_(std::move(state)) {}
  void* data() const;                 ///< Throws InvalidArgument on an empty handle.
  std::size_t size() const noexcept;  ///< Bytes asked for; 0 when empty.
  /// A new descriptor of the module's kernel (what a dma-buf is on a board) that shares the pages:
  /// Device::importFd() takes it, also after this buffer is gone. The caller gives it to Device::closeFd().
  int exportFd() const;
  void reset() noexcept { state_.reset(); }
  explicit operator bool() const noexcept { return state_ != nullptr; }

 private:
  std::shared_ptr<BufferState> state_;
};

class Event;

/// Work in order. A handle. Thread-safe: work of two threads interleaves whole calls.
class MEDLAR_API Stream {
 public:
  Stream() = default;
  explicit Stream(std::shared_ptr<StreamState> state) : state_(std::move(state)) {}
  /// Blocks until all work before the call is done. Throws the first error of that work, once.
  void synchronize() const;
  bool done() const;                    ///< Without blocking.
  void wait(const Event& event) const;  ///< Later work starts after the event.
  /// Copies when the stream gets there; both ranges stay valid until then.
  void copy(void* to, const void* from, std::size_t bytes) const;
  void fill(void* to, int value, std::size_t bytes) const;
  /// Runs `work` on the host in order. What it throws becomes CallbackError at synchronize().
  void host(std::function<void()> work) const;
  explicit operator bool() const noexcept { return state_ != nullptr; }
  const std::shared_ptr<StreamState>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<StreamState> state_;
};

/// A point in a stream. A handle. Thread-safe.
class MEDLAR_API Event {
 public:
  Event() = default;
  explicit Event(std::shared_ptr<EventState> state) : state_(std::move(state)) {}
  void record(const Stream& stream) const;
  void synchronize() const;  ///< Returns at once when it was never recorded.
  bool done() const;
  /// Milliseconds of modelled device time from `start` to this event; both recorded and done.
  double modelledMsSince(const Event& start) const;
  /// Milliseconds that this computer took from `start` to this event.
  double hostMsSince(const Event& start) const;
  explicit operator bool() const noexcept { return state_ != nullptr; }
  const std::shared_ptr<EventState>& state() const noexcept { return state_; }

 private:
  std::shared_ptr<EventState> state_;
};

struct MemoryInfo {
  std::uint64_t totalBytes = 0;      ///< DRAM of the module.
  std::uint64_t allocatedBytes = 0;  ///< By buffers of this API.
};

/// A booted module. A handle; the last one (and everything made from it) turns it off. Thread-safe.
class MEDLAR_API Device {
 public:
  /// `name`: canonical or short; "": MEDLAR_DEVICE, else the default device.
  static Device open(std::string_view name = {});
  /// The one that code without a Device argument uses; opened by the first call.
  static Device current();
  /// Replaces current() for later calls.
  static void setCurrent(std::string_view name);
  /// Canonical names of all profiles.
  static std::vector<std::string> names();
  /// What open("") would open.
  static std::string defaultName();

  const std::string& name() const noexcept;
  std::string label() const;  ///< "bit-exact" or "modelled".
  int numDLACores() const noexcept;
  MemoryInfo memory() const;

  /// Page-aligned, zeroed.
  Buffer allocate(std::size_t bytes) const;
  /// Shares the pages of a buffer of this module that was exported. Does not take the descriptor.
  Buffer importFd(int fd, bool readOnly = false) const;
  /// Throws InvalidArgument for a descriptor that is not open.
  void closeFd(int fd) const;
  /// The buffer that holds [address, address + bytes); throws OutOfRange when there is none.
  void checkRange(const void* address, std::size_t bytes) const;

  Stream createStream() const;
  Event createEvent() const;
  void synchronize() const;  ///< All streams.

  const std::shared_ptr<ModuleState>& state() const noexcept { return state_; }
  explicit Device(std::shared_ptr<ModuleState> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<ModuleState> state_;
};

}  // namespace medlar
