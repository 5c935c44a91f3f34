// SPDX-License-Identifier: Apache-2.0
// The way of a frame through its pipeline: mappings, hand-overs, completion.
#include "sched/simulation.hpp"

#include <algorithm>

namespace medlar::sched {

void Simulation::start_frame(size_t stream) {
  size_t slot = frames_.size();
  if (free_slots_.empty()) {
    frames_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  Frame& frame = frames_[slot];
  const std::vector<Step>& pipeline = scenario_.streams[stream].pipeline;
  frame = {.stream = stream,
           .number = streams_[stream].arrived - 1,
           .arrival = now_,
           .steps_left = pipeline.size(),
           .started = false,
           .steps = std::vector<StepState>(pipeline.size()),
           .waited = 0,
           .in_transition = 0,
           .transitions = 0};
  streams_[stream].live.push_back(slot);
  for (size_t i = 0; i < pipeline.size(); ++i) {
    frames_[slot].steps[i].waits_for = pipeline[i].after.size();
  }
  for (size_t i = 0; i < pipeline.size(); ++i) {
    if (pipeline[i].after.empty()) {
      step_ready(slot, i);
    }
  }
}

const Mapping& Simulation::mapping_of(const Frame& frame, size_t step) const {
  return scenario_.streams[frame.stream].pipeline[step].mappings[frame.steps[step].mapping];
}

/// When a frame that took this mapping now would be done, in seconds: what waits at its engines, then its own
/// work.
double Simulation::completion_estimate(const Mapping& mapping) {
  double seconds = 0;
  std::vector<bool> counted(engines_.size(), false);
  for (size_t i = 0; i < mapping.segments.size(); ++i) {
    const Segment& segment = mapping.segments[i];
    seconds += segment.cost.seconds;
    if (i > 0) {
      seconds += scenario_.transition.seconds(mapping.segments[i - 1].out_bytes);
    }
    if (counted[segment.engine]) {
      continue;
    }
    counted[segment.engine] = true;
    double backlog = engines_[segment.engine].queued_seconds();
    for (const Running& running : running_) {
      backlog += running.engine == segment.engine ? std::max(0.0, to_seconds(running.finish - now_)) : 0;
    }
    seconds += backlog / scenario_.engines[segment.engine].servers;
  }
  return seconds;
}

size_t Simulation::choose(const Frame& frame, const Step& step) {
  if (step.policy == Policy::kAlternate || step.policy == Policy::kOptimise) {
    return frame.number % step.mappings.size();  // a search may have found a set to take in turn
  }
  if (step.policy != Policy::kLeastLoaded) {
    return 0;
  }
  size_t best = 0;
  double best_seconds = completion_estimate(step.mappings[0]);
  for (size_t i = 1; i < step.mappings.size(); ++i) {
    const double seconds = completion_estimate(step.mappings[i]);
    if (seconds < best_seconds) {
      best = i;
      best_seconds = seconds;
    }
  }
  return best;
}

/// Delay before the first segment: the slowest hand-over from the steps before it.
Time Simulation::entry_delay(const Frame& frame, size_t step) const {
  const size_t engine = mapping_of(frame, step).segments.front().engine;
  Time delay = 0;
  for (const size_t before : scenario_.streams[frame.stream].pipeline[step].after) {
    const Segment& last = mapping_of(frame, before).segments.back();
    if (last.engine != engine) {
      delay = std::max(delay, to_time(scenario_.transition.seconds(last.out_bytes)));
    }
  }
  return delay;
}

void Simulation::note_transition(Frame& frame, size_t step, size_t engine, Time delay) {
  ++frame.transitions;
  frame.in_transition += delay;
  keep({Span::Kind::kTransition, engine, 0, frame.stream, frame.number, step,
        "to " + scenario_.engines[engine].name, now_, now_ + delay, 0, 0});
}

void Simulation::step_ready(size_t slot, size_t step) {
  Frame& frame = frames_[slot];
  frame.steps[step].mapping = choose(frame, scenario_.streams[frame.stream].pipeline[step]);
  frame.steps[step].segment = 0;
  const Time delay = entry_delay(frame, step);
  if (delay == 0) {
    enqueue(slot, step);
    return;
  }
  note_transition(frame, step, mapping_of(frame, step).segments.front().engine, delay);
  push(now_ + delay, Event::Kind::kReady, slot, step);
}

void Simulation::segment_done(const Running& done) {
  const size_t slot = done.work.frame, step = done.work.step;
  Frame& frame = frames_[slot];
  StepState& state = frame.steps[step];
  const Mapping& mapping = mapping_of(frame, step);
  keep({Span::Kind::kWork, done.engine, done.server, frame.stream, frame.number, step,
        mapping.segments[state.segment].name, done.started, now_, done.cost->joules, done.cost->dram_bytes});
  if (++state.segment == mapping.segments.size()) {
    step_done(slot, step);
    return;
  }
  const Time delay = to_time(scenario_.transition.seconds(mapping.segments[state.segment - 1].out_bytes));
  note_transition(frame, step, mapping.segments[state.segment].engine, delay);
  push(now_ + delay, Event::Kind::kReady, slot, step);
}

void Simulation::step_done(size_t slot, size_t step) {
  if (options_.on_step) {
    options_.on_step(frames_[slot].stream, frames_[slot].number, step, mapping_of(frames_[slot], step));
  }
  const std::vector<Step>& pipeline = scenario_.streams[frames_[slot].stream].pipeline;
  if (--frames_[slot].steps_left == 0) {
    frame_done(slot);
    return;
  }
  for (size_t i = step + 1; i < pipeline.size(); ++i) {
    const auto& after = pipeline[i].after;
    if (std::find(after.begin(), after.end(), step) != after.end() &&
        --frames_[slot].steps[i].waits_for == 0) {
      step_ready(slot, i);
    }
  }
}

void Simulation::frame_done(size_t slot) {
  const Frame frame = frames_[slot];
  const StreamSpec& spec = scenario_.streams[frame.stream];
  StreamState& state = streams_[frame.stream];
  const Time latency = now_ - frame.arrival;
  state.latencies.push_back(to_seconds(latency) * 1e3);
  ++state.completed;
  state.missed += spec.deadline != kNever && latency > spec.deadline ? 1 : 0;
  state.waited += frame.waited;
  state.in_transition += frame.in_transition;
  state.transitions += frame.transitions;
  last_ = now_;
  forget(slot);
  if (spec.arrivals.kind == Arrivals::Kind::kConcurrent) {
    push(now_, Event::Kind::kArrival, frame.stream);
  }
  trigger_from(frame.stream);
}

void Simulation::forget(size_t slot) {
  std::vector<size_t>& live = streams_[frames_[slot].stream].live;
  live.erase(std::find(live.begin(), live.end(), slot));
  free_slots_.push_back(slot);
}

/// Takes a frame that nobody has begun out of the queues.
void Simulation::drop(size_t slot) {
  Frame& frame = frames_[slot];
  for (size_t i = 0; i < frame.steps.size(); ++i) {
    if (frame.steps[i].in_queue) {
      const Segment& segment = mapping_of(frame, i).segments.front();
      EngineState& engine = engines_[segment.engine];
      engine.queue().erase(frame.steps[i].queued);
      engine.queued_seconds() -= segment.cost.seconds;
    }
  }
  ++streams_[frame.stream].dropped;
  forget(slot);
}

}  // namespace medlar::sched
