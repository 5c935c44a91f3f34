// SPDX-License-Identifier: Apache-2.0
// Whole segments: the hardware graph's numbers against the real numbers of the layers that it stands for.
#include <gtest/gtest.h>

#include "front_graphs.hpp"
#include "hw/config.hpp"

namespace medlar::compiler::test {
namespace {

using hw::Precision;

struct Case {
  std::string config;
  Precision precision;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.config << ' ' << hw::precision_name(c.precision); }

class FrontNumeric : public ::testing::TestWithParam<Case> {
 protected:
  Target target() const { return {*hw::find_config(GetParam().config), GetParam().precision, {}}; }

  /// INT8: uniform data quantised to 127 levels either side have a relative error of 0.5% per tensor; a segment
  /// adds those of its inputs, weights and intermediate tensors.
  void check(const Outcome& outcome, double int8_norm = 0.02) const {
    ASSERT_FALSE(outcome.hardware.ops.empty());
    EXPECT_LT(outcome.relative_norm, GetParam().precision == Precision::kFp16 ? 1e-3 : int8_norm);
  }
};

/// What needs a lookup table; nv_small has none.
class FrontTables : public FrontNumeric {};

ValueId conv(GraphBuilder& b, const std::string& name, ValueId in, Shape weights, Shape out,
             std::map<std::string, Attribute> attributes = {}) {
  const int64_t kernels = weights[0];
  return b.node("Conv", name, {in, b.random(std::move(weights)), b.random({kernels}, -2.0, 2.0)}, std::move(out),
                std::move(attributes));
}

TEST_P(FrontNumeric, ConvReluIsOneOperation) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 3, 9, 11});
  const ValueId y = conv(b, "conv", x, {16, 3, 3, 3}, {1, 16, 5, 6},
                         {{"pads", std::vector<int64_t>{1, 1, 1, 1}}, {"strides", std::vector<int64_t>{2, 2}}});
  b.output(b.node("Relu", "relu", {y}, {1, 16, 5, 6}));
  const Outcome outcome = run_segment(b, target(), {{"x", b.noise(3 * 9 * 11, -1, 1)}});
  EXPECT_EQ(outcome.hardware.ops.size(), 1u);
  EXPECT_EQ(outcome.hardware.ops.at(0).origins, (std::vector<std::string>{"conv", "relu"}));
  check(outcome);
}

TEST_P(FrontNumeric, ResidualBlock) {
  GraphBuilder b;
  const std::map<std::string, Attribute> same = {{"pads", std::vector<int64_t>{1, 1, 1, 1}}};
  const Shape shape = {1, 16, 8, 8};
  const ValueId x = b.input("x", shape);
  const ValueId a = b.node("Relu", "a_relu", {conv(b, "a", x, {16, 16, 3, 3}, shape, same)}, shape);
  const ValueId c = conv(b, "c", a, {16, 16, 3, 3}, shape, same);
  b.output(b.node("Relu", "out", {b.node("Add", "add", {a, c}, shape)}, shape));
  const Outcome outcome = run_segment(b, target(), {{"x", b.noise(16 * 64, -3, 3)}});
  EXPECT_EQ(outcome.hardware.ops.size(), 2u);
  check(outcome);
}

TEST_P(FrontNumeric, SumOfTwoTensorsOfDifferentScale) {
  GraphBuilder b;
  const Shape shape = {1, 8, 5, 5};
  const ValueId x = b.input("x", shape);
  const ValueId y = b.input("y", shape);
  b.output(b.node("Add", "add", {x, y}, shape));
  check(run_segment(b, target(), {{"x", b.noise(200, -100, 100)}, {"y", b.noise(200, -1, 1)}}), 0.01);
}

TEST_P(FrontNumeric, DifferenceAndProduct) {
  GraphBuilder b;
  const Shape shape = {1, 8, 5, 5};
  const ValueId x = b.input("x", shape);
  const ValueId y = b.input("y", shape);
  b.output(b.node("Sub", "sub", {x, y}, shape));
  b.output(b.node("Mul", "mul", {x, y}, shape));
  b.output(b.node("Max", "max", {x, y}, shape));
  b.output(b.node("Min", "min", {x, y}, shape));
  check(run_segment(b, target(), {{"x", b.noise(200, -4, 2)}, {"y", b.noise(200, -1, 3)}}), 0.02);
}

