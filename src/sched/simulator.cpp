// SPDX-License-Identifier: Apache-2.0
// The clock of a simulation, and what it came to.
#include "sched/simulator.hpp"

#include "sched/simulation.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace medlar::sched {

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
