// SPDX-License-Identifier: Apache-2.0
// What the back half emits computes what its graph says: driver core and chip model against the plain interpreter.
#include <cmath>

#include <gtest/gtest.h>

#include "back_checker.hpp"
#include "back_graphs.hpp"
#include "back_runner.hpp"
#include "hw_interpreter.hpp"

namespace medlar::compiler::test {
namespace {

using hw::Precision;

RealsByName random_inputs(const HwGraph& graph, uint32_t seed) {
  GraphMaker numbers(Precision::kInt8, seed + 77);
  RealsByName inputs;
  for (const HwTensor& t : graph.tensors) {
    if (t.role == TensorRole::kInput) {
      std::vector<double> values(static_cast<size_t>(t.w) * static_cast<size_t>(t.h) * static_cast<size_t>(t.c));
      for (double& value : values) {
        value = t.precision == Precision::kFp16 ? (numbers.below(2001) - 1000) / 1024.0 : numbers.below(256) - 128;
      }
      inputs[t.name] = values;
    }
  }
  return inputs;
}

/// INT8 must agree exactly, FP16 within one per cent (2-norm).
void expect_same(const HwGraph& graph, std::string_view config, uint32_t seed = 1, const EmitOptions& options = {}) {
  const auto segment = emit_segment(graph, config_named(config), options);
  ASSERT_TRUE(segment) << segment.error().to_string();
  const RealsByName inputs = random_inputs(graph, seed);
  const auto outputs = run_segment(*segment, config_named(config), inputs);
  ASSERT_TRUE(outputs) << outputs.error().to_string();
  for (const auto& [name, expected] : interpret(graph, inputs)) {
    const std::vector<double>& got = outputs->at(name);
    ASSERT_EQ(got.size(), expected.size());
    double difference = 0;
    double norm = 0;
    size_t wrong = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      difference += (got[i] - expected[i]) * (got[i] - expected[i]);
      norm += expected[i] * expected[i];
      wrong += got[i] != expected[i] ? 1 : 0;
    }
    if (graph.tensors[0].precision == Precision::kFp16) {
      EXPECT_LE(std::sqrt(difference), 0.01 * std::sqrt(norm)) << name;
    } else {
      EXPECT_EQ(wrong, 0U) << name << " of " << got.size();
    }
    EXPECT_GT(norm, 0) << "nothing but zeros proves little";
  }
}

struct Case {
  int w, h, c, k;
  GraphMaker::Kernel kernel;
};

HwGraph single_conv(Precision precision, const Case& x) {
  GraphMaker m(precision);
  const TensorId in = m.tensor(x.w, x.h, x.c, TensorRole::kInput);
  m.conv_to(in, x.k, x.kernel, TensorRole::kOutput);
  return m.graph;
}

TEST(BackRun, Convolutions) {
  const std::vector<Case> cases{
      {8, 8, 16, 16, {}},
      {9, 7, 33, 40, {.r = 3, .s = 3, .pad = 1}},
      {9, 7, 5, 70, {.r = 3, .s = 5, .stride = 2, .pad = 2}},
      {12, 12, 9, 8, {.r = 3, .s = 3, .pad = 4, .dilation = 3}},
      {16, 16, 20, 17, {.r = 1, .s = 1, .stride = 3}},
      {6, 6, 24, 50, {.r = 6, .s = 6}},
  };
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    expect_same(single_conv(Precision::kInt8, cases[i]), "nv_small");
    expect_same(single_conv(Precision::kInt8, cases[i]), "nv_large");
    expect_same(single_conv(Precision::kInt8, cases[i]), "nv_full");
    expect_same(single_conv(Precision::kFp16, cases[i]), "nv_full");
  }
}

