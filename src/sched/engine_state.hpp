// SPDX-License-Identifier: Apache-2.0
// One engine during a simulation: its queue, its servers, and where its time goes. Private to this folder.
#pragma once

#include "sched/metrics.hpp"

#include <set>
#include <vector>

namespace medlar::sched {

/// A segment of a frame that waits for an engine.
struct Work {
  int priority = 0;
  Time ready = 0;
  uint64_t order = 0;  ///< First come first served among equals.
  size_t frame = 0;    ///< Slot.
  size_t step = 0;
  size_t segment = 0;

  friend bool operator<(const Work& a, const Work& b) {
    return a.priority != b.priority ? a.priority > b.priority
           : a.ready != b.ready     ? a.ready < b.ready
                                    : a.order < b.order;
  }
};

/// A segment that an engine works on. `left` is what is left of it, in seconds alone.
struct Running {
  Work work;
  size_t engine = 0;
  uint32_t server = 0;
  const Cost* cost = nullptr;
  double left = 0;
  double speed = 0;
  double demand = 0;  ///< DRAM bytes a second, alone.
  Time started = 0;
  Time updated = 0;
  Time finish = 0;
};

/// Time spent in each state adds up to the length of the run (a conservation test holds it to that).
class EngineState {
 public:
  explicit EngineState(const EngineSpec& spec) : spec_(&spec), busy_(spec.servers, false) {}

  const EngineSpec& spec() const { return *spec_; }
  std::set<Work>& queue() { return queue_; }
  double& queued_seconds() { return queued_seconds_; }

  bool has_free_server() const { return running_ < spec_->servers; }
  bool waking() const { return waking_; }
  /// True when the engine must wake before it can work at `now`.
  bool gated(Time now) const;
  void start_waking(Time now);
  void woken(Time now);
  /// Takes a free server.
  uint32_t take(Time now);
  void release(const Running& done, Time now);
  void finish(Time end) { leave(end); }

  EngineMetrics metrics(Time end) const;

 private:
  void leave(Time now);  ///< Books the time since the last change of state.

  const EngineSpec* spec_;
  std::set<Work> queue_;
  double queued_seconds_ = 0;
  std::vector<bool> busy_;
  uint32_t running_ = 0;
  bool waking_ = false;
  bool asleep_ = true;  ///< Gated since the start of the run, as long as it has not worked.
  Time since_ = 0;      ///< Of the current state.
  Time idle_ = 0, gated_ = 0, waking_time_ = 0, working_ = 0, busy_time_ = 0;
  double alone_seconds_ = 0, dram_bytes_ = 0, joules_ = 0;
  uint64_t segments_ = 0;
};

}  // namespace medlar::sched
