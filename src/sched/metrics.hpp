// SPDX-License-Identifier: Apache-2.0
// What a simulated scenario came to.
#pragma once

#include "sched/scenario.hpp"

#include <string>
#include <vector>

namespace medlar::sched {

struct StreamMetrics {
  std::string name;
  uint64_t arrived = 0, completed = 0, dropped = 0, missed = 0;  ///< missed: completed after the deadline.
  double throughput = 0;                                  ///< Completed frames a second of the whole run.
  double mean_ms = 0, min_ms = 0, max_ms = 0;             ///< Latency, arrival to completion.
  double p50_ms = 0, p90_ms = 0, p95_ms = 0, p99_ms = 0;  ///< Nearest rank.
  std::vector<double> latencies_ms;                       ///< In the order of completion.
  double waiting_ms = 0;                                  ///< Mean time in engines' queues, a frame.
  uint64_t transitions = 0;
  double transition_ms = 0;  ///< Mean, a frame.
};

struct EngineMetrics {
  std::string name;
  EngineKind kind = EngineKind::kDla;
  uint32_t servers = 1;
  uint64_t segments = 0;
  double busy_seconds = 0;       ///< Of all servers together.
  double stretched_seconds = 0;  ///< Part of it that waiting for DRAM added.
  double working_seconds = 0;    ///< At least one server busy.
  double idle_seconds = 0, gated_seconds = 0, waking_seconds = 0;
  double utilisation = 0;  ///< busy / (servers x duration).
  double dram_bytes = 0;
  double static_joules = 0, dynamic_joules = 0;
  double watts = 0;  ///< Average over the run.
  double joules() const { return static_joules + dynamic_joules; }
};

struct Metrics {
  double seconds = 0;  ///< Modelled length of the run.
  std::vector<StreamMetrics> streams;
  std::vector<EngineMetrics> engines;
  double dram_bytes = 0, dram_joules = 0, dram_utilisation = 0;
  double base_joules = 0, joules = 0, watts = 0;
  double joules_per_frame = 0;
  uint64_t events = 0;
};

/// A piece of the timeline.
struct Span {
  enum class Kind : uint8_t { kWork, kTransition, kWake };
  Kind kind = Kind::kWork;
  size_t engine = 0;  ///< Of a transition: where it leads.
  uint32_t server = 0;
  size_t stream = 0;
  uint64_t frame = 0;
  size_t step = 0;
  std::string name;
  Time start = 0, end = 0;
  double joules = 0, dram_bytes = 0;  ///< Of work.
};

struct Outcome {
  Metrics metrics;
  std::vector<Span> timeline;  ///< The first SimulateOptions::timeline_spans pieces.
};

/// Nearest-rank percentile of sorted values; 0 when there are none.
double percentile(const std::vector<double>& sorted, double percent);

}  // namespace medlar::sched
