// SPDX-License-Identifier: Apache-2.0
// The completion of queued work.
#pragma once

#include "base/status.hpp"
#include "umd/fence.hpp"

#include <chrono>
#include <memory>

namespace medlar::runtime {

using umd::kForever;

/// A copyable handle of work that a stream has taken. Thread-safe. There is no event without queued work
/// behind it, and what work waits for was queued before it: so waiting cannot go in circles.
class Event {
 public:
  Event();  ///< Done, without error.

  /// Blocks for at most `timeout` of host time. kTimeout: not done yet, wait again. Any other error is the
  /// work's own, the same at every call.
  Status wait(std::chrono::nanoseconds timeout = kForever) const;
  bool done() const;

 private:
  friend class Stream;
  struct State;
  explicit Event(std::shared_ptr<State> state) : state_(std::move(state)) {}
  static Event pending();
  void signal(Status status) const;

  std::shared_ptr<State> state_;
};

}  // namespace medlar::runtime