TEST(BackRun, TiledConvolutions) {
  expect_same(single_conv(Precision::kInt8, {40, 40, 64, 8, {.r = 3, .s = 3, .pad = 1}}), "nv_small");   // Rows.
  expect_same(single_conv(Precision::kInt8, {700, 3, 64, 4, {.r = 3, .s = 3, .pad = 1}}), "nv_small");    // Columns.
  expect_same(single_conv(Precision::kInt8, {7, 7, 256, 56, {.r = 3, .s = 3, .pad = 1}}), "nv_small");    // Kernels.
  expect_same(single_conv(Precision::kInt8, {8, 8, 256, 20, {.r = 8, .s = 8}}), "nv_small");              // Parts.
  expect_same(single_conv(Precision::kInt8, {3, 19, 1024, 24, {.r = 3, .s = 3, .stride = 8}}), "nv_small");
  expect_same(single_conv(Precision::kFp16, {16, 16, 240, 20, {.r = 16, .s = 16}}), "nv_full");           // Parts.
}

TEST(BackRun, ImageInputs) {
  const std::vector<Case> cases{
      {24, 20, 3, 16, {.r = 3, .s = 3, .stride = 2, .pad = 1}}, {31, 29, 3, 33, {.r = 7, .s = 7, .stride = 2, .pad = 3}},
      {33, 30, 4, 8, {.r = 3, .s = 3, .pad = 1}},               {28, 28, 1, 40, {.r = 5, .s = 5, .pad = 2}},
      {23, 23, 3, 24, {.r = 11, .s = 11, .stride = 4}},         {17, 9, 3, 5, {}},
      {29, 13, 1, 17, {.r = 3, .s = 1, .stride = 3, .pad = 0}}, {300, 130, 3, 4, {.r = 3, .s = 3, .stride = 2, .pad = 1}},  // Rows.
  };
  const EmitOptions images{.images = true};
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    for (const char* config : {"nv_small", "nv_large", "nv_full"}) {
      const HwGraph graph = single_conv(Precision::kInt8, cases[i]);
      const auto segment = emit_segment(graph, config_named(config), images);
      ASSERT_TRUE(segment);
      EXPECT_EQ(segment->inputs[0].components, cases[i].c == 1 ? 1 : 4);
      expect_same(graph, config, 1, images);
    }
    expect_same(single_conv(Precision::kFp16, cases[i]), "nv_full", 1, images);
  }
}

TEST(BackRun, OnlyConvolutionsMakeAnImage) {
  const EmitOptions images{.images = true};
  GraphMaker pooled(Precision::kInt8);
  pooled.pool_to(pooled.tensor(8, 8, 3, TensorRole::kInput), PoolMode::kMax, 2, 2, 0, TensorRole::kOutput);
  for (const HwGraph& graph : {pooled.graph, single_conv(Precision::kInt8, {8, 8, 3, 8, {.r = 3, .s = 3, .pad = 2, .dilation = 2}}),
                               single_conv(Precision::kInt8, {8, 8, 5, 8, {}})}) {
    const auto segment = emit_segment(graph, config_named("nv_full"), images);
    ASSERT_TRUE(segment);
    EXPECT_EQ(segment->inputs[0].components, 0);
    expect_same(graph, "nv_full", 1, images);
  }
}

TEST(BackRun, SramChangesNothing) {
  for (const uint32_t seed : {1U, 2U, 3U, 4U}) {
    for (const Precision precision : {Precision::kInt8, Precision::kFp16}) {
      const HwGraph graph = random_graph(precision, seed, 12);
      const EmitOptions options{.sram_bytes = seed % 2 == 0 ? 16384U : 65536U};
      const auto without = emit_segment(graph, config_named("nv_full"));
      const auto with = emit_segment(graph, config_named("nv_full"), options);
      ASSERT_TRUE(without && with);
      EXPECT_GT(with->memory.sram, 0U);
      EXPECT_LE(with->memory.sram, options.sram_bytes);
      EXPECT_LE(with->memory.intermediate, without->memory.intermediate);
      const RealsByName inputs = random_inputs(graph, seed);
      const auto expected = run_segment(*without, config_named("nv_full"), inputs);
      const auto got = run_segment(*with, config_named("nv_full"), inputs);
      ASSERT_TRUE(expected) << expected.error().to_string();
      ASSERT_TRUE(got) << got.error().to_string();
      EXPECT_EQ(*got, *expected);
    }
  }
  const auto small = emit_segment(random_graph(Precision::kInt8, 1, 12), config_named("nv_small"), {.sram_bytes = 65536});
  ASSERT_TRUE(small);
  EXPECT_EQ(small->memory.sram, 0U) << "nv_small has no second memory port";
}

