// SPDX-License-Identifier: Apache-2.0
// EMU operations against values worked out by hand.
#include "umd/emu.hpp"

#include "num/float_convert.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace medlar::umd {
namespace {

using loadable::EmuBuffer;
using loadable::EmuFormat;
using loadable::EmuOp;
using loadable::EmuPower;
using loadable::EmuSoftmax;

EmuBuffer pixel(int16_t address, EmuFormat format, uint16_t channels) {
  return {.address = address,
          .size = 32,
          .format = format,
          .width = 1,
          .height = 1,
          .channel = channels,
          .line_stride = 32,
          .surf_stride = 32};
}

float half(uint16_t bits) {
  return std::bit_cast<float>(num::fp16_to_fp32(bits));
}

uint16_t to_half(float value) {
  return static_cast<uint16_t>(num::fp32_to_fp16(std::bit_cast<uint32_t>(value)));
}

TEST(Emu, SoftmaxOfHalves) {
  ByteBuffer in(64), out(64);
  const float values[] = {1, 2, 3, 11000};
  for (size_t i = 0; i < 4; ++i) {
    store_le(in.data() + 2 * i, to_half(values[i]));
  }
  const EmuOp op{
      .body = EmuSoftmax{1}, .src = pixel(0, EmuFormat::kFp16, 3), .dst = pixel(1, EmuFormat::kFp16, 3)};
  ASSERT_TRUE(run_emu_task({op}, {in, out}));
  EXPECT_NEAR(half(load_le<uint16_t>(out.data())), 0.0900306, 1e-4);
  EXPECT_NEAR(half(load_le<uint16_t>(out.data() + 4)), 0.6652409, 1e-3);
  EXPECT_EQ(out[6], 0) << "beyond the channels nothing is written";
  const EmuOp large{
      .body = EmuSoftmax{1}, .src = pixel(0, EmuFormat::kFp16, 4), .dst = pixel(1, EmuFormat::kFp16, 4)};
  ASSERT_TRUE(run_emu_task({large}, {in, out}));
  EXPECT_EQ(half(load_le<uint16_t>(out.data() + 6)), 1.0f) << "the maximum is subtracted, nothing overflows";
}

TEST(Emu, SoftmaxOfInt8UsesBothScales) {
  ByteBuffer in(32), out(32);
  in[0] = 10;
  in[1] = static_cast<uint8_t>(-10);
  const EmuOp op{.body = EmuSoftmax{1},
                 .input_scale = 0.1f,
                 .output_scale = 1.0f / 127,
                 .src = pixel(0, EmuFormat::kInt8, 2),
                 .dst = pixel(1, EmuFormat::kInt8, 2)};
  ASSERT_TRUE(run_emu_task({op}, {in, out}));
  EXPECT_EQ(static_cast<int8_t>(out[0]),
            111);  // 127 / (1 + e^-2) = 111.86: NVIDIA's runtime cuts the fraction off
  EXPECT_EQ(static_cast<int8_t>(out[1]), 15);
}

TEST(Emu, PowerWalksSurfaces) {
  // 2x1 pixels of 12 channels in 8-byte atoms: two surfaces.
  const EmuBuffer src{.address = 0,
                      .size = 32,
                      .format = EmuFormat::kInt8x8,
                      .width = 2,
                      .height = 1,
                      .channel = 12,
                      .line_stride = 16,
                      .surf_stride = 16};
  EmuBuffer dst = src;
  dst.address = 1;
  ByteBuffer in(32), out(32, 0xee);
  in[16 + 8 + 3] = 5;  // Surface 1, x 1: channel 11.
  const EmuOp op{.body = EmuPower{2, 2, 1}, .src = src, .dst = dst};
  ASSERT_TRUE(run_emu_task({op}, {in, out}));
  EXPECT_EQ(out[16 + 8 + 3], 121);
  EXPECT_EQ(out[0], 1);
  EXPECT_EQ(out[16 + 8 + 4], 0xee);
}

TEST(Emu, PowerSaturates) {
  ByteBuffer in(32, 100), out(32);
  const EmuOp op{
      .body = EmuPower{1, 2, 0}, .src = pixel(0, EmuFormat::kInt8, 8), .dst = pixel(1, EmuFormat::kInt8, 8)};
  ASSERT_TRUE(run_emu_task({op}, {in, out}));
  EXPECT_EQ(out[0], 127);
}

TEST(Emu, IntegersAreCutTowardsZero) {
  ByteBuffer in(32), out(32);
  in[0] = 7;
  in[1] = static_cast<uint8_t>(-7);
  const EmuOp op{.body = EmuPower{1, 0.25f, 0},
                 .src = pixel(0, EmuFormat::kInt8, 2),
                 .dst = pixel(1, EmuFormat::kInt8, 2)};
  ASSERT_TRUE(run_emu_task({op}, {in, out}));
  EXPECT_EQ(static_cast<int8_t>(out[0]), 1);
  EXPECT_EQ(static_cast<int8_t>(out[1]), -1);
}

TEST(Emu, BuffersOutsideTheirMemoryAreErrors) {
  ByteBuffer in(32), out(16);
  const EmuOp op{
      .body = EmuPower{}, .src = pixel(0, EmuFormat::kInt8, 8), .dst = pixel(1, EmuFormat::kInt8, 8)};
  const Status status = run_emu_task({op}, {in, out});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message,
            "EMU operation 0: destination: 32 bytes at offset 0 exceed the buffer of 16 bytes");
  EmuOp shapes = op;
  shapes.dst.channel = 9;
  ByteBuffer large(32);
  EXPECT_EQ(run_emu_task({shapes}, {in, large}).error().code, Code::kCorrupt);
  EmuOp index = op;
  index.src.address = 2;
  EXPECT_EQ(run_emu_task({index}, {in, large}).error().code, Code::kCorrupt);
}

}  // namespace
}  // namespace medlar::umd
