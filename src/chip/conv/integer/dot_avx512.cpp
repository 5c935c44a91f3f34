// SPDX-License-Identifier: Apache-2.0
// The inner product with AVX-512 VNNI (vpdpbusd, vpdpwssd). Highway 1.0 has neither, hence intrinsics.
#include "chip/conv/integer/dot.hpp"

#if defined(__x86_64__)
#ifndef __clang__
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
#endif
#include <immintrin.h>

#include <array>
#include <cstring>
#include <utility>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni"))), apply_to = function)
#endif

namespace medlar::chip {
namespace {

struct Bytes {
  static __m512i dot(__m512i sum, __m512i data, __m512i weights) { return _mm512_dpbusd_epi32(sum, data, weights); }
};
struct Words {
  static __m512i dot(__m512i sum, __m512i data, __m512i weights) { return _mm512_dpwssd_epi32(sum, data, weights); }
};

__m512i broadcast(const uint8_t* from) {
  int32_t value;
  std::memcpy(&value, from, 4);
  return _mm512_set1_epi32(value);
}

template <typename Op, int P, int B>
void run(const DotTile& tile) {
  __m512i sums[P][B];
#pragma GCC unroll 12
  for (int b = 0; b < B; ++b) {
#pragma GCC unroll 12
    for (int p = 0; p < P; ++p) {
      sums[p][b] = _mm512_loadu_si512(tile.start + b * kDotLanes);
    }
  }
  for (uint32_t row = 0; row < tile.rows; ++row) {
    const uint8_t* w = tile.weights + row * tile.weight_row_step;
    for (uint32_t tap = 0; tap < tile.taps; ++tap) {
      const int64_t offset = row * tile.row_step + tap * tile.tap_step;
      const uint8_t* data[P];
#pragma GCC unroll 12
      for (int p = 0; p < P; ++p) {
        data[p] = tile.pixels[p] + offset;
      }
      for (uint32_t s = 0; s < tile.steps; ++s, w += 4 * kDotLanes) {
        __m512i weights[B];
#pragma GCC unroll 12
        for (int b = 0; b < B; ++b) {
          weights[b] = _mm512_loadu_si512(w + b * tile.block_bytes);
        }
#pragma GCC unroll 12
        for (int p = 0; p < P; ++p) {
          const __m512i value = broadcast(data[p] + 4 * s);
#pragma GCC unroll 12
          for (int b = 0; b < B; ++b) {
            sums[p][b] = Op::dot(sums[p][b], value, weights[b]);
          }
        }
      }
    }
  }
#pragma GCC unroll 12
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 12
    for (int b = 0; b < B; ++b) {
      _mm512_storeu_si512(tile.out[b] + p * tile.out_step, sums[p][b]);
    }
  }
}

using Kernel = void (*)(const DotTile&);

/// More than six pixels only with one or two blocks: there are 32 registers.
template <typename Op, int P, int B>
constexpr Kernel kernel() {
  if constexpr (P <= 6 || B <= 2) {
    return run<Op, P, B>;
  } else {
    return nullptr;
  }
}

template <typename Op, size_t... I>
constexpr std::array<Kernel, sizeof...(I)> kernels(std::index_sequence<I...>) {
  return {kernel<Op, static_cast<int>(I) / kDotMaxBlocks + 1, static_cast<int>(I) % kDotMaxBlocks + 1>()...};
}

template <typename Op>
void dispatch(const DotTile& tile) {
  static constexpr auto kKernels = kernels<Op>(std::make_index_sequence<kDotMaxPixels * kDotMaxBlocks>());
  kKernels[static_cast<size_t>((tile.pixel_count - 1) * kDotMaxBlocks + tile.block_count - 1)](tile);
}

}  // namespace

