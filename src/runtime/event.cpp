// SPDX-License-Identifier: Apache-2.0
#include "runtime/event.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>

namespace medlar::runtime {

struct Event::State {
  std::mutex mutex;
  std::condition_variable signalled;
  std::optional<Status> status;
};

Event::Event() : state_(std::make_shared<State>()) {
  state_->status = Status();
}

Event Event::pending() {
  return Event(std::make_shared<State>());
}

void Event::signal(Status status) const {
  {
    const std::lock_guard lock(state_->mutex);
    state_->status = std::move(status);
  }
  state_->signalled.notify_all();
}

Status Event::wait(std::chrono::nanoseconds timeout) const {
  std::unique_lock lock(state_->mutex);
  const auto done = [&] { return state_->status.has_value(); };
  if (timeout < std::chrono::nanoseconds::zero()) {
    state_->signalled.wait(lock, done);
  } else if (!state_->signalled.wait_for(lock, timeout, done)) {
    return fail(Code::kTimeout, "the work is not done after {} ns", timeout.count());
  }
  return *state_->status;
}

bool Event::done() const {
  const std::lock_guard lock(state_->mutex);
  return state_->status.has_value();
}

}  // namespace medlar::runtime
