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

class CoreDevice;

/// Thread-safe.
class Fence {
 public:
  /// `live` counts fences that are open or have not signalled. `core` runs the task; it outlives the fence.
  Fence(std::atomic<uint64_t>& live, CoreDevice* core) : live_(live), core_(core) { ++live_; }
  Fence(const Fence&) = delete;
  Fence& operator=(const Fence&) = delete;

  CoreDevice* core() const { return core_; }
  void signal(int status);
  /// Its descriptor is closed.
  void closed() { let_go(); }
  /// Runs `then` with the status when the fence signals; now, if it has.
  void on_signal(std::function<void(int)> then);
  bool signalled() const { return signalled_flag_; }
  /// The status; empty when `timeout_ns` of host time passed first. Negative waits for ever.
  std::optional<int> wait(int64_t timeout_ns);

 private:
  void let_go() { live_ -= --holders_ == 0 ? 1 : 0; }

  std::atomic<uint64_t>& live_;
  CoreDevice* core_;
  std::atomic<int> holders_{2};  ///< The descriptor and the task; a memory reference does not count.
  std::mutex mutex_;
  std::condition_variable signalled_;
  std::optional<int> status_;
  std::atomic<bool> signalled_flag_{false};
  std::vector<std::function<void(int)>> waiters_;
};

}  // namespace medlar::driver
