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

template <int P>
void diagonal_pixels(const DotTile& tile, int first, int b) {
  __m512i sums[P];
  for (int p = 0; p < P; ++p) {
    sums[p] = _mm512_loadu_si512(tile.start + b * kDotLanes);
  }
  for (uint32_t row = 0; row < tile.rows; ++row) {
    const uint8_t* weights = tile.weights + b * tile.block_bytes + row * tile.weight_row_step;
    int64_t offset = row * tile.row_step + b * kDotLanes;
    for (uint32_t tap = 0; tap < tile.taps; ++tap, offset += tile.tap_step, weights += kDotStepBytes) {
      const __m512i weight = _mm512_loadu_si512(weights);
      for (int p = 0; p < P; ++p) {
        const auto* from = reinterpret_cast<const __m128i*>(tile.pixels[first + p] + offset);
        sums[p] = _mm512_dpbusd_epi32(sums[p], _mm512_cvtepu8_epi32(_mm_loadu_si128(from)), weight);
      }
    }
  }
  for (int p = 0; p < P; ++p) {
    _mm512_storeu_si512(tile.out[b] + (first + p) * tile.out_step, sums[p]);
  }
}

}  // namespace

void dot_diagonal_bytes_avx512(const DotTile& tile) {
  for (int b = 0; b < tile.block_count; ++b) {
    int p = 0;
    for (; p + 4 <= tile.pixel_count; p += 4) {
      diagonal_pixels<4>(tile, p, b);
    }
    for (; p < tile.pixel_count; ++p) {
      diagonal_pixels<1>(tile, p, b);
    }
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
void dot_transpose_avx512(const uint8_t* from, uint64_t stride, uint8_t* to) { dot_transpose_scalar(from, stride, to); }
}  // namespace medlar::chip
#endif
