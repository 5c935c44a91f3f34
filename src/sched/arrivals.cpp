// SPDX-License-Identifier: Apache-2.0
// When frames come, and which of them are taken.
#include "sched/simulation.hpp"

#include <algorithm>
#include <cmath>

namespace medlar::sched {

bool Simulation::more_frames(size_t stream) const {
  const uint64_t wanted = scenario_.streams[stream].frames;
  const uint64_t limit = options_.max_frames == 0 ? wanted
                         : wanted == 0            ? options_.max_frames
                                                  : std::min(wanted, options_.max_frames);
  return limit == 0 || streams_[stream].arrived < limit;
}

void Simulation::first_arrivals() {
  for (size_t i = 0; i < streams_.size(); ++i) {
    const StreamSpec& spec = scenario_.streams[i];
    switch (spec.arrivals.kind) {
      case Arrivals::Kind::kPeriodic:
        push(spec.start, Event::Kind::kArrival, i);
        break;
      case Arrivals::Kind::kPoisson:
        streams_[i].next_seconds = to_seconds(spec.start);
        plan_next_arrival(i);
        break;
      case Arrivals::Kind::kConcurrent:
        for (uint32_t k = 0; k < spec.arrivals.concurrent; ++k) {
          push(spec.start, Event::Kind::kArrival, i);
        }
        break;
      case Arrivals::Kind::kTriggered:
        break;
    }
  }
}

void Simulation::plan_next_arrival(size_t stream) {
  const StreamSpec& spec = scenario_.streams[stream];
  StreamState& state = streams_[stream];
  if (spec.arrivals.kind == Arrivals::Kind::kPeriodic) {
    push(spec.start + static_cast<Time>(state.arrived) * spec.arrivals.period, Event::Kind::kArrival, stream);
  } else if (spec.arrivals.kind == Arrivals::Kind::kPoisson) {
    state.next_seconds -= std::log1p(-state.uniform()) / spec.arrivals.rate;
    push(to_time(state.next_seconds), Event::Kind::kArrival, stream);
  }
}

void Simulation::arrive(size_t stream) {
  if (!more_frames(stream) || (scenario_.duration != kNever && now_ >= scenario_.duration)) {
    return;
  }
  ++streams_[stream].arrived;
  if (make_room(stream)) {
    start_frame(stream);
  } else {
    ++streams_[stream].dropped;
  }
  plan_next_arrival(stream);
}

/// False: the new frame is the one to drop.
bool Simulation::make_room(size_t stream) {
  const StreamSpec& spec = scenario_.streams[stream];
  std::vector<size_t>& live = streams_[stream].live;
  if (spec.in_flight == 0 || live.size() < spec.in_flight) {
    return true;
  }
  const auto waiting =
      std::find_if(live.begin(), live.end(), [&](size_t slot) { return !frames_[slot].started; });
  if (spec.drop == Drop::kNewest || waiting == live.end()) {
    return false;
  }
  drop(*waiting);
  return true;
}

void Simulation::trigger_from(size_t source) {
  for (size_t i = 0; i < streams_.size(); ++i) {
    const Arrivals& arrivals = scenario_.streams[i].arrivals;
    if (arrivals.kind != Arrivals::Kind::kTriggered || arrivals.source != source) {
      continue;
    }
    if (++streams_[i].source_frames % arrivals.every == 0 && streams_[i].uniform() < arrivals.probability) {
      push(now_, Event::Kind::kArrival, i);
    }
  }
}

}  // namespace medlar::sched
