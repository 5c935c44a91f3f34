// SPDX-License-Identifier: Apache-2.0
// Floating point of the chip against definitions in double precision and against the host's FP32.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "num/fast_float.hpp"

namespace medlar::num {
namespace {

/// The value of a bit pattern, by definition; infinities count as numbers of the next binade.
template <typename F>
double value_of(uint32_t bits) {
  const double sign = F::sign(bits) != 0 ? -1.0 : 1.0;
  const int exponent = static_cast<int>(F::exponent(bits));
  const double fraction = std::ldexp(F::mantissa(bits), -F::kMantissaBits);
  const int bias = static_cast<int>(F::kBias);
  return sign * (exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1.0 + fraction, exponent - bias));
}

/// Nearest FP16 number by search in the neighbourhood, ties to the even pattern, saturated.
uint32_t nearest_fp16(double value) {
  const uint32_t sign = std::signbit(value) ? Fp16::kSignMask : 0;
  const double magnitude = std::fabs(value);
  uint32_t low = 0;
  uint32_t high = Fp16::kLargest;
  if (magnitude >= value_of<Fp16>(high)) {
    return sign | high;
  }
  while (high - low > 1) {
    const uint32_t middle = (low + high) / 2;
    (value_of<Fp16>(middle) <= magnitude ? low : high) = middle;
  }
  const double below = magnitude - value_of<Fp16>(low);
  const double above = value_of<Fp16>(high) - magnitude;
  const bool take_high = above < below || (above == below && (high & 1) == 0);
  return sign | (take_high ? high : low);
}

TEST(FloatConvert, EveryHalfWidensExactly) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    if (Fp16::exponent(bits) == Fp16::kExponentMax) {
      continue;
    }
    ASSERT_EQ(value_of<Fp32>(fp16_to_fp32(bits)), value_of<Fp16>(bits)) << bits;
    ASSERT_EQ(value_of<Fp17>(fp16_to_fp17(bits)), value_of<Fp16>(bits)) << bits;
    ASSERT_EQ(fp32_to_fp16(fp16_to_fp32(bits)), bits);
    ASSERT_EQ(fp17_to_fp16(fp16_to_fp17(bits)), bits);
    ASSERT_EQ(fp17_to_fp32(fp16_to_fp17(bits)), fp16_to_fp32(bits));
  }
}

TEST(FloatConvert, InfinityBecomesTheLargestNumberAndNanStays) {
  EXPECT_EQ(fp16_to_fp32(0x7c00), Fp32::kLargest);
  EXPECT_EQ(fp16_to_fp17(0xfc00), Fp17::kSignMask | Fp17::kLargest);
  EXPECT_EQ(fp32_to_fp16(0x7f7fffff), Fp16::kLargest);
  EXPECT_EQ(fp32_to_fp16(0xff800000), 0xfbffu);
  for (uint32_t payload = 1; payload < 0x400; ++payload) {
    ASSERT_TRUE(Fp32::is_nan(fp16_to_fp32(0x7c00 | payload)));
    ASSERT_EQ(fp32_to_fp16(fp16_to_fp32(0x7c00 | payload)), 0x7c00u | payload);
  }
}

TEST(FloatConvert, NarrowingRoundsToNearestEven) {
  std::mt19937 random(3);
  for (int i = 0; i < 200000; ++i) {
    const uint32_t exponent = 95 + random() % 52;
    uint32_t mantissa = random() & Fp32::kMantissaMask;
    mantissa &= random() % 2 != 0 ? ~0u : ~0xfffu;  // Half of them are ties or exact.
    const uint32_t bits = Fp32::pack(random() % 2 != 0 ? Fp32::kSignMask : 0, exponent, mantissa);
    ASSERT_EQ(fp32_to_fp16(bits), nearest_fp16(value_of<Fp32>(bits))) << std::hex << bits;
  }
}

TEST(FloatConvert, IntegersOf17Bits) {
  for (int32_t value = -65536; value <= 65535; ++value) {
    ASSERT_EQ(int_to_fp16(value), nearest_fp16(value)) << value;
  }
}

TEST(FloatConvert, HalfToInteger) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    if (Fp16::exponent(bits) == Fp16::kExponentMax) {
      continue;
    }
    const double exact = std::round(value_of<Fp16>(bits));  // Halves away from zero.
    const double limited = std::fmin(32767.0, std::fmax(-32768.0, exact));
    ASSERT_EQ(fp16_to_int16(bits), static_cast<int32_t>(limited)) << bits;
  }
  EXPECT_EQ(fp16_to_int16(0x7e00), -32768);
}

TEST(FloatConvert, Fractions) {
  EXPECT_EQ(fraction_to_fp17(0, 16), 0u);
  for (uint32_t fraction = 1; fraction < 0x10000; ++fraction) {
    const double exact = std::ldexp(fraction, -16);
    const double got = value_of<Fp17>(fraction_to_fp17(fraction, 16));
    ASSERT_LE(std::fabs(got - exact), std::ldexp(exact, -11)) << fraction;
  }
}