TEST_P(FrontNumeric, BatchNormScaleAndBiasFoldIntoConv) {
  GraphBuilder b;
  const Shape shape = {1, 8, 6, 6};
  const ValueId x = b.input("x", {1, 4, 6, 6});
  const ValueId y = b.node("Conv", "conv", {x, b.random({8, 4, 1, 1})}, shape);
  const ValueId n = b.node("BatchNormalization", "bn",
                           {y, b.random({8}, 0.5, 2), b.random({8}), b.random({8}), b.random({8}, 0.1, 2)}, shape);
  const ValueId a = b.node("Add", "shift", {n, b.random({8, 1, 1})}, shape);
  b.output(b.node("Mul", "scale", {a, b.random({1, 8, 1, 1})}, shape));
  const Outcome outcome = run_segment(b, target(), {{"x", b.noise(144, -1, 1)}});
  EXPECT_EQ(outcome.hardware.ops.size(), 1u);
  check(outcome);
}

TEST_P(FrontNumeric, BatchNormFromMemory) {
  GraphBuilder b;
  const Shape shape = {1, 8, 6, 6};
  const ValueId x = b.input("x", shape);
  const ValueId n = b.node("BatchNormalization", "bn",
                           {x, b.random({8}, 0.5, 2), b.random({8}), b.random({8}), b.random({8}, 0.1, 2)}, shape);
  b.output(b.node("Relu", "relu", {n}, shape));
  const Outcome outcome = run_segment(b, target(), {{"x", b.noise(288, -1, 1)}});
  EXPECT_EQ(outcome.hardware.ops.size(), 1u);
  check(outcome);
}

TEST_P(FrontNumeric, Relu6AndLeakyRelu) {
  GraphBuilder b;
  const Shape shape = {1, 8, 6, 6};
  const ValueId x = b.input("x", {1, 8, 6, 6});
  const ValueId y = conv(b, "conv", x, {8, 8, 3, 3}, shape, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  const ValueId z = b.node("Clip", "clip", {y}, shape, {{"min", 0.0f}, {"max", 6.0f}});
  const ValueId w = conv(b, "conv2", z, {8, 8, 1, 1}, shape);
  b.output(b.node("LeakyRelu", "leaky", {w}, shape, {{"alpha", 0.1f}}));
  const Outcome outcome = run_segment(b, target(), {{"x", b.noise(288, -2, 2)}});
  EXPECT_EQ(outcome.hardware.ops.size(), 2u);
  check(outcome, 0.03);
}

TEST_P(FrontNumeric, PoolsAndFullyConnected) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 8, 12, 12});
  const ValueId m = b.node("MaxPool", "max", {x}, {1, 8, 6, 6},
                           {{"kernel_shape", std::vector<int64_t>{3, 3}}, {"strides", std::vector<int64_t>{2, 2}},
                            {"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  const ValueId a = b.node("AveragePool", "average", {m}, {1, 8, 3, 3},
                           {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}});
  const ValueId f = b.node("Reshape", "flat", {a, b.ints({1, 72})}, {1, 72});
  b.output(b.node("Gemm", "fc", {f, b.random({10, 72}), b.random({10})}, {1, 10}, {{"transB", int64_t{1}}}));
  const Outcome outcome = run_segment(b, target(), {{"x", b.noise(8 * 144, 0, 5)}});
  EXPECT_EQ(outcome.hardware.ops.size(), 3u);
  check(outcome, 0.03);
}

TEST_P(FrontNumeric, GlobalAverageKeepsItsOwnScale) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 16, 11, 9});
  b.output(b.node("GlobalAveragePool", "mean", {x}, {1, 16, 1, 1}));
  const Outcome outcome = run_segment(b, target(), {{"x", b.noise(16 * 99, -1, 9)}});
  check(outcome, 0.01);
}

/// Half precision: the PDP where stages come out even (16 x 14 is 8 x 7 of 2 x 2), else two convolutions an atom.
TEST_P(FrontNumeric, GlobalAverageOfHalvesIsOneOperationForAllChannels) {
  const bool halves = GetParam().precision == Precision::kFp16;
  for (const auto& [h, w, operations] : {std::tuple{16, 14, size_t{2}}, {7, 7, size_t{1}}, {13, 11, size_t{2}}}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {1, 16, h, w});
    b.output(b.node("GlobalAveragePool", "mean", {x}, {1, 16, 1, 1}));
    const Outcome outcome = run_segment(b, target(), {{"x", b.noise(static_cast<size_t>(16 * h * w), -1, 2)}});
    EXPECT_EQ(halves ? outcome.hardware.ops.size() : operations, operations) << h << "x" << w;
    check(outcome, 0.03);
  }
}

