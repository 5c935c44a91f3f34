// SPDX-License-Identifier: Apache-2.0
// The inner product of words with Highway: whatever vector unit the machine has (AVX2, SSE4, NEON, ...).
#include "chip/conv/integer/dot.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "chip/conv/integer/dot_vector.cpp"
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

using DotInts = hn::CappedTag<int32_t, kDotLanes>;
using DotVec = hn::Vec<DotInts>;

HWY_INLINE DotVec dot_step(DotVec data, DotVec weights) {
#if MEDLAR_HAS_MADD
  return multiply_add_pairs(data, weights);
#else
  return pair_products(DotInts(), data, weights);
#endif
}

/// Two vectors of kernels, `second` further on than the first (which may be the same), times six pixels; fewer pixels repeat
/// the last one.
HWY_INLINE void dot_two(const DotTile& tile, const int (&first)[2]) {
  const DotInts d;
  const auto weights_of = [&](int k) { return tile.weights + (k / kDotLanes) * tile.block_bytes + (k % kDotLanes) * 4; };
  const uint8_t* const weights_a = weights_of(first[0]);
  const uint8_t* const weights_b = weights_of(first[1]);
  auto a0 = hn::LoadU(d, tile.start + first[0]);
  auto b0 = hn::LoadU(d, tile.start + first[1]);
  auto a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0;
  auto b1 = b0, b2 = b0, b3 = b0, b4 = b0, b5 = b0;
  const int last = tile.pixel_count - 1;
  const auto pixel = [&](int p) { return tile.pixels[p < last ? p : last]; };
  for (uint32_t row = 0; row < tile.rows; ++row) {
    const uint8_t* wa = weights_a + row * tile.weight_row_step;
    const uint8_t* wb = weights_b + row * tile.weight_row_step;
    for (uint32_t tap = 0; tap < tile.taps; ++tap) {
      const int64_t offset = row * tile.row_step + tap * tile.tap_step;
      const uint8_t* d0 = pixel(0) + offset;
      const uint8_t* d1 = pixel(1) + offset;
      const uint8_t* d2 = pixel(2) + offset;
      const uint8_t* d3 = pixel(3) + offset;
      const uint8_t* d4 = pixel(4) + offset;
      const uint8_t* d5 = pixel(5) + offset;
      for (uint32_t s = 0; s < tile.steps; ++s, wa += kDotStepBytes, wb += kDotStepBytes) {
        const auto va = hn::LoadU(d, reinterpret_cast<const int32_t*>(wa));
        const auto vb = hn::LoadU(d, reinterpret_cast<const int32_t*>(wb));
        const auto step = [&](const uint8_t* from, DotVec& a, DotVec& b) HWY_ATTR {
          int32_t pair;
          __builtin_memcpy(&pair, from + 4 * s, 4);
          const auto value = hn::Set(d, pair);
          a = hn::Add(a, dot_step(value, va));
          b = hn::Add(b, dot_step(value, vb));
        };
        step(d0, a0, b0);
        step(d1, a1, b1);
        step(d2, a2, b2);
        step(d3, a3, b3);
        step(d4, a4, b4);
        step(d5, a5, b5);
      }
    }
  }
  const auto store = [&](DotVec a, DotVec b, int p) HWY_ATTR {
    const int64_t at = tile.out_step * (last < p ? last : p);
    hn::StoreU(b, d, tile.out[first[1] / kDotLanes] + first[1] % kDotLanes + at);
    hn::StoreU(a, d, tile.out[first[0] / kDotLanes] + first[0] % kDotLanes + at);
  };
  store(a5, b5, 5);
  store(a4, b4, 4);
  store(a3, b3, 3);
  store(a2, b2, 2);
  store(a1, b1, 1);
  store(a0, b0, 0);
}

void DotWords(const DotTile& tile) {
  const int lanes = static_cast<int>(hn::Lanes(DotInts()));
  const int kernels = tile.block_count * kDotLanes;
  for (int first = 0; first < kernels; first += 2 * lanes) {
    const int second = first + lanes < kernels ? first + lanes : first;
    dot_two(tile, {first, second});
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
          .join = dot_join_scalar,
          .transpose = dot_transpose_scalar};
}
}  // namespace medlar::chip
#endif
