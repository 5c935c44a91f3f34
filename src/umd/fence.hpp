// SPDX-License-Identifier: Apache-2.0
// The completion of submitted work.
#pragma once

#include "umd/context.hpp"

#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace medlar::umd {

inline constexpr std::chrono::nanoseconds kForever{-1};

/// A copyable handle. Thread-safe.
class Fence {
 public:
  /// Of a task on the device. `keep_alive` lives as long as the fence: what the task works on.
  /// `layers` names its operations in errors.
  Fence(std::shared_ptr<Context> context, SubmittedTask task, std::shared_ptr<void> keep_alive = nullptr,
        std::shared_ptr<const std::vector<std::string>> layers = nullptr);
  /// Of work that the host finishes.
  explicit Fence(std::shared_future<Status> host);

  /// Blocks for at most `timeout` of host time. kTimeout: not done yet, wait again. Any other error is the
  /// work's own, with the kernel's reason; the same at every call.
  Status wait(std::chrono::nanoseconds timeout = kForever) const;
  /// True once a wait has seen the end: tells a wait that ran out of time from work that did.
  bool done() const;

  /// A descriptor for other queues to wait on; -1 for work that the host finishes. Borrowed.
  int fd() const;
  /// The task's number on its core, as in logs and profiles; 0 for work that the host finishes.
  uint64_t serial() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace medlar::umd
