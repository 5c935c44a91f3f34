// SPDX-License-Identifier: Apache-2.0
// A kernel that remembers what it was asked and fails on request: the other side of the C interface, without
// a chip.
#pragma once

#include "uapi/medlar_uapi.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace medlar::test {

class FakeKernel {
 public:
  FakeKernel();

  medlar_kernel api{};
  uint32_t cores = 2;
  uint64_t cma_free = 1 << 20;
  uint64_t sram_bytes = 0;

  struct Submission {
    std::vector<medlar_address> addresses;
    std::vector<int> in_fences;
    int fence = -1;
    uint64_t serial = 0;
  };
  std::vector<Submission> submissions;
  /// Result of each submitted task, as the fence will report it. Default: 0.
  std::function<int(const Submission&)> task_status;
  /// When set, the next submits are refused with it and `reason`.
  int refuse_submit = 0;
  std::string reason = "conv 3: src.width is 0, must be 1 to 8192";
  bool fences_hang = false;

  int live_fds = 0, live_contexts = 0, live_buffers = 0, live_maps = 0;
  uint32_t live_loadables = 0;

  /// The memory behind a handle.
  std::vector<uint8_t>& bytes(uint32_t handle) { return *buffers_.at(handle); }

 private:
  int open(const char* node);
  int close(int fd);
  int ioctl(uint32_t request, void* arg);
  void* map(int fd, uint64_t offset);
  int create_buffer(medlar_buffer& args);
  int share_buffer(uint32_t request, medlar_buffer& args);
  int submit(medlar_submit& args);
  int wait(medlar_wait_fence& args);
  void query(medlar_query_device& args) const;
  int query_error(medlar_query_error& args) const;

  std::mutex mutex_;
  int next_fd_ = 3;
  uint32_t next_handle_ = 1, next_context_ = 1;
  uint64_t next_serial_ = 1;
  std::map<int, int> fence_status_;
  std::map<int, uint32_t> shared_;
  std::map<uint32_t, std::shared_ptr<std::vector<uint8_t>>> buffers_;
  medlar_query_error last_error_{};
};

}  // namespace medlar::test
