// SPDX-License-Identifier: Apache-2.0
// CMAC's and CACC's sums of 32 lanes (pixels or kernels) with AVX-512, for the leaves that multiply. Only for translation
// units that run where AVX-512 is.
#pragma once

#if defined(__x86_64__)
#ifndef __clang__
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq")
#endif
#include <immintrin.h>

#include <bit>
#include <cstdint>

#include "chip/conv/half/acc_double.hpp"
#include "chip/conv/half/half.hpp"
#include "num/fp_mac.hpp"

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"))), apply_to = function)
#endif

namespace medlar::chip {
namespace {

using Vector = __m512i;

inline Vector load(const void* from) { return _mm512_load_si512(from); }

struct CarrySave {
  Vector sum;
  Vector carry;
};

inline CarrySave add3(Vector a, Vector b, Vector c) {
  const Vector majority = _mm512_ternarylogic_epi32(a, b, c, 0xe8);
  return {_mm512_ternarylogic_epi32(a, b, c, 0x96), _mm512_add_epi16(majority, majority)};
}

inline CarrySave add3(CarrySave a, Vector b) { return add3(a.sum, a.carry, b); }

constexpr int16_t kZeroExponent = -256;  // times four

/// Halves taken apart (num::FpOperand).
struct HalfParts {
  Vector mantissa;
  Vector sign;      ///< 0 or -1.
  Vector exponent;  ///< Times four; far below everything for zero.
  __mmask32 nonzero;
  __mmask32 nan;

  explicit HalfParts(Vector bits) {
    const Vector magnitude = _mm512_and_si512(bits, _mm512_set1_epi16(0x7fff));
    const Vector field = _mm512_srli_epi16(magnitude, 10);
    const __mmask32 normal = _mm512_test_epi16_mask(field, field);
    mantissa = _mm512_and_si512(bits, _mm512_set1_epi16(0x3ff));
    mantissa = _mm512_or_si512(mantissa, _mm512_maskz_set1_epi16(normal, 0x400));
    const Vector shift = _mm512_and_si512(field, _mm512_set1_epi16(3));
    mantissa = _mm512_sllv_epi16(mantissa, _mm512_mask_mov_epi16(_mm512_set1_epi16(1), normal, shift));
    sign = _mm512_srai_epi16(bits, 15);
    nonzero = _mm512_test_epi16_mask(magnitude, magnitude);
    nan = _mm512_cmpgt_epu16_mask(magnitude, _mm512_set1_epi16(0x7c00));
    exponent = _mm512_mask_mov_epi16(_mm512_set1_epi16(kZeroExponent), nonzero, _mm512_andnot_si512(_mm512_set1_epi16(3), field));
  }
  Vector value() const { return _mm512_sub_epi16(_mm512_xor_si512(mantissa, sign), sign); }
};

/// Lane at a place of the unpacked order (low halves of the 128-bit blocks, then high halves).
constexpr int lane_at(int place) { return place % 16 / 4 * 8 + place / 16 * 4 + place % 4; }
constexpr int place_of(int lane) { return lane / 8 * 4 + lane % 8 / 4 * 16 + lane % 4; }

constexpr int kHalfLanes = 32;

/// One atom's sums and CACC's.
struct LaneSums {
  alignas(64) int16_t largest[kHalfLanes];  ///< Largest exponent of the atom, times four.
  alignas(64) int16_t borrow[kHalfLanes];
  alignas(64) int32_t part[kHalfLanes];  ///< Sums of a few channels, in unpacked order.
  alignas(64) double atom[kHalfLanes];   ///< Sums of the atom before those in `part`, in unpacked order.
  alignas(64) double acc[kHalfLanes];    ///< CACC, in unpacked order.

  /// deep: flush may be called before accumulate.
  void start(Vector largest_exponent, bool deep) {
    const Vector zero = _mm512_setzero_si512();
    _mm512_store_si512(largest, largest_exponent);
    _mm512_store_si512(borrow, zero);
    _mm512_store_si512(part, zero);
    _mm512_store_si512(part + 16, zero);
    for (int i = 0; i < kHalfLanes && deep; i += 8) {
      _mm512_store_si512(atom + i, zero);
    }
  }

  void add(Vector low, Vector high) {
    _mm512_store_si512(part, _mm512_add_epi32(load(part), low));
    _mm512_store_si512(part + 16, _mm512_add_epi32(load(part + 16), high));
  }

  void count_borrows(__mmask32 carried) {
    const Vector borrows = load(borrow);
    _mm512_store_si512(borrow, _mm512_mask_add_epi16(borrows, carried, borrows, _mm512_set1_epi16(1)));
  }

  /// Moves the sums of a few channels to where more fit.
  void flush() {
    for (int i = 0; i < kHalfLanes; i += 8) {
      const __m512d sums = _mm512_cvtepi32_pd(_mm256_load_si256(reinterpret_cast<const __m256i*>(part + i)));
      _mm512_store_pd(atom + i, _mm512_add_pd(_mm512_load_pd(atom + i), sums));
    }
    _mm512_store_si512(part, _mm512_setzero_si512());
    _mm512_store_si512(part + 16, _mm512_setzero_si512());
  }

