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
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq")
#endif
#include <immintrin.h>

#include <array>
#include <bit>
#include <cstring>

#include "chip/conv/half/booth_rows.hpp"
#include "chip/conv/half/sums_avx512.hpp"
#include "num/fp_mac.hpp"

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"))), apply_to = function)
#endif

namespace medlar::chip {
namespace {

/// One channel of 32 pixels, taken apart.
struct Channel {
  alignas(64) uint16_t mantissa[kHalfPixels];
  alignas(64) uint16_t sign[kHalfPixels];      ///< 0 or 0xffff.
  alignas(64) int16_t value[kHalfPixels];      ///< Mantissa with its sign.
  alignas(64) int16_t exponent[kHalfPixels];   ///< Times four; far below everything for zero.
  alignas(32) int8_t quads[kHalfPixels];       ///< Exponent; below everything for zero.
  __mmask32 nonzero;
};

struct Work {
  Channel channels[num::kFpAtomLanes];
  alignas(64) uint8_t rows[kRowVectors * 64];
  LaneSums sums[kHalfKernels];
};

/// True when some pixel is NaN.
bool take_apart(const HalfTile& tile, int64_t offset, Channel& channel) {
  alignas(64) uint16_t raw[kHalfPixels];
  for (int p = 0; p < kHalfPixels; ++p) {
    std::memcpy(&raw[p], tile.pixels[p] + offset, 2);
  }
  const HalfParts parts(load(raw));
  channel.nonzero = parts.nonzero;
  _mm512_store_si512(channel.mantissa, parts.mantissa);
  _mm512_store_si512(channel.sign, parts.sign);
  _mm512_store_si512(channel.value, parts.value());
  _mm512_store_si512(channel.exponent, parts.exponent);
  _mm256_store_si256(reinterpret_cast<__m256i*>(channel.quads), _mm512_cvtepi16_epi8(_mm512_srai_epi16(parts.exponent, 2)));
  return parts.nan != 0;
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
    return add3(add3(first, load(rows + o.row[3])), load(rows + o.inversion));
  };
  const CarrySave a = tree(low);
  const CarrySave b = tree(high);
  return add3(add3(a, b.sum), b.carry);
}

/// The atom's largest exponents, and sums of zero, of the kernels that have weights in it.
void start_kernels(const HalfTile& tile, uint32_t first, const HalfSpan* own, bool deep, Work& work) {
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
    work.sums[k].start(_mm512_slli_epi16(_mm512_cvtepi8_epi16(largest), 2), deep);
  }
}

/// Products that are shifted by 20 to 28: one at a time.
void add_far_products(const HalfWeight& weight, const Channel& channel, uint32_t pixels, const int16_t* shift, int32_t* part) {
  const num::FpOperand w = operand_of(weight.factor);
  for (; pixels != 0; pixels &= pixels - 1) {
    const int p = std::countr_zero(pixels);
    part[place_of(p)] += num::fp_aligned_product(w, operand_of(channel.value[p]), static_cast<uint32_t>(shift[p]));
  }
}

