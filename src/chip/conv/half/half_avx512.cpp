// SPDX-License-Identifier: Apache-2.0
// CMAC's and CACC's FP16 arithmetic (num/fp_mac.hpp) on 32 pixels at a time with AVX-512.
//
// A product shifted right by `shift` is floor(product >> shift) less one when the multiplier's two addends carry across
// the cut. The carry needs only the low 16 bits of the Booth rows as long as shift <= 16; the few products shifted
// further are done one at a time.
#include "chip/conv/half/atom_walk.hpp"
#include "chip/conv/half/half.hpp"

#if defined(__x86_64__)
#ifndef __clang__
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512cd")
#endif
#include <immintrin.h>

#include <array>
#include <bit>
#include <cstring>

#include "chip/conv/half/booth_rows.hpp"
#include "num/fp_mac.hpp"

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512cd"))), apply_to = function)
#endif

namespace medlar::chip {
namespace {

using Vector = __m512i;

struct CarrySave {
  Vector sum;
  Vector carry;
};

CarrySave add3(Vector a, Vector b, Vector c) {
  const Vector majority = _mm512_ternarylogic_epi32(a, b, c, 0xe8);
  return {_mm512_ternarylogic_epi32(a, b, c, 0x96), _mm512_add_epi16(majority, majority)};
}

Vector load(const void* from) { return _mm512_load_si512(from); }

/// One channel of 32 pixels, taken apart.
struct Channel {
  alignas(64) uint16_t mantissa[kHalfPixels];
  alignas(64) uint16_t sign[kHalfPixels];      ///< 0 or 0xffff.
  alignas(64) int16_t value[kHalfPixels];      ///< Mantissa with its sign.
  alignas(64) int16_t exponent[kHalfPixels];   ///< Times four; far below everything for zero.
  alignas(32) int8_t quads[kHalfPixels];       ///< Exponent; below everything for zero.
  __mmask32 nonzero;
};

constexpr int16_t kZeroExponent = -256;  // times four

struct Work {
  Channel channels[num::kFpAtomLanes];
  alignas(64) uint8_t rows[kRowVectors * 64];
  alignas(64) int16_t largest[kHalfKernels][kHalfPixels];  ///< Largest exponent of the atom, times four.
  alignas(64) int32_t part[kHalfKernels][kHalfPixels];     ///< Sums of a few channels, in unpacked order.
  alignas(64) int16_t borrow[kHalfKernels][kHalfPixels];
  alignas(64) int64_t atom[kHalfKernels][kHalfPixels];     ///< Sums of the atom, in unpacked order.
  alignas(64) int64_t acc[kHalfKernels][kHalfPixels];      ///< CACC: mantissa << 16 | exponent, in unpacked order.
};

/// Pixel at a place of the unpacked order (low halves of the 128-bit lanes, then high halves).
constexpr int pixel_at(int place) { return place % 16 / 4 * 8 + place / 16 * 4 + place % 4; }
constexpr int place_of(int pixel) { return pixel / 8 * 4 + pixel % 8 / 4 * 16 + pixel % 4; }

/// True when some pixel is NaN.
bool take_apart(const HalfTile& tile, int64_t offset, Channel& channel) {
  alignas(64) uint16_t raw[kHalfPixels];
  for (int p = 0; p < kHalfPixels; ++p) {
    std::memcpy(&raw[p], tile.pixels[p] + offset, 2);
  }
  const Vector bits = load(raw);
  const Vector magnitude = _mm512_and_si512(bits, _mm512_set1_epi16(0x7fff));
  const Vector exponent = _mm512_srli_epi16(magnitude, 10);
  const __mmask32 normal = _mm512_test_epi16_mask(exponent, exponent);
  Vector mantissa = _mm512_and_si512(bits, _mm512_set1_epi16(0x3ff));
  mantissa = _mm512_mask_or_epi32(mantissa, 0xffff, mantissa, _mm512_maskz_set1_epi16(normal, 0x400));
  Vector shift = _mm512_and_si512(exponent, _mm512_set1_epi16(3));
  shift = _mm512_mask_mov_epi16(_mm512_set1_epi16(1), normal, shift);
  mantissa = _mm512_sllv_epi16(mantissa, shift);
  const Vector sign = _mm512_srai_epi16(bits, 15);
  channel.nonzero = _mm512_test_epi16_mask(magnitude, magnitude);
  const Vector quads = _mm512_andnot_si512(_mm512_set1_epi16(3), exponent);
  _mm512_store_si512(channel.mantissa, mantissa);
  _mm512_store_si512(channel.sign, sign);
  _mm512_store_si512(channel.value, _mm512_sub_epi16(_mm512_xor_si512(mantissa, sign), sign));
  const Vector exponents = _mm512_mask_mov_epi16(_mm512_set1_epi16(kZeroExponent), channel.nonzero, quads);
  _mm512_store_si512(channel.exponent, exponents);
  _mm256_store_si256(reinterpret_cast<__m256i*>(channel.quads), _mm512_cvtepi16_epi8(_mm512_srai_epi16(exponents, 2)));
  return _mm512_cmpgt_epu16_mask(magnitude, _mm512_set1_epi16(0x7c00)) != 0;
}

void build_rows(const Channel& channel, uint8_t* rows) {
  const Vector ones = _mm512_set1_epi16(-1);
  const Vector once = load(channel.mantissa);
  const Vector twice = _mm512_add_epi16(once, once);
  const Vector sign = load(channel.sign);
  const Vector complement = _mm512_xor_si512(sign, ones);
  const Vector digits[kDigits] = {_mm512_setzero_si512(), _mm512_xor_si512(once, sign), _mm512_xor_si512(twice, sign),
                                  _mm512_xor_si512(once, complement), _mm512_xor_si512(twice, complement)};
  const Vector one = _mm512_set1_epi16(1);
  const Vector inversions[kInversions] = {_mm512_setzero_si512(), _mm512_and_si512(sign, one),
                                          _mm512_and_si512(complement, one)};
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    const __m128i by = _mm_cvtsi32_si128(2 * i);
    uint8_t* row = rows + kRowStart[static_cast<size_t>(i)] * 64;
    const Vector below[kInversions] = {inversions[0], _mm512_sll_epi16(inversions[1], _mm_cvtsi32_si128(2 * i - 2)),
                                       _mm512_sll_epi16(inversions[2], _mm_cvtsi32_si128(2 * i - 2))};
#pragma GCC unroll 5
    for (int d = 0; d < kDigits; ++d) {
      const Vector shifted = _mm512_sll_epi16(digits[d], by);
      _mm512_store_si512(row, shifted);
      row += 64;
      if (i % 4 != 0) {
        _mm512_store_si512(row, _mm512_or_si512(shifted, below[1]));
        _mm512_store_si512(row + 64, _mm512_or_si512(shifted, below[2]));
        row += 128;
      }
    }
  }
  for (int v = 0; v < kInversions; ++v) {
    _mm512_store_si512(rows + (kInversionStart3 + v) * 64, _mm512_slli_epi16(inversions[v], 6));
    _mm512_store_si512(rows + (kInversionStart7 + v) * 64, _mm512_slli_epi16(inversions[v], 14));
  }
}

/// The multiplier's two addends, low 16 bits.
[[gnu::always_inline]] inline CarrySave product_rows(const uint8_t* rows, const RowOffsets& low, const RowOffsets& high) {
  const auto tree = [rows](const RowOffsets& o) {
    const CarrySave first = add3(load(rows + o.row[0]), load(rows + o.row[1]), load(rows + o.row[2]));
    const CarrySave second = add3(first.sum, first.carry, load(rows + o.row[3]));
    return add3(second.sum, second.carry, load(rows + o.inversion));
  };
  const CarrySave a = tree(low);
  const CarrySave b = tree(high);
  const CarrySave both = add3(a.sum, a.carry, b.sum);
  return add3(both.sum, both.carry, b.carry);
}

/// The atom's largest exponents, and sums of zero, of the kernels that have weights in it.
void start_kernels(const HalfTile& tile, uint32_t first, const HalfSpan* own, Work& work) {
  const Vector zero = _mm512_setzero_si512();
  for (int k = 0; k < tile.kernels; ++k) {
    if (own[k].empty()) {
      continue;
    }
    __m256i largest = _mm256_setzero_si256();
    for (uint32_t c = own[k].first; c < own[k].last; ++c) {
      const HalfWeight& weight = tile.weights[size_t{first + c} * kHalfKernels + static_cast<size_t>(k)];
      const __m256i data = _mm256_load_si256(reinterpret_cast<const __m256i*>(work.channels[c].quads));
      largest = _mm256_max_epi8(largest, _mm256_add_epi8(data, _mm256_set1_epi8(weight.quad)));
    }
    _mm512_store_si512(work.largest[k], _mm512_slli_epi16(_mm512_cvtepi8_epi16(largest), 2));
    _mm512_store_si512(work.borrow[k], zero);
    _mm512_store_si512(work.part[k], zero);
    _mm512_store_si512(work.part[k] + 16, zero);
    for (int i = 0; i < kHalfPixels; i += 8) {
      _mm512_store_si512(work.atom[k] + i, zero);
    }
  }
}

/// Products that are shifted by 20 to 28: one at a time.
void add_far_products(const HalfWeight& weight, const Channel& channel, uint32_t pixels, const int16_t* shift, int32_t* part) {
  const bool negative = weight.factor < 0;
  const num::FpOperand w{.mantissa = static_cast<uint32_t>(negative ? -weight.factor : weight.factor), .exponent = 0,
                         .negative = negative};
  for (; pixels != 0; pixels &= pixels - 1) {
    const int p = std::countr_zero(pixels);
    const num::FpOperand d{.mantissa = channel.mantissa[p], .exponent = 0, .negative = channel.sign[p] != 0};
    part[place_of(p)] += num::fp_aligned_product(w, d, static_cast<uint32_t>(shift[p]));
  }
}

void add_to_part(int32_t* part, Vector low, Vector high) {
  _mm512_store_si512(part, _mm512_add_epi32(load(part), low));
  _mm512_store_si512(part + 16, _mm512_add_epi32(load(part + 16), high));
}

/// kFew: few kernels have a weight for the channel, so that its rows are built only when they are needed: where a product is
/// the largest of its atom nothing is cut from it.
template <bool kFew>
void add_channel(const HalfTile& tile, uint32_t lane, const Channel& channel, HalfSpan kernels, Work& work) {
  const Vector zero = _mm512_setzero_si512();
  const Vector sixteen = _mm512_set1_epi16(16);
  const Vector value = load(channel.value);
  const Vector exponent = load(channel.exponent);
  const HalfWeight* weights = tile.weights + size_t{lane} * kHalfKernels;
  bool built = !kFew;
  if constexpr (!kFew) {
    build_rows(channel, work.rows);
  }
  for (int k = kernels.first; k < kernels.last; ++k) {
    const HalfWeight& weight = weights[k];
    if (weight.factor == 0) {
      continue;
    }
    const Vector factor = _mm512_set1_epi16(weight.factor);
    const Vector shift =
        _mm512_sub_epi16(_mm512_sub_epi16(load(work.largest[k]), exponent), _mm512_set1_epi16(weight.exponent));
    int32_t* part = work.part[k];
    if constexpr (kFew) {
      if (_mm512_mask_test_epi16_mask(channel.nonzero, shift, shift) == 0) {
        const Vector low = _mm512_mullo_epi16(value, factor);
        const Vector high = _mm512_mulhi_epi16(value, factor);
        add_to_part(part, _mm512_unpacklo_epi16(low, high), _mm512_unpackhi_epi16(low, high));
        continue;
      }
      if (!built) {
        build_rows(channel, work.rows);
        built = true;
      }
    }
    const __mmask32 near = _mm512_cmple_epu16_mask(shift, sixteen);
    const Vector low = _mm512_maskz_mullo_epi16(near, value, factor);
    const Vector high = _mm512_maskz_mulhi_epi16(near, value, factor);
    add_to_part(part, _mm512_srav_epi32(_mm512_unpacklo_epi16(low, high), _mm512_unpacklo_epi16(shift, zero)),
                _mm512_srav_epi32(_mm512_unpackhi_epi16(low, high), _mm512_unpackhi_epi16(shift, zero)));

    const CarrySave rows = product_rows(work.rows, row_list(weight.low_rows), row_list(weight.high_rows));
    const Vector kept = _mm512_sub_epi16(sixteen, shift);
    const Vector sum = _mm512_sllv_epi16(rows.sum, kept);
    const Vector both = _mm512_add_epi16(sum, _mm512_sllv_epi16(rows.carry, kept));
    const __mmask32 carried = _mm512_cmplt_epu16_mask(both, sum);
    const Vector borrow = load(work.borrow[k]);
    _mm512_store_si512(work.borrow[k], _mm512_mask_add_epi16(borrow, carried, borrow, _mm512_set1_epi16(1)));

    if ((channel.nonzero & ~near) != 0) [[unlikely]] {
      const __mmask32 far = channel.nonzero & ~near & _mm512_cmple_epu16_mask(shift, _mm512_set1_epi16(28));
      alignas(64) int16_t shifts[kHalfPixels];
      _mm512_store_si512(shifts, shift);
      add_far_products(weight, channel, far, shifts, part);
    }
  }
}

/// Moves the sums of a few channels into 64 bits.
void flush_kernels(HalfSpan kernels, Work& work) {
  for (int k = kernels.first; k < kernels.last; ++k) {
    for (int i = 0; i < kHalfPixels; i += 8) {
      const Vector part = _mm512_cvtepi32_epi64(_mm256_load_si256(reinterpret_cast<const __m256i*>(&work.part[k][i])));
      _mm512_store_si512(&work.atom[k][i], _mm512_add_epi64(load(&work.atom[k][i]), part));
    }
    _mm512_store_si512(&work.part[k][0], _mm512_setzero_si512());
    _mm512_store_si512(&work.part[k][16], _mm512_setzero_si512());
  }
}

/// Left-over sign bits of `width`-bit numbers.
Vector redundant_bits(Vector value, int width) {
  const Vector distinct = _mm512_xor_si512(value, _mm512_srai_epi64(value, 63));
  return _mm512_sub_epi64(_mm512_lzcnt_epi64(distinct), _mm512_set1_epi64(65 - width));
}

Vector sign_extend_40(Vector value) { return _mm512_srai_epi64(_mm512_slli_epi64(value, 24), 24); }

/// num::fp_acc_add of eight accumulators; the atoms are no NaN.
Vector acc_add(Vector acc, Vector atom, Vector atom_exponent) {
  const Vector mask40 = _mm512_set1_epi64((int64_t{1} << 40) - 1);
  const Vector forty = _mm512_set1_epi64(40);
  const Vector one = _mm512_set1_epi64(1);
  const Vector zero = _mm512_setzero_si512();
  const Vector base = _mm512_srai_epi64(acc, 16);
  const Vector base_exponent = _mm512_and_si512(acc, _mm512_set1_epi64(0xffff));
  const Vector normalise = redundant_bits(atom, 38);
  const Vector addend = _mm512_sllv_epi64(atom, _mm512_add_epi64(normalise, _mm512_set1_epi64(2)));
  const Vector addend_exponent = _mm512_add_epi64(_mm512_sub_epi64(atom_exponent, normalise), _mm512_set1_epi64(49));

  const __mmask8 larger = _mm512_cmpgt_epi64_mask(addend_exponent, base_exponent);
  const Vector big = _mm512_mask_mov_epi64(base, larger, addend);
  const Vector small = _mm512_mask_mov_epi64(addend, larger, base);
  Vector exponent = _mm512_max_epi64(addend_exponent, base_exponent);
  const Vector distance = _mm512_sub_epi64(exponent, _mm512_min_epi64(addend_exponent, base_exponent));
  Vector lost = _mm512_and_si512(_mm512_sllv_epi64(small, _mm512_sub_epi64(forty, distance)), mask40);
  const __mmask8 in_reach = _mm512_cmple_epi64_mask(distance, forty);
  const Vector wide = _mm512_add_epi64(big, _mm512_maskz_srav_epi64(in_reach, small, distance));

  const Vector folded = sign_extend_40(wide);
  const __mmask8 overflow = _mm512_cmpneq_epi64_mask(folded, wide);
  const __mmask8 lost_any = _mm512_test_epi64_mask(lost, lost);
  const Vector shift = redundant_bits(folded, 40);
  const Vector refilled = _mm512_or_si512(_mm512_sllv_epi64(folded, shift), _mm512_srlv_epi64(lost, _mm512_sub_epi64(forty, shift)));
  lost = _mm512_and_si512(_mm512_sllv_epi64(lost, shift), mask40);
  const Vector sum = _mm512_mask_srai_epi64(sign_extend_40(refilled), overflow, wide, 1);
  exponent = _mm512_mask_add_epi64(_mm512_sub_epi64(exponent, shift), overflow, exponent, one);
  const __mmask8 guard = static_cast<__mmask8>((overflow & _mm512_test_epi64_mask(wide, one)) |
                                               (~overflow & _mm512_test_epi64_mask(lost, _mm512_set1_epi64(int64_t{1} << 39))));
  const __mmask8 sticky = static_cast<__mmask8>(
      (overflow & lost_any) | (~overflow & _mm512_test_epi64_mask(lost, _mm512_set1_epi64((int64_t{1} << 39) - 1))));
  const __mmask8 negative = _mm512_cmplt_epi64_mask(sum, zero);
  const __mmask8 round = static_cast<__mmask8>(guard & (sticky | ~negative));

  const Vector rounded = sign_extend_40(_mm512_mask_add_epi64(sum, round, sum, one));
  const __mmask8 turned = _mm512_cmplt_epi64_mask(_mm512_xor_si512(rounded, sum), zero);
  const Vector halved = _mm512_srli_epi64(_mm512_and_si512(rounded, mask40), 1);
  const Vector top = _mm512_maskz_set1_epi64(negative, int64_t{1} << 39);
  const Vector mantissa = _mm512_mask_mov_epi64(rounded, turned, sign_extend_40(_mm512_or_si512(halved, top)));
  exponent = _mm512_mask_add_epi64(exponent, turned, exponent, one);
  exponent = _mm512_maskz_and_epi64(_mm512_test_epi64_mask(mantissa, mantissa), exponent, _mm512_set1_epi64(0xff));

  const Vector result = _mm512_or_si512(_mm512_slli_epi64(mantissa, 16), exponent);
  const Vector kept_nan = _mm512_or_si512(_mm512_slli_epi64(_mm512_srai_epi64(acc, 45), 45), _mm512_set1_epi64(num::kFpAccNan));
  const __mmask8 nan = _mm512_cmpeq_epi64_mask(base_exponent, _mm512_set1_epi64(num::kFpAccNan));
  const __mmask8 changes = _mm512_test_epi64_mask(atom, atom);
  return _mm512_mask_mov_epi64(_mm512_mask_mov_epi64(acc, changes, result), static_cast<__mmask8>(changes & nan), kept_nan);
}

void accumulate_kernels(int kernels, const HalfSpan* own, Work& work) {
  const Vector zero = _mm512_setzero_si512();
  alignas(64) int32_t borrow[kHalfPixels];
  alignas(64) int32_t exponent[kHalfPixels];
  for (int k = 0; k < kernels; ++k) {
    if (own[k].empty()) {
      continue;
    }
    const Vector borrows = load(work.borrow[k]);
    const Vector largest = load(work.largest[k]);
    _mm512_store_si512(borrow, _mm512_unpacklo_epi16(borrows, zero));
    _mm512_store_si512(borrow + 16, _mm512_unpackhi_epi16(borrows, zero));
    _mm512_store_si512(exponent, _mm512_unpacklo_epi16(largest, zero));
    _mm512_store_si512(exponent + 16, _mm512_unpackhi_epi16(largest, zero));
    for (int i = 0; i < kHalfPixels; i += 8) {
      const auto widen = [i](const int32_t* from) {
        return _mm512_cvtepi32_epi64(_mm256_load_si256(reinterpret_cast<const __m256i*>(from + i)));
      };
      const Vector atom = _mm512_sub_epi64(load(&work.atom[k][i]), widen(borrow));
      _mm512_store_si512(&work.acc[k][i], acc_add(load(&work.acc[k][i]), atom, widen(exponent)));
    }
  }
}

/// An atom with NaN in it, one pixel and kernel after the other.
void accumulate_nan_atom(const HalfTile& tile, uint32_t first, uint32_t lanes, Work& work) {
  for (int place = 0; place < kHalfPixels; ++place) {
    std::array<uint16_t, num::kFpAtomLanes> data{};
    std::array<uint16_t, num::kFpAtomLanes> weights{};
    for (uint32_t c = 0; c < lanes; ++c) {
      std::memcpy(&data[c], tile.pixels[pixel_at(place)] + tile.lane_offsets[first + c], 2);
    }
    for (int k = 0; k < tile.kernels; ++k) {
      for (uint32_t c = 0; c < lanes; ++c) {
        weights[c] = tile.raw[size_t{first + c} * kHalfKernels + static_cast<size_t>(k)];
      }
      int64_t& packed = work.acc[k][place];
      const num::FpAcc acc{.mantissa = packed >> 16, .exponent = static_cast<uint32_t>(packed & 0xffff)};
      const num::FpAcc sum = num::fp_acc_add(acc, num::fp_atom({weights.data(), lanes}, {data.data(), lanes}));
      packed = sum.mantissa * 65536 + sum.exponent;
    }
  }
}

struct Leaf {
  const HalfTile& tile;
  Work& work;