TEST_P(FrontNumeric, DepthwiseAndGroupedConvolutions) {
  GraphBuilder b;
  const std::map<std::string, Attribute> depthwise = {{"group", int64_t{40}}, {"pads", std::vector<int64_t>{1, 1, 1, 1}}};
  const ValueId x = b.input("x", {1, 40, 5, 5});
  const ValueId d = b.node("Relu", "relu", {conv(b, "dw", x, {40, 1, 3, 3}, {1, 40, 5, 5}, depthwise)}, {1, 40, 5, 5});
  const ValueId g = conv(b, "grouped", d, {80, 20, 1, 1}, {1, 80, 5, 5}, {{"group", int64_t{2}}});
  b.output(b.node("Add", "add", {g, conv(b, "up", d, {80, 40, 1, 1}, {1, 80, 5, 5})}, {1, 80, 5, 5}));
  const Outcome outcome = run_segment(b, target(), {{"x", b.noise(1000, -1, 1)}});
  check(outcome, 0.03);
}

TEST_P(FrontNumeric, StridedSlicesAndChannelPadBecomeOneExactSelection) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 16, 8, 8});
  const ValueId far = b.ints({INT64_MAX});
  const ValueId h = b.node("Slice", "rows", {x, b.ints({0}), far, b.ints({2}), b.ints({2})}, {1, 16, 4, 8});
  const ValueId w = b.node("Slice", "columns", {h, b.ints({0}), far, b.ints({3}), b.ints({2})}, {1, 16, 4, 4});
  b.output(b.node("Pad", "pad", {w, b.ints({0, 8, 0, 0, 0, 8, 0, 0})}, {1, 32, 4, 4}));
  const Outcome outcome = run_segment(b, target(), {{"x", b.noise(1024, -1, 1)}});
  EXPECT_EQ(outcome.hardware.ops.size(), 1u);
  check(outcome, 0.01);
}

TEST_P(FrontNumeric, SliceWindow) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 8, 9, 9});
  const ValueId r = b.node("Relu", "relu", {x}, {1, 8, 9, 9});
  b.output(b.node("Slice", "window", {r, b.ints({2, 1}), b.ints({7, 9}), b.ints({2, 3})}, {1, 8, 5, 8}));
  check(run_segment(b, target(), {{"x", b.noise(648, -1, 1)}}), 0.01);
}

/// Weights of the largest operation.
size_t largest_weights(const Outcome& outcome) {
  size_t most = 0;
  for (const HwOp& op : outcome.hardware.ops) {
    const auto* conv = std::get_if<ConvOp>(&op.body);
    most = std::max(most, conv == nullptr ? 0 : conv->weights.integers.size() + conv->weights.halves.size());
  }
  return most;
}

TEST_P(FrontNumeric, PaddingBeyondTheKernelWidensIt) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 8, 5, 4});
  b.output(conv(b, "conv", x, {16, 8, 1, 1}, {1, 16, 7, 8}, {{"pads", std::vector<int64_t>{1, 2, 1, 2}}}));
  check(run_segment(b, target(), {{"x", b.noise(160, -1, 1)}}));
}

TEST_P(FrontNumeric, PaddingBeyondALargeKernelIsWrittenAroundItsInput) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 128, 5, 4});
  const ValueId wide = conv(b, "wide", x, {96, 128, 1, 1}, {1, 96, 7, 8}, {{"pads", std::vector<int64_t>{1, 2, 1, 2}}});
  b.output(conv(b, "tall", wide, {256, 96, 3, 1}, {1, 256, 12, 8}, {{"pads", std::vector<int64_t>{4, 0, 3, 0}}}));
  const Outcome outcome = run_segment(b, target(), {{"x", b.noise(2560, -1, 1)}});
  EXPECT_EQ(largest_weights(outcome), 256u * 96u * 3u);
  check(outcome, 0.03);
}

