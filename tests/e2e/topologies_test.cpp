// SPDX-License-Identifier: Apache-2.0
// Blocks of common networks as PyTorch exports them, with random weights: right in FP16 on the chip model,
// nothing on the host, and no more operations than they are worth.
#include "api/inference.hpp"
#include "e2e/random_graph.hpp"

#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace medlar::test {
namespace {

using graph::ValueId;
using Ints = std::vector<int64_t>;

ValueId conv(TripBuilder& b, ValueId x, int64_t kernels, int64_t size, int64_t stride = 1,
             int64_t group = 1) {
  const int64_t channels = b.shape(x)[1] / group;
  const double reach = 1.7 / std::sqrt(static_cast<double>(channels * size * size));
  const int64_t pad = size / 2;
  return b.node("Conv",
                {x, b.random({kernels, channels, size, size}, -reach, reach), b.random({kernels}, -0.1, 0.1)},
                {{"pads", Ints{pad, pad, pad, pad}}, {"strides", Ints{stride, stride}}, {"group", group}});
}

ValueId silu(TripBuilder& b, ValueId x) {
  return b.node("Mul", {x, b.node("Sigmoid", {x})});
}
ValueId hard_swish(TripBuilder& b, ValueId x) {
  return b.node("Mul", {x, b.node("HardSigmoid", {x}, {{"alpha", 1.0f / 6.0f}})});
}

/// A convolution and its SDP are two operations.
void expect_on_dla(GraphRun run, size_t most_operations) {
  const auto wanted = reference_run(run);
  ASSERT_TRUE(wanted) << wanted.error().to_string();
  auto engine = build_run(run, {.device = "nv_full", .precision = hw::Precision::kFp16});
  ASSERT_TRUE(engine) << engine.error().to_string();
  for (const compiler::Placement& row : engine->plan.placements) {
    EXPECT_TRUE(row.segment < 0 || row.engine == compiler::Engine::kDla) << row.node << ": " << row.reason;
  }
  EXPECT_LE(engine->plan.hw_ops.size(), most_operations);
  auto inference = api::Inference::create(std::move(*engine), "", run.graph.name);
  ASSERT_TRUE(inference) << inference.error().to_string();
  const auto result = inference->run(run.inputs);
  ASSERT_TRUE(result) << result.error().to_string();
  for (const auto& [name, tensor] : *wanted) {
    EXPECT_LE(relative_error(result->outputs.at(name), tensor), 5e-3) << name;
  }
}

/// Four strided slices, in the order that YOLOX and YOLOv5 have them, in front of the first convolution.
TEST(Topologies, FocusStemIsOneConvolution) {
  TripBuilder b(1);
  const ValueId x = b.input("x", {1, 3, 32, 48});
  const auto every_second = [&](ValueId from, int64_t start, int64_t axis) {
    return b.node("Slice", {from, b.ints({start}), b.ints({INT64_MAX}), b.ints({axis}), b.ints({2})});
  };
  std::vector<ValueId> parts;
  for (const auto& [row, column] : {std::pair{0, 0}, {1, 0}, {0, 1}, {1, 1}}) {
    parts.push_back(every_second(every_second(x, row, 2), column, 3));
  }
  const ValueId y = conv(b, b.node("Concat", parts, {{"axis", int64_t{1}}}), 16, 3);
  expect_on_dla(b.finish(silu(b, y)), 2);
}

TEST(Topologies, FoldedBlocksMatchAtEveryStrideAndPadding) {
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    TripBuilder b(seed);
    const auto block = static_cast<int64_t>(2 + b.pick(2));
    const ValueId x = b.input("x", {1, static_cast<int64_t>(1 + b.pick(4)), 12 * block, 6 * block});
    const ValueId moved = b.node("SpaceToDepth", {x}, {{"blocksize", block}});
    const ValueId y =
        conv(b, moved, 8, static_cast<int64_t>(1 + 2 * b.pick(2)), static_cast<int64_t>(1 + b.pick(2)));
    expect_on_dla(b.finish(b.node("Relu", {y})), 2);
  }
}

