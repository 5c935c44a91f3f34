// SPDX-License-Identifier: Apache-2.0
// Graphs that the back half must refuse, and how it says so.
#include <gtest/gtest.h>

#include "back_checker.hpp"
#include "back_graphs.hpp"

namespace medlar::compiler::test {
namespace {

using hw::Precision;

HwGraph good() {
  GraphMaker m(Precision::kInt8);
  const TensorId in = m.tensor(8, 8, 16, TensorRole::kInput);
  m.conv_to(in, 16, {.r = 3, .s = 3, .pad = 1}, TensorRole::kOutput);
  return m.graph;
}

void expect_refused(const HwGraph& graph, std::string_view config, Code code, std::string_view text) {
  const auto segment = emit_segment(graph, config_named(config));
  ASSERT_FALSE(segment);
  EXPECT_EQ(segment.error().code, code) << segment.error().message;
  EXPECT_NE(segment.error().message.find(text), std::string::npos) << segment.error().message;
}

TEST(BackRefusal, Precision) {
  GraphMaker m(Precision::kFp16);
  m.conv_to(m.tensor(8, 8, 16, TensorRole::kInput), 16, {}, TensorRole::kOutput);
  expect_refused(m.graph, "nv_small", Code::kUnsupported, "has no fp16");
}

TEST(BackRefusal, DanglingTensor) {
  HwGraph g = good();
  g.ops[0].dst = 7;
  expect_refused(g, "nv_full", Code::kInvalidArgument, "conv0: source 0 or destination 7");
}

TEST(BackRefusal, InPlace) {
  HwGraph g = good();
  g.tensors[0].role = TensorRole::kIntermediate;
  g.ops[0].dst = g.ops[0].src;
  expect_refused(g, "nv_full", Code::kInvalidArgument, "reads and writes t0");
}

TEST(BackRefusal, WeightCount) {
  HwGraph g = good();
  std::get<ConvOp>(g.ops[0].body).weights.integers.pop_back();
  expect_refused(g, "nv_full", Code::kInvalidArgument, "2303 values");
}

TEST(BackRefusal, OperandCount) {
  HwGraph g = good();
  std::get<ConvOp>(g.ops[0].body).sdp.x1.alu_operand.pop_back();
  expect_refused(g, "nv_full", Code::kInvalidArgument, "15 ALU");
}

TEST(BackRefusal, StrideAndMissingUnit) {
  HwGraph g = good();
  std::get<ConvOp>(g.ops[0].body).stride_x = 9;
  expect_refused(g, "nv_full", Code::kUnsupported, "stride x is 9, the hardware takes 1 to 8");
  g = good();
  std::get<ConvOp>(g.ops[0].body).sdp.y.enable = true;
  expect_refused(g, "nv_small", Code::kUnsupported, "has no SDP Y");
}

TEST(BackRefusal, CopyBetweenSurfaces) {
  GraphMaker m(Precision::kInt8);
  const TensorId in = m.tensor(4, 4, 20, TensorRole::kInput);
  const TensorId out = m.tensor(4, 4, 40, TensorRole::kOutput);
  m.graph.ops.push_back({.name = "join", .origins = {}, .src = in, .dst = out, .body = CopyOp{.dst_c = 20, .w = 4, .h = 4, .c = 20}});
  expect_refused(m.graph, "nv_full", Code::kUnsupported, "join: copies 20 channels");
}

TEST(BackRefusal, ViewOffSurface) {
  GraphMaker m(Precision::kInt8);
  const TensorId in = m.tensor(4, 4, 16, TensorRole::kInput);
  const TensorId parent = m.tensor(4, 4, 40, TensorRole::kOutput);
  m.conv(in, m.view(parent, 20, 20), {});
  expect_refused(m.graph, "nv_full", Code::kInvalidArgument, "is no window of t1");
}

TEST(BackRefusal, PaddingOfAWholeWindow) {
  HwGraph g = good();
  auto& conv = std::get<ConvOp>(g.ops[0].body);
  conv.pad_left = 3;
  expect_refused(g, "nv_full", Code::kUnsupported, "padding 3 and 1 of a window of 3");
}

TEST(BackRefusal, ConversionInOneStep) {
  HwGraph g = good();
  g.tensors[1].precision = Precision::kFp16;
  expect_refused(g, "nv_full", Code::kUnsupported, "no data path from int8 to fp16");
  g.tensors[1].precision = Precision::kInt16;
  expect_refused(g, "nv_full", Code::kUnsupported, "no data path from int8 to int16");
}

TEST(BackRefusal, WindowLeavesTheInput) {
  HwGraph g = good();
  g.tensors[1].w = 9;
  expect_refused(g, "nv_full", Code::kInvalidArgument, "leave the input");
}

}  // namespace
}  // namespace medlar::compiler::test
