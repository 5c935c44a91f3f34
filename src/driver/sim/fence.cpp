// SPDX-License-Identifier: Apache-2.0
// A fence: signals once, with a status.
#include "driver/sim/fence.hpp"

#include "driver/sim/core_device.hpp"

#include <algorithm>

namespace medlar::driver {

void Fence::signal(int status) {
  std::vector<std::function<void(int)>> waiters;
  {
    const std::lock_guard lock(mutex_);
    let_go();  // first: whoever sees the status also sees the count
    status_ = status;
    signalled_flag_ = true;
    waiters.swap(waiters_);
  }
  signalled_.notify_all();
  for (const auto& then : waiters) {
    then(status);
  }
}

void Fence::on_signal(std::function<void(int)> then) {
  {
    const std::lock_guard lock(mutex_);
    if (!status_) {
      waiters_.push_back(std::move(then));
      return;
    }
  }
  then(*status_);
}

std::optional<int> Fence::wait(int64_t timeout_ns) {
  if (timeout_ns != 0 && !signalled()) {
    core_->hurry();
  }
  std::unique_lock lock(mutex_);
  const auto done = [&] { return status_.has_value(); };
  if (timeout_ns < 0) {
    signalled_.wait(lock, done);
  } else {
    constexpr int64_t kYear = 365ll * 24 * 3600 * 1'000'000'000;  // keeps the deadline representable
    signalled_.wait_for(lock, std::chrono::nanoseconds(std::min(timeout_ns, kYear)), done);
  }
  return status_;
}

}  // namespace medlar::driver
