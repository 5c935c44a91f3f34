// SPDX-License-Identifier: Apache-2.0
#include "sched/engine_state.hpp"

#include <algorithm>

namespace medlar::sched {

bool EngineState::gated(Time now) const {
  if (spec_->gate_after == kNever || running_ > 0 || waking_) {
    return false;
  }
  return asleep_ || now - since_ > spec_->gate_after;
}

void EngineState::leave(Time now) {
  const Time passed = now - since_;
  if (running_ > 0) {
    working_ += passed;
  } else if (waking_) {
    waking_time_ += passed;
  } else if (spec_->gate_after == kNever) {
    idle_ += passed;
  } else {
    const Time idle = asleep_ ? 0 : std::min(passed, spec_->gate_after);
    idle_ += idle;
    gated_ += passed - idle;
  }
  since_ = now;
}

void EngineState::start_waking(Time now) {
  leave(now);
  waking_ = true;
  asleep_ = false;
}

void EngineState::woken(Time now) {
  leave(now);
  waking_ = false;
}

uint32_t EngineState::take(Time now) {
  leave(now);
  asleep_ = false;
  ++running_;
  const auto free = std::find(busy_.begin(), busy_.end(), false);
  *free = true;
  return static_cast<uint32_t>(free - busy_.begin());
}

void EngineState::release(const Running& done, Time now) {
  leave(now);
  --running_;
  busy_[done.server] = false;
  busy_time_ += now - done.started;
  alone_seconds_ += done.cost->seconds;
  dram_bytes_ += done.cost->dram_bytes;
  joules_ += done.cost->joules;
  ++segments_;
}

EngineMetrics EngineState::metrics(Time end) const {
  EngineMetrics m;
  m.name = spec_->name;
  m.kind = spec_->kind;
  m.servers = spec_->servers;
  m.segments = segments_;
  m.busy_seconds = to_seconds(busy_time_);
  m.stretched_seconds = std::max(0.0, m.busy_seconds - alone_seconds_);
  m.working_seconds = to_seconds(working_);
  m.idle_seconds = to_seconds(idle_);
  m.gated_seconds = to_seconds(gated_);
  m.waking_seconds = to_seconds(waking_time_);
  m.dram_bytes = dram_bytes_;
  m.static_joules = spec_->idle_watts * (m.working_seconds + m.idle_seconds + m.waking_seconds) +
                    spec_->gated_watts * m.gated_seconds;
  m.dynamic_joules = joules_;
  const double seconds = to_seconds(end);
  m.utilisation = seconds == 0 ? 0 : m.busy_seconds / (seconds * spec_->servers);
  m.watts = seconds == 0 ? 0 : m.joules() / seconds;
  return m;
}

}  // namespace medlar::sched
