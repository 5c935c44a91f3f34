// SPDX-License-Identifier: Apache-2.0
// Fusion rules on layer graphs, in text form.
#include <gtest/gtest.h>

#include "compiler/fuse/compose_selection.hpp"
#include "compiler/fuse/expand_groups.hpp"
#include "compiler/fuse/fold_affine.hpp"
#include "compiler/fuse/fuse.hpp"
#include "compiler/fuse/stages.hpp"
#include "hw/config.hpp"

namespace medlar::compiler::test {
namespace {

const hw::HwConfig& config(std::string_view name) { return **hw::find_config(name); }

Step step(StepKind kind, std::vector<float> mul = {}, std::vector<float> add = {}, TensorId operand = kNoTensor) {
  return {.kind = kind, .mul = std::move(mul), .add = std::move(add), .operand = operand};
}

std::optional<StagePlan> plan(const std::vector<Step>& steps, bool conv, hw::Precision precision,
                              std::string_view name = "nv_full") {
  return plan_stages({.steps = steps, .from_conv = conv, .precision = precision, .config = &config(name)});
}

TensorId tensor(LayerGraph& graph, const std::string& name, int c, TensorRole role = TensorRole::kIntermediate) {
  graph.tensors.push_back({.name = name, .range = name, .w = 4, .h = 4, .c = c, .role = role});
  return static_cast<TensorId>(graph.tensors.size() - 1);
}

Layer conv_layer(const std::string& name, TensorId src, TensorId dst, ConvLayer conv) {
  conv.weights.resize(static_cast<size_t>(conv.k * conv.c / conv.groups * conv.r * conv.s), 1.0f);
  return {.name = name, .origins = {name}, .src = src, .dst = dst, .body = std::move(conv), .steps = {}};
}

Layer sdp_layer(const std::string& name, TensorId src, TensorId dst, std::vector<Step> steps) {
  return {.name = name, .origins = {name}, .src = src, .dst = dst, .body = SdpLayer{}, .steps = std::move(steps)};
}

TEST(FrontStages, ConvBiasReluAddReluFillsX1AndX2) {
  const std::vector<Step> steps = {step(StepKind::kAffine, {}, {1}), step(StepKind::kRelu),
                                   step(StepKind::kAddTensor, {}, {}, 0), step(StepKind::kRelu)};
  for (const auto precision : {hw::Precision::kInt8, hw::Precision::kFp16}) {
    const auto found = plan(steps, true, precision);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->x1.alu, 0);
    EXPECT_TRUE(found->x1.relu);
    EXPECT_EQ(found->x2.alu, 2);
    EXPECT_TRUE(found->x2.relu);
    EXPECT_FALSE(found->y.used());
  }
}

TEST(FrontStages, UpperBoundAtTheEndIsSaturationForInt8AndAStageForFp16) {
  const std::vector<Step> steps = {step(StepKind::kAffine, {}, {1}), step(StepKind::kRelu), step(StepKind::kMin, {}, {6})};
  EXPECT_TRUE(plan(steps, true, hw::Precision::kInt8)->saturates);
  const auto half = plan(steps, true, hw::Precision::kFp16);
  EXPECT_FALSE(half->saturates);
  EXPECT_EQ(half->x2.alu, 2);
}

TEST(FrontStages, ThirdTensorOperandNeedsY) {
  const std::vector<Step> steps = {step(StepKind::kAddTensor, {}, {}, 0), step(StepKind::kAddTensor, {}, {}, 1),
                                   step(StepKind::kAddTensor, {}, {}, 2)};
  EXPECT_TRUE(plan(steps, false, hw::Precision::kFp16));
  EXPECT_FALSE(plan(steps, false, hw::Precision::kInt8)) << "X1 is the rescale, Y takes no integer tensors";
}

TEST(FrontStages, PreluCannotShareX1WithTheIntegerRescale) {
  const std::vector<Step> steps = {step(StepKind::kAffine, {}, {1}), step(StepKind::kPrelu, {0.1f})};
  EXPECT_EQ(plan(steps, true, hw::Precision::kInt8, "nv_small")->x2.mul, 1);
}

TEST(FrontFoldAffine, MergesAndGoesIntoWeights) {
  LayerGraph graph;
  const TensorId x = tensor(graph, "x", 1, TensorRole::kInput);
  const TensorId y = tensor(graph, "y", 2, TensorRole::kOutput);
  Layer layer = conv_layer("conv", x, y, {.k = 2, .c = 1});
  layer.steps = {step(StepKind::kAffine, {}, {1, 2}), step(StepKind::kAffine, {3}, {5}), step(StepKind::kRelu)};
  graph.layers = {layer};
  fold_affine(graph);
  EXPECT_EQ(to_text(graph), "%y 2x4x4 = conv 2x1x1x1 stride 1,1 pad 0,0,0,0(%x) -> affine(mul 0, add 2) -> relu from conv\n");
  EXPECT_EQ(std::get<ConvLayer>(graph.layers[0].body).weights, (std::vector<float>{3, 3}));
  EXPECT_EQ(graph.layers[0].steps[0].add, (std::vector<float>{8, 11}));
}

TEST(FrontAbsorb, ResidualSumJoinsTheLaterConvolution) {
  LayerGraph graph;
  const TensorId x = tensor(graph, "x", 1, TensorRole::kInput);
  const TensorId a = tensor(graph, "a", 2);
  const TensorId b = tensor(graph, "b", 2);
  const TensorId y = tensor(graph, "y", 2, TensorRole::kOutput);
  graph.layers = {conv_layer("a", x, a, {.k = 2, .c = 1}), conv_layer("b", x, b, {.k = 2, .c = 1}),
                  sdp_layer("add", a, y, {step(StepKind::kAddTensor, {}, {}, b)})};
  fuse(graph, {.config = config("nv_small"), .precision = hw::Precision::kInt8});
  EXPECT_EQ(to_text(graph), "%a 2x4x4 = conv 2x1x1x1 stride 1,1 pad 0,0,0,0(%x) from a\n"
                            "%y 2x4x4 = conv 2x1x1x1 stride 1,1 pad 0,0,0,0(%x) -> add(%a) from b,add\n");
}

TEST(FrontAbsorb, ATensorWithTwoReadersOrARoleStays) {
  LayerGraph graph;
  const TensorId x = tensor(graph, "x", 1, TensorRole::kInput);
  const TensorId a = tensor(graph, "a", 2, TensorRole::kOutput);
  const TensorId y = tensor(graph, "y", 2, TensorRole::kOutput);
  graph.layers = {conv_layer("a", x, a, {.k = 2, .c = 1}), sdp_layer("relu", a, y, {step(StepKind::kRelu)})};
  fuse(graph, {.config = config("nv_full"), .precision = hw::Precision::kFp16});
  EXPECT_EQ(graph.layers.size(), 2u);
}

TEST(FrontGroups, DepthwiseIsCutAtAtomsAndBlocksAreDiagonal) {
  LayerGraph graph;
  const TensorId x = tensor(graph, "x", 40, TensorRole::kInput);
  const TensorId y = tensor(graph, "y", 40, TensorRole::kOutput);
  graph.layers = {conv_layer("dw", x, y, {.k = 40, .c = 40, .groups = 40})};
  expand_groups(graph, 32);
  EXPECT_EQ(to_text(graph), "%y[0:32] 32x4x4 = conv 32x32x1x1 stride 1,1 pad 0,0,0,0(%x[0:32]) from dw\n"
                            "%y[32:40] 8x4x4 = conv 8x8x1x1 stride 1,1 pad 0,0,0,0(%x[32:40]) from dw\n");
  const auto& weights = std::get<ConvLayer>(graph.layers[1].body).weights;
  for (size_t i = 0; i < weights.size(); ++i) {
    EXPECT_EQ(weights[i], i % 9 == 0 ? 1.0f : 0.0f);
  }
}

TEST(FrontGroups, GroupsThatNeverFillAtomsStayOneDenseConvolution) {
  EXPECT_EQ(groups_per_part({.k = 6, .c = 6, .groups = 3}, 32), 3);
  EXPECT_EQ(groups_per_part({.k = 128, .c = 64, .groups = 2}, 32), 1);
}

TEST(FrontSelection, ChainsComposeAndStridesMultiply) {
  LayerGraph graph;
  const TensorId x = tensor(graph, "x", 2, TensorRole::kInput);
  const TensorId a = tensor(graph, "a", 2);
  const TensorId y = tensor(graph, "y", 3, TensorRole::kOutput);
  Layer first = conv_layer("first", x, a, {.k = 2, .c = 2, .stride_x = 2});
  std::get<ConvLayer>(first.body).weights = {0, 1, 1, 0};
  Layer second = conv_layer("second", a, y, {.k = 3, .c = 2, .stride_y = 2});
  std::get<ConvLayer>(second.body).weights = {0, 0, 1, 0, 0, 1};
  graph.layers = {first, second};
  compose_selections(graph);
  EXPECT_EQ(to_text(graph), "%y 3x4x4 = conv 3x2x1x1 stride 2,2 pad 0,0,0,0(%x) from first,second\n");
  EXPECT_EQ(std::get<ConvLayer>(graph.layers[0].body).weights, (std::vector<float>{0, 0, 0, 1, 1, 0}));
}

}  // namespace
}  // namespace medlar::compiler::test
