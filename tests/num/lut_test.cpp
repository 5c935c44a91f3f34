// SPDX-License-Identifier: Apache-2.0
// Table look-up against the formulas of the programming guide, evaluated naively.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "num/cdp_lut.hpp"
#include "num/float_convert.hpp"
#include "num/round.hpp"
#include "num/sdp_lut.hpp"

namespace medlar::num {
namespace {

LutTables random_tables(uint32_t seed) {
  std::mt19937 random(seed);
  LutTables tables;
  for (int16_t& entry : tables.le) {
    entry = static_cast<int16_t>(random());
  }
  for (int16_t& entry : tables.lo) {
    entry = static_cast<int16_t>(random());
  }
  return tables;
}

/// Both tables linear: LE covers [0, 4096) in steps of 64, LO [-512, 512) in steps of 4.
LutSettings linear_settings() {
  LutSettings s;
  s.le = {.start = 0, .end = 4096, .index_select = 6, .underflow = {3, 1}, .overflow = {-2, 0}};
  s.lo = {.start = -512, .end = 512, .index_select = 2, .underflow = {5, -1}, .overflow = {7, 2}};
  return s;
}

/// Halves away from zero, in doubles that hold every value here exactly.
int64_t nearest(double value) { return static_cast<int64_t>(std::round(value)); }

TEST(SdpLut, LinearInterpolationRoundsTheWeightedSumOnce) {
  const LutTables tables = random_tables(1);
  LutSettings s = linear_settings();
  s.hybrid_selects_lo = false;
  const SdpLut lut(s, tables);
  LutCounters counters;
  for (int32_t x = 1; x < 4096; ++x) {
    const auto index = static_cast<size_t>(x / 64);
    const double weight = (x % 64) / 64.0;
    const double exact = tables.le[index] * (1 - weight) + tables.le[index + 1] * weight;
    ASSERT_EQ(lut.look_up(x, counters), nearest(exact)) << x;
  }
  EXPECT_EQ(counters.hybrid, 4095u);
  EXPECT_EQ(counters.le_hit, 4095u);
  EXPECT_EQ(counters.lo_hit, 511u);
}

TEST(SdpLut, OnlyOneTableHits) {
  const LutTables tables = random_tables(2);
  LutSettings s = linear_settings();
  s.hybrid_selects_lo = true;
  const SdpLut lut(s, tables);
  LutCounters counters;
  EXPECT_EQ(lut.look_up(640, counters), tables.le[10]);   // LO overflows, LE hits.
  EXPECT_EQ(lut.look_up(-512 + 40, counters), tables.lo[10]);  // LE underflows, LO hits.
}

TEST(SdpLut, SlopesBeyondTheEnds) {
  const LutTables tables = random_tables(3);
  LutSettings s = linear_settings();
  LutCounters counters;
  s.underflow_selects_lo = false;
  s.overflow_selects_lo = true;
  const SdpLut lut(s, tables);
  EXPECT_EQ(lut.look_up(-1001, counters), tables.le[0] + nearest(-1001 * 3 / 2.0));
  EXPECT_EQ(lut.look_up(5001, counters), tables.lo[256] + nearest((5001 - 512) * 7 / 4.0));
  EXPECT_EQ(counters.underflow, 1u);
  EXPECT_EQ(counters.overflow, 1u);
}

TEST(SdpLut, ExponentialTableTakesTheLogarithm) {
  const LutTables tables = random_tables(4);
  LutSettings s;
  s.le_exponential = true;
  s.le_index_offset = 2;
  s.lo = {.start = 1 << 30, .end = 1 << 30, .index_select = 0, .underflow = {}, .overflow = {}};
  const SdpLut lut(s, tables);
  LutCounters counters;
  for (int32_t x = 4; x < 100000; x += 7) {
    const int log2 = static_cast<int>(std::floor(std::log2(x)));
    const auto index = static_cast<size_t>(log2 - 2);
    const double weight = (x - std::ldexp(1.0, log2)) / std::ldexp(1.0, log2);
    const double exact = tables.le[index] * (1 - weight) + tables.le[index + 1] * weight;
    ASSERT_EQ(lut.look_up(x, counters), nearest(exact)) << x;
  }
}

TEST(CdpLut, AddsTheRoundedDifferenceToTheLowerEntry) {
  const LutTables tables = random_tables(5);
  LutSettings s = linear_settings();
  s.hybrid_selects_lo = false;
  const CdpLut lut(s, tables);
  LutCounters counters;
  int different = 0;
  const SdpLut sdp(s, tables);
  for (int32_t x = 1; x < 4096; ++x) {
    const auto index = static_cast<size_t>(x / 64);
    const double rise = (tables.le[index + 1] - tables.le[index]) * (x % 64) / 64.0;
    const int32_t got = lut.look_up(x, counters);
    ASSERT_EQ(got, saturate(tables.le[index] + nearest(rise), 16)) << x;
    different += got != sdp.look_up(x, counters) ? 1 : 0;
  }
  EXPECT_GT(different, 0);  // The two units do not round alike.
}

TEST(CdpLut, HalvesBetweenTwoEntriesInFloat) {
  LutTables tables;
  tables.lo.fill(0x3c00);                                   // 1.0 everywhere,
  tables.lo[3] = 0x4000;                                    // 2.0 at 3.
  LutSettings s;
  s.lo = {.start = 0, .end = 0x43800000, .index_select = 0, .underflow = {}, .overflow = {}};  // 0 to 256 in steps of 1.
  s.le = {.start = 0x7f000000, .end = 0x7f000000, .index_select = 0, .underflow = {}, .overflow = {}};
  const CdpLut lut(s, tables);
  const SdpLut sdp(s, tables);
  LutCounters counters;
  const uint32_t two_and_a_half = 0x40200000;
  EXPECT_EQ(fp17_to_fp16(lut.look_up_float(two_and_a_half, counters)), 0x3e00u);  // 1.5
  EXPECT_EQ(fp32_to_fp16(sdp.look_up_float(two_and_a_half, counters)), 0x3e00u);
}

/// Whatever the registers say, a look-up stays inside its tables.
TEST(Lut, HostileSettings) {
  std::mt19937_64 random(6);
  LutCounters counters;
  for (int i = 0; i < 3000; ++i) {
    const LutTables tables = random_tables(static_cast<uint32_t>(i));
    LutSettings s;
    s.le_exponential = random() % 2 != 0;
    s.le_index_offset = static_cast<int8_t>(random());
    for (LutRange* range : {&s.le, &s.lo}) {
      range->start = sign_extend(random(), i % 2 != 0 ? 32 : 38);
      range->end = sign_extend(random(), i % 2 != 0 ? 32 : 38);
      range->index_select = static_cast<int8_t>(random());
      range->underflow = {static_cast<int16_t>(random()), static_cast<int8_t>(sign_extend(random(), 5))};
      range->overflow = {static_cast<int16_t>(random()), static_cast<int8_t>(sign_extend(random(), 5))};
    }
    const SdpLut sdp(s, tables);
    const CdpLut cdp(s, tables);
    for (int j = 0; j < 20; ++j) {
      const auto x = static_cast<int32_t>(random());
      if (i % 2 != 0) {
        sdp.look_up(x, counters);
      }
      sdp.look_up_float(static_cast<uint32_t>(x), counters);
      const int32_t found = cdp.look_up(sign_extend(random(), 38), counters);
      ASSERT_EQ(found, saturate(found, 16)) << i;
      cdp.look_up_float(static_cast<uint32_t>(x), counters);
    }
  }
  EXPECT_GT(counters.hybrid + counters.underflow + counters.overflow, 0u);
}

}  // namespace
}  // namespace medlar::num