TEST(BackRun, WidePooling) {
  for (const int kernel : {2, 3, 5}) {
    for (const int stride : {1, 2, 4}) {
      GraphMaker m(Precision::kInt8);
      const TensorId in = m.tensor(301, 9, 12, TensorRole::kInput);
      m.pool_to(in, PoolMode::kMax, kernel, stride, kernel / 2, TensorRole::kOutput);
      expect_same(m.graph, "nv_small");
      expect_same(m.graph, "nv_full");
      std::get<PoolOp>(m.graph.ops[0].body).mode = PoolMode::kAverage;
      expect_same(m.graph, "nv_small");
      expect_same(m.graph, "nv_full");
    }
  }
}

TEST(BackRun, ConcatenationAndSlices) {
  for (const char* config : {"nv_small", "nv_full"}) {
    GraphMaker m(Precision::kInt8);
    const TensorId in = m.tensor(6, 5, 16, TensorRole::kInput);
    const TensorId joined = m.tensor(6, 5, 100);
    m.conv(in, m.view(joined, 0, 64), {});
    m.conv(in, m.view(joined, 64, 36), {.r = 3, .s = 3, .pad = 1});
    m.conv_to(m.view(joined, 32, 32), 8, {}, TensorRole::kOutput);
    m.conv_to(joined, 8, {}, TensorRole::kOutput);
    expect_same(m.graph, config);
  }
}

TEST(BackRun, CopiesOfSinglePixels) {
  // One pixel out of a larger cube: several surfaces, which the hardware would take as packed.
  GraphMaker m(Precision::kInt8);
  const TensorId in = m.tensor(6, 5, 40, TensorRole::kInput);
  const TensorId pixel = m.tensor(1, 1, 40);
  m.at(pixel).view_of = in;
  m.at(pixel).view_x = 3;
  m.at(pixel).view_y = 2;
  const TensorId other = m.conv_to(pixel, 40, {});
  m.add_to(pixel, other, TensorRole::kOutput);
  std::get<SdpOp>(m.graph.ops.back().body).sdp.output = {.enable = true, .offset = 0, .scale = 1, .shift = 1};
  expect_same(m.graph, "nv_small");
  expect_same(m.graph, "nv_full");
}

/// Runs a graph of one operation that the interpreter does not know.
std::vector<double> run_one(const HwGraph& graph, const RealsByName& inputs) {
  const auto segment = emit_segment(graph, config_named("nv_full"));
  if (!segment) {
    ADD_FAILURE() << segment.error().to_string();
    return {};
  }
  const auto outputs = run_segment(*segment, config_named("nv_full"), inputs);
  if (!outputs) {
    ADD_FAILURE() << outputs.error().to_string();
    return {};
  }
  return outputs->begin()->second;
}