/// kFew: few kernels have a weight for the channel, so that its rows are built only when they are needed: where a product is
/// the largest of its atom nothing is cut from it.
template <bool kFew>
void add_channel(const HalfTile& tile, uint32_t lane, const Channel& channel, HalfSpan kernels, Work& work) {
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
    LaneSums& sums = work.sums[k];
    const Vector factor = _mm512_set1_epi16(weight.factor);
    const Vector shift = _mm512_sub_epi16(_mm512_sub_epi16(load(sums.largest), exponent), _mm512_set1_epi16(weight.exponent));
    if constexpr (kFew) {
      if (_mm512_mask_test_epi16_mask(channel.nonzero, shift, shift) == 0) {
        const Vector low = _mm512_mullo_epi16(value, factor);
        const Vector high = _mm512_mulhi_epi16(value, factor);
        sums.add(_mm512_unpacklo_epi16(low, high), _mm512_unpackhi_epi16(low, high));
        continue;
      }
      if (!built) {
        build_rows(channel, work.rows);
        built = true;
      }
    }
    const __mmask32 near = _mm512_cmple_epu16_mask(shift, _mm512_set1_epi16(kNearShift));
    add_near(value, factor, shift, near, sums);
    sums.count_borrows(carries(product_rows(work.rows, row_list(weight.low_rows), row_list(weight.high_rows)), shift));
    if ((channel.nonzero & ~near) != 0) [[unlikely]] {
      const __mmask32 far = channel.nonzero & ~near & _mm512_cmple_epu16_mask(shift, _mm512_set1_epi16(kFarShift));
      alignas(64) int16_t shifts[kHalfPixels];
      _mm512_store_si512(shifts, shift);
      add_far_products(weight, channel, far, shifts, sums.part);
    }
  }
}

/// An atom with NaN in it, one pixel and kernel after the other.
void accumulate_nan_atom(const HalfTile& tile, uint32_t first, uint32_t lanes, Work& work) {
  for (int place = 0; place < kHalfPixels; ++place) {
    std::array<uint16_t, num::kFpAtomLanes> data{};
    std::array<uint16_t, num::kFpAtomLanes> weights{};
    for (uint32_t c = 0; c < lanes; ++c) {
      std::memcpy(&data[c], tile.pixels[lane_at(place)] + tile.lane_offsets[first + c], 2);
    }
    for (int k = 0; k < tile.kernels; ++k) {
      for (uint32_t c = 0; c < lanes; ++c) {
        weights[c] = tile.raw[size_t{first + c} * kHalfKernels + static_cast<size_t>(k)];
      }
      double& acc = work.sums[k].acc[place];
      acc = double_of(num::fp_acc_add(acc_of(acc), num::fp_atom({weights.data(), lanes}, {data.data(), lanes})));
    }
  }
}

struct Leaf {
  const HalfTile& tile;
  Work& work;
  bool deep = false;

  bool take_apart(int64_t offset, uint32_t c) { return chip::take_apart(tile, offset, work.channels[c]); }
  bool any(uint32_t c) const { return work.channels[c].nonzero != 0; }
  void add_nan_atom(uint32_t first, uint32_t lanes) { accumulate_nan_atom(tile, first, lanes, work); }
  void start(uint32_t first, const HalfSpan* own, bool many) {
    deep = many;
    start_kernels(tile, first, own, deep, work);
  }
  void add_channel(uint32_t first, uint32_t c, HalfSpan kernels) {
    constexpr int kFew = 4;
    kernels.last - kernels.first <= kFew ? chip::add_channel<true>(tile, first + c, work.channels[c], kernels, work)
                                         : chip::add_channel<false>(tile, first + c, work.channels[c], kernels, work);
  }
  void flush(HalfSpan kernels) {
    for (int k = kernels.first; k < kernels.last; ++k) {
      work.sums[k].flush();
    }
  }
  void accumulate(const HalfSpan* own) {
    for (int k = 0; k < tile.kernels; ++k) {
      if (!own[k].empty()) {
        deep ? work.sums[k].accumulate<true>() : work.sums[k].accumulate<false>();
      }
    }
  }
};

}  // namespace

void half_tile_avx512(const HalfTile& tile) {
  Work work;
  for (int k = 0; k < tile.kernels; ++k) {
    std::memset(work.sums[k].acc, 0, sizeof(work.sums[k].acc));
  }
  Leaf leaf{tile, work};
  for (uint32_t atom = 0; atom < tile.atoms; ++atom) {
    add_half_atom(tile, atom, leaf);
  }
  for (int k = 0; k < tile.kernels; ++k) {
    work.sums[k].deliver(tile.out + k * kHalfPixels);
  }
}

bool has_half_avx512() {
  return __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0;
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
