// SPDX-License-Identifier: Apache-2.0
// The inner product of words with Highway: whatever vector unit the machine has (AVX2, SSE4, NEON, ...).
#include "chip/conv_dot.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "chip/conv_dot_vector.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace medlar::chip {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Sums of neighbouring products: even words by shifting up, odd words by masking, both exact in 32 bits.
template <class D, class V>
HWY_INLINE V pair_products(D d, V data, V weights) {
  const hn::Repartition<int16_t, D> d16;
  const V high = hn::Mul(hn::ShiftRight<16>(data), hn::ShiftRight<16>(weights));
  const V low = hn::Mul(hn::ShiftRight<16>(hn::ShiftLeft<16>(data)), hn::ShiftRight<16>(hn::ShiftLeft<16>(weights)));
  (void)d, (void)d16;
  return hn::Add(high, low);
}

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_SSE4 || \
    HWY_TARGET == HWY_SSSE3
/// x86 has the operation; Highway 1.0 does not expose it.
template <class V>
HWY_INLINE V multiply_add_pairs(V data, V weights) {
  V out;
#if HWY_TARGET == HWY_AVX2
  out.raw = _mm256_madd_epi16(data.raw, weights.raw);
#elif HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3
  out.raw = _mm_madd_epi16(data.raw, weights.raw);
#else
  out.raw = _mm512_madd_epi16(data.raw, weights.raw);
#endif
  return out;
}
#define MEDLAR_HAS_MADD 1
#else
#define MEDLAR_HAS_MADD 0
#endif

void DotWords(const DotTile& tile) {
  const hn::CappedTag<int32_t, kDotLanes> d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  for (int first = 0; first < tile.block_count * kDotLanes; first += lanes) {
    const uint8_t* weights = tile.weights + (first / kDotLanes) * tile.block_bytes + (first % kDotLanes) * 4;
    auto sum0 = hn::LoadU(d, tile.start + first);
    auto sum1 = sum0, sum2 = sum0, sum3 = sum0, sum4 = sum0, sum5 = sum0;
    const int last = tile.pixel_count - 1;
    const auto pixel = [&](int p) { return tile.pixels[p < last ? p : last]; };
    for (uint32_t row = 0; row < tile.rows; ++row) {
      const uint8_t* w = weights + row * tile.weight_row_step;
      for (uint32_t tap = 0; tap < tile.taps; ++tap) {
        const int64_t offset = row * tile.row_step + tap * tile.tap_step;
        const uint8_t* d0 = pixel(0) + offset;
        const uint8_t* d1 = pixel(1) + offset;
        const uint8_t* d2 = pixel(2) + offset;
        const uint8_t* d3 = pixel(3) + offset;
        const uint8_t* d4 = pixel(4) + offset;
        const uint8_t* d5 = pixel(5) + offset;
        for (uint32_t s = 0; s < tile.steps; ++s, w += 4 * kDotLanes) {
          const auto value = hn::LoadU(d, reinterpret_cast<const int32_t*>(w));
          const auto step = [&](const uint8_t* from) {
            int32_t pair;
            __builtin_memcpy(&pair, from + 4 * s, 4);
#if MEDLAR_HAS_MADD
            return multiply_add_pairs(hn::Set(d, pair), value);
#else
            return pair_products(d, hn::Set(d, pair), value);
#endif
          };
          sum0 = hn::Add(sum0, step(d0));
          sum1 = hn::Add(sum1, step(d1));
          sum2 = hn::Add(sum2, step(d2));
          sum3 = hn::Add(sum3, step(d3));
          sum4 = hn::Add(sum4, step(d4));
          sum5 = hn::Add(sum5, step(d5));
        }
      }
    }
    int32_t* out = tile.out[first / kDotLanes] + first % kDotLanes;
    hn::StoreU(sum5, d, out + tile.out_step * (last < 5 ? last : 5));
    hn::StoreU(sum4, d, out + tile.out_step * (last < 4 ? last : 4));
    hn::StoreU(sum3, d, out + tile.out_step * (last < 3 ? last : 3));
    hn::StoreU(sum2, d, out + tile.out_step * (last < 2 ? last : 2));
    hn::StoreU(sum1, d, out + tile.out_step * (last < 1 ? last : 1));
    hn::StoreU(sum0, d, out);
  }
}
#undef MEDLAR_HAS_MADD

void DiagonalWords(const DotTile& tile) {
  const hn::CappedTag<int32_t, kDotLanes> d;
  const hn::Rebind<int16_t, decltype(d)> narrow;
  const int lanes = static_cast<int>(hn::Lanes(d));
  for (int first = 0; first < tile.block_count * kDotLanes; first += lanes) {
    const uint8_t* block = tile.weights + (first / kDotLanes) * tile.block_bytes + (first % kDotLanes) * 4;
    for (int p = 0; p < tile.pixel_count; ++p) {
      auto sum = hn::LoadU(d, tile.start + first);
      for (uint32_t row = 0; row < tile.rows; ++row) {
        const uint8_t* weights = block + row * tile.weight_row_step;
        const uint8_t* from = tile.pixels[p] + row * tile.row_step + first * 2;
        for (uint32_t tap = 0; tap < tile.taps; ++tap, from += tile.tap_step, weights += kDotStepBytes) {
          const auto data = hn::PromoteTo(d, hn::LoadU(narrow, reinterpret_cast<const int16_t*>(from)));
          const auto weight = hn::LoadU(d, reinterpret_cast<const int32_t*>(weights));
          sum = hn::Add(sum, hn::Mul(data, hn::ShiftRight<16>(hn::ShiftLeft<16>(weight))));
        }
      }
      hn::StoreU(sum, d, tile.out[first / kDotLanes] + p * tile.out_step + first % kDotLanes);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace medlar::chip
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace medlar::chip {
HWY_EXPORT(DotWords);
HWY_EXPORT(DiagonalWords);

DotTarget vector_dot_target(int64_t bit, std::string_view name) {
  hwy::ChosenTarget chosen;
  chosen.Update(bit);
  const size_t index = chosen.GetIndex();
  return {.name = name,
          .has_bytes = false,
          .bytes = dot_bytes_scalar,
          .words = HWY_DISPATCH_TABLE(DotWords)[index],
          .diagonal_bytes = dot_diagonal_bytes_scalar,
          .diagonal_words = HWY_DISPATCH_TABLE(DiagonalWords)[index],
          .transpose = dot_transpose_scalar};
}
}  // namespace medlar::chip
#endif