TEST(BackRun, ContractMovesChannelsToPixels) {
  GraphMaker m(Precision::kFp16);
  const TensorId in = m.tensor(3, 2, 96, TensorRole::kInput);
  const TensorId out = m.tensor(9, 4, 16, TensorRole::kOutput);
  m.graph.ops.push_back({.name = "up", .origins = {}, .src = in, .dst = out,
                         .body = RubikOp{.mode = RubikMode::kContract, .stride_x = 3, .stride_y = 2}});
  const RealsByName inputs = random_inputs(m.graph, 5);
  const std::vector<double> got = run_one(m.graph, inputs);
  ASSERT_EQ(got.size(), 9U * 4 * 16);
  const std::vector<double>& x = inputs.at("t0");
  for (size_t c = 0; c < 16; ++c) {
    for (size_t y = 0; y < 4; ++y) {
      for (size_t column = 0; column < 9; ++column) {
        const size_t channel = (y % 2 * 3 + column % 3) * 16 + c;
        ASSERT_EQ(got[(c * 4 + y) * 9 + column], x[(channel * 2 + y / 2) * 3 + column / 3]);
      }
    }
  }
}

TEST(BackRun, CopyOfAWindow) {
  GraphMaker m(Precision::kInt8);
  const TensorId in = m.tensor(6, 5, 80, TensorRole::kInput);
  const TensorId out = m.tensor(4, 3, 48, TensorRole::kOutput);
  m.graph.ops.push_back({.name = "slice", .origins = {}, .src = in, .dst = out,
                         .body = CopyOp{.src_x = 1, .src_y = 2, .src_c = 32, .w = 4, .h = 3, .c = 48}});
  const RealsByName inputs = random_inputs(m.graph, 6);
  const std::vector<double> got = run_one(m.graph, inputs);
  ASSERT_EQ(got.size(), 4U * 3 * 48);
  for (size_t c = 0; c < 48; ++c) {
    for (size_t y = 0; y < 3; ++y) {
      for (size_t x = 0; x < 4; ++x) {
        ASSERT_EQ(got[(c * 3 + y) * 4 + x], inputs.at("t0")[((c + 32) * 5 + y + 2) * 6 + x + 1]);
      }
    }
  }
}

uint16_t half_bits(double value) {
  const uint16_t sign = value < 0 ? 0x8000 : 0;
  const double magnitude = std::abs(value);
  if (magnitude < std::ldexp(1.0, -14)) {
    return static_cast<uint16_t>(sign + std::lround(std::ldexp(magnitude, 24)));
  }
  const int exponent = std::ilogb(magnitude);
  return static_cast<uint16_t>(sign + ((exponent + 15) << 10) + std::lround(std::ldexp(magnitude, 10 - exponent)) - 1024);
}

TEST(BackRun, TableOfTheTanh) {
  // As NVIDIA's compiler makes it: linear table from -4 in steps of 1/32.
  Lut lut;
  for (size_t i = 0; i < lut.lo.size(); ++i) {
    lut.lo[i] = static_cast<int16_t>(half_bits(std::tanh(-4.0 + static_cast<double>(i) / 32)));
  }
  lut.le_index = -128;
  lut.lo_index = -5;
  lut.lo_start = 0xc0800000;  // FP32 bits of -4.
  lut.hybrid_priority = lut.underflow_priority = lut.overflow_priority = 1;
  GraphMaker m(Precision::kFp16);
  m.graph.luts = {Lut{}, lut};
  m.lut_to(m.tensor(7, 5, 20, TensorRole::kInput), 1, TensorRole::kOutput);
  const RealsByName inputs = random_inputs(m.graph, 7);
  const std::vector<double> got = run_one(m.graph, inputs);
  ASSERT_EQ(got.size(), 7U * 5 * 20);
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], std::tanh(inputs.at("t0")[i]), 2e-3);
  }
}