  template <bool kDeep>
  void accumulate();
  void deliver(uint32_t* out) const;
};

/// num::fp_acc_add of eight accumulators (acc_double.hpp).
inline __m512d acc_add(__m512d acc, __m512d atom) {
  const Vector sum = _mm512_castpd_si512(_mm512_add_round_pd(acc, atom, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC));
  return _mm512_castsi512_pd(_mm512_and_si512(_mm512_add_epi64(sum, _mm512_set1_epi64(kAccHalf)), _mm512_set1_epi64(kAccKept)));
}

/// Half `kHalf` of sixteen powers of two: `tops` are the upper dwords of doubles.
template <int kHalf>
__m512d powers(Vector tops) {
  const Vector places = _mm512_setr_epi32(0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7);
  return _mm512_castsi512_pd(_mm512_maskz_permutexvar_epi32(0xaaaa, _mm512_add_epi32(places, _mm512_set1_epi32(8 * kHalf)), tops));
}

/// The atom to CACC. kDeep: `atom` holds sums of more channels.
template <bool kDeep>
inline void LaneSums::accumulate() {
  constexpr int kBias = 1023 - 50;  // of a double and of the atom's mantissa
  const Vector zero = _mm512_setzero_si512();
  const Vector borrows = load(borrow);
  const Vector tops = _mm512_slli_epi16(_mm512_add_epi16(load(largest), _mm512_set1_epi16(kBias)), 4);
  const auto add_eight = [this](int i, __m256i sums, __m512d power) {
    __m512d sum = _mm512_cvtepi32_pd(sums);
    if constexpr (kDeep) {
      sum = _mm512_add_pd(sum, _mm512_load_pd(atom + i));
    }
    _mm512_store_pd(acc + i, acc_add(_mm512_load_pd(acc + i), _mm512_mul_pd(sum, power)));
  };
  const Vector low = _mm512_sub_epi32(load(part), _mm512_unpacklo_epi16(borrows, zero));
  const Vector low_tops = _mm512_unpacklo_epi16(zero, tops);
  add_eight(0, _mm512_castsi512_si256(low), powers<0>(low_tops));
  add_eight(8, _mm512_extracti64x4_epi64(low, 1), powers<1>(low_tops));
  const Vector high = _mm512_sub_epi32(load(part + 16), _mm512_unpackhi_epi16(borrows, zero));
  const Vector high_tops = _mm512_unpackhi_epi16(zero, tops);
  add_eight(16, _mm512_castsi512_si256(high), powers<0>(high_tops));
  add_eight(24, _mm512_extracti64x4_epi64(high, 1), powers<1>(high_tops));
}

/// CACC's FP32, lane after lane.
inline void LaneSums::deliver(uint32_t* out) const {
  __mmask8 nan = 0;
  __m256i words[4];
  for (int i = 0; i < 4; ++i) {
    const __m512d value = _mm512_load_pd(acc + 8 * i);
    nan |= _mm512_cmp_pd_mask(value, value, _CMP_UNORD_Q);
    const Vector rounded = _mm512_and_si512(_mm512_add_epi64(_mm512_castpd_si512(value), _mm512_set1_epi64(kFloatHalf)),
                                            _mm512_set1_epi64(kFloatKept));
    words[i] = _mm256_castps_si256(_mm512_cvtpd_ps(_mm512_castsi512_pd(rounded)));
  }
  if (nan != 0) [[unlikely]] {
    for (int place = 0; place < kHalfLanes; ++place) {
      out[lane_at(place)] = deliver_double(acc[place]);
    }
    return;
  }
  // Lanes in fours: 0 2 4 6, 1 3 5 7, as place_of has spread them.
  const auto store = [out](int at, __m256i low, __m256i high) {
    auto* const to = reinterpret_cast<__m256i*>(out + at);
    _mm256_storeu_si256(to, _mm256_permute2x128_si256(low, high, 0x20));
    _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(low, high, 0x31));
  };
  store(0, words[0], words[2]);
  store(16, words[1], words[3]);
}

/// Products up to this shift: cut by the vector unit; their carry needs only the rows' low 16 bits.
constexpr int16_t kNearShift = 16;
/// Beyond this nothing is left of a product.
constexpr int16_t kFarShift = 28;

/// `values` times `factors` into the sums where the shift is near.
inline void add_near(Vector values, Vector factors, Vector shift, __mmask32 near, LaneSums& sums) {
  const Vector zero = _mm512_setzero_si512();
  const Vector low = _mm512_maskz_mullo_epi16(near, values, factors);
  const Vector high = _mm512_maskz_mulhi_epi16(near, values, factors);
  sums.add(_mm512_srav_epi32(_mm512_unpacklo_epi16(low, high), _mm512_unpacklo_epi16(shift, zero)),
           _mm512_srav_epi32(_mm512_unpackhi_epi16(low, high), _mm512_unpackhi_epi16(shift, zero)));
}

/// Lanes where the multiplier's two addends carry across the cut.
inline __mmask32 carries(CarrySave rows, Vector shift) {
  const Vector kept = _mm512_sub_epi16(_mm512_set1_epi16(16), shift);
  const Vector sum = _mm512_sllv_epi16(rows.sum, kept);
  return _mm512_cmplt_epu16_mask(_mm512_add_epi16(sum, _mm512_sllv_epi16(rows.carry, kept)), sum);
}

/// A signed mantissa for the multiplier.
inline num::FpOperand operand_of(int value) {
  return {.mantissa = static_cast<uint32_t>(value < 0 ? -value : value), .exponent = 0, .negative = value < 0};
}

}  // namespace
}  // namespace medlar::chip
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
