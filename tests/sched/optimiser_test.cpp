// SPDX-License-Identifier: Apache-2.0
// The search: never worse than the usual ways, and as good as trying everything where that is possible.
#include "sched/optimiser.hpp"

#include "sched/report.hpp"
#include "sched/scenarios.hpp"

#include <gtest/gtest.h>

namespace medlar::sched {
namespace {

using namespace test;

ModelSpec layered(const std::string& name, const std::vector<std::pair<double, double>>& dla_gpu_ms) {
  ModelSpec model{name, {}};
  for (const auto& [dla, gpu] : dla_gpu_ms) {
    LayerGroup group{.name = fmt::format("{}{}", name, model.layers.size()), .cost = {}, .out_bytes = 0};
    if (dla > 0) {
      group.cost[0] = Cost{dla * kMs, 0, 0.001 * dla};
    }
    group.cost[1] = Cost{gpu * kMs, 0, 0.005 * gpu};
    model.layers.push_back(group);
  }
  return model;
}

Scenario searched(const std::vector<ModelSpec>& models, Objective objective, uint32_t concurrent) {
  Scenario scenario = bare();
  scenario.transition = {0.2 * kMs, 0.2 * kMs, 0.2 * kMs};
  scenario.objective = objective;
  for (const ModelSpec& model : models) {
    StreamSpec stream;
    stream.name = model.name;
    stream.arrivals = {.kind = Arrivals::Kind::kConcurrent, .concurrent = concurrent};
    stream.frames = 200;
    stream.pipeline = {{.name = "net",
                        .after = {},
                        .model = scenario.models.size(),
                        .engines = {kDla0, kGpu},
                        .policy = Policy::kOptimise,
                        .mappings = {}}};
    scenario.models.push_back(model);
    scenario.streams.push_back(stream);
  }
  return scenario;
}

TEST(Optimiser, EnumeratesEveryMapping) {
  const Scenario scenario = bare();
  const ModelSpec model = layered("m", {{1, 1}, {1, 1}, {1, 1}, {1, 1}});
  EXPECT_EQ(all_mappings(scenario, model, {kDla0, kGpu}, 0).size(), 2u);
  EXPECT_EQ(all_mappings(scenario, model, {kDla0, kGpu}, 1).size(), 2u + 2 * 3);
  EXPECT_EQ(all_mappings(scenario, model, {kDla0, kGpu}, 2).size(), 2u + 2 * 3 + 2 * 3);
  const ModelSpec partly = layered("p", {{1, 1}, {0, 1}, {1, 1}});
  EXPECT_EQ(all_mappings(scenario, partly, {kDla0, kGpu}, 2).size(), 4u)
      << "the middle cannot run on the DLA";
}

TEST(Optimiser, ThroughputOfOneModelBeatsTheUsualWays) {
  const auto found =
      optimise(searched({layered("m", {{4, 2}, {3, 3}, {3, 3}, {4, 2}})}, Objective::kThroughput, 4));
  ASSERT_TRUE(found) << found.error().to_string();
  const Assignment& best = found->assignments.back();
  EXPECT_EQ(best.name, "optimised");
  for (const Assignment& usual : found->assignments) {
    EXPECT_LE(best.score, usual.score) << usual.name;
  }
  // 10 ms on the GPU and 14 on the DLA: both busy all the time would be 1/10 + 1/14 = 171 frames a second.
  EXPECT_GT(-best.score, 1.25 * -found->assignments[0].score) << search_to_text(*found);
}

TEST(Optimiser, LatencyOfLayersThatSuitDifferentEngines) {
  const auto found =
      optimise(searched({layered("m", {{1, 5}, {1, 5}, {6, 1}, {6, 1}})}, Objective::kLatency, 1));
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->assignments.back().score, 1 + 1 + 0.2 + 1 + 1, 1e-6) << search_to_text(*found);
}

TEST(Optimiser, EnergyPrefersTheDla) {
  const auto found = optimise(searched({layered("m", {{4, 2}, {4, 2}})}, Objective::kEnergy, 1));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->assignments.back().mappings[0], "m/net: dla0");
}

/// Two models, every pair of mappings tried: the descent finds the best.
TEST(Optimiser, AsGoodAsTryingEverything) {
  const std::vector<ModelSpec> models{layered("a", {{2, 1.5}, {3, 1}, {2, 2}}),
                                      layered("b", {{2, 2.5}, {4, 1}, {1, 2}})};
  const Scenario scenario = searched(models, Objective::kLatency, 1);
  const auto found = optimise(scenario);
  ASSERT_TRUE(found);
  double best = 1e9;
  for (const Mapping& a : all_mappings(scenario, models[0], {kDla0, kGpu}, 2)) {
    for (const Mapping& b : all_mappings(scenario, models[1], {kDla0, kGpu}, 2)) {
      Scenario candidate = scenario;
      candidate.streams[0].pipeline[0].policy = candidate.streams[1].pipeline[0].policy = Policy::kFixed;
      candidate.streams[0].pipeline[0].mappings = {a};
      candidate.streams[1].pipeline[0].mappings = {b};
      best = std::min(best, score(simulate(candidate)->metrics, Objective::kLatency));
    }
  }
  EXPECT_LE(found->assignments.back().score, best * 1.001) << search_to_text(*found);
}

TEST(Optimiser, SameAnswerTwice) {
  const Scenario scenario =
      searched({layered("a", {{2, 1}, {3, 1}}), layered("b", {{2, 2}, {4, 1}})}, Objective::kThroughput, 2);
  const auto first = optimise(scenario), second = optimise(scenario);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(search_to_text(*first), search_to_text(*second));
}

}  // namespace
}  // namespace medlar::sched