/// Inverted residual of MobileNetV3: HardSwish, squeeze and excitation, on small activations.
TEST(Topologies, MobileNetV3BlockOfSmallActivations) {
  TripBuilder b(2);
  const ValueId x = b.input("x", {1, 16, 14, 14}, -0.02, 0.02);
  ValueId y = hard_swish(b, b.node("Conv", {x, b.random({64, 16, 1, 1}, -0.4, 0.4)}));
  y = hard_swish(b, b.node("Conv", {y, b.random({64, 1, 3, 3}, -0.6, 0.6)},
                           {{"pads", Ints{1, 1, 1, 1}}, {"group", int64_t{64}}}));
  ValueId gate = b.node("Relu", {conv(b, b.node("GlobalAveragePool", {y}), 16, 1)});
  gate = b.node("HardSigmoid", {conv(b, gate, 64, 1)}, {{"alpha", 1.0f / 6.0f}});
  y = b.node("Conv", {b.node("Mul", {y, gate}), b.random({16, 64, 1, 1}, -0.2, 0.2)});
  expect_on_dla(b.finish(b.node("Add", {y, x})), 15);
}

/// SiLU, and squeeze by ReduceMean.
TEST(Topologies, EfficientNetBlock) {
  TripBuilder b(3);
  const ValueId x = b.input("x", {1, 24, 16, 16});
  ValueId y = silu(b, conv(b, silu(b, conv(b, x, 48, 1)), 48, 3, 2, 48));
  const ValueId squeezed = b.node("ReduceMean", {y, b.ints({2, 3})}, {{"keepdims", int64_t{1}}});
  const ValueId gate = b.node("Sigmoid", {conv(b, silu(b, conv(b, squeezed, 8, 1)), 48, 1)});
  y = b.node("Mul", {gate, y});
  expect_on_dla(b.finish(conv(b, y, 40, 1)), 14);
}

TEST(Topologies, ShuffleNetUnit) {
  TripBuilder b(4);
  const ValueId x = b.input("x", {1, 32, 8, 8});
  const std::vector<ValueId> halves = b.nodes("Split", {x, b.ints({16, 16})}, 2, {{"axis", int64_t{1}}});
  const ValueId y = b.node("Relu", {conv(b, conv(b, halves[1], 16, 3, 1, 16), 16, 1)});
  const ValueId joined = b.node("Concat", {halves[0], y}, {{"axis", int64_t{1}}});
  const ValueId apart = b.node("Reshape", {joined, b.ints({1, 2, 16, 8, 8})});
  const ValueId swapped = b.node("Transpose", {apart}, {{"perm", Ints{0, 2, 1, 3, 4}}});
  expect_on_dla(b.finish(b.node("Reshape", {swapped, b.ints({1, 32, 8, 8})})), 7);
}

/// The image branch of ASPP: an average of everything, spread over the image again.
TEST(Topologies, ImagePoolingIsSpreadByOneOperation) {
  TripBuilder b(5);
  const ValueId x = b.input("x", {1, 32, 16, 16});
  const ValueId pooled = b.node("Relu", {conv(b, b.node("GlobalAveragePool", {x}), 16, 1)});
  const ValueId spread = b.node("Resize", {pooled, graph::kNoValue, b.floats({1, 1, 16, 16})},
                                {{"mode", std::string("linear")}});
  const ValueId branch = b.node("Relu", {conv(b, x, 16, 1)});
  expect_on_dla(b.finish(conv(b, b.node("Concat", {branch, spread}, {{"axis", int64_t{1}}}), 8, 1)), 9);
}

TEST(Topologies, UNetStep) {
  TripBuilder b(6);
  const ValueId x = b.input("x", {1, 16, 16, 16});
  const ValueId down = b.node(
      "Relu",
      {conv(b, b.node("MaxPool", {x}, {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}}), 32, 3)});
  const ValueId up =
      b.node("ConvTranspose", {down, b.random({32, 16, 2, 2}, -0.2, 0.2)}, {{"strides", Ints{2, 2}}});
  expect_on_dla(
      b.finish(b.node("Sigmoid", {conv(b, b.node("Concat", {up, x}, {{"axis", int64_t{1}}}), 4, 3)})), 9);
}

/// Magnitude of a spectrum: the square root reaches from quiet to loud.
TEST(Topologies, MagnitudesOfQuietAndLoudSignals) {
  for (const double loudness : {0.02, 1.0, 100.0}) {
    TripBuilder b(7);
    const ValueId x = b.input("x", {1, 64, 1, 8}, -loudness, loudness);
    const auto half = [&](int64_t first) {
      return b.node("Slice", {x, b.ints({first}), b.ints({first + 32}), b.ints({1})});
    };
    const auto square = [&](ValueId value) { return b.node("Pow", {value, b.scalar(2.0f)}); };
    expect_on_dla(b.finish(b.node("Sqrt", {b.node("Add", {square(half(0)), square(half(32))})})), 8);
  }
}