TEST(BackRun, LocalResponseNormalisation) {
  // Exponential table of NVIDIA's compiler: entry i is (k + alpha / n * 2^i) ^ -beta, straight lines in between.
  constexpr double kAlpha = 2.0;
  constexpr double kBeta = 0.75;
  const auto entry = [&](int i) { return std::pow(1.0 + kAlpha / 5 * std::ldexp(1.0, i), -kBeta); };
  Lut lut;
  for (size_t i = 0; i < lut.le.size(); ++i) {
    lut.le[i] = static_cast<int16_t>(half_bits(entry(static_cast<int>(i))));
  }
  lut.le_exponential = true;
  lut.lo_index = -128;
  lut.lo_start = lut.lo_end = 1;
  GraphMaker m(Precision::kFp16);
  m.graph.luts = {lut};
  const TensorId in = m.tensor(5, 4, 40, TensorRole::kInput);
  const TensorId out = m.tensor(5, 4, 40, TensorRole::kOutput);
  m.graph.ops.push_back({.name = "lrn", .origins = {}, .src = in, .dst = out,
                         .body = LrnOp{.local_size = 5, .lut = 0, .input = {}, .output = {}}});
  RealsByName inputs = random_inputs(m.graph, 8);
  for (double& x : inputs.at("t0")) {
    x *= 4;  // Sums over 1, where the table begins.
  }
  const std::vector<double> got = run_one(m.graph, inputs);
  ASSERT_EQ(got.size(), 5U * 4 * 40);
  const auto at = [&](int c, size_t pixel) { return c < 0 || c >= 40 ? 0.0 : inputs.at("t0")[static_cast<size_t>(c) * 20 + pixel]; };
  for (int c = 0; c < 40; ++c) {
    for (size_t pixel = 0; pixel < 20; ++pixel) {
      double sum = 0;
      for (int near = c - 2; near <= c + 2; ++near) {
        sum += at(near, pixel) * at(near, pixel);
      }
      if (sum > 1) {
        const int i = std::ilogb(sum);
        const double expected = at(c, pixel) * (entry(i) + (sum / std::ldexp(1.0, i) - 1) * (entry(i + 1) - entry(i)));
        ASSERT_NEAR(got[static_cast<size_t>(c) * 20 + pixel], expected, 0.005 * std::abs(expected) + 2e-3);
      }
    }
  }
}

TEST(BackRun, Int16AndItsConversions) {
  // INT8 to INT16 from memory, an INT16 convolution, back to INT8: each value is multiplied by 3 and divided again.
  GraphMaker m(Precision::kInt16);
  const TensorId in = m.tensor(6, 5, 40, TensorRole::kInput);
  const TensorId wide = m.tensor(6, 5, 40);
  const TensorId mixed = m.tensor(6, 5, 40);
  const TensorId out = m.tensor(6, 5, 40, TensorRole::kOutput);
  m.at(in).precision = m.at(out).precision = Precision::kInt8;
  SdpOp widen;
  widen.sdp.output = {.enable = true, .offset = 0, .scale = 3, .shift = 0};
  m.graph.ops.push_back({.name = "widen", .origins = {}, .src = in, .dst = wide, .body = widen});
  HwOp& op = m.conv(wide, mixed, {}, false);
  auto& conv = std::get<ConvOp>(op.body);
  for (size_t i = 0; i < conv.weights.integers.size(); ++i) {
    conv.weights.integers[i] = i / 40 == i % 40 ? 1 : 0;
  }
  conv.sdp.output = {};
  SdpOp narrow;
  narrow.sdp.output = {.enable = true, .offset = 0, .scale = 21845, .shift = 16};
  m.graph.ops.push_back({.name = "narrow", .origins = {}, .src = mixed, .dst = out, .body = narrow});
  const RealsByName inputs = random_inputs(m.graph, 9);
  EXPECT_EQ(run_one(m.graph, inputs), inputs.at("t0"));
}

TEST(BackRun, RandomNetworks) {
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    expect_same(random_graph(Precision::kInt8, seed, 8), "nv_small", seed);
    expect_same(random_graph(Precision::kInt8, seed + 1000, 8), seed % 2 == 0 ? "nv_full" : "nv_large", seed);
    expect_same(random_graph(Precision::kFp16, seed + 2000, 6), "nv_full", seed);
  }
}

}  // namespace
}  // namespace medlar::compiler::test