  bool take_apart(int64_t offset, uint32_t c) { return chip::take_apart(tile, offset, work.channels[c]); }
  bool any(uint32_t c) const { return work.channels[c].nonzero != 0; }
  void add_nan_atom(uint32_t first, uint32_t lanes) { accumulate_nan_atom(tile, first, lanes, work); }
  void start(uint32_t first, const HalfSpan* own) { start_kernels(tile, first, own, work); }
  void add_channel(uint32_t first, uint32_t c, HalfSpan kernels) {
    constexpr int kFew = 4;
    kernels.last - kernels.first <= kFew ? chip::add_channel<true>(tile, first + c, work.channels[c], kernels, work)
                                         : chip::add_channel<false>(tile, first + c, work.channels[c], kernels, work);
  }
  void flush(HalfSpan kernels) { flush_kernels(kernels, work); }
  void accumulate(const HalfSpan* own) { accumulate_kernels(tile.kernels, own, work); }
};

}  // namespace

void half_tile_avx512(const HalfTile& tile) {
  Work work;
  std::memset(work.acc, 0, sizeof(work.acc));
  Leaf leaf{tile, work};
  for (uint32_t atom = 0; atom < tile.atoms; ++atom) {
    add_half_atom(tile, atom, leaf);
  }
  for (int k = 0; k < tile.kernels; ++k) {
    for (int place = 0; place < kHalfPixels; ++place) {
      const int64_t packed = work.acc[k][place];
      tile.out[k * kHalfPixels + pixel_at(place)] =
          num::fp_acc_to_float({.mantissa = packed >> 16, .exponent = static_cast<uint32_t>(packed & 0xffff)});
    }
  }
}

bool has_half_avx512() {
  return __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512cd") != 0;
}

}  // namespace medlar::chip
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#else
namespace medlar::chip {
void half_tile_avx512(const HalfTile&) {}
bool has_half_avx512() { return false; }
}  // namespace medlar::chip
#endif