TEST(FloatArithmetic, Fp32AgreesWithTheHostOnNormalNumbers) {
  std::mt19937 random(4);
  for (int i = 0; i < 300000; ++i) {
    const auto pick = [&] { return Fp32::pack(random() & Fp32::kSignMask, 90 + random() % 76, random() & Fp32::kMantissaMask); };
    const uint32_t a = pick();
    const uint32_t b = random() % 4 != 0 ? pick() : (a & 0x7f800000u) | (pick() & 0x807fffffu);
    const float x = std::bit_cast<float>(a);
    const float y = std::bit_cast<float>(b);
    if (x + y != 0.0F) {
      ASSERT_EQ(float_add<Fp32>(a, b), std::bit_cast<uint32_t>(x + y)) << std::hex << a << " " << b;
    }
    ASSERT_EQ(float_multiply<Fp32>(a, b), std::bit_cast<uint32_t>(x * y)) << std::hex << a << " " << b;
    ASSERT_EQ(std::bit_cast<float>(float_max<Fp32>(a, b)), std::fmax(x, y));
    ASSERT_EQ(std::bit_cast<float>(float_min<Fp32>(a, b)), std::fmin(x, y));
  }
}

TEST(FloatArithmetic, Fp17RoundsLikeTheExactResult) {
  std::mt19937 random(5);
  for (int i = 0; i < 200000; ++i) {
    const auto pick = [&] { return Fp17::pack(random() & Fp17::kSignMask, 20 + random() % 24, random() & Fp17::kMantissaMask); };
    const uint32_t a = pick();
    const uint32_t b = pick();
    const double product = value_of<Fp17>(a) * value_of<Fp17>(b);
    const double got = value_of<Fp17>(float_multiply<Fp17>(a, b));
    ASSERT_LE(std::fabs(got - product), std::ldexp(std::fabs(product), -11)) << std::hex << a << " " << b;
    const double sum = value_of<Fp17>(a) + value_of<Fp17>(b);
    const double got_sum = value_of<Fp17>(float_add<Fp17>(a, b));
    ASSERT_LE(std::fabs(got_sum - sum), std::ldexp(std::fabs(sum), -11)) << std::hex << a << " " << b;
  }
}

TEST(FloatArithmetic, LeavesTheRangeWithoutInfinitiesAndDenormals) {
  EXPECT_EQ(float_add<Fp32>(Fp32::kLargest, Fp32::kLargest), Fp32::kLargest);
  EXPECT_EQ(float_multiply<Fp32>(Fp32::kLargest, 0xc0000000), Fp32::kSignMask | Fp32::kLargest);
  EXPECT_EQ(float_multiply<Fp32>(0x00800000, 0x3f000000), 0u);          // Half of the smallest normal number.
  EXPECT_EQ(float_multiply<Fp32>(0x80800000, 0x3f000000), 0x80000000u);  // Keeps its sign.
  EXPECT_EQ(float_add<Fp32>(0xbf800000, 0x3f800000), 0x80000000u);       // x - x takes the sign of its first operand.
}

TEST(FloatArithmetic, TheFirstNanPasses) {
  EXPECT_EQ(float_add<Fp16>(0x7c01, 0x7e02), 0x7c01u);
  EXPECT_EQ(float_add<Fp16>(0x3c00, 0xfe02), 0xfe02u);
  EXPECT_EQ(float_multiply<Fp16>(0x7e03, 0), 0x7e03u);
  EXPECT_EQ(float_max<Fp16>(0x3c00, 0x7e03), 0x7e03u);
  EXPECT_EQ(float_min<Fp16>(0x7e03, 0x3c00), 0x7e03u);
  EXPECT_EQ(float_relu<Fp16>(0xfe03), 0xfe03u);
  EXPECT_EQ(float_relu<Fp16>(0xbc00), 0u);
}

/// Any pattern, half of them ordinary numbers close to each other.
template <typename F>
uint32_t any_number(std::mt19937& random) {
  const uint32_t mask = F::kSignMask | (F::kSignMask - 1);
  const uint32_t centre = F::kBias - 6 + random() % 12;
  const uint32_t exponent = random() % 4 == 0 ? random() % (F::kExponentMax + 1) : centre;
  uint32_t mantissa = random() & F::kMantissaMask;
  mantissa = random() % 4 == 0 ? (random() % 2 != 0 ? 0 : F::kMantissaMask) : mantissa;
  return F::pack(random() % 2 != 0 ? F::kSignMask : 0, exponent, mantissa) & mask;
}

TEST(FastFloat, GivesTheExactFunctionsResults) {
  std::mt19937 random(6);
  for (int i = 0; i < 400000; ++i) {
    const uint32_t a = any_number<Fp32>(random);
    const uint32_t b = random() % 8 != 0 ? any_number<Fp32>(random) : a ^ Fp32::kSignMask;
    ASSERT_EQ(fp32_add(a, b), float_add<Fp32>(a, b)) << std::hex << a << " " << b;
    ASSERT_EQ(fp32_subtract(a, b), float_subtract<Fp32>(a, b)) << std::hex << a << " " << b;
    ASSERT_EQ(fp32_multiply(a, b), float_multiply<Fp32>(a, b)) << std::hex << a << " " << b;
    uint32_t c = any_number<Fp17>(random);
    uint32_t d = random() % 8 != 0 ? any_number<Fp17>(random) : c ^ Fp17::kSignMask;
    ASSERT_EQ(fp17_add(c, d), float_add<Fp17>(c, d)) << std::hex << c << " " << d;
    ASSERT_EQ(fp17_multiply(c, d), float_multiply<Fp17>(c, d)) << std::hex << c << " " << d;
  }
}

}  // namespace
}  // namespace medlar::num
