// SPDX-License-Identifier: Apache-2.0
// Fixed-point forms, FP16 constants and scales.
#include <cmath>

#include <gtest/gtest.h>

#include "compiler/quantise/fixed_point.hpp"
#include "compiler/quantise/half.hpp"
#include "compiler/quantise/scales.hpp"
#include "hw_interpreter.hpp"

namespace medlar::compiler::test {
namespace {

double half_value(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

TEST(FrontHalf, EveryPatternSurvivesARoundTrip) {
  for (int bits = 0; bits < 0x10000; ++bits) {
    if (((bits >> 10) & 31) != 31) {
      EXPECT_EQ(to_half(static_cast<float>(half_value(static_cast<uint16_t>(bits)))), bits);
    }
  }
}

TEST(FrontHalf, RoundsToNearestEvenAndSaturates) {
  for (int i = -70000; i < 70000; i += 7) {
    for (const double value : {i * 1.0, i * 1e-3, i * 1e-9}) {
      EXPECT_EQ(half_value(to_half(static_cast<float>(value))), round_half(static_cast<float>(value))) << value;
    }
  }
  EXPECT_EQ(to_half(1e9f), 0x7bff);
  EXPECT_EQ(to_half(-1e9f), 0xfbff);
}

TEST(FrontFixedPoint, FactorsKeepFifteenBits) {
  for (double factor = 1e-9; factor < 30000.0; factor *= 1.37) {
    const auto fixed = fixed_factor(factor, 63);
    ASSERT_TRUE(fixed);
    EXPECT_LE(std::abs(fixed->scale), kOperandMax);
    EXPECT_NEAR(std::ldexp(fixed->scale, -fixed->shift) / factor, 1.0, 1.0 / 32768);
  }
  EXPECT_EQ(fixed_factor(0.25, 63)->scale, 1);
  EXPECT_EQ(fixed_factor(0.25, 63)->shift, 2);
  EXPECT_FALSE(fixed_factor(32768.0, 63));
}

TEST(FrontFixedPoint, AddendsShareTheSmallestShift) {
  const double small[] = {3.4, -32767.0};
  EXPECT_EQ(fixed_addends(small)->shift, 0);
  EXPECT_EQ(fixed_addends(small)->operands, (std::vector<int32_t>{3, -32767}));
  const double large[] = {3.4, 65536.0};
  EXPECT_EQ(fixed_addends(large)->shift, 2);
  EXPECT_EQ(fixed_addends(large)->operands, (std::vector<int32_t>{1, 16384}));
  const double huge[] = {1e12};
  EXPECT_FALSE(fixed_addends(huge));
}

TEST(FrontScales, PoolsShareAndUpperBoundsCut) {
  LayerGraph graph;
  graph.tensors = {{.name = "x", .range = "x", .role = TensorRole::kInput}, {.name = "y", .range = "y"}, {.name = "z", .range = "z"}};
  Layer clip{.name = "clip", .origins = {}, .src = 0, .dst = 1, .body = SdpLayer{}, .steps = {}};
  clip.steps = {{.kind = StepKind::kMin, .add = {6.0f}}};
  graph.layers = {clip, {.name = "pool", .origins = {}, .src = 1, .dst = 2, .body = PoolLayer{}, .steps = {}}};
  CalibrationTable table;
  table.ranges["x"] = {.min = -12.7f, .max = 1.0f};
  table.ranges["y"] = {.min = 0.0f, .max = 50.0f};
  table.ranges["z"] = {.min = 0.0f, .max = 5.0f};
  const auto scales = assign_scales(graph, table);
  ASSERT_TRUE(scales);
  EXPECT_NEAR(scales->scale[0], 13.7f / 255, 0.002);
  EXPECT_LE(scales->scale_of(0) * static_cast<float>(-128 - scales->zero_of(0)), -12.7f) << "and the least is inside";
  EXPECT_EQ(scales->zero, (std::vector<int>{109, -128, -128}));
  EXPECT_FLOAT_EQ(scales->scale_of(0) * static_cast<float>(127 - 109), 1.0f) << "the largest value is exact";
  EXPECT_FLOAT_EQ(scales->scale[1], 6.0f / 255);
  EXPECT_FLOAT_EQ(scales->scale[2], 6.0f / 255);
  table.ranges.erase("z");
  ASSERT_TRUE(assign_scales(graph, table)) << "a pool's result has the scale of its input";
  table.ranges.erase("y");
  EXPECT_EQ(assign_scales(graph, table).error().code, Code::kNotFound);
}

TEST(FrontCalibration, ObservesExtremesAndRefusesNan) {
  TensorRange range;
  const float samples[] = {-1.0f, 3.0f, 2.0f};
  ASSERT_TRUE(observe(range, samples));
  EXPECT_EQ(magnitude(range), 3.0f);
  EXPECT_FLOAT_EQ(int8_scale(range), 3.0f / 127);
  EXPECT_EQ(int8_scale({}), 1.0f);
  const float bad[] = {NAN};
  EXPECT_FALSE(observe(range, bad));
}

}  // namespace
}  // namespace medlar::compiler::test
