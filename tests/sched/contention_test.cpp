// SPDX-License-Identifier: Apache-2.0
// Engines that share the DRAM.
#include "sched/contention.hpp"

#include "sched/scenarios.hpp"

#include <gtest/gtest.h>

namespace medlar::sched {
namespace {

using namespace test;

TEST(Contention, FullSpeedWhileItFits) {
  EXPECT_EQ(shared_speed(std::vector<double>{0.4, 0.6}, 1.0), (std::vector<double>{1, 1}));
  EXPECT_EQ(shared_speed(std::vector<double>{}, 1.0), (std::vector<double>{}));
}

TEST(Contention, BeyondItTheSmallGetWhatTheyWant) {
  const auto speed = shared_speed(std::vector<double>{0.9, 0.2, 0.9, 0}, 1.0);
  EXPECT_DOUBLE_EQ(speed[1], 1);
  EXPECT_DOUBLE_EQ(speed[0], 0.4 / 0.9);
  EXPECT_DOUBLE_EQ(speed[2], 0.4 / 0.9);
  EXPECT_DOUBLE_EQ(speed[3], 1);
}

/// Two pieces of 10 ms that want 0.8 GB/s each of 1 GB/s: both get 0.5, so both take 16 ms.
TEST(Contention, TwoEqualEnginesSlowEachOther) {
  Scenario scenario = bare();
  StreamSpec a = periodic("a", 100 * kMs, 1), b = periodic("b", 100 * kMs, 1);
  a.pipeline = {step(scenario, "a", {kDla0}, {.dla = 10 * kMs, .dram = 8e6})};
  b.pipeline = {step(scenario, "b", {kGpu}, {.gpu = 10 * kMs, .dram = 8e6})};
  scenario.streams = {a, b};
  const Metrics m = run(scenario).metrics;
  EXPECT_NEAR(m.streams[0].mean_ms, 16, 1e-6);
  EXPECT_NEAR(m.streams[1].mean_ms, 16, 1e-6);
  EXPECT_NEAR(m.engines[kDla0].stretched_seconds, 6 * kMs, 1e-9);
  EXPECT_NEAR(m.dram_utilisation, 1, 1e-6);
}

/// b starts 4 ms later. a: 4 ms alone, then 0.5/0.8 speed for its last 6 ms of work: 4 + 9.6 = 13.6 ms. b: by
/// then 6 of its 10 ms are done, 4 ms alone: 9.6 + 4 = 13.6 ms.
TEST(Contention, ShareChangesWhenWorkEnds) {
  Scenario scenario = bare();
  StreamSpec a = periodic("a", 100 * kMs, 1), b = periodic("b", 100 * kMs, 1);
  b.start = to_time(4 * kMs);
  a.pipeline = {step(scenario, "a", {kDla0}, {.dla = 10 * kMs, .dram = 8e6})};
  b.pipeline = {step(scenario, "b", {kGpu}, {.gpu = 10 * kMs, .dram = 8e6})};
  scenario.streams = {a, b};
  const Metrics m = run(scenario).metrics;
  EXPECT_NEAR(m.streams[0].mean_ms, 13.6, 1e-5);
  EXPECT_NEAR(m.streams[1].mean_ms, 13.6, 1e-5);
}

}  // namespace
}  // namespace medlar::sched
