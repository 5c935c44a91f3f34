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
void expect_same(const HwGraph& graph, std::string_view config, uint32_t seed = 1) {
  const auto segment = emit_segment(graph, config_named(config));
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
