// SPDX-License-Identifier: Apache-2.0
// Calibration caches of other tools, written by hand, and back.
#include <gtest/gtest.h>

#include "compiler/calibration_cache.hpp"
#include "front_graphs.hpp"

namespace medlar::compiler::test {
namespace {

constexpr std::string_view kTensorRt =
    "TRT-8601-EntropyCalibration2\n"
    "data: 3f982f5b\n"
    "scope:conv1: 40d0ed2c\r\n"
    "zero: 00000000\n"
    "(Unnamed Layer* 3) [Activation]_output: 3c010a14\n";

TEST(CalibrationCache, ReadsTensorRt) {
  ASSERT_TRUE(is_calibration_cache(kTensorRt));
  const auto table = parse_calibration_cache(kTensorRt, "cache");
  ASSERT_TRUE(table) << table.error().to_string();
  EXPECT_EQ(table->ranges.size(), 3u);
  EXPECT_NEAR(table->ranges.at("data").scale, 1.18895f, 1e-5);
  EXPECT_NEAR(table->ranges.at("scope:conv1").scale, 6.5289516f, 1e-5);
  EXPECT_NEAR(magnitude(table->ranges.at("(Unnamed Layer* 3) [Activation]_output")), 1.0f, 1e-3);
}

TEST(CalibrationCache, ReadsNvdlaJson) {
  const std::string_view json = R"({"conv1": {"scale": 0.1, "min": 0, "max": 0, "offset": 0}, "relu1": {"scale": 0, "min": 0, "max": 5.08, "offset": 0}})";
  ASSERT_TRUE(is_calibration_cache(json));
  const auto table = parse_calibration_cache(json, "table.json");
  ASSERT_TRUE(table) << table.error().to_string();
  EXPECT_FLOAT_EQ(magnitude(table->ranges.at("conv1")), 12.7f);
  EXPECT_FLOAT_EQ(magnitude(table->ranges.at("relu1")), 5.08f);
}

TEST(CalibrationCache, NamesTheBrokenLine) {
  const struct { std::string_view text; std::string_view message; } cases[] = {
      {"TRT-8601-EntropyCalibration2\ndata 3f98\n", "cache:2"},
      {"TRT-8601-EntropyCalibration2\ndata: 3f982f5b\nx: nonsense\n", "cache:3"},
      {"TRT-8601-EntropyCalibration2\ndata: 7fc00000\n", "cache:2"},
      {"TRT-8601-EntropyCalibration2\ndata: bf800000\n", "cache:2"},
      {R"({"conv1": 3})", "conv1"},
      {R"({"conv1": {"scale": "x"}})", "scale"},
      {R"({"conv1": {"scale": 1, "zero": 1}})", "zero"},
      {R"({"conv1": {"scale": 1, "offset": 3}})", "offset"},
      {R"({"conv1": {"min": 2, "max": 1}})", "conv1"},
      {R"({"conv1": )", "JSON"}};
  for (const auto& broken : cases) {
    const auto table = parse_calibration_cache(broken.text, "cache");
    ASSERT_FALSE(table) << broken.text;
    EXPECT_NE(table.error().message.find(broken.message), std::string::npos) << table.error().message;
  }
}

TEST(CalibrationCache, WritesWhatItReads) {
  CalibrationTable table;
  table.ranges["b"] = {.min = -1.0f, .max = 2.54f};
  table.ranges["a"] = {.min = 0.0f, .max = 9.0f, .scale = 0.0f, .reach = 6.35f};
  EXPECT_EQ(to_tensorrt_cache(table), "TRT-8601-EntropyCalibration2\na: 3d4ccccd\nb: 3ca3d70a\n");
  const auto back = parse_calibration_cache(to_tensorrt_cache(table), "cache");
  ASSERT_TRUE(back);
  EXPECT_FLOAT_EQ(magnitude(back->ranges.at("a")), 6.35f);
  const auto json = parse_calibration_cache(to_nvdla_json(table), "cache");
  ASSERT_TRUE(json) << json.error().to_string();
  EXPECT_FLOAT_EQ(json->ranges.at("b").min, -1.0f);
  EXPECT_FLOAT_EQ(json->ranges.at("a").max, 6.35f);
}

TEST(CalibrationCache, FindsValuesAndNodesOfTheModel) {
  GraphBuilder b;
  const Shape shape = {1, 4, 2, 2};
  const ValueId x = b.input("x", shape);
  const ValueId y = b.node("Relu", "relu", {x}, shape);
  b.output(b.node("MaxPool", "pool", {y}, shape, {{"kernel_shape", std::vector<int64_t>{1, 1}}}));
  b.graph().nodes[0].name = "relu_node";
  CalibrationTable cache;
  cache.ranges["x"] = {.scale = 0.1f};
  cache.ranges["relu_node"] = {.scale = 0.2f};
  cache.ranges["pool"] = {.scale = 0.3f};
  cache.ranges["(Unnamed Layer* 7)"] = {.scale = 1.0f};
  std::vector<std::string> unknown;
  const auto table = resolve_ranges(cache, b.graph(), unknown);
  ASSERT_TRUE(table) << table.error().to_string();
  EXPECT_EQ(unknown, std::vector<std::string>{"(Unnamed Layer* 7)"});
  EXPECT_FLOAT_EQ(table->ranges.at("x").min, -12.7f);
  EXPECT_EQ(table->ranges.at("relu").min, 0.0f) << "never negative, so the zero point may move";
  EXPECT_FLOAT_EQ(table->ranges.at("relu").max, 25.4f);
  EXPECT_EQ(table->ranges.at("pool").min, 0.0f) << "as its input";
  CalibrationTable foreign;
  foreign.ranges["other"] = {.scale = 1.0f};
  EXPECT_EQ(resolve_ranges(foreign, b.graph(), unknown).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace medlar::compiler::test
