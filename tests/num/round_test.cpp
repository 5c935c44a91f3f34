// SPDX-License-Identifier: Apache-2.0
// Integer rounding against exact arithmetic in 128 bits.
#include <gtest/gtest.h>

#include <random>

#include "num/converter.hpp"
#include "num/round.hpp"

namespace medlar::num {
namespace {

__extension__ typedef __int128 Wide;

/// value / 2^shift to nearest, halves away from zero, by definition: floor(|value| / 2^shift + 1/2) with the sign.
Wide round_by_definition(int64_t value, uint32_t shift) {
  const Wide magnitude = value < 0 ? -static_cast<Wide>(value) : static_cast<Wide>(value);
  if (shift > 70) {
    return 0;
  }
  const Wide unit = static_cast<Wide>(1) << shift;
  const Wide rounded = (2 * magnitude + unit) / (2 * unit);
  return value < 0 ? -rounded : rounded;
}

TEST(Round, HalvesGoAwayFromZero) {
  EXPECT_EQ(shift_round(5, 1), 3);
  EXPECT_EQ(shift_round(-5, 1), -3);
  EXPECT_EQ(shift_round(4, 3), 1);
  EXPECT_EQ(shift_round(-4, 3), -1);
  EXPECT_EQ(shift_round(3, 3), 0);
  EXPECT_EQ(shift_round(-3, 3), 0);
}

TEST(Round, EverySmallValueAndShift) {
  for (int64_t value = -300; value <= 300; ++value) {
    for (uint32_t shift = 0; shift <= 70; ++shift) {
      ASSERT_EQ(shift_round(value, shift), round_by_definition(value, shift)) << value << " >> " << shift;
      if (shift < 63) {
        ASSERT_EQ(shift_round_narrow(value, shift), shift_round(value, shift)) << value << " >> " << shift;
      }
    }
  }
}

TEST(Round, LargeValues) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100000; ++i) {
    const auto value = static_cast<int64_t>(random()) >> (random() % 64);
    const auto shift = static_cast<uint32_t>(random() % 68);
    ASSERT_EQ(shift_round(value, shift), round_by_definition(value, shift)) << value << " >> " << shift;
    const int64_t narrow = value >> 2;
    const uint32_t below = shift % 63;
    ASSERT_EQ(shift_round_narrow(narrow, below), shift_round(narrow, below)) << narrow << " >> " << below;
  }
  EXPECT_EQ(shift_round(INT64_MIN, 63), -1);
  EXPECT_EQ(shift_round(INT64_MIN, 64), -1);
  EXPECT_EQ(shift_round(INT64_MIN, 65), 0);
  EXPECT_EQ(shift_round(INT64_MAX, 0), INT64_MAX);
}

TEST(Round, Saturation) {
  EXPECT_EQ(saturate(128, 8), 127);
  EXPECT_EQ(saturate(-129, 8), -128);
  EXPECT_EQ(saturate(INT64_MIN, 32), INT32_MIN);
  EXPECT_EQ(saturate(INT64_MAX, 64), INT64_MAX);
  EXPECT_EQ(saturate(100, 8), 100);
}

TEST(Round, LeftShiftSaturates) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 100000; ++i) {
    const auto value = static_cast<int32_t>(random()) >> (random() % 32);
    const auto shift = static_cast<uint32_t>(random() % 64);
    const Wide exact = static_cast<Wide>(value) * (static_cast<Wide>(1) << shift);
    const Wide limited = exact > INT32_MAX ? INT32_MAX : (exact < INT32_MIN ? INT32_MIN : exact);
    ASSERT_EQ(shift_left_saturate(value, shift, 32), limited) << value << " << " << shift;
  }
}

TEST(Round, SignExtension) {
  EXPECT_EQ(sign_extend(0x1f, 5), -1);
  EXPECT_EQ(sign_extend(0x0f, 5), 15);
  EXPECT_EQ(sign_extend(0x1ff, 9), -1);
  EXPECT_EQ(sign_extend(0xffffffffff, 8), -1);
}

TEST(Converter, OffsetIsSubtracted) {
  const Converter c{.offset = 10, .scale = 3, .shift = 1};
  EXPECT_EQ(c.apply(21, 8), 17);   // 33 / 2 = 16.5
  EXPECT_EQ(c.apply(-1, 8), -17);  // -33 / 2
  EXPECT_EQ(c.apply(1000, 8), 127);
}

TEST(Converter, SaturationCountsOnlyBeyondTheRoundingStep) {
  const Converter c{};
  EXPECT_FALSE(c.saturates(127, 8));
  EXPECT_FALSE(c.saturates(128, 8));  // One step: taken for a rounding.
  EXPECT_TRUE(c.saturates(129, 8));
  EXPECT_TRUE(c.saturates(-130, 8));
  EXPECT_FALSE(c.saturates(-129, 8));
}

}  // namespace
}  // namespace medlar::num
