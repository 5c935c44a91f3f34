// SPDX-License-Identifier: Apache-2.0
// A fence: signals once, with a status.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace medlar::driver {

/// Thread-safe.
class Fence {
 public:
  /// `live` counts fences that are open or have not signalled.
  explicit Fence(std::atomic<uint64_t>& live) : live_(live) { ++live_; }
  Fence(const Fence&) = delete;
  Fence& operator=(const Fence&) = delete;

  void signal(int status);
  /// Its descriptor is closed.
  void closed() { let_go(); }
  /// Runs `then` with the status when the fence signals; now, if it has.
  void on_signal(std::function<void(int)> then);
  /// The status; empty when `timeout_ns` of host time passed first. Negative waits for ever.
  std::optional<int> wait(int64_t timeout_ns);

 private:
  void let_go() { live_ -= --holders_ == 0 ? 1 : 0; }

  std::atomic<uint64_t>& live_;
  std::atomic<int> holders_{2};  ///< The descriptor and the task; a memory reference does not count.
  std::mutex mutex_;
  std::condition_variable signalled_;
  std::optional<int> status_;
  std::vector<std::function<void(int)>> waiters_;
};

}  // namespace medlar::driver
