// SPDX-License-Identifier: Apache-2.0
// Descriptor layouts and their text form.
#include "hw/descriptors.hpp"

#include <cstddef>

#include <gtest/gtest.h>

namespace medlar::hw {
namespace {

TEST(Descriptors, StridesOfTheLists) {
  EXPECT_EQ(sizeof(NetworkDesc), 40u);
  EXPECT_EQ(sizeof(CommonOpDesc), 36u);
  EXPECT_EQ(sizeof(OpContainer), 116u);
  EXPECT_EQ(sizeof(SurfaceContainer), 644u);
  EXPECT_EQ(sizeof(LutParam), 700u);
  EXPECT_EQ(sizeof(StatContainer), 44u);
  EXPECT_EQ(sizeof(RoiDesc), 16u);
  EXPECT_EQ(sizeof(EmuOpBuffers), 512u);
}

TEST(Descriptors, OffsetsThatTheFirmwareReads) {
  EXPECT_EQ(offsetof(NetworkDesc, op_head), 16u);
  EXPECT_EQ(offsetof(NetworkDesc, dynamic_roi), 38u);
  EXPECT_EQ(offsetof(CommonOpDesc, fused_parent), 32u);
  EXPECT_EQ(offsetof(ConvOp, bytes_per_kernel), 48u);
  EXPECT_EQ(offsetof(ConvOp, out_cvt), 84u);
  EXPECT_EQ(offsetof(ConvSurface, offset_u), 160u);
  EXPECT_EQ(offsetof(SdpOp, y_op), 84u);
  EXPECT_EQ(offsetof(PdpOp, padding_value), 24u);
  EXPECT_EQ(offsetof(LutParam, linear_only_end), 672u);
  EXPECT_EQ(offsetof(LutParam, method), 699u);
}

TEST(Descriptors, Text) {
  RubikOp op{};
  op.mode = NVDLA_RUBIK_MODE_MERGE;
  op.precision = NVDLA_PRECISION_FP16;
  op.stride_x = 2;
  EXPECT_EQ(to_text(op), "{mode=2(merge) precision=2(fp16) stride_x=2 stride_y=0}");
  CommonOpDesc common{};
  common.op_type = 1;
  common.consumers[2] = {.index = 3, .event = 2, .res = 0};
  const std::string text = to_text(common);
  EXPECT_NE(text.find("op_type=1(conv)"), std::string::npos) << text;
  EXPECT_NE(text.find("{index=3 event=2(op_programmed) res=0}"), std::string::npos) << text;
  LutParam lut{};
  lut.linear_only_table[256] = -7;
  EXPECT_NE(to_text(lut).find("linear_only_table[256]=-7"), std::string::npos);
}

}  // namespace
}  // namespace medlar::hw