TEST_P(FrontNumeric, ConcatAtAtomsIsFree) {
  GraphBuilder b;
  const Shape shape = {1, 32, 4, 4};
  const ValueId x = b.input("x", {1, 16, 4, 4});
  const ValueId a = b.node("Relu", "a_relu", {conv(b, "a", x, {32, 16, 1, 1}, shape)}, shape);
  const ValueId c = conv(b, "c", a, {32, 32, 1, 1}, shape);
  const ValueId d = conv(b, "d", x, {24, 16, 1, 1}, {1, 24, 4, 4});
  b.output(b.node("Concat", "concat", {a, c, d}, {1, 88, 4, 4}, {{"axis", int64_t{1}}}));
  const Outcome outcome = run_segment(b, target(), {{"x", b.noise(256, -1, 1)}});
  // `c` reads `a`, so `a` cannot lie in the buffer that `c` writes: one copy.
  EXPECT_EQ(outcome.hardware.ops.size(), 4u);
  check(outcome, 0.03);
}

TEST_P(FrontNumeric, ConcatBetweenAtomsShiftsChannels) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 20, 4, 4});
  const ValueId a = conv(b, "a", x, {20, 20, 1, 1}, {1, 20, 4, 4});
  b.output(b.node("Concat", "concat", {x, a, x}, {1, 60, 4, 4}, {{"axis", int64_t{1}}}));
  check(run_segment(b, target(), {{"x", b.noise(320, -1, 1)}}), 0.03);
}

TEST_P(FrontNumeric, WideConcatBetweenAtomsGoesInBands) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 700, 1, 4});
  const ValueId y = b.input("y", {1, 9, 1, 4});
  const ValueId z = b.input("z", {1, 600, 1, 4});
  b.output(b.node("Concat", "concat", {x, y, z, y}, {1, 1318, 1, 4}, {{"axis", int64_t{1}}}));
  const Outcome outcome = run_segment(b, target(), {{"x", b.noise(2800, -1, 1)}, {"y", b.noise(36, -1, 1)}, {"z", b.noise(2400, -1, 1)}});
  EXPECT_LE(largest_weights(outcome), 256u * (256u + 32u));
  check(outcome, 0.02);
}

TEST_P(FrontNumeric, WideStridedSliceGoesInBands) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 1500, 1, 2});
  b.output(b.node("Slice", "slice", {x, b.ints({7}), b.ints({1500}), b.ints({1}), b.ints({2})}, {1, 747, 1, 2}));
  const Outcome outcome = run_segment(b, target(), {{"x", b.noise(3000, -1, 1)}});
  EXPECT_LE(largest_weights(outcome), 256u * (512u + 32u));
  check(outcome, 0.01);
}

TEST_P(FrontNumeric, SplitOnChannels) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 40, 4, 4});
  graph::Graph& graph = b.graph();
  const ValueId left = b.node("Split", "left", {x}, {1, 13, 4, 4}, {{"axis", int64_t{1}}});
  const ValueId right =
      graph::add_value(graph, {"right", graph::DataType::kFloat32, Shape{1, 27, 4, 4}, nullptr});
  graph.nodes.back().outputs.push_back(right);
  b.output(left);
  b.output(right);
  check(run_segment(b, target(), {{"x", b.noise(640, -1, 1)}}), 0.01);
}

TEST_P(FrontNumeric, PoolingPyramidOverWindows) {
  GraphBuilder b;
  const Shape shape = {1, 32, 6, 6};
  const std::map<std::string, Attribute> same = {{"kernel_shape", std::vector<int64_t>{5, 5}},
                                                 {"pads", std::vector<int64_t>{2, 2, 2, 2}}};
  const ValueId x = conv(b, "stem", b.input("x", {1, 8, 6, 6}), {32, 8, 1, 1}, shape);
  const ValueId p = b.node("MaxPool", "p", {x}, shape, same);
  const ValueId q = b.node("MaxPool", "q", {p}, shape, same);
  b.output(b.node("Concat", "concat", {x, p, q}, {1, 96, 6, 6}, {{"axis", int64_t{1}}}));
  check(run_segment(b, target(), {{"x", b.noise(288, -1, 1)}}), 0.02);
}

TEST_P(FrontNumeric, HardSigmoidNeedsNoTable) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 8, 6, 6});
  b.output(b.node("HardSigmoid", "hard", {x}, {1, 8, 6, 6}, {{"alpha", 0.2f}, {"beta", 0.4f}}));
  const Outcome outcome = run_segment(b, target(), {{"x", b.noise(288, -4, 4)}});
  EXPECT_EQ(outcome.hardware.ops.size(), 1u);
  check(outcome, 0.02);
}