/// x - mean over the last axis, over its deviation, as opsets before 17 write it.
ValueId layer_norm_parts(TripBuilder& b, ValueId x, int64_t axis) {
  const std::map<std::string, graph::Attribute> over = {{"axes", Ints{axis}}};
  const ValueId centred = b.node("Sub", {x, b.node("ReduceMean", {x}, over)});
  const ValueId variance = b.node("ReduceMean", {b.node("Pow", {centred, b.scalar(2.0f)})}, over);
  return b.node("Div", {centred, b.node("Sqrt", {b.node("Add", {variance, b.scalar(1e-6f)})})});
}

/// ConvNeXt: convolution, LayerNorm over channels, products and GELU between two Transposes. Deviations of 1/100 to 300.
TEST(Topologies, ConvNextBlockOfAnyMagnitude) {
  for (const double loudness : {0.03, 1.0, 500.0}) {
    for (const bool parts : {false, true}) {
      TripBuilder b(8);
      b.set_opset(parts ? 13 : 17);
      const ValueId x = b.input("x", {1, 32, 8, 8}, -loudness, loudness);
      const ValueId last = b.node("Transpose", {conv(b, x, 32, 7, 1, 32)}, {{"perm", Ints{0, 2, 3, 1}}});
      const ValueId scale = b.random({32}, 0.5, 1.5);
      const ValueId bias = b.random({32}, -0.2, 0.2);
      ValueId y = parts ? b.node("Add", {b.node("Mul", {layer_norm_parts(b, last, -1), scale}), bias})
                        : b.node("LayerNormalization", {last, scale, bias}, {{"epsilon", 1e-6f}});
      y = b.node("MatMul", {y, b.random({32, 64}, -0.3, 0.3)});
      y = b.node("Mul", {y, b.node("Add", {b.node("Erf", {b.node("Div", {y, b.scalar(1.41421356f)})}), b.scalar(1.0f)})});
      y = b.node("MatMul", {b.node("Mul", {y, b.scalar(0.5f)}), b.random({64, 32}, -0.3, 0.3)});
      expect_on_dla(b.finish(b.node("Transpose", {y}, {{"perm", Ints{0, 3, 1, 2}}})), 22);
    }
  }
}

TEST(Topologies, LayerNormOfChannelsFirstAndOfAList) {
  TripBuilder b(9);
  b.set_opset(17);
  const ValueId x = b.input("x", {1, 24, 6, 6});
  const ValueId y = b.node("GlobalAveragePool", {b.node("Relu", {layer_norm_parts(b, conv(b, x, 40, 3), 1)})});
  const ValueId list = b.node("Flatten", {y});
  const ValueId normal = b.node("LayerNormalization", {list, b.random({40}, 0.5, 1.5), b.random({40}, -0.5, 0.5)});
  expect_on_dla(b.finish(normal), 29);
}

TEST(Topologies, InstanceAndGroupNorm) {
  for (const int64_t groups : {1, 4, 32}) {
    TripBuilder b(10);
    const ValueId x = b.input("x", {1, 3, 24, 20});
    const ValueId y = conv(b, x, 32, 3);
    const ValueId split = b.node("Reshape", {y, b.ints({0, groups, -1})});
    const ValueId normal = b.node("InstanceNormalization", {split, b.random({groups}, 0.5, 1.5), b.random({groups}, -0.5, 0.5)});
    const ValueId whole = b.node("Reshape", {normal, b.ints({1, 32, 24, 20})});
    expect_on_dla(b.finish(conv(b, b.node("Relu", {whole}), 8, 1)), 20);
  }
}

/// ConvNeXt V2's response normalisation, channels last.
TEST(Topologies, GlobalResponseNorm) {
  TripBuilder b(11);
  b.set_opset(17);
  const ValueId x = b.input("x", {1, 16, 8, 8});
  const ValueId y = b.node("Transpose", {b.node("Relu", {conv(b, x, 32, 1)})}, {{"perm", Ints{0, 2, 3, 1}}});
  const ValueId norm = b.node("ReduceL2", {y}, {{"axes", Ints{1, 2}}});
  const ValueId mean = b.node("Add", {b.node("ReduceMean", {norm}, {{"axes", Ints{-1}}}), b.scalar(1e-6f)});
  const ValueId scaled = b.node("Mul", {b.node("Mul", {y, b.node("Div", {norm, mean})}), b.random({1, 1, 1, 32}, -1.0, 1.0)});
  expect_on_dla(b.finish(b.node("Transpose", {b.node("Add", {scaled, y})}, {{"perm", Ints{0, 3, 1, 2}}})), 26);
}

