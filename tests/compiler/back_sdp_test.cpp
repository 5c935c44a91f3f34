// SPDX-License-Identifier: Apache-2.0
// SDP through the back half: operands, element operands, tables, views, copies.
#include <gtest/gtest.h>

#include "back_checker.hpp"
#include "back_graphs.hpp"

namespace medlar::compiler::test {
namespace {

using hw::Precision;

TEST(BackSdp, PairsOfOperandsAreInterleavedAndFilledUp) {
  GraphMaker m(Precision::kInt8);
  const TensorId in = m.tensor(4, 4, 10, TensorRole::kInput);
  const TensorId out = m.tensor(4, 4, 10, TensorRole::kOutput);
  HwOp& op = m.conv(in, out, {}, false);
  SdpStage& x1 = std::get<ConvOp>(op.body).sdp.x1;
  x1.enable = true;
  x1.type = SdpStageType::kBoth;
  x1.mode = SdpOperandMode::kPerChannel;
  x1.truncate = 9;
  x1.alu_shift = 2;
  for (int i = 0; i < 10; ++i) {
    x1.alu_operand.push_back(-1000 - i);
    x1.mul_operand.push_back(3000 + i);
  }
  const auto d = emit_and_check(m.graph, config_named("nv_small"));
  ASSERT_TRUE(d);
  const hw::SdpSubOp& stage = d->ops[1].op.sdp_op.x1_op;
  EXPECT_EQ(stage.type, NVDLA_SDP_OP_TYPE_BOTH);
  EXPECT_EQ(stage.mode, NVDLA_SDP_OP_MODE_PER_KERNEL);
  EXPECT_EQ(stage.precision, NVDLA_PRECISION_INT16);
  EXPECT_EQ(stage.truncate, 9);
  EXPECT_EQ(stage.shift_value, 2);
  const hw::DataCube cube = d->ops[1].surface.sdp_surface.x1_data;
  EXPECT_EQ(cube.offset % 256, 0U);
  const loadable::Blob* blob = loadable::find_blob(d->loadable, "tb-1");
  ASSERT_NE(blob, nullptr);
  ASSERT_EQ(blob->data.size(), 16U * 4);  // Two surfaces of 8 channels.
  EXPECT_EQ(load_le<int16_t>(blob->data.data()), -1000);
  EXPECT_EQ(load_le<int16_t>(blob->data.data() + 2), 3000);
  EXPECT_EQ(load_le<int16_t>(blob->data.data() + 36), -1009);
  EXPECT_EQ(load_le<int16_t>(blob->data.data() + 40), 0);
}

TEST(BackSdp, ResidualAddOnAConvolution) {
  GraphMaker m(Precision::kFp16);
  const TensorId in = m.tensor(8, 8, 32, TensorRole::kInput);
  const TensorId a = m.conv_to(in, 32, {});
  const TensorId out = m.tensor(8, 8, 32, TensorRole::kOutput);
  HwOp& op = m.conv(a, out, {.r = 3, .s = 3, .pad = 1});
  SdpStage& x2 = std::get<ConvOp>(op.body).sdp.x2;
  x2.enable = true;
  x2.type = SdpStageType::kAlu;
  x2.mode = SdpOperandMode::kPerElement;
  x2.operand_precision = Precision::kFp16;
  x2.element_operand = in;
  const auto d = emit_and_check(m.graph, config_named("nv_full"));
  ASSERT_TRUE(d);
  const hw::DataCube x2_cube = d->ops[3].surface.sdp_surface.x2_data;
  EXPECT_EQ(x2_cube.line_stride, 8U * 32);
  EXPECT_EQ(x2_cube.surf_stride, 8U * 8 * 32);
  EXPECT_EQ(d->ops[3].op.sdp_op.x2_op.mode, NVDLA_SDP_OP_MODE_PER_POINT);
  EXPECT_EQ(d->ops[3].op.sdp_op.x2_op.precision, NVDLA_PRECISION_FP16);
}

TEST(BackSdp, TablesKeepTheirIndexAndNumbers) {
  GraphMaker m(Precision::kFp16);
  Lut lut;
  lut.lo[256] = 15360;
  lut.lo_index = -5;
  lut.le_index = -128;
  lut.lo_start = 0xc0800000;
  lut.slope = {1, 2, 0x3c00, 4};
  lut.slope_shift = {0, 0, 0, -3};
  lut.hybrid_priority = 1;
  m.graph.luts = {Lut{}, lut};
  const TensorId in = m.tensor(8, 8, 32, TensorRole::kInput);
  m.lut_to(in, 1, TensorRole::kOutput);
  const auto d = emit_and_check(m.graph, config_named("nv_full"));
  ASSERT_TRUE(d);
  EXPECT_EQ(d->ops[0].op.sdp_op.lut_index, 1);
  EXPECT_EQ(d->ops[0].op.sdp_op.y_op.act, NVDLA_SDP_ACTIVATION_LUT);
  ASSERT_EQ(d->luts.size(), 2U);
  const hw::LutParam table = d->luts[1];
  EXPECT_EQ(table.linear_only_table[256], 15360);
  EXPECT_EQ(table.linear_only_offset.frac_bits, -5);
  const uint64_t start = table.linear_only_start;
  EXPECT_EQ(start, 0xc0800000U);
  EXPECT_EQ(table.linear_only_underflow_slope.data_f, 0x3c00);
  EXPECT_EQ(table.linear_only_overflow_slope.data_i.shifter, -3);
  EXPECT_EQ(table.method, NVDLA_LUT_METHOD_LINEAR);
  EXPECT_EQ(table.hybrid_priority, 1);
}

TEST(BackSdp, ConcatenationThroughViewsNeedsNoOperation) {
  GraphMaker m(Precision::kInt8);
  const TensorId in = m.tensor(6, 5, 16, TensorRole::kInput);
  const TensorId joined = m.tensor(6, 5, 96);
  m.conv(in, m.view(joined, 0, 64), {});
  m.conv(in, m.view(joined, 64, 32), {.r = 3, .s = 3, .pad = 1});
  m.conv_to(joined, 8, {}, TensorRole::kOutput);
  const auto segment = emit_segment(m.graph, config_named("nv_full"));
  ASSERT_TRUE(segment) << segment.error().to_string();
  const auto d = decode(*segment, config_named("nv_full"));
  ASSERT_TRUE(d);
  ASSERT_EQ(d->ops.size(), 6U);
  const hw::DataCube first = d->ops[1].surface.sdp_surface.dst_data;
  const hw::DataCube second = d->ops[3].surface.sdp_surface.dst_data;
  const hw::DataCube whole = d->ops[4].surface.conv_surface.src_data;
  EXPECT_EQ(second.offset - first.offset, 2U * 6 * 5 * 32);
  EXPECT_EQ(first.surf_stride, second.surf_stride);
  EXPECT_EQ(whole.offset, first.offset);
  EXPECT_EQ(whole.size, 3U * 6 * 5 * 32);
}

TEST(BackSdp, CopiesMoveWindows) {
  GraphMaker m(Precision::kInt8);
  const TensorId in = m.tensor(6, 5, 40, TensorRole::kInput);
  const TensorId out = m.tensor(4, 3, 24, TensorRole::kOutput);
  m.graph.ops.push_back({.name = "slice", .origins = {}, .src = in, .dst = out,
                         .body = CopyOp{.src_x = 1, .src_y = 2, .src_c = 16, .w = 4, .h = 3, .c = 24}});
  const auto d = emit_and_check(m.graph, config_named("nv_small"));
  ASSERT_TRUE(d);
  const hw::DataCube src = d->ops[0].surface.sdp_surface.src_data;
  EXPECT_EQ(src.offset, 2U * 6 * 5 * 8 + 2U * 6 * 8 + 1U * 8);
  EXPECT_EQ(src.line_stride, 48U);
  EXPECT_EQ(d->ops[0].op.sdp_op.out_cvt.scale, 1);
}

TEST(BackSdp, ContractDescriptor) {
  GraphMaker m(Precision::kFp16);
  const TensorId in = m.tensor(8, 8, 64, TensorRole::kInput);
  const TensorId out = m.tensor(16, 16, 16, TensorRole::kOutput);
  m.graph.ops.push_back({.name = "up", .origins = {}, .src = in, .dst = out,
                         .body = RubikOp{.mode = RubikMode::kContract, .stride_x = 2, .stride_y = 2}});
  const auto d = emit_and_check(m.graph, config_named("nv_full"));
  ASSERT_TRUE(d);
  EXPECT_EQ(d->ops[0].node.op_type, NVDLA_OP_TYPE_RUBIK);
  EXPECT_EQ(d->ops[0].op.rubik_op.stride_x, 2);
}

TEST(BackSdp, LrnDescriptor) {
  GraphMaker m(Precision::kFp16);
  m.graph.luts.resize(1);
  const TensorId in = m.tensor(8, 8, 20, TensorRole::kInput);
  const TensorId out = m.tensor(8, 8, 20, TensorRole::kOutput);
  m.graph.ops.push_back({.name = "lrn", .origins = {}, .src = in, .dst = out, .body = LrnOp{.local_size = 5, .lut = 0, .input = {}, .output = {}}});
  const auto d = emit_and_check(m.graph, config_named("nv_full"));
  ASSERT_TRUE(d);
  EXPECT_EQ(d->ops[0].node.op_type, NVDLA_OP_TYPE_CDP);
  EXPECT_EQ(d->ops[0].op.cdp_op.local_size, 5);
  EXPECT_EQ(d->ops[0].op.cdp_op.in_cvt.scale, 1);
}

TEST(BackSdp, EqualConstantsAreShared) {
  GraphMaker m(Precision::kInt8);
  const TensorId in = m.tensor(6, 5, 16, TensorRole::kInput);
  const TensorId a = m.conv_to(in, 16, {});
  m.conv_to(a, 16, {}, TensorRole::kOutput);
  m.graph.ops[1].body = m.graph.ops[0].body;
  const auto segment = emit_segment(m.graph, config_named("nv_full"));
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->memory.weights, 256U + 64U);  // One 16x16 weight blob, one operand of 32 channels.
}

TEST(BackSdp, BindingsDescribeTheCubes) {
  GraphMaker m(Precision::kInt8);
  const TensorId in = m.tensor(6, 5, 20, TensorRole::kInput);
  m.at(in).scale = 0.5F;
  m.conv_to(in, 33, {}, TensorRole::kOutput);
  const auto segment = emit_segment(m.graph, config_named("nv_full"));
  ASSERT_TRUE(segment);
  ASSERT_EQ(segment->inputs.size(), 1U);
  ASSERT_EQ(segment->outputs.size(), 1U);
  EXPECT_EQ(segment->inputs[0].tensor, "t0");
  EXPECT_EQ(segment->inputs[0].scale, 0.5F);
  EXPECT_EQ(segment->inputs[0].line_stride, 192U);
  EXPECT_EQ(segment->inputs[0].surface_stride, 960U);
  EXPECT_EQ(segment->inputs[0].bytes, 960U);
  EXPECT_EQ(segment->outputs[0].bytes, 1920U);
  ASSERT_EQ(segment->ops.size(), 2U);
  EXPECT_EQ(segment->ops[0].kind, "CONV");
  EXPECT_EQ(segment->ops[0].macs, 6U * 5 * 20 * 33);
  EXPECT_EQ(segment->ops[0].origins, std::vector<std::string>{"node0"});
  EXPECT_EQ(segment->ops[1].task_op, 1);
  const auto again = emit_segment(m.graph, config_named("nv_full"));
  EXPECT_EQ(segment->loadable, again->loadable);
}

}  // namespace
}  // namespace medlar::compiler::test