namespace {

struct Quad {
  __m512i v[4];
};

/// The 128-bit lanes as a 4 x 4 matrix, transposed.
Quad transpose_lanes(const Quad& in) {
  const __m512i even_low = _mm512_shuffle_i32x4(in.v[0], in.v[1], 0x88);
  const __m512i odd_low = _mm512_shuffle_i32x4(in.v[0], in.v[1], 0xdd);
  const __m512i even_high = _mm512_shuffle_i32x4(in.v[2], in.v[3], 0x88);
  const __m512i odd_high = _mm512_shuffle_i32x4(in.v[2], in.v[3], 0xdd);
  return {{_mm512_shuffle_i32x4(even_low, even_high, 0x88), _mm512_shuffle_i32x4(odd_low, odd_high, 0x88),
           _mm512_shuffle_i32x4(even_low, even_high, 0xdd), _mm512_shuffle_i32x4(odd_low, odd_high, 0xdd)}};
}

/// Sixty-four channels (kHalf: thirty-two) of four taps: one dword a channel, vector j with channels 16 l + 4 j... in its
/// 128-bit lane l.
template <bool kHalf>
Quad interleave_taps(const uint8_t* const (&taps)[4]) {
  if constexpr (kHalf) {
    const auto load = [&](int i) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(taps[i])); };
    const __m256i low_ab = _mm256_unpacklo_epi8(load(0), load(1));
    const __m256i high_ab = _mm256_unpackhi_epi8(load(0), load(1));
    const __m256i low_cd = _mm256_unpacklo_epi8(load(2), load(3));
    const __m256i high_cd = _mm256_unpackhi_epi8(load(2), load(3));
    return {{_mm512_castsi256_si512(_mm256_unpacklo_epi16(low_ab, low_cd)),
             _mm512_castsi256_si512(_mm256_unpackhi_epi16(low_ab, low_cd)),
             _mm512_castsi256_si512(_mm256_unpacklo_epi16(high_ab, high_cd)),
             _mm512_castsi256_si512(_mm256_unpackhi_epi16(high_ab, high_cd))}};
  }
  const __m512i a = _mm512_loadu_si512(taps[0]);
  const __m512i b = _mm512_loadu_si512(taps[1]);
  const __m512i c = _mm512_loadu_si512(taps[2]);
  const __m512i d = _mm512_loadu_si512(taps[3]);
  const __m512i low_ab = _mm512_unpacklo_epi8(a, b);
  const __m512i high_ab = _mm512_unpackhi_epi8(a, b);
  const __m512i low_cd = _mm512_unpacklo_epi8(c, d);
  const __m512i high_cd = _mm512_unpackhi_epi8(c, d);
  return {{_mm512_unpacklo_epi16(low_ab, low_cd), _mm512_unpackhi_epi16(low_ab, low_cd), _mm512_unpacklo_epi16(high_ab, high_cd),
           _mm512_unpackhi_epi16(high_ab, high_cd)}};
}

template <bool kHalf>
__m512i dot_channels(__m512i sums, __m512i data, __m512i weights) {
  if constexpr (kHalf) {
    return _mm512_castsi256_si512(_mm256_dpbusd_epi32(_mm512_castsi512_si256(sums), _mm512_castsi512_si256(data),
                                                      _mm512_castsi512_si256(weights)));
  }
  return _mm512_dpbusd_epi32(sums, data, weights);
}

constexpr uint32_t kMaxTapGroups = 16;

/// Four taps at a time; missing ones repeat the last one's data with weights of zero.
struct TapGroups {
  uint32_t count = 0;
  int64_t offsets[kMaxTapGroups][4];
  Quad weights[kMaxTapGroups];  ///< In the order of interleave_taps.

  explicit TapGroups(const DotTile& tile) {
    uint32_t in_group = 0;
    for (uint32_t row = 0; row < tile.rows; ++row) {
      for (uint32_t tap = 0; tap < tile.taps; ++tap) {
        if (in_group == 0) {
          weights[count].v[0] = weights[count].v[1] = weights[count].v[2] = weights[count].v[3] = _mm512_setzero_si512();
        }
        const uint8_t* from = tile.weights + row * tile.weight_row_step + uint64_t{tap} * kDotStepBytes;
        const __m128i by = _mm_cvtsi32_si128(static_cast<int>(8 * in_group));
        for (int b = 0; b < tile.block_count; ++b) {
          const __m512i weight = _mm512_sll_epi32(_mm512_loadu_si512(from + b * tile.block_bytes), by);
          weights[count].v[b] = _mm512_or_si512(weights[count].v[b], weight);
        }
        for (uint32_t i = in_group; i < 4; ++i) {
          offsets[count][i] = row * tile.row_step + tap * tile.tap_step;
        }
        in_group = (in_group + 1) % 4;
        count += in_group == 0 ? 1 : 0;
      }
    }
    count += in_group == 0 ? 0 : 1;
    for (uint32_t g = 0; g < count; ++g) {
      weights[g] = transpose_lanes(weights[g]);
    }
  }
};

