// SPDX-License-Identifier: Apache-2.0
#include "sched/scenarios.hpp"

#include <gtest/gtest.h>

namespace medlar::test {

using namespace sched;

Scenario bare() {
  Scenario scenario = scenario_for(hw::default_device(), hw::default_device().mode());
  scenario.name = "bare";
  scenario.transition = {1 * kMs, 1 * kMs, 1 * kMs};
  scenario.dram_bytes_per_second = 1e9;
  scenario.dram_joules_per_byte = 0;
  for (EngineSpec& engine : scenario.engines) {
    engine = {.name = engine.name,
              .kind = engine.kind,
              .servers = 1,
              .idle_watts = 0,
              .gated_watts = 0,
              .active_watts = 0,
              .gate_after = kNever,
              .wake = 0};
  }
  return scenario;
}

Step step(Scenario& scenario, const std::string& name, const std::vector<size_t>& engines, const Times& times,
          std::vector<size_t> after) {
  LayerGroup group{.name = name, .cost = {}, .out_bytes = 0};
  const double seconds[] = {times.dla, times.gpu, times.cpu};
  for (size_t kind = 0; kind < kEngineKinds; ++kind) {
    if (seconds[kind] > 0) {
      group.cost[kind] = Cost{seconds[kind], times.dram, 0};
    }
  }
  scenario.models.push_back({name, {group}});
  return {.name = name,
          .after = std::move(after),
          .model = scenario.models.size() - 1,
          .engines = engines,
          .policy = Policy::kFixed,
          .mappings = {}};
}

StreamSpec periodic(const std::string& name, double period_seconds, uint64_t frames) {
  StreamSpec stream;
  stream.name = name;
  stream.arrivals.period = to_time(period_seconds);
  stream.frames = frames;
  return stream;
}

Outcome run(Scenario scenario, const SimulateOptions& options) {
  const Status expanded = expand(scenario);
  EXPECT_TRUE(expanded) << (expanded ? "" : expanded.error().to_string());
  auto outcome = simulate(scenario, options);
  EXPECT_TRUE(outcome) << (outcome ? "" : outcome.error().to_string());
  return outcome ? std::move(*outcome) : Outcome{};
}

}  // namespace medlar::test
