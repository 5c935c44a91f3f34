// SPDX-License-Identifier: Apache-2.0
// What engines work on, and how fast beside each other.
#include "sched/contention.hpp"
#include "sched/simulation.hpp"

#include <algorithm>

namespace medlar::sched {

void Simulation::enqueue(size_t slot, size_t step) {
  Frame& frame = frames_[slot];
  StepState& state = frame.steps[step];
  const Segment& segment = mapping_of(frame, step).segments[state.segment];
  state.queued = {scenario_.streams[frame.stream].priority, now_, order_++, slot, step, state.segment};
  state.in_queue = true;
  EngineState& engine = engines_[segment.engine];
  engine.queue().insert(state.queued);
  engine.queued_seconds() += segment.cost.seconds;
  dispatch(segment.engine);
}

void Simulation::dispatch(size_t index) {
  EngineState& engine = engines_[index];
  bool changed = false;
  while (!engine.waking() && engine.has_free_server() && !engine.queue().empty()) {
    if (engine.gated(now_)) {
      engine.start_waking(now_);
      keep({Span::Kind::kWake, index, 0, 0, 0, 0, "wake", now_, now_ + engine.spec().wake, 0, 0});
      push(now_ + engine.spec().wake, Event::Kind::kWoken, index);
      break;
    }
    const Work work = *engine.queue().begin();
    engine.queue().erase(engine.queue().begin());
    begin(index, work);
    changed = true;
  }
  if (changed) {
    reshare();
  }
}

void Simulation::begin(size_t index, const Work& work) {
  Frame& frame = frames_[work.frame];
  frame.started = true;
  frame.steps[work.step].in_queue = false;
  frame.waited += now_ - work.ready;
  const Cost& cost = mapping_of(frame, work.step).segments[work.segment].cost;
  EngineState& engine = engines_[index];
  engine.queued_seconds() = engine.queue().empty() ? 0 : engine.queued_seconds() - cost.seconds;
  running_.push_back({.work = work,
                      .engine = index,
                      .server = engine.take(now_),
                      .cost = &cost,
                      .left = cost.seconds,
                      .speed = 0,
                      .demand = cost.seconds > 0 ? cost.dram_bytes / cost.seconds : 0,
                      .started = now_,
                      .updated = now_,
                      .finish = 0});
}

/// Work out anew how fast everything goes on, after work began or ended.
void Simulation::reshare() {
  demands_.clear();
  for (const Running& running : running_) {
    demands_.push_back(running.demand);
  }
  const std::vector<double> speeds = shared_speed(demands_, scenario_.dram_bytes_per_second);
  Time next = kNever;
  for (size_t i = 0; i < running_.size(); ++i) {
    Running& running = running_[i];
    if (running.speed != speeds[i]) {
      running.left = std::max(0.0, running.left - to_seconds(now_ - running.updated) * running.speed);
      running.updated = now_;
      running.speed = speeds[i];
      running.finish = now_ + std::max<Time>(0, to_time(running.left / running.speed));
    }
    next = next == kNever ? running.finish : std::min(next, running.finish);
  }
  ++running_version_;
  if (next != kNever) {
    push(next, Event::Kind::kFinish, 0, 0, running_version_);
  }
}

void Simulation::finish_due() {
  std::vector<Running> done;
  std::erase_if(running_, [&](const Running& running) {
    if (running.finish <= now_) {
      done.push_back(running);
    }
    return running.finish <= now_;
  });
  for (const Running& work : done) {
    engines_[work.engine].release(work, now_);
  }
  reshare();
  for (const Running& work : done) {
    segment_done(work);
  }
  for (const Running& work : done) {
    dispatch(work.engine);
  }
}

}  // namespace medlar::sched
