// SPDX-License-Identifier: Apache-2.0
// Hand-computed cases, and what must add up whatever the scenario is.
#include "sched/simulator.hpp"

#include "sched/report.hpp"
#include "sched/scenarios.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace medlar::sched {
namespace {

using namespace test;

TEST(Simulator, OneStageAlone) {
  Scenario scenario = bare();
  StreamSpec stream = periodic("camera", 10 * kMs, 5);
  stream.pipeline = {step(scenario, "net", {kDla0}, {.dla = 4 * kMs})};
  scenario.streams = {stream};
  const Metrics m = run(scenario).metrics;
  EXPECT_EQ(m.streams[0].completed, 5u);
  EXPECT_DOUBLE_EQ(m.streams[0].mean_ms, 4);
  EXPECT_DOUBLE_EQ(m.streams[0].max_ms, 4);
  EXPECT_DOUBLE_EQ(m.seconds, 44 * kMs);  // the fifth frame arrives at 40
  EXPECT_NEAR(m.engines[kDla0].utilisation, 20.0 / 44, 1e-12);
}

TEST(Simulator, APipelineCostsItsTransitions) {
  Scenario scenario = bare();
  StreamSpec stream = periodic("camera", 20 * kMs, 3);
  stream.pipeline = {step(scenario, "pre", {kCpu}, {.cpu = 2 * kMs}),
                     step(scenario, "net", {kDla0}, {.dla = 5 * kMs}, {0}),
                     step(scenario, "post", {kCpu}, {.cpu = 1 * kMs}, {1})};
  scenario.streams = {stream};
  const Metrics m = run(scenario).metrics;
  EXPECT_DOUBLE_EQ(m.streams[0].mean_ms, 2 + 1 + 5 + 1 + 1);
  EXPECT_EQ(m.streams[0].transitions, 6u);
  EXPECT_DOUBLE_EQ(m.streams[0].transition_ms, 2);
}

TEST(Simulator, AForkEndsWithItsSlowerBranch) {
  Scenario scenario = bare();
  StreamSpec stream = periodic("camera", 50 * kMs, 2);
  stream.pipeline = {step(scenario, "pre", {kCpu}, {.cpu = 2 * kMs}),
                     step(scenario, "a", {kDla0}, {.dla = 9 * kMs}, {0}),
                     step(scenario, "b", {kGpu}, {.gpu = 4 * kMs}, {0}),
                     step(scenario, "post", {kCpu}, {.cpu = 1 * kMs}, {1, 2})};
  scenario.streams = {stream};
  EXPECT_DOUBLE_EQ(run(scenario).metrics.streams[0].mean_ms, 2 + 1 + 9 + 1 + 1);
}

TEST(Simulator, AQueueGrowsWhenFramesComeTooFast) {
  Scenario scenario = bare();
  StreamSpec stream = periodic("camera", 3 * kMs, 4);
  stream.pipeline = {step(scenario, "net", {kDla0}, {.dla = 5 * kMs})};
  stream.deadline = to_time(8 * kMs);
  scenario.streams = {stream};
  const StreamMetrics m = run(scenario).metrics.streams[0];
  // Done at 5, 10, 15, 20; arrived at 0, 3, 6, 9.
  EXPECT_DOUBLE_EQ(m.mean_ms, (5 + 7 + 9 + 11) / 4.0);
  EXPECT_DOUBLE_EQ(m.waiting_ms, (0 + 2 + 4 + 6) / 4.0);
  EXPECT_EQ(m.missed, 2u);
  EXPECT_DOUBLE_EQ(m.p50_ms, 7);
  EXPECT_DOUBLE_EQ(m.p99_ms, 11);
}

TEST(Simulator, FullStreamsDropTheNewestOrTheOldest) {
  for (const Drop drop : {Drop::kNewest, Drop::kOldest}) {
    Scenario scenario = bare();
    StreamSpec stream = periodic("camera", 1 * kMs, 4);
    stream.pipeline = {step(scenario, "net", {kDla0}, {.dla = 10 * kMs})};
    stream.in_flight = 2;
    stream.drop = drop;
    scenario.streams = {stream};
    const StreamMetrics m = run(scenario).metrics.streams[0];
    EXPECT_EQ(m.completed, 2u);
    EXPECT_EQ(m.dropped, 2u);
    // Frame 0 runs 0..10; then frame 1 (arrived at 1) or frame 3 (arrived at 3) until 20.
    EXPECT_DOUBLE_EQ(m.max_ms, drop == Drop::kNewest ? 19 : 17);
  }
}

TEST(Simulator, PriorityGoesFirstButDoesNotInterrupt) {
  Scenario scenario = bare();
  StreamSpec low = periodic("low", 1 * kMs, 3);
  low.pipeline = {step(scenario, "a", {kDla0}, {.dla = 10 * kMs})};
  StreamSpec high = periodic("high", 1 * kMs, 1);
  high.start = to_time(5 * kMs);
  high.priority = 1;
  high.pipeline = {step(scenario, "b", {kDla0}, {.dla = 2 * kMs})};
  scenario.streams = {low, high};
  const Metrics m = run(scenario).metrics;
  EXPECT_DOUBLE_EQ(m.streams[1].mean_ms, 10 + 2 - 5);
  EXPECT_DOUBLE_EQ(m.streams[0].max_ms, 32 - 2);
}

TEST(Simulator, AlternatingFramesUseBothEngines) {
  Scenario scenario = bare();
  StreamSpec stream;
  stream.name = "s";
  stream.arrivals = {.kind = Arrivals::Kind::kConcurrent, .concurrent = 2};
  stream.frames = 100;
  Step net = step(scenario, "net", {kDla0, kGpu}, {.dla = 4 * kMs, .gpu = 4 * kMs});
  net.policy = Policy::kAlternate;
  stream.pipeline = {net};
  scenario.streams = {stream};
  const Metrics m = run(scenario).metrics;
  EXPECT_DOUBLE_EQ(m.seconds, 200 * kMs);
  EXPECT_EQ(m.engines[kDla0].segments, 50u);
  EXPECT_EQ(m.engines[kGpu].segments, 50u);
  EXPECT_DOUBLE_EQ(m.streams[0].throughput, 500);
}

TEST(Simulator, LeastLoadedSharesByHowFastEnginesAre) {
  Scenario scenario = bare();
  StreamSpec stream;
  stream.name = "s";
  stream.arrivals = {.kind = Arrivals::Kind::kConcurrent, .concurrent = 4};
  stream.frames = 300;
  Step net = step(scenario, "net", {kDla0, kGpu}, {.dla = 8 * kMs, .gpu = 4 * kMs});
  net.policy = Policy::kLeastLoaded;
  stream.pipeline = {net};
  scenario.streams = {stream};
  const Metrics m = run(scenario).metrics;
  EXPECT_NEAR(static_cast<double>(m.engines[kGpu].segments), 200, 4);
  EXPECT_NEAR(m.streams[0].throughput, 375, 8);
}

TEST(Simulator, TriggersFollowTheirSource) {
  Scenario scenario = bare();
  StreamSpec camera = periodic("camera", 10 * kMs, 40);
  camera.pipeline = {step(scenario, "watch", {kDla0}, {.dla = 2 * kMs})};
  StreamSpec event;
  event.name = "event";
  event.arrivals = {.kind = Arrivals::Kind::kTriggered, .source = 0, .every = 8};
  event.pipeline = {step(scenario, "look", {kGpu}, {.gpu = 5 * kMs})};
  scenario.streams = {camera, event};
  EXPECT_EQ(run(scenario).metrics.streams[1].completed, 5u);
  scenario.streams[1].arrivals.every = 1;
  scenario.streams[1].arrivals.probability = 0.25;
  const uint64_t completed = run(scenario).metrics.streams[1].completed;
  EXPECT_GT(completed, 3u);
  EXPECT_LT(completed, 20u);
}

TEST(Simulator, GatingSavesPowerAndCostsTheWake) {
  Scenario scenario = bare();
  EngineSpec& dla = scenario.engines[kDla0];
  dla.idle_watts = 1;
  dla.gated_watts = 0.1;
  dla.gate_after = to_time(2 * kMs);
  dla.wake = to_time(1 * kMs);
  StreamSpec stream = periodic("camera", 10 * kMs, 3);
  stream.pipeline = {step(scenario, "net", {kDla0}, {.dla = 4 * kMs})};
  scenario.streams = {stream};
  const Metrics m = run(scenario).metrics;
  const EngineMetrics& e = m.engines[kDla0];
  EXPECT_DOUBLE_EQ(m.streams[0].mean_ms, 5) << "every frame finds it gated";
  EXPECT_NEAR(e.waking_seconds, 3 * kMs, 1e-12);
  EXPECT_NEAR(e.working_seconds, 12 * kMs, 1e-12);
  EXPECT_NEAR(e.idle_seconds, 4 * kMs, 1e-12);   // 2 ms behind each of the first two frames
  EXPECT_NEAR(e.gated_seconds, 6 * kMs, 1e-12);  // then 3 ms until the next
  EXPECT_NEAR(e.static_joules, 1 * 19 * kMs + 0.1 * 6 * kMs, 1e-12);
}

Scenario busy_scenario() {
  Scenario scenario = bare();
  scenario.base_watts = 2;
  scenario.dram_joules_per_byte = 40e-12;
  scenario.engines[kDla0].idle_watts = 0.1;
  scenario.engines[kDla0].gate_after = to_time(3 * kMs);
  scenario.engines[kDla0].wake = to_time(0.2 * kMs);
  scenario.engines[kGpu].idle_watts = 0.5;
  scenario.engines[kCpu].servers = 2;
  StreamSpec camera = periodic("camera", 7 * kMs, 500);
  Step net = step(scenario, "net", {kDla0, kGpu}, {.dla = 6 * kMs, .gpu = 3 * kMs, .dram = 4e6}, {0});
  net.policy = Policy::kLeastLoaded;
  camera.pipeline = {step(scenario, "pre", {kCpu}, {.cpu = 2 * kMs}), net};
  StreamSpec noise;
  noise.name = "noise";
  noise.arrivals = {.kind = Arrivals::Kind::kPoisson, .rate = 120};
  noise.frames = 400;
  noise.in_flight = 6;
  noise.drop = Drop::kOldest;
  noise.pipeline = {step(scenario, "other", {kGpu}, {.gpu = 5 * kMs, .dram = 6e6})};
  scenario.streams = {camera, noise};
  return scenario;
}

TEST(Simulator, TimeEnergyAndFramesAreConserved) {
  const Outcome outcome = run(busy_scenario(), {.timeline_spans = 1'000'000, .max_frames = 0, .on_step = {}});
  const Metrics& m = outcome.metrics;
  double joules = m.base_joules + m.dram_joules, bytes = 0;
  for (size_t i = 0; i < m.engines.size(); ++i) {
    const EngineMetrics& e = m.engines[i];
    EXPECT_NEAR(e.working_seconds + e.idle_seconds + e.gated_seconds + e.waking_seconds, m.seconds, 1e-9)
        << e.name;
    EXPECT_NEAR(e.utilisation * m.seconds * e.servers, e.busy_seconds, 1e-9);
    double spans = 0;
    for (const Span& span : outcome.timeline) {
      spans += span.kind == Span::Kind::kWork && span.engine == i ? to_seconds(span.end - span.start) : 0;
    }
    EXPECT_NEAR(spans, e.busy_seconds, 1e-9) << "the timeline shows all work of " << e.name;
    joules += e.joules();
    bytes += e.dram_bytes;
    EXPECT_NEAR(e.watts * m.seconds, e.joules(), 1e-9);
  }
  EXPECT_NEAR(joules, m.joules, 1e-9);
  EXPECT_DOUBLE_EQ(bytes, m.dram_bytes);
  EXPECT_NEAR(m.watts * m.seconds, m.joules, 1e-9);
  for (const StreamMetrics& s : m.streams) {
    EXPECT_EQ(s.completed + s.dropped, s.arrived) << s.name;
  }
}

TEST(Simulator, OneServerDoesOneThingAtATime) {
  const Outcome outcome = run(busy_scenario(), {.timeline_spans = 1'000'000, .max_frames = 0, .on_step = {}});
  std::map<std::pair<size_t, uint32_t>, Time> free_at;
  for (const Span& span : outcome.timeline) {
    if (span.kind == Span::Kind::kWork) {
      Time& free = free_at[{span.engine, span.server}];
      EXPECT_GE(span.start, free);
      free = span.end;
    }
  }
}

TEST(Simulator, TwoRunsAreIdenticalToTheByte) {
  Scenario scenario = busy_scenario();
  ASSERT_TRUE(expand(scenario));
  EXPECT_EQ(metrics_to_json(scenario, simulate(scenario)->metrics),
            metrics_to_json(scenario, simulate(scenario)->metrics));
  Scenario other = scenario;
  other.seed = 2;
  EXPECT_NE(metrics_to_json(other, simulate(other)->metrics),
            metrics_to_json(scenario, simulate(scenario)->metrics));
}

TEST(Simulator, TenThousandFramesOnTwoEnginesTakeLessThanASecond) {
  Scenario scenario = busy_scenario();
  scenario.streams[0].frames = 10'000;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(run(scenario).metrics.streams[0].completed, 10'000u);
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), 1.0);
}

TEST(Simulator, BrokenScenariosAreNamed) {
  Scenario scenario = bare();
  EXPECT_EQ(simulate(scenario).error().code, Code::kInvalidArgument);
  StreamSpec stream = periodic("endless", 1 * kMs, 0);
  stream.pipeline = {step(scenario, "net", {kDla0}, {.dla = 4 * kMs})};
  scenario.streams = {stream};
  ASSERT_TRUE(expand(scenario));
  EXPECT_NE(simulate(scenario).error().message.find("'endless'"), std::string::npos);
  Scenario unable = bare();
  stream.frames = 1;
  stream.pipeline = {step(unable, "only cpu", {kDla0}, {.cpu = 1})};
  unable.streams = {stream};
  EXPECT_TRUE(expand(unable)) << "falls back to the CPU";
  EXPECT_EQ(unable.streams[0].pipeline[0].mappings[0].name, "cpu");
  stream.pipeline = {step(unable, "only dla", {kCpu}, {.dla = 1})};
  unable.streams = {stream};
  const Status status = expand(unable);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("only dla"), std::string::npos) << status.error().message;
}

}  // namespace
}  // namespace medlar::sched
