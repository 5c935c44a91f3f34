// SPDX-License-Identifier: Apache-2.0
// The run of a simulation: what is to come, the frames under way and the engines. Private to this folder; its
// parts are arrivals.cpp (when frames come), frames.cpp (the way of a frame through its pipeline),
// dispatch.cpp (what engines work on) and simulator.cpp (the clock and the sums).
#pragma once

#include "sched/engine_state.hpp"
#include "sched/simulator.hpp"

#include <queue>
#include <random>

namespace medlar::sched {

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

}  // namespace medlar::sched