TEST_P(FrontTables, TablesFollowConvolutions) {
  for (const std::string op : {"Sigmoid", "Tanh", "Elu", "Softplus", "Erf", "Gelu", "HardSwish", "Mish"}) {
    GraphBuilder b;
    const ValueId x = b.input("x", {1, 8, 6, 6});
    const ValueId y = conv(b, "conv", x, {16, 8, 1, 1}, {1, 16, 6, 6});
    b.output(b.node(op, "out", {y}, {1, 16, 6, 6}));
    const Outcome outcome = run_segment(b, target(), {{"x", b.noise(288, -4, 4)}});
    EXPECT_EQ(outcome.hardware.ops.size(), 1u) << op;
    SCOPED_TRACE(op);
    check(outcome, 0.02);
  }
}

/// Networks whose values are far smaller than what a function's own intervals are made for: its table is as fine as they are.
TEST_P(FrontTables, TablesAreAsFineAsTheirValues) {
  for (const std::string op : {"Tanh", "Elu", "Erf", "Gelu", "HardSwish", "Mish"}) {
    for (const float size : {1e-2f, 1e-4f}) {
      GraphBuilder b;
      const ValueId x = b.input("x", {1, 8, 6, 6});
      const ValueId y = conv(b, "conv", x, {16, 8, 1, 1}, {1, 16, 6, 6});
      b.output(b.node(op, "out", {y}, {1, 16, 6, 6}));
      SCOPED_TRACE(op + fmt::format(" of {}", size));
      check(run_segment(b, target(), {{"x", b.noise(288, -size, size)}}), 0.02);
    }
  }
}

TEST_P(FrontTables, GatedActivationIsOneTable) {
  GraphBuilder b;
  const Shape shape = {1, 16, 6, 6};
  const ValueId x = b.input("x", {1, 8, 6, 6});
  const ValueId y = conv(b, "conv", x, {16, 8, 1, 1}, shape);
  const ValueId silu = b.node("Mul", "silu", {y, b.node("Sigmoid", "sigmoid", {y}, shape)}, shape);
  const ValueId z = conv(b, "conv2", silu, {16, 16, 1, 1}, shape);
  const ValueId hard = b.node("HardSigmoid", "hard", {z}, shape, {{"alpha", 1.0f / 6.0f}});
  b.output(b.node("Mul", "swish", {hard, z}, shape));
  const Outcome outcome = run_segment(b, target(), {{"x", b.noise(288, -2, 2)}});
  EXPECT_EQ(outcome.hardware.ops.size(), 2u);
  EXPECT_EQ(outcome.hardware.luts.size(), 2u);
  check(outcome, 0.02);
}

TEST_P(FrontNumeric, LargeMaximaGoInStagesExactly) {
  GraphBuilder b;
  const ValueId x = b.input("x", {1, 8, 20, 17});
  b.output(b.node("MaxPool", "same", {x}, {1, 8, 20, 17},
                  {{"kernel_shape", std::vector<int64_t>{13, 9}}, {"pads", std::vector<int64_t>{6, 4, 6, 4}}}));
  b.output(b.node("MaxPool", "strided", {x}, {1, 8, 3, 5},
                  {{"kernel_shape", std::vector<int64_t>{17, 3}}, {"strides", std::vector<int64_t>{2, 4}},
                   {"pads", std::vector<int64_t>{1, 1, 1, 1}}}));
  check(run_segment(b, target(), {{"x", b.noise(8 * 340, -1, 1)}}), 0.01);
}

std::string name_of(const ::testing::TestParamInfo<Case>& test) {
  return test.param.config + "_" + std::string(hw::precision_name(test.param.precision));
}

INSTANTIATE_TEST_SUITE_P(Targets, FrontNumeric,
                         ::testing::Values(Case{"nv_full", Precision::kInt8}, Case{"nv_full", Precision::kFp16},
                                           Case{"nv_small", Precision::kInt8}, Case{"nv_large", Precision::kInt8}),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Targets, FrontTables,
                         ::testing::Values(Case{"nv_full", Precision::kInt8}, Case{"nv_full", Precision::kFp16},
                                           Case{"nv_large", Precision::kInt8}),
                         name_of);

}  // namespace
}  // namespace medlar::compiler::test
