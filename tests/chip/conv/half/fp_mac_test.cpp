// SPDX-License-Identifier: Apache-2.0
// FP16 multiply-accumulate: against exact arithmetic where the hardware is exact, within its bounds elsewhere.
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "num/fp_mac.hpp"

namespace medlar::num {
namespace {

double value_of(uint16_t bits) {
  const int exponent = bits >> 10 & 0x1f;
  const int mantissa = (bits & 0x3ff) | (exponent != 0 ? 0x400 : 0);
  const double magnitude = std::ldexp(mantissa, (exponent == 0 ? 1 : exponent) - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

TEST(FpMac, OperandsKeepTheirValue) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    if ((half & 0x7fff) >= 0x7c00) {
      continue;
    }
    const FpOperand operand = FpOperand::of(half);
    const double value = std::ldexp(operand.mantissa, static_cast<int>(operand.exponent) * 4 - 25);
    EXPECT_EQ(operand.negative ? -value : value, value_of(half)) << bits;
    EXPECT_LT(operand.mantissa, 1u << 14);
  }
}

TEST(FpMac, UnshiftedProductsAreExactAndShiftedOnesAtMostOneLow) {
  std::mt19937 random(1);
  for (int i = 0; i < 200000; ++i) {
    const FpOperand w = FpOperand::of(static_cast<uint16_t>(random() & 0xfbff));
    const FpOperand d = FpOperand::of(static_cast<uint16_t>(random() & 0xfbff));
    const int64_t product = (w.negative != d.negative ? -1 : 1) * static_cast<int64_t>(w.mantissa) * d.mantissa;
    ASSERT_EQ(fp_aligned_product(w, d, 0), product);
    for (uint32_t shift = 4; shift < 20; shift += 4) {
      const int64_t floor = product >> shift;
      const int64_t got = fp_aligned_product(w, d, shift);
      ASSERT_TRUE(got == floor || got == floor - 1) << product << " >> " << shift << " gives " << got;
    }
    ASSERT_EQ(fp_aligned_product(w, d, 32), 0);
  }
}

TEST(FpMac, AtomsOfEqualExponentsAreExact) {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    std::vector<uint16_t> w(64), d(64);
    double exact = 0;
    for (size_t i = 0; i < 64; ++i) {
      w[i] = static_cast<uint16_t>((random() & 0x83ff) | 14 << 10);
      d[i] = static_cast<uint16_t>((random() & 0x83ff) | 17 << 10);
      exact += value_of(w[i]) * value_of(d[i]);
    }
    const FpAtomSum sum = fp_atom(w, d);
    EXPECT_EQ(std::ldexp(static_cast<double>(sum.mantissa), static_cast<int>(sum.exponent) - 50), exact);
  }
}

TEST(FpMac, NanComesFromTheFirstWeightElseTheFirstDatum) {
  std::vector<uint16_t> w = {0x3c00, 0xfe01, 0x7c02}, d = {0x7d55, 0x3c00, 0};
  EXPECT_EQ(fp_atom(w, d), (FpAtomSum{.mantissa = -(int64_t{1} << 37) + (int64_t{0x201} << 27), .exponent = kFpAtomNan}));
  w[1] = 0x3c00;
  w[2] = 0;
  EXPECT_EQ(fp_atom(w, d).mantissa, int64_t{0x155} << 27);
  const FpAcc acc = fp_acc_add({}, fp_atom(w, d));
  EXPECT_EQ(acc.exponent, kFpAccNan);
  EXPECT_EQ(fp_acc_to_float(acc), 0x7f800155u);
  EXPECT_EQ(fp_acc_add(acc, {.mantissa = 1, .exponent = 4}), acc);
}

TEST(FpMac, TheAccumulatorRoundsToItsFortyBits) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 20000; ++round) {
    FpAcc acc;
    double exact = 0;
    for (int i = 0; i < 8; ++i) {
      const FpAtomSum atom{.mantissa = static_cast<int64_t>(random()) >> (27 + random() % 30),
                           .exponent = static_cast<uint32_t>(random() % 15 * 4)};
      const double before = std::ldexp(static_cast<double>(acc.mantissa), static_cast<int>(acc.exponent) - 101);
      exact = before + std::ldexp(static_cast<double>(atom.mantissa), static_cast<int>(atom.exponent) - 50);
      acc = fp_acc_add(acc, atom);
      const double after = std::ldexp(static_cast<double>(acc.mantissa), static_cast<int>(acc.exponent) - 101);
      ASSERT_LE(std::abs(after - exact), std::ldexp(1.0, static_cast<int>(acc.exponent) - 101));
    }
    const float delivered = std::bit_cast<float>(fp_acc_to_float(acc));
    const double kept = std::ldexp(static_cast<double>(acc.mantissa), static_cast<int>(acc.exponent) - 101);
    ASSERT_LE(std::abs(delivered - kept), std::abs(kept) * 0x1p-24 * 1.01);
  }
}

}  // namespace
}  // namespace medlar::num