/// A convolution along the channels of a pooled pixel.
TEST(Topologies, EfficientChannelAttention) {
  TripBuilder b(12);
  const ValueId x = b.input("x", {1, 40, 8, 8});
  ValueId gate = b.node("Squeeze", {b.node("GlobalAveragePool", {x}), b.ints({3})});
  gate = b.node("Conv", {b.node("Transpose", {gate}, {{"perm", Ints{0, 2, 1}}}), b.random({1, 1, 5}, -1.0, 1.0)}, {{"pads", Ints{2, 2}}});
  gate = b.node("Sigmoid", {b.node("Unsqueeze", {b.node("Transpose", {gate}, {{"perm", Ints{0, 2, 1}}}), b.ints({3})})});
  expect_on_dla(b.finish(conv(b, b.node("Mul", {x, gate}), 8, 1)), 9);
}

/// CBAM: gates for channels, then for positions from the mean and the maximum over channels, of any number.
TEST(Topologies, ChannelAndSpatialAttention) {
  for (const int64_t channels : {5, 48, 100}) {
    TripBuilder b(13);
    b.set_opset(13);
    const ValueId x = b.input("x", {1, channels, 10, 6});
    const std::map<std::string, graph::Attribute> over = {{"axes", Ints{1}}};
    const ValueId both = b.node("Concat", {b.node("ReduceMean", {x}, over), b.node("ReduceMax", {x}, over)}, {{"axis", int64_t{1}}});
    const ValueId low = b.node("ReduceMin", {x}, over);
    const ValueId gate = b.node("Sigmoid", {conv(b, both, 1, 7)});
    expect_on_dla(b.finish(b.node("Sub", {b.node("Mul", {x, gate}), low})), 70);
  }
}

/// Gates of rows and of columns, of sizes that are no powers of two.
TEST(Topologies, CoordinateAttention) {
  TripBuilder b(14);
  b.set_opset(13);
  const ValueId x = b.input("x", {1, 24, 11, 14});
  const ValueId rows = b.node("ReduceMean", {x}, {{"axes", Ints{3}}});
  const ValueId columns = b.node("Transpose", {b.node("ReduceMean", {x}, {{"axes", Ints{2}}})}, {{"perm", Ints{0, 1, 3, 2}}});
  const ValueId mixed = b.node("Relu", {conv(b, b.node("Concat", {rows, columns}, {{"axis", int64_t{2}}}), 8, 1)});
  const std::vector<ValueId> parts = b.nodes("Split", {mixed, b.ints({11, 14})}, 2, {{"axis", int64_t{2}}});
  const ValueId h = b.node("Sigmoid", {conv(b, parts[0], 24, 1)});
  const ValueId w = b.node("Sigmoid", {conv(b, b.node("Transpose", {parts[1]}, {{"perm", Ints{0, 1, 3, 2}}}), 24, 1)});
  expect_on_dla(b.finish(b.node("Mul", {b.node("Mul", {x, h}), w})), 45);
}

/// PyTorch's normalize(): the divisor is expanded first.
TEST(Topologies, DivisionByAnExpandedNorm) {
  TripBuilder b(15);
  b.set_opset(13);
  const ValueId x = b.input("x", {1, 20, 6, 6}, 0.1, 1.0);
  const ValueId norm = b.node("Clip", {b.node("ReduceL2", {x}, {{"axes", Ints{1}}}), b.scalar(1e-6f)});
  expect_on_dla(b.finish(b.node("Div", {x, b.node("Expand", {norm, b.ints({1, 20, 6, 6})})})), 22);
}

/// Models of other frameworks: inputs and outputs with channels last, one of them read elsewhere, too.
TEST(Topologies, ChannelsLastAtTheBorder) {
  for (const graph::Shape& shape : {graph::Shape{1, 12, 10, 3}, graph::Shape{2, 8, 6, 20}}) {
    TripBuilder b(16);
    const ValueId x = b.node("Transpose", {b.input("x", shape)}, {{"perm", Ints{0, 3, 1, 2}}});
    const ValueId y = b.node("Relu", {conv(b, x, 24, 3)});
    const ValueId z = b.node("Add", {conv(b, y, 24, 1), y});
    expect_on_dla(b.finish(b.node("Transpose", {z}, {{"perm", Ints{0, 2, 3, 1}}})), 12);
  }
  TripBuilder b(17);
  const ValueId x = b.node("Transpose", {b.input("x", {1, 30, 5})}, {{"perm", Ints{0, 2, 1}}});
  const ValueId y = b.node("Conv", {x, b.random({9, 5, 3}, -0.5, 0.5)});
  expect_on_dla(b.finish(b.node("Transpose", {b.node("Relu", {y})}, {{"perm", Ints{0, 2, 1}}})), 3);
}

}  // namespace
}  // namespace medlar::test
