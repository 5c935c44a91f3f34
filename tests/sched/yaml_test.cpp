// SPDX-License-Identifier: Apache-2.0
// Scenario files: what they say, and how mistakes are named.
#include "sched/simulator.hpp"
#include "sched/yaml_reader.hpp"
#include "sched/yaml_scenario.hpp"

#include <gtest/gtest.h>

namespace medlar::sched {
namespace {

constexpr const char* kGood = R"(
scenario: two models
device: orin-nx-16gb
mode: 25W
seed: 7
duration: 990 ms
transition: 0.3 ms
base_watts: 3 W
dram: {bandwidth: 50 GB/s, energy_per_gb: 40 mJ}
engines:
  dla1: {gate_after: never, idle: 200 mW}
  cpu: {servers: 4}
models:
  detector:
    layers:
      - {name: backbone, dla: {time: 4 ms, dram: 8 MB, watts: 1.5}, gpu: 2 ms, out: 100 kB}
      - {name: head, gpu: {time: 500 us, energy: 2 mJ}}
streams:
  - name: camera
    fps: 30
    deadline: 33 ms
    in_flight: 3
    drop: oldest
    pipeline:
      - {name: pre, cpu: 1 ms}
      - {name: detect, model: detector, on: dla, policy: alternate}
      - {name: other, model: detector, on: gpu, after: pre}
      - {name: post, cpu: 1 ms, after: [detect, other]}
  - name: event
    after: camera
    probability: 0.5
    pipeline:
      - {name: look, gpu: 3 ms}
)";

Result<LoadedScenario> parse(std::string text) {
  return parse_scenario(text, "test.yaml", {});
}

std::string replaced(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Yaml, SaysWhatItMeans) {
  const auto loaded = parse(kGood);
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  const Scenario& s = loaded->scenario;
  EXPECT_EQ(s.seed, 7u);
  EXPECT_EQ(s.duration, to_time(0.99));
  EXPECT_DOUBLE_EQ(s.transition.seconds(1e9), 0.3e-3);
  EXPECT_DOUBLE_EQ(s.dram_bytes_per_second, 50e9);
  EXPECT_NEAR(s.dram_joules_per_byte, 40e-12, 1e-20);
  EXPECT_EQ(s.engines[1].gate_after, kNever);
  EXPECT_DOUBLE_EQ(s.engines[1].idle_watts, 0.2);
  const Step& detect = s.streams[0].pipeline[1];
  ASSERT_EQ(detect.mappings.size(), 2u) << "two cores, in turn";
  EXPECT_EQ(detect.mappings[0].name, "dla0+gpu") << "the head falls back";
  EXPECT_EQ(detect.mappings[1].name, "dla1+gpu");
  EXPECT_DOUBLE_EQ(detect.mappings[0].segments[0].cost.joules, (1.5 - s.engines[0].idle_watts) * 4e-3);
  EXPECT_DOUBLE_EQ(detect.mappings[0].segments[1].cost.joules, 2e-3);
  EXPECT_EQ(s.streams[0].pipeline[3].after, (std::vector<size_t>{1, 2}));
  const auto outcome = simulate(s);
  ASSERT_TRUE(outcome) << outcome.error().to_string();
  EXPECT_EQ(outcome->metrics.streams[0].completed, 30u);
  EXPECT_GT(outcome->metrics.streams[1].completed, 5u);
}

TEST(Yaml, MistakesNameFileLineAndValue) {
  const struct {
    const char* from;
    const char* to;
    const char* message;
  } kCases[] = {
      {"seed: 7", "sead: 7", "unknown key 'sead'"},
      {"fps: 30", "fps: fast", "'fast' is no number"},
      {"fps: 30", "", "exactly one of every"},
      {"4 ms, dram", "4 weeks, dram",
       "'4 weeks' is no number of 0 or more with one of the units ms, us, ns, s"},
      {"model: detector, on: dla,", "model: detektor, on: dla,", "no model is called 'detektor'"},
      {"on: gpu, after", "on: npu, after", "no engine 'npu'"},
      {"after: [detect, other]", "after: [detect, nobody]", "no step above is called 'nobody'"},
      {"after: camera", "after: kamera", "no stream above is called 'kamera'"},
      {"drop: oldest", "drop: random", "none of newest, oldest"},
      {"mode: 25W", "mode: 26W", "power mode \"26W\""},
      {"watts: 1.5", "watts: 0.01", "below dla0's idle power"},
      {"dla1:", "dla2:", "no engine 'dla2'"},
      {"policy: alternate", "policy: best", "none of fixed, alternate"},
      {", policy: alternate", "", "2 engines in 'on': say with policy"},
      {"- {name: look, gpu: 3 ms}", "- {name: look}", "no time on any engine"},
      {"servers: 4", "servers: 0", "'servers' is 0"},
  };
  for (const auto& c : kCases) {
    const auto loaded = parse(replaced(c.from, c.to));
    ASSERT_FALSE(loaded) << c.to;
    EXPECT_NE(loaded.error().message.find(c.message), std::string::npos) << loaded.error().message;
  }
  const auto line = parse(replaced("seed: 7", "seed: x"));
  ASSERT_FALSE(line);
  EXPECT_NE(line.error().message.find("test.yaml:"), std::string::npos) << line.error().message;
  const auto broken = parse("scenario: [");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Code::kCorrupt);
  const auto empty = parse("");
  EXPECT_FALSE(empty);
}

TEST(Yaml, Quantities) {
  EXPECT_DOUBLE_EQ(*parse_quantity("33.3 ms", Unit::kSeconds), 33.3e-3);
  EXPECT_DOUBLE_EQ(*parse_quantity("33.3ms", Unit::kSeconds), 33.3e-3);
  EXPECT_DOUBLE_EQ(*parse_quantity("5", Unit::kSeconds), 5e-3);
  EXPECT_DOUBLE_EQ(*parse_quantity("2 MiB", Unit::kBytes), 2097152);
  EXPECT_DOUBLE_EQ(*parse_quantity("0.5", Unit::kNumber), 0.5);
  for (const char* bad : {"", "ms", "-1 ms", "inf", "nan", "1 m"}) {
    EXPECT_FALSE(parse_quantity(bad, Unit::kSeconds)) << bad;
  }
}

}  // namespace
}  // namespace medlar::sched
