// SPDX-License-Identifier: Apache-2.0
// A user of the C interface, for tests of the simulated kernel.
#pragma once

#include "driver/sim/kernel.hpp"
#include "driver/task_builder.hpp"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace medlar::driver::test {

/// A module of one chip with little memory.
KernelOptions small_module(const char* chip, uint32_t cores = 1);

/// Opens a node and a context; everything goes through medlar_kernel.
class Client {
 public:
  explicit Client(const medlar_kernel* kernel, const char* node = "nvhost-nvdla0",
                  uint32_t priority = MEDLAR_PRIORITY_NORMAL);
  ~Client() { close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  struct Memory {
    uint32_t handle = 0;
    uint64_t iova = 0;
    std::span<uint8_t> bytes;
  };
  /// Creates and maps; handle 0 when the kernel refuses (see `error`).
  Memory create(uint64_t size, uint32_t flags = MEDLAR_BUFFER_CONTIGUOUS);
  void destroy(Memory& memory);

  template <typename T>
  int call(uint32_t request, T& args) {
    args.struct_size = sizeof args;
    return kernel_->ioctl(kernel_->self, fd_, request, &args);
  }

  /// The builder's lists in fresh buffers, then `data` as addresses 5 and up. Returns the fence, or a
  /// negative errno.
  int submit(TaskBuilder& builder, const std::vector<Memory>& data,
             const std::vector<int32_t>& in_fences = {}, uint64_t timeout_ns = 0);
  int submit(const std::vector<medlar_address>& addresses, const std::vector<int32_t>& in_fences = {},
             uint64_t timeout_ns = 0);
  /// Waits, closes the fence, returns the task's status.
  int finish(int fence);
  int run(TaskBuilder& builder, const std::vector<Memory>& data) {
    const int fence = submit(builder, data);
    return fence < 0 ? fence : finish(fence);
  }

  /// Makes the kernel begin without anybody's help.
  void hurry(int fence);

  medlar_query_error last_error();
  medlar_query_counters counters();
  void close();

  int fd() const { return fd_; }
  uint32_t context() const { return context_; }
  uint32_t loadable() const { return loadable_; }
  int error = 0;        ///< Of the last create.
  uint64_t serial = 0;  ///< Of the last submit.

 private:
  const medlar_kernel* kernel_;
  int fd_ = -1;
  uint32_t context_ = 0, loadable_ = 0;
};

}  // namespace medlar::driver::test
