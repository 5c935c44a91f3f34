// SPDX-License-Identifier: Apache-2.0
#include "sched/simulator.hpp"

#include "sched/contention.hpp"
#include "sched/engine_state.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <queue>
#include <random>

namespace medlar::sched {
namespace {

struct Event {
  enum class Kind : uint8_t { kFinish, kWoken, kReady, kArrival };
  Time time = 0;
  uint64_t order = 0;
  Kind kind = Kind::kArrival;
  size_t index = 0;      ///< Engine, stream, or slot of a frame.
  size_t step = 0;       ///< kReady.
  uint64_t version = 0;  ///< kFinish: of the set of running work.

  friend bool operator>(const Event& a, const Event& b) {
    return a.time != b.time ? a.time > b.time : a.order > b.order;
  }
};

struct StepState {
  size_t waits_for = 0;
  size_t mapping = 0;
  size_t segment = 0;
  Work queued;  ///< Valid while it waits in an engine's queue.
  bool in_queue = false;
};

struct Frame {
  size_t stream = 0;
  uint64_t number = 0;
  Time arrival = 0;
  size_t steps_left = 0;
  bool started = false;
  std::vector<StepState> steps;
  Time waited = 0;
  Time in_transition = 0;
  uint64_t transitions = 0;
};

struct StreamState {
  std::mt19937_64 random;
  uint64_t arrived = 0, completed = 0, dropped = 0, missed = 0, transitions = 0, source_frames = 0;
  double next_seconds = 0;  ///< Poisson.
  Time waited = 0, in_transition = 0;
  std::vector<double> latencies;
  std::vector<size_t> live;  ///< Slots, oldest first.

  double uniform() { return static_cast<double>(random() >> 11) * 0x1p-53; }
};

class Simulation {
 public:
  Simulation(const Scenario& scenario, const SimulateOptions& options);
  Outcome run();

 private:
  void push(Time time, Event::Kind kind, size_t index, size_t step = 0, uint64_t version = 0) {
    events_.push({time, order_++, kind, index, step, version});
  }
  void handle(const Event& event);

  void first_arrivals();
  void arrive(size_t stream);
  void plan_next_arrival(size_t stream);
  bool more_frames(size_t stream) const;
  void trigger_from(size_t source);
  bool make_room(size_t stream);
  void start_frame(size_t stream);
  void forget(size_t slot);

  void step_ready(size_t slot, size_t step);
  size_t choose(const Frame& frame, const Step& step);
  double completion_estimate(const Mapping& mapping);
  const Mapping& mapping_of(const Frame& frame, size_t step) const;
  Time entry_delay(const Frame& frame, size_t step) const;
  void note_transition(Frame& frame, size_t step, size_t engine, Time delay);
  void enqueue(size_t slot, size_t step);
  void dispatch(size_t engine);
  void begin(size_t engine, const Work& work);
  void segment_done(const Running& done);
  void step_done(size_t slot, size_t step);
  void frame_done(size_t slot);
  void drop(size_t slot);

  void finish_due();
  void reshare();
  void keep(Span span);
  StreamMetrics stream_metrics(size_t stream) const;