/// kHalf: at most two blocks.
template <bool kHalf>
void diagonal_groups(const DotTile& tile) {
  const TapGroups groups(tile);
  Quad start{{_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()}};
  for (int b = 0; b < tile.block_count; ++b) {
    start.v[b] = _mm512_loadu_si512(tile.start + b * kDotLanes);
  }
  start = transpose_lanes(start);
  for (int p = 0; p < tile.pixel_count; ++p) {
    Quad sums = start;
    for (uint32_t g = 0; g < groups.count; ++g) {
      const int64_t* offsets = groups.offsets[g];
      const uint8_t* pixel = tile.pixels[p];
      const Quad data = interleave_taps<kHalf>({pixel + offsets[0], pixel + offsets[1], pixel + offsets[2], pixel + offsets[3]});
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        sums.v[j] = dot_channels<kHalf>(sums.v[j], data.v[j], groups.weights[g].v[j]);
      }
    }
    sums = transpose_lanes(sums);
#pragma GCC unroll 4
    for (int b = 0; b < (kHalf ? 2 : 4); ++b) {
      if (b < tile.block_count) {
        _mm512_storeu_si512(tile.out[b] + p * tile.out_step, sums.v[b]);
      }
    }
  }
}

/// Any number of taps, one after the other.
void diagonal_taps(const DotTile& tile, int b) {
  for (int p = 0; p < tile.pixel_count; ++p) {
    __m512i sum = _mm512_loadu_si512(tile.start + b * kDotLanes);
    for (uint32_t row = 0; row < tile.rows; ++row) {
      const uint8_t* weights = tile.weights + b * tile.block_bytes + row * tile.weight_row_step;
      const uint8_t* from = tile.pixels[p] + row * tile.row_step + b * kDotLanes;
      for (uint32_t tap = 0; tap < tile.taps; ++tap, from += tile.tap_step, weights += kDotStepBytes) {
        const __m512i data = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
        sum = _mm512_dpbusd_epi32(sum, data, _mm512_loadu_si512(weights));
      }
    }
    _mm512_storeu_si512(tile.out[b] + p * tile.out_step, sum);
  }
}

}  // namespace

void dot_diagonal_bytes_avx512(const DotTile& tile) {
  if (tile.rows * tile.taps <= kMaxTapGroups * 4) {
    tile.block_count <= 2 ? diagonal_groups<true>(tile) : diagonal_groups<false>(tile);
    return;
  }
  for (int b = 0; b < tile.block_count; ++b) {
    diagonal_taps(tile, b);
  }
}

namespace {

/// The sums of the lanes of sixteen vectors.
__m512i sum_lanes(__m512i (&v)[16]) {
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {  // pairs of vectors, halves of qwords
    v[i] = _mm512_add_epi32(_mm512_unpacklo_epi32(v[2 * i], v[2 * i + 1]), _mm512_unpackhi_epi32(v[2 * i], v[2 * i + 1]));
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    v[i] = _mm512_add_epi32(_mm512_unpacklo_epi64(v[2 * i], v[2 * i + 1]), _mm512_unpackhi_epi64(v[2 * i], v[2 * i + 1]));
  }
  // v[i]: in every 128-bit lane a part of the sums of vectors 4 i ... 4 i + 3.
  const Quad t = transpose_lanes({{v[0], v[1], v[2], v[3]}});
  return _mm512_add_epi32(_mm512_add_epi32(t.v[0], t.v[1]), _mm512_add_epi32(t.v[2], t.v[3]));
}

}  // namespace

namespace {

/// kWhole: sixteen kernels, runs of 64 bytes.
template <bool kWhole>
void run_runs(const DotRuns& runs) {
  const __m512i flip = _mm512_set1_epi8(INT8_MIN);
  __m512i sums[kDotLanes];
#pragma GCC unroll 16
  for (int k = 0; k < kDotLanes; ++k) {
    sums[k] = _mm512_setzero_si512();
  }
  __m512i data_sum = _mm512_setzero_si512();
  const int kernels = kWhole ? kDotLanes : static_cast<int>(runs.kernels);
  for (uint32_t r = 0; r < runs.count; ++r) {
    const DotRun& run = runs.runs[r];
    const uint32_t bytes = kWhole ? 64 : run.bytes;
    const uint8_t* weights = runs.weights + run.weights + uint64_t{runs.skipped} * bytes;
    const __mmask64 used = bytes == 64 ? ~__mmask64{0} : (__mmask64{1} << bytes) - 1;
    // Data signed, weights with 128 added; the other way round memory would have to be written first.
    const __m512i data = _mm512_xor_si512(_mm512_maskz_loadu_epi8(used, runs.data + run.data), _mm512_maskz_mov_epi8(used, flip));
    data_sum = _mm512_dpbusd_epi32(data_sum, _mm512_set1_epi8(1), data);
#pragma GCC unroll 16
    for (int k = 0; k < kDotLanes; ++k) {
      if (kWhole || k < kernels) {
        const uint8_t* from = weights + static_cast<uint32_t>(k) * bytes;
        const __m512i weight = kWhole ? _mm512_loadu_si512(from) : _mm512_maskz_loadu_epi8(used, from);
        sums[k] = _mm512_dpbusd_epi32(sums[k], _mm512_xor_si512(weight, flip), data);
      }
    }
  }
  const auto correction = static_cast<int32_t>(static_cast<uint32_t>(_mm512_reduce_add_epi32(data_sum)) * 128);
  const auto used_lanes = static_cast<__mmask16>((1u << kernels) - 1);
  _mm512_storeu_si512(runs.out, _mm512_maskz_sub_epi32(used_lanes, sum_lanes(sums), _mm512_set1_epi32(correction)));
}

}  // namespace

