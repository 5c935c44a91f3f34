// SPDX-License-Identifier: Apache-2.0
// Queueing theory knows the answers: M/D/1 and D/D/1.
#include "sched/scenarios.hpp"

#include <gtest/gtest.h>

namespace medlar::sched {
namespace {

using namespace test;

class MD1 : public testing::TestWithParam<double> {};

/// Mean wait of Poisson arrivals at one server of fixed service time S: rho S / (2 (1 - rho))
/// (Pollaczek-Khinchine).
TEST_P(MD1, MeanWaitWithinOnePercent) {
  const double rho = GetParam();
  constexpr double kService = 5 * kMs;
  Scenario scenario = bare();
  StreamSpec stream;
  stream.name = "poisson";
  stream.arrivals = {.kind = Arrivals::Kind::kPoisson, .rate = rho / kService};
  stream.frames = 600'000;
  stream.pipeline = {step(scenario, "net", {kDla0}, {.dla = kService})};
  scenario.streams = {stream};
  const Metrics m = run(scenario).metrics;
  const double wanted_ms = 1e3 * rho * kService / (2 * (1 - rho));
  EXPECT_NEAR(m.streams[0].waiting_ms, wanted_ms, 0.01 * wanted_ms);
  EXPECT_NEAR(m.streams[0].mean_ms, wanted_ms + 1e3 * kService, 0.01 * (wanted_ms + 1e3 * kService));
  EXPECT_NEAR(m.engines[kDla0].utilisation, rho, 0.01 * rho);
}

INSTANTIATE_TEST_SUITE_P(Loads, MD1, testing::Values(0.3, 0.5, 0.7));

/// M/D/2 lies below M/D/1 at the same load a server; two servers halve the service an arrival sees.
TEST(Queueing, TwoServersWaitLess) {
  double waiting[2] = {};
  for (const uint32_t servers : {1u, 2u}) {
    Scenario scenario = bare();
    scenario.engines[kCpu].servers = servers;
    StreamSpec stream;
    stream.name = "poisson";
    stream.arrivals = {.kind = Arrivals::Kind::kPoisson, .rate = 120.0 * servers};
    stream.frames = 50'000;
    stream.pipeline = {step(scenario, "net", {kCpu}, {.cpu = 5 * kMs})};
    scenario.streams = {stream};
    waiting[servers - 1] = run(scenario).metrics.streams[0].waiting_ms;
  }
  EXPECT_LT(waiting[1], 0.6 * waiting[0]);
}

TEST(Queueing, TwoEvenCamerasOfOneEngineNeverMeet) {
  Scenario scenario = bare();
  StreamSpec a = periodic("a", 10 * kMs, 1000), b = periodic("b", 10 * kMs, 1000);
  b.start = to_time(5 * kMs);
  a.pipeline = {step(scenario, "net", {kDla0}, {.dla = 5 * kMs})};
  b.pipeline = a.pipeline;
  scenario.streams = {a, b};
  const Metrics m = run(scenario).metrics;
  EXPECT_DOUBLE_EQ(m.streams[0].max_ms, 5);
  EXPECT_DOUBLE_EQ(m.streams[1].max_ms, 5);
  EXPECT_NEAR(m.engines[kDla0].utilisation, 1, 1e-9);
}

}  // namespace
}  // namespace medlar::sched