  const Scenario& scenario_;
  const SimulateOptions& options_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  uint64_t order_ = 0, handled_ = 0;
  Time now_ = 0, last_ = 0;
  std::vector<EngineState> engines_;
  std::vector<StreamState> streams_;
  std::vector<Frame> frames_;
  std::vector<size_t> free_slots_;
  std::vector<Running> running_;
  std::vector<double> demands_;
  uint64_t running_version_ = 0;
  std::vector<Span> timeline_;
};

Simulation::Simulation(const Scenario& scenario, const SimulateOptions& options)
    : scenario_(scenario), options_(options), streams_(scenario.streams.size()) {
  for (const EngineSpec& engine : scenario.engines) {
    engines_.emplace_back(engine);
  }
  constexpr uint64_t kStride = 1'000'003;
  for (size_t i = 0; i < streams_.size(); ++i) {
    streams_[i].random.seed(scenario.seed * kStride + i);
  }
}

void Simulation::keep(Span span) {
  if (timeline_.size() < options_.timeline_spans) {
    timeline_.push_back(std::move(span));
  }
}

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

void Simulation::handle(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kArrival:
      arrive(event.index);
      break;
    case Event::Kind::kReady:
      enqueue(event.index, event.step);
      break;
    case Event::Kind::kWoken:
      engines_[event.index].woken(now_);
      last_ = now_;
      dispatch(event.index);
      break;
    case Event::Kind::kFinish:
      if (event.version == running_version_) {
        finish_due();
      }
      break;
  }
}

StreamMetrics Simulation::stream_metrics(size_t index) const {
  const StreamState& state = streams_[index];
  StreamMetrics m;
  m.name = scenario_.streams[index].name;
  m.arrived = state.arrived;
  m.completed = state.completed;
  m.dropped = state.dropped;
  m.missed = state.missed;
  m.transitions = state.transitions;
  m.latencies_ms = state.latencies;
  std::vector<double> sorted = state.latencies;
  std::sort(sorted.begin(), sorted.end());
  if (!sorted.empty()) {
    const double count = static_cast<double>(sorted.size());
    m.mean_ms = std::accumulate(sorted.begin(), sorted.end(), 0.0) / count;
    m.min_ms = sorted.front();
    m.max_ms = sorted.back();
    m.waiting_ms = to_seconds(state.waited) * 1e3 / count;
    m.transition_ms = to_seconds(state.in_transition) * 1e3 / count;
  }
  m.p50_ms = percentile(sorted, 50);
  m.p90_ms = percentile(sorted, 90);
  m.p95_ms = percentile(sorted, 95);
  m.p99_ms = percentile(sorted, 99);
  return m;
}

Outcome Simulation::run() {
  first_arrivals();
  while (!events_.empty()) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.time;
    ++handled_;
    handle(event);
  }
  const Time end =
      std::max(last_, scenario_.duration == kNever || options_.max_frames > 0 ? 0 : scenario_.duration);
  Outcome outcome;
  Metrics& m = outcome.metrics;
  m.seconds = to_seconds(end);
  m.events = handled_;
  uint64_t completed = 0;
  for (EngineState& engine : engines_) {
    engine.finish(end);
    m.engines.push_back(engine.metrics(end));
    m.dram_bytes += m.engines.back().dram_bytes;
    m.joules += m.engines.back().joules();
  }
  for (size_t i = 0; i < streams_.size(); ++i) {
    m.streams.push_back(stream_metrics(i));
    m.streams.back().throughput =
        m.seconds == 0 ? 0 : static_cast<double>(m.streams.back().completed) / m.seconds;
    completed += m.streams.back().completed;
  }
  m.dram_joules = m.dram_bytes * scenario_.dram_joules_per_byte;
  m.base_joules = scenario_.base_watts * m.seconds;
  m.joules += m.dram_joules + m.base_joules;
  m.watts = m.seconds == 0 ? 0 : m.joules / m.seconds;
  m.dram_utilisation = m.seconds == 0 ? 0 : m.dram_bytes / (m.seconds * scenario_.dram_bytes_per_second);
  m.joules_per_frame = completed == 0 ? 0 : m.joules / static_cast<double>(completed);
  outcome.timeline = std::move(timeline_);
  return outcome;
}

}  // namespace

double percentile(const std::vector<double>& sorted, double percent) {
  if (sorted.empty()) {
    return 0;
  }
  const auto rank = static_cast<size_t>(std::ceil(percent / 100 * static_cast<double>(sorted.size())));
  return sorted[std::clamp<size_t>(rank, 1, sorted.size()) - 1];
}

Result<Outcome> simulate(const Scenario& scenario, const SimulateOptions& options) {
  MEDLAR_TRY(check(scenario));
  return Simulation(scenario, options).run();
}

}  // namespace medlar::sched
