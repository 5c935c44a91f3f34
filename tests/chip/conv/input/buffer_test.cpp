// SPDX-License-Identifier: Apache-2.0
// What CBUF hands from one convolution to the next.
#include "chip/conv/input/buffer.hpp"

#include <gtest/gtest.h>

#include "chip/play/flat_memory.hpp"

namespace medlar::chip {
namespace {

constexpr uint64_t kBase = 0x80000000;
constexpr uint32_t kWidth = 5;

/// Lines [first, first + lines) of an INT8 cube of 40 channels.
ConvJob job_of(uint32_t first, uint32_t lines) {
  ConvJob job;
  job.machine = {.atomic_c = 64, .kernels_per_group = 32, .channels_per_atom = 32, .memory_atom = 32, .entry_bytes = 128,
                 .bank_entries = 256};
  job.in_w = kWidth;
  job.in_h = job.fetch_h = lines;
  job.in_c = job.kernel_c = 40;
  job.kernels = 3;
  job.kernel_w = job.kernel_h = 1;
  job.data_banks = job.weight_banks = 4;
  job.data = {.ram = Ram::kDram, .address = kBase + first * kWidth * 32, .line_stride = kWidth * 32, .surf_stride = 0x2000};
  job.released_slices = lines;
  return job;
}

class ConvBuffers : public testing::Test {
 protected:
  ConvBuffers() {
    ByteBuffer bytes(0x4000);
    for (size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<uint8_t>(i * 37 + i / 251);
    }
    EXPECT_TRUE(memory_.write(Ram::kDram, kBase, bytes));
  }

  FlatMemory memory_;
  ConvBuffer buffer_;
};

/// After a partial release, the next operation finds the lines that were not released before those that it fetches.
TEST_F(ConvBuffers, PartialReleaseLeavesTheLastLines) {
  for (uint32_t released = 1; released < 6; ++released) {
    ConvJob first = job_of(0, 6);
    first.released_slices = released;
    auto cube = buffer_.load_data(first, memory_);
    ASSERT_TRUE(cube) << cube.error().message;
    buffer_.store_data(first, std::move(*cube));

    ConvJob second = job_of(6, 3);
    second.reuse_data = true;
    second.in_h = 6 - released + 3;
    second.released_slices = second.in_h;
    const auto joined = buffer_.load_data(second, memory_);
    ASSERT_TRUE(joined) << joined.error().message;
    const auto whole = fetch_features(job_of(released, second.in_h), {.first = 0, .count = second.in_h}, memory_);
    ASSERT_TRUE(whole);
    EXPECT_EQ(joined->bytes, whole->bytes) << released << " released";
    buffer_.store_data(second, ConvCube(*joined));
  }
}

/// In Winograd mode CDMA writes the padding into CBUF: data in use again keep that of the operation that fetched them.
TEST_F(ConvBuffers, WinogradKeepsThePaddingOfItsData) {
  ConvJob first = job_of(0, 6);
  first.mode = ConvMode::kWinograd;
  first.keep_data = true;
  first.pad_left = first.pad_top = 1;
  first.side_pad_value = 17;
  auto cube = buffer_.load_data(first, memory_);
  ASSERT_TRUE(cube) << cube.error().message;
  buffer_.store_data(first, std::move(*cube));

  ConvJob second = first;
  second.reuse_data = true;
  second.side_pad_value = -5;
  const auto again = buffer_.load_data(second, memory_);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->pad_value, 17);
}

TEST_F(ConvBuffers, WinogradLinesOfTwoPaddingsAreAnError) {
  ConvJob first = job_of(0, 6);
  first.mode = ConvMode::kWinograd;
  first.side_pad_value = 17;
  first.released_slices = 4;
  auto cube = buffer_.load_data(first, memory_);
  ASSERT_TRUE(cube) << cube.error().message;
  buffer_.store_data(first, std::move(*cube));

  ConvJob second = job_of(6, 2);
  second.mode = ConvMode::kWinograd;
  second.reuse_data = true;
  second.in_h = 2 + 2;
  const auto wrong = buffer_.load_data(second, memory_);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "CDMA.D_ZERO_PADDING_VALUE = 0: CBUF holds lines that are padded with 17");
}

TEST_F(ConvBuffers, LinesThatAreNotThereAreAnError) {
  ConvJob first = job_of(0, 6);
  first.released_slices = 4;
  auto cube = buffer_.load_data(first, memory_);
  ASSERT_TRUE(cube);
  buffer_.store_data(first, std::move(*cube));
  ConvJob second = job_of(6, 3);
  second.reuse_data = true;
  second.in_h = 3 + 3;  // two are left
  const auto wrong = buffer_.load_data(second, memory_);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message,
            "CSC.D_DATAIN_SIZE_EXT_0: DATAIN_HEIGHT_EXT = 6: CBUF holds 2 lines and CDMA adds 3");
}

TEST_F(ConvBuffers, NothingIsLeftAfterAWholeRelease) {
  const ConvJob first = job_of(0, 6);
  auto cube = buffer_.load_data(first, memory_);
  ASSERT_TRUE(cube);
  buffer_.store_data(first, std::move(*cube));
  ConvJob second = job_of(6, 3);
  second.reuse_data = true;
  second.in_h = 4;
  const auto wrong = buffer_.load_data(second, memory_);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "CSC.D_DATAIN_SIZE_EXT_0: DATAIN_HEIGHT_EXT = 4: CDMA fetches 3 lines and CBUF kept none");
}

}  // namespace
}  // namespace medlar::chip
