// SPDX-License-Identifier: Apache-2.0
// Zero points, equalisation, bias correction, mixed precision and Q/DQ pairs: numbers against the real ones.
#include <cmath>

#include <gtest/gtest.h>

#include "compiler/quantise/equalise.hpp"
#include "compiler/quantise/mixed.hpp"
#include "compiler/quantise/qdq.hpp"
#include "compiler/quantise/rounding.hpp"
#include "compiler/quantise/scales.hpp"
#include "front_graphs.hpp"
#include "hw/config.hpp"

namespace medlar::compiler::test {
namespace {

using hw::Precision;

Target int8(const std::string& config, std::set<std::string> fp16_nodes = {}) {
  return {*hw::find_config(config), Precision::kInt8, std::move(fp16_nodes)};
}

const std::map<std::string, Attribute> kSame = {{"pads", std::vector<int64_t>{1, 1, 1, 1}}};

ValueId conv(GraphBuilder& b, const std::string& name, ValueId in, Shape weights, Shape out,
             std::map<std::string, Attribute> attributes = {}) {
  const int64_t kernels = weights[0];
  return b.node("Conv", name, {in, b.random(std::move(weights)), b.random({kernels}, -1.0, 1.0)}, std::move(out), std::move(attributes));
}

/// Two convolutions with a ReLU in between.
GraphBuilder two_convs(uint32_t seed = 1) {
  GraphBuilder b(seed);
  const Shape shape = {1, 16, 8, 8};
  const ValueId x = b.input("x", {1, 8, 8, 8});
  const ValueId y = b.node("Relu", "relu", {conv(b, "a", x, {16, 8, 3, 3}, shape, kSame)}, shape);
  b.output(conv(b, "c", y, {16, 16, 3, 3}, shape, kSame));
  return b;
}

TEST(ZeroPoints, ReluOutputsUseAllEightBits) {
  for (const std::string config : {"nv_full", "nv_small", "nv_large"}) {
    GraphBuilder b = two_convs();
    const Outcome outcome = run_segment(b, int8(config), {{"x", b.noise(512, -1, 1)}});
    bool found = false;
    for (const HwTensor& tensor : outcome.hardware.tensors) {
      found = found || (tensor.name == "relu" && tensor.zero == -128);
    }
    EXPECT_TRUE(found);
    EXPECT_LT(outcome.relative_norm, 0.013) << config;
  }
}

TEST(ZeroPoints, PoolsSumsAndPaddingTakeThemBack) {
  GraphBuilder b;
  const Shape shape = {1, 16, 8, 8};
  const ValueId x = b.input("x", shape);
  const ValueId a = b.node("Relu", "a_relu", {conv(b, "a", x, {16, 16, 3, 3}, shape, kSame)}, shape);
  const ValueId p = b.node("AveragePool", "p", {a}, shape,
                           {{"kernel_shape", std::vector<int64_t>{3, 3}}, {"pads", std::vector<int64_t>{1, 1, 1, 1}},
                            {"count_include_pad", int64_t{1}}});
  const ValueId s = b.node("Add", "sum", {conv(b, "c", p, {16, 16, 1, 1}, shape), a}, shape);
  b.output(b.node("Relu", "out", {s}, shape));
  const Outcome outcome = run_segment(b, int8("nv_full"), {{"x", b.noise(1024, -1, 1)}});
  EXPECT_LT(outcome.relative_norm, 0.012);
}

TEST(ZeroPoints, ABoundThatSharesItsTensorIsAStepOfItsOwn) {
  GraphBuilder b;
  const Shape shape = {1, 32, 4, 4};
  const ValueId x = b.input("x", {1, 16, 4, 4});
  const ValueId a = b.node("Clip", "a_clip", {conv(b, "a", x, {32, 16, 1, 1}, shape)}, shape, {{"min", 0.0f}, {"max", 1.0f}});
  const ValueId c = conv(b, "c", x, {32, 16, 1, 1}, shape);
  b.output(b.node("Concat", "concat", {a, c}, {1, 64, 4, 4}, {{"axis", int64_t{1}}}));
  const Outcome outcome = run_segment(b, int8("nv_full"), {{"x", b.noise(256, -1, 1)}});
  EXPECT_LT(outcome.relative_norm, 0.02) << "values above the bound must not come through";
}

TEST(Equalise, KeepsTheFunctionAndGainsOnUnevenChannels) {
  GraphBuilder b;
  const Shape shape = {1, 32, 6, 6};
  const ValueId x = b.input("x", {1, 8, 6, 6});
  std::vector<float> weights;
  for (int k = 0; k < 32; ++k) {
    for (int c = 0; c < 8; ++c) {
      weights.push_back(static_cast<float>(b.noise(1, -1, 1)[0] * std::pow(2.0, -(k % 8))));
    }
  }
  const ValueId y = b.node("Relu", "relu", {b.node("Conv", "a", {x, b.constant({32, 8, 1, 1}, weights)}, shape)}, shape);
  const std::map<std::string, Attribute> depthwise = {{"group", int64_t{32}}, {"pads", std::vector<int64_t>{1, 1, 1, 1}}};
  std::vector<float> taps;
  for (int k = 0; k < 32; ++k) {
    for (int i = 0; i < 9; ++i) {
      taps.push_back(static_cast<float>(b.noise(1, -1, 1)[0] * std::pow(2.0, k % 8)));
    }
  }
  b.output(b.node("Conv", "dw", {y, b.constant({32, 1, 3, 3}, taps)}, shape, depthwise));
  const Outcome outcome = run_segment(b, int8("nv_full"), {{"x", b.noise(288, -1, 1)}});
  bool equalised = false;
  for (const HwTensor& tensor : outcome.hardware.tensors) {
    equalised = equalised || !tensor.channel_scale.empty();
  }
  EXPECT_TRUE(equalised);
  EXPECT_LT(outcome.relative_norm, 0.015) << "one scale for all channels has an error of several percent";
}

TEST(MixedPrecision, LayersStayInFp16WithConversionsAround) {
  GraphBuilder b;
  const Shape shape = {1, 16, 8, 8};
  const ValueId x = b.input("x", {1, 8, 8, 8});
  const ValueId y = b.node("Relu", "a_relu", {conv(b, "a", x, {16, 8, 3, 3}, shape, kSame)}, shape);
  const ValueId z = b.node("Relu", "b_relu", {conv(b, "b", y, {16, 16, 3, 3}, shape, kSame)}, shape);
  b.output(conv(b, "c", z, {16, 16, 1, 1}, shape));
  const auto noise = b.noise(512, -1, 1);
  const Outcome plain = run_segment(b, int8("nv_full"), {{"x", noise}});
  for (const std::string node : {"a", "b", "c"}) {
    const Outcome mixed = run_segment(b, int8("nv_full", {node}), {{"x", noise}});
    ASSERT_GT(mixed.hardware.ops.size(), 0u);
    int halves = 0;
    for (const HwOp& op : mixed.hardware.ops) {
      const HwTensor& dst = mixed.hardware.tensors[static_cast<size_t>(op.dst)];
      halves += std::holds_alternative<ConvOp>(op.body) && dst.precision == Precision::kFp16 ? 1 : 0;
    }
    EXPECT_EQ(halves, 1) << node;
    EXPECT_LT(mixed.relative_norm, 1.1 * plain.relative_norm) << node;
  }
  const Outcome all = run_segment(b, int8("nv_full", {"a", "b", "c"}), {{"x", noise}});
  EXPECT_EQ(all.hardware.ops.size(), 3u) << "no conversion is left";
  EXPECT_LT(all.relative_norm, 1e-3);
}

TEST(MixedPrecision, PoolsFollowAndSumsConvertTheirOperand) {
  GraphBuilder b;
  const Shape shape = {1, 16, 8, 8};
  const ValueId x = b.input("x", shape);
  const ValueId a = b.node("Relu", "a_relu", {conv(b, "a", x, {16, 16, 3, 3}, shape, kSame)}, shape);
  const ValueId p = b.node("MaxPool", "p", {a}, shape,
                           {{"kernel_shape", std::vector<int64_t>{3, 3}}, {"pads", std::vector<int64_t>{1, 1, 1, 1}}});
  b.output(b.node("Add", "sum", {conv(b, "c", p, {16, 16, 1, 1}, shape), a}, shape));
  for (const std::string node : {"a", "c"}) {
    const Outcome outcome = run_segment(b, int8("nv_full", {node}), {{"x", b.noise(1024, -1, 1)}});
    EXPECT_GT(outcome.hardware.ops.size(), 3u);
    EXPECT_LT(outcome.relative_norm, 0.015) << node;
  }
}

TEST(Rounding, KeepsSumsAndStaysBetweenNeighbours) {
  GraphBuilder b(5);
  double plain = 0.0;
  double kept = 0.0;
  for (int round = 0; round < 50; ++round) {
    const std::vector<double> steps(36, 1.0);
    std::vector<double> exact = b.noise(36, -20, 20);
    exact[7] = 0.0;
    const std::vector<double> rounded = round_keeping_sums({.exact = exact, .step = steps, .taps = 9, .mean = {}, .limit = 127});
    for (size_t channel = 0; channel < 4; ++channel) {
      double plain_sum = 0.0;
      double kept_sum = 0.0;
      for (size_t i = 9 * channel; i < 9 * channel + 9; ++i) {
        EXPECT_LT(std::fabs(rounded[i] - exact[i]), 1.0);
        EXPECT_EQ(rounded[i], std::round(rounded[i]));
        plain_sum += std::round(exact[i]) - exact[i];
        kept_sum += rounded[i] - exact[i];
      }
      plain += plain_sum * plain_sum;
      kept += kept_sum * kept_sum;
      EXPECT_LT(std::fabs(kept_sum), 2.0);
    }
    EXPECT_EQ(rounded[7], 0.0) << "a weight that is not there stays away";
  }
  EXPECT_LT(kept, 0.5 * plain);
}

TEST(Rounding, WeighsChannelsByTheirMean) {
  const std::vector<double> exact{0.4, 0.4, 0.4, 0.4};
  const std::vector<double> steps(4, 1.0);
  const std::vector<double> mean{1.0, 1.0, 0.0, 0.0};
  const std::vector<double> rounded = round_keeping_sums({.exact = exact, .step = steps, .taps = 1, .mean = mean, .limit = 0});
  EXPECT_EQ(rounded, (std::vector<double>{1, 0, 0, 0})) << "the mean error of the first two is 0.2, not 0.8";
  const std::vector<double> large{130.0, 126.6};
  EXPECT_LE(round_keeping_sums({.exact = large, .step = {steps.data(), 2}, .taps = 1, .mean = {}, .limit = 127})[0], 127.0);
}

/// The flip that lowers the squared error of the sum most for the error it adds, by looking at every weight each time.
void settle_slowly(const Kernel& kernel, std::vector<double>& rounded, size_t begin, size_t end, bool weighted) {
  const auto weight = [&](size_t i) { return weighted && !kernel.mean.empty() ? kernel.mean[i / kernel.taps] : 1.0; };
  double sum = 0.0;
  for (size_t i = begin; i < end; ++i) {
    sum += weight(i) * (rounded[i] - kernel.exact[i]);
  }
  for (int flips = 0; flips < 64; ++flips) {
    double best = 1.0;
    size_t chosen = end;
    for (size_t i = begin; i < end; ++i) {
      const double move = sum * weight(i) > 0.0 ? -kernel.step[i] : kernel.step[i];
      const double error = rounded[i] - kernel.exact[i];
      const double gain = sum * sum - (sum + weight(i) * move) * (sum + weight(i) * move);
      const double cost = weight(i) * weight(i) * ((error + move) * (error + move) - error * error);
      const bool beyond = std::fabs(error + move) >= kernel.step[i] || std::fabs(rounded[i] + move) > kernel.limit * kernel.step[i] * 1.0001;
      if (!beyond && kernel.exact[i] != 0.0 && gain > 0.0 && cost < best * gain) {
        best = cost / gain;
        chosen = i;
      }
    }
    if (chosen == end) {
      return;
    }
    const double move = sum * weight(chosen) > 0.0 ? -kernel.step[chosen] : kernel.step[chosen];
    rounded[chosen] += move;
    sum += weight(chosen) * move;
  }
}

TEST(Rounding, FindsWhatLookingAtEveryWeightFinds) {
  GraphBuilder b(11);
  for (int round = 0; round < 60; ++round) {
    const size_t taps = round % 3 == 0 ? 1 : 9;
    const size_t channels = 40;
    std::vector<double> exact = b.noise(taps * channels, -60, 60);
    exact[3] = 0.0;
    exact[5] = 126.7;
    std::vector<double> steps(exact.size(), 1.0);
    for (size_t i = 0; i < steps.size() && round % 2 == 0; ++i) {
      steps[i] = std::ldexp(1.0, static_cast<int>(i * 7 % 5) - 2);
    }
    const std::vector<double> mean = round % 4 < 2 ? std::vector<double>{} : b.noise(channels, -1, 3);
    const Kernel kernel{.exact = exact, .step = steps, .taps = taps, .mean = mean, .limit = 127};
    std::vector<double> slow(exact.size());
    for (size_t i = 0; i < slow.size(); ++i) {
      slow[i] = std::clamp(std::round(exact[i] / steps[i]), -127.0, 127.0) * steps[i];
    }
    for (size_t begin = 0; taps > 1 && begin < slow.size(); begin += taps) {
      settle_slowly(kernel, slow, begin, begin + taps, false);
    }
    settle_slowly(kernel, slow, 0, slow.size(), true);
    EXPECT_EQ(round_keeping_sums(kernel), slow) << "round " << round;
  }
}

/// x -> Q -> DQ -> Conv -> Relu -> Q -> DQ -> output.
GraphBuilder qdq_model(double scale, int64_t zero, graph::DataType type) {
  GraphBuilder b;
  const Shape shape = {1, 8, 4, 4};
  const auto zero_point = [&] {
    graph::Value value{.name = "zero" + std::to_string(b.graph().values.size()), .type = type, .shape = Shape{}};
    value.data = std::make_shared<graph::Tensor>(graph::Tensor{type, {}, {static_cast<uint8_t>(zero)}, {}});
    return graph::add_value(b.graph(), std::move(value));
  };
  const auto pair = [&](const std::string& name, ValueId in) {
    const ValueId s = b.constant({}, {static_cast<float>(scale)});
    const ValueId q = b.node("QuantizeLinear", name + "_q", {in, s, zero_point()}, shape);
    return b.node("DequantizeLinear", name + "_dq", {q, s, zero_point()}, shape);
  };
  const ValueId x = pair("x", b.input("x", shape));
  const ValueId y = b.node("Relu", "relu", {b.node("Conv", "conv", {x, b.random({8, 8, 1, 1})}, shape)}, shape);
  b.output(pair("y", y));
  return b;
}

TEST(Qdq, SymmetricPairsAreTakenAsTheyAre) {
  GraphBuilder b = qdq_model(0.05, 0, graph::DataType::kInt8);
  const auto table = absorb_qdq(b.graph());
  ASSERT_TRUE(table) << table.error().to_string();
  EXPECT_FLOAT_EQ(table->ranges.at("x").scale, 0.05f);
  EXPECT_FLOAT_EQ(table->ranges.at("relu").scale, 0.05f);
  for (const graph::Node& node : b.graph().nodes) {
    EXPECT_NE(node.op_type, "QuantizeLinear");
    EXPECT_NE(node.op_type, "DequantizeLinear");
  }
  EXPECT_TRUE(graph::verify(b.graph()));
}

TEST(Qdq, AsymmetricPairsBecomeIntervals) {
  GraphBuilder b = qdq_model(0.02, 28, graph::DataType::kUint8);
  const auto table = absorb_qdq(b.graph());
  ASSERT_TRUE(table) << table.error().to_string();
  const TensorRange& range = table->ranges.at("relu");
  EXPECT_EQ(range.scale, 0.0f);
  EXPECT_NEAR(range.min, -28 * 0.02, 1e-6);
  EXPECT_NEAR(range.max, 227 * 0.02, 1e-6);
  LayerGraph graph;
  graph.tensors = {{.name = "relu", .range = "relu"}, {.name = "out", .range = "relu"}};
  graph.layers = {{.name = "copy", .origins = {}, .src = 0, .dst = 1, .body = SdpLayer{}, .steps = {}}};
  const auto scales = assign_scales(graph, *table);
  ASSERT_TRUE(scales);
  EXPECT_NEAR(scales->scale[0], 0.02, 1e-6);
  EXPECT_EQ(scales->zero[0], 28 - 128);
}

TEST(Qdq, WhatCannotBeAbsorbedIsNamed) {
  GraphBuilder b = qdq_model(0.05, 0, graph::DataType::kInt8);
  b.graph().nodes[0].inputs[1] = b.constant({2}, {0.1f, 0.2f});
  const auto by_channel = absorb_qdq(b.graph());
  ASSERT_FALSE(by_channel);
  EXPECT_NE(by_channel.error().message.find("x_q"), std::string::npos) << by_channel.error().message;
  GraphBuilder other = qdq_model(0.05, 0, graph::DataType::kInt8);
  other.graph().nodes[1].inputs[1] = other.constant({}, {0.06f});
  EXPECT_EQ(absorb_qdq(other.graph()).error().code, Code::kUnsupported);
}

}  // namespace
}  // namespace medlar::compiler::test
