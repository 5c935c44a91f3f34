// SPDX-License-Identifier: Apache-2.0
// Convolutions through the back half: descriptors against hand computations, tiling at the edges of the CBUF.
#include <gtest/gtest.h>

#include "back_checker.hpp"
#include "back_graphs.hpp"
#include "compiler/back/conv_tiling.hpp"

namespace medlar::compiler::test {
namespace {

using hw::Precision;

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

TEST(BackConv, RegressionLayerOfNvSmall) {
  // NVIDIA's CONV_D_L0_0_small: 8x8x128 to 8x8x32, 3x3, pad 1: banks 2/9, 128 entries a slice, strides 64 and 512.
  const auto d = emit_and_check(single_conv(Precision::kInt8, {8, 8, 128, 32, {.r = 3, .s = 3, .pad = 1}}),
                                config_named("nv_small"));
  ASSERT_TRUE(d);
  ASSERT_EQ(d->ops.size(), 2U);
  const hw::ConvOp& op = d->ops[0].op.conv_op;
  EXPECT_EQ(op.entry_per_slice, 128);
  EXPECT_EQ(op.data_bank, 2);
  EXPECT_EQ(op.weight_bank, 9);
  EXPECT_EQ(op.bytes_per_kernel, 1152U);
  EXPECT_EQ(op.in_cvt.enable, 1);
  EXPECT_EQ(op.in_cvt.scale, 1);
  const hw::DataCube src = d->ops[0].surface.conv_surface.src_data;
  EXPECT_EQ(src.line_stride, 64U);
  EXPECT_EQ(src.surf_stride, 512U);
  const hw::DataCube weights = d->ops[0].surface.conv_surface.weight_data;
  EXPECT_EQ(weights.size, 36864U);
}

TEST(BackConv, RegressionLayerOfNvLarge) {
  const auto d = emit_and_check(single_conv(Precision::kInt8, {8, 8, 128, 32, {.r = 3, .s = 3, .pad = 1}}),
                                config_named("nv_large"));
  ASSERT_TRUE(d);
  const hw::ConvOp& op = d->ops[0].op.conv_op;
  EXPECT_EQ(op.entry_per_slice, 16);
  EXPECT_EQ(op.data_bank, 1);
  EXPECT_EQ(op.weight_bank, 2);
}

TEST(BackConv, WeightOrderOfTwoGroupsAndAPartialChannelBlock) {
  // nv_small: groups of 8 kernels, blocks of 8 channels; 10 kernels x 10 channels, 1x2 taps.
  GraphMaker m(Precision::kInt8);
  const TensorId in = m.tensor(4, 4, 10, TensorRole::kInput);
  const TensorId out = m.tensor(3, 4, 10, TensorRole::kOutput);
  HwOp& op = m.conv(in, out, {.r = 1, .s = 2}, false);
  auto& weights = std::get<ConvOp>(op.body).weights;
  for (size_t i = 0; i < weights.integers.size(); ++i) {
    weights.integers[i] = static_cast<int16_t>(static_cast<int>(i) - 100);  // k * 20 + c * 2 + s - 100.
  }
  const auto d = emit_and_check(m.graph, config_named("nv_small"));
  ASSERT_TRUE(d);
  const loadable::Blob* blob = loadable::find_blob(d->loadable, "tb-0");
  ASSERT_NE(blob, nullptr);
  ASSERT_EQ(blob->data.size(), 200U);
  const auto at = [&](size_t i) { return static_cast<int>(static_cast<int8_t>(blob->data[i])) + 100; };
  EXPECT_EQ(at(0), 0);          // k0 c0 s0
  EXPECT_EQ(at(1), 2);          // k0 c1 s0
  EXPECT_EQ(at(8), 20);         // k1 c0 s0
  EXPECT_EQ(at(64), 1);         // k0 c0 s1
  EXPECT_EQ(at(128), 16);       // k0 c8 s0: second block, 2 channels
  EXPECT_EQ(at(130), 36);       // k1 c8 s0
  EXPECT_EQ(at(160), 160);      // k8 c0 s0: second group, 2 kernels
  EXPECT_EQ(at(168), 180);      // k9 c0 s0
  EXPECT_EQ(at(199), 199);      // k9 c9 s1
}

/// As the groups of an average: the same kernels on one part of the channels after the other.
TEST(BackConv, ConvolutionsWithTheSameWeightsFetchThemOnce) {
  GraphMaker m(Precision::kInt8);
  const TensorId first = m.tensor(8, 8, 32, TensorRole::kInput);
  const TensorId second = m.tensor(8, 8, 32, TensorRole::kInput);
  for (const TensorId in : {first, second, first}) {
    m.conv_to(in, 32, {.r = 3, .s = 3, .pad = 1}, TensorRole::kOutput);
  }
  std::get<ConvOp>(m.graph.ops[1].body).weights = std::get<ConvOp>(m.graph.ops[0].body).weights;
  const auto d = emit_and_check(m.graph, config_named("nv_full"));
  ASSERT_TRUE(d);
  ASSERT_EQ(d->ops.size(), 6U);
  std::vector<std::pair<int, int>> flags;
  for (size_t i = 0; i < d->ops.size(); i += 2) {
    flags.emplace_back(d->ops[i].op.conv_op.weight_reuse, d->ops[i].op.conv_op.skip_weight_rls);
  }
  EXPECT_EQ(flags, (std::vector<std::pair<int, int>>{{0, 1}, {1, 0}, {0, 0}})) << "the third has others";
}

TEST(BackConv, HeightChunksKeepResidentWeights) {
  // 56x56x64 to 64, 3x3 on nv_small: 56*8 entries a row, 32 banks of 512 entries.
  const auto d = emit_and_check(single_conv(Precision::kInt8, {56, 56, 64, 64, {.r = 3, .s = 3, .pad = 1}}),
                                config_named("nv_small"));
  ASSERT_TRUE(d);
  ASSERT_GT(d->ops.size(), 2U);
  const hw::ConvOp& first = d->ops.front().op.conv_op;
  const hw::ConvOp& last = d->ops[d->ops.size() - 2].op.conv_op;
  EXPECT_EQ(first.weight_bank, 9);  // 36864 bytes in banks of 4096: all 64 kernels stay.
  EXPECT_EQ(first.pad_y_top, 1);
  EXPECT_EQ(first.pad_y_bottom, 0);
  EXPECT_EQ(last.pad_y_top, 0);
  EXPECT_EQ(last.pad_y_bottom, 1);
  EXPECT_EQ(first.weight_reuse, 0);
  EXPECT_EQ(first.skip_weight_rls, 1);
  EXPECT_EQ(last.weight_reuse, 1);
  EXPECT_EQ(last.skip_weight_rls, 0);
}

TEST(BackConv, EdgesOfSurfacesAndGroups) {
  for (const char* name : {"nv_small", "nv_full", "nv_large"}) {
    for (const int c : {1, 7, 8, 9, 31, 32, 33, 63, 64, 65}) {
      for (const int k : {1, 8, 9, 16, 17, 31, 32, 33}) {
        SCOPED_TRACE(std::string(name) + " " + std::to_string(c) + " to " + std::to_string(k));
        ASSERT_TRUE(emit_and_check(single_conv(Precision::kInt8, {9, 7, c, k, {.r = 3, .s = 3, .stride = 2, .pad = 1}}),
                                   config_named(name)));
      }
    }
  }
}

TEST(BackConv, LargeLayersOfEveryKind) {
  const std::vector<Case> cases{
      {224, 224, 3, 64, {.r = 7, .s = 7, .stride = 2, .pad = 3}},    // Rows.
      {14, 14, 512, 160, {.r = 3, .s = 3, .pad = 1}},                // Weights pass by.
      {7, 7, 2048, 160, {.r = 1, .s = 1}},                           //
      {1, 1, 2048, 300, {.r = 1, .s = 1}},                          // Fully connected.
      {8, 8, 128, 100, {.r = 8, .s = 8}},                            // Fully connected over space.
      {16, 16, 240, 18, {.r = 16, .s = 16}},                         // Parts of kernel groups.
      {700, 12, 64, 40, {.r = 3, .s = 3, .pad = 1}},                 // Columns.
      {64, 64, 64, 16, {.r = 3, .s = 3, .pad = 18, .dilation = 18}}, // Dilation.
      {56, 56, 96, 24, {.r = 1, .s = 1, .stride = 2}},
  };
  for (const char* name : {"nv_small", "nv_full", "nv_large"}) {
    for (size_t i = 0; i < cases.size(); ++i) {
      SCOPED_TRACE(std::string(name) + " case " + std::to_string(i));
      ASSERT_TRUE(emit_and_check(single_conv(Precision::kInt8, cases[i]), config_named(name)));
    }
  }
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE("nv_full fp16 case " + std::to_string(i));
    ASSERT_TRUE(emit_and_check(single_conv(Precision::kFp16, cases[i]), config_named("nv_full")));
  }
}

TEST(BackConv, PlanPrefersTheLeastTraffic) {
  const hw::HwConfig& config = config_named("nv_small");
  // 28x28x128 to 512, 1x1: 100352 bytes of data, 65536 of weights, 131072 of buffer.
  back::ConvShape shape{.w = 28, .h = 28, .c = 128, .out_w = 28, .out_h = 28, .k = 512};
  shape.kernel_step = 8;
  shape.output_surface = 8;
  const auto plan = back::plan_conv(shape, config, "test");
  ASSERT_TRUE(plan);
  // Everything is fetched once: kernels stream past the resident data.
  EXPECT_EQ(plan->traffic, 100352U + 65536U);
  EXPECT_EQ(plan->tiles.size(), 1U);
}

TEST(BackConv, NoSingleColumnOfOneRowGoesToSeveralSurfaces) {
  // A column of 3 outputs; 15 data banks and 18 for a kernel group are one too many, so rows are cut into 2 + 1. The
  // hardware takes a 1x1 cube as packed, so the single row must not reach over a surface.
  const auto d = emit_and_check(single_conv(Precision::kInt8, {3, 19, 1024, 24, {.r = 3, .s = 3, .stride = 8}}),
                                config_named("nv_small"));
  ASSERT_TRUE(d);
  ASSERT_EQ(d->ops.size(), 12U);
  EXPECT_EQ(d->ops[3].surface.sdp_surface.dst_data.height, 1);
  EXPECT_EQ(d->ops[3].surface.sdp_surface.dst_data.channel, 8);
}

TEST(BackConv, KernelsThatDoNotFitAsAGroupAreGatheredExactly) {
  // 8x8x256 taps: 16384 bytes a kernel, 8 kernels take all 32 banks of nv_small; 4 kernels and the input take 20.
  const auto d = emit_and_check(single_conv(Precision::kInt8, {8, 8, 256, 20, {.r = 8, .s = 8}}), config_named("nv_small"));
  ASSERT_TRUE(d);
  ASSERT_EQ(d->ops.size(), 16U);  // Surfaces of 8, 8 and 4 kernels: 2, 2, 1 parts, each then gathered.
  EXPECT_EQ(d->ops[0].op.conv_op.weight_bank, 16);
  EXPECT_EQ(d->ops[0].op.conv_op.data_bank, 4);
  const hw::DataCube first = d->ops[1].surface.sdp_surface.dst_data;
  const hw::DataCube second = d->ops[3].surface.sdp_surface.dst_data;
  EXPECT_EQ(first.channel, 4);
  EXPECT_EQ(second.offset - first.offset, 8U);
  const hw::ConvOp& gather = d->ops[4].op.conv_op;
  EXPECT_EQ(gather.kernel_channel_csc, 16);
  EXPECT_EQ(gather.kernel_width_csc, 1);
  EXPECT_EQ(d->ops[5].op.sdp_op.out_cvt.scale, 1);
}

TEST(BackConv, RefusesWithBothNumbersWhenNothingFits) {
  // One kernel of 32x32 taps over 256 channels on nv_small: 262144 bytes.
  const auto segment = emit_segment(single_conv(Precision::kInt8, {32, 32, 256, 8, {.r = 32, .s = 32}}), config_named("nv_small"));
  ASSERT_FALSE(segment);
  EXPECT_EQ(segment.error().code, Code::kResourceExhausted);
  EXPECT_NE(segment.error().message.find("64 CBUF banks"), std::string::npos) << segment.error().message;
  EXPECT_NE(segment.error().message.find("has 32"), std::string::npos);
}

}  // namespace
}  // namespace medlar::compiler::test