void dot_runs_avx512(const DotRuns& runs) {
  const bool whole = runs.kernels == kDotLanes && runs.count > 0 && runs.runs[runs.count - 1].bytes == 64;
  whole ? run_runs<true>(runs) : run_runs<false>(runs);
}

namespace {

__m512i widen(const int32_t* from) { return _mm512_cvtepi32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))); }

}  // namespace

void dot_join_avx512(const DotJoin& join) {
  const __m512i half = _mm512_set1_epi64(join.truncate > 0 ? int64_t{1} << (join.truncate - 1) : 0);
  const __m128i by = _mm_cvtsi32_si128(static_cast<int>(join.truncate));
  for (int i = 0; i < join.count; i += 8) {
    __m512i sum = _mm512_add_epi64(_mm512_slli_epi64(widen(join.high + i), 8), widen(join.low + i));
    sum = _mm512_add_epi64(sum, widen(join.start + i));
    if (join.truncate > 0) {  // halves away from zero
      sum = _mm512_sra_epi64(_mm512_add_epi64(_mm512_add_epi64(sum, half), _mm512_srai_epi64(sum, 63)), by);
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(join.out + i), _mm512_cvtsepi64_epi32(sum));
  }
}

void dot_bytes_avx512(const DotTile& tile) { dispatch<Bytes>(tile); }
void dot_words_avx512(const DotTile& tile) { dispatch<Words>(tile); }

void dot_transpose_avx512(const uint8_t* from, uint64_t stride, uint8_t* to) {
  __m512i a[16];
  __m512i b[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) {
    a[i] = _mm512_loadu_si512(from + static_cast<uint64_t>(i) * stride);
  }
  // Pairs, then quartets of rows inside the 128-bit lanes.
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 2) {
    b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 4) {
    a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
    a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
    a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
    a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
  }
  // a[4q + j]: lane l holds column 4l + j of rows 4q..4q+3. Gather the lanes of one column.
#pragma GCC unroll 16
  for (int j = 0; j < 4; ++j) {
    const __m512i even_low = _mm512_shuffle_i32x4(a[j], a[4 + j], 0x88);
    const __m512i odd_low = _mm512_shuffle_i32x4(a[j], a[4 + j], 0xdd);
    const __m512i even_high = _mm512_shuffle_i32x4(a[8 + j], a[12 + j], 0x88);
    const __m512i odd_high = _mm512_shuffle_i32x4(a[8 + j], a[12 + j], 0xdd);
    _mm512_storeu_si512(to + (0 + j) * kDotStepBytes, _mm512_shuffle_i32x4(even_low, even_high, 0x88));
    _mm512_storeu_si512(to + (4 + j) * kDotStepBytes, _mm512_shuffle_i32x4(odd_low, odd_high, 0x88));
    _mm512_storeu_si512(to + (8 + j) * kDotStepBytes, _mm512_shuffle_i32x4(even_low, even_high, 0xdd));
    _mm512_storeu_si512(to + (12 + j) * kDotStepBytes, _mm512_shuffle_i32x4(odd_low, odd_high, 0xdd));
  }
}

}  // namespace medlar::chip
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#else
namespace medlar::chip {
void dot_bytes_avx512(const DotTile& tile) { dot_bytes_scalar(tile); }
void dot_words_avx512(const DotTile& tile) { dot_words_scalar(tile); }
void dot_diagonal_bytes_avx512(const DotTile& tile) { dot_diagonal_bytes_scalar(tile); }
void dot_runs_avx512(const DotRuns& runs) { dot_runs_scalar(runs); }
void dot_join_avx512(const DotJoin& join) { dot_join_scalar(join); }
void dot_transpose_avx512(const uint8_t* from, uint64_t stride, uint8_t* to) { dot_transpose_scalar(from, stride, to); }
}  // namespace medlar::chip
#endif
