// SPDX-License-Identifier: Apache-2.0
// The chain over atoms of 32 bytes with AVX-512: narrowing 32 lanes at once is what Highway 1.0 has no word
// for.
#include "chip/sdp/chain.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#if defined(__x86_64__)
#ifndef __clang__
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq")
#endif
#include <immintrin.h>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"))), apply_to = function)
#endif

namespace medlar::chip {
namespace {

using Doubles = __m512d;
constexpr size_t kAtom = 32;

Doubles widen(const int32_t* from) {
  return _mm512_cvtepi32_pd(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}

/// Adds one half away from zero; cutting the fraction is the caller's.
Doubles nudge(Doubles x) {
  constexpr int kSelect = 0xea;  // (x and sign) or half
  const __m512i half = _mm512_ternarylogic_epi64(_mm512_castpd_si512(x), _mm512_set1_epi64(INT64_MIN),
                                                 _mm512_castpd_si512(_mm512_set1_pd(0.5)), kSelect);
  return _mm512_add_pd(x, _mm512_castsi512_pd(half));
}

Doubles cut(Doubles x) {
  return _mm512_roundscale_pd(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}

struct Limits {
  double low;
  double high;
};

Doubles limit(Doubles x, Limits limits) {
  return _mm512_min_pd(_mm512_max_pd(x, _mm512_set1_pd(limits.low)), _mm512_set1_pd(limits.high));
}

template <bool kAluLanes, bool kMulLanes>
Doubles stage(const SdpChainStage& s, Doubles x, size_t i, size_t j) {
  x = _mm512_add_pd(x, kAluLanes ? widen(s.alu_lanes + i) : _mm512_loadu_pd(s.alu.data() + j));
  const Doubles factor = kMulLanes ? _mm512_mul_pd(widen(s.mul_lanes + i), _mm512_set1_pd(s.scale))
                                   : _mm512_loadu_pd(s.mul.data() + j);
  return nudge(_mm512_mul_pd(x, factor));
}

/// The one place where the operands' kind is looked at.
Doubles any_stage(const SdpChainStage& s, Doubles x, size_t i, size_t j) {
  if (s.alu_lanes == nullptr) {
    return s.mul_lanes == nullptr ? stage<false, false>(s, x, i, j) : stage<false, true>(s, x, i, j);
  }
  return s.mul_lanes == nullptr ? stage<true, false>(s, x, i, j) : stage<true, true>(s, x, i, j);
}

constexpr Limits kWord = {-2147483648.0, 2147483647.0};
constexpr Limits kByte = {-128.0, 127.0};

/// X1 with operands of the atom and nothing behind it: both limits become one.
__m256i x1_only(const SdpChain& chain, const int32_t* from, size_t j) {
  const SdpChainStage& s = chain.stages[0];
  const Doubles x = stage<false, false>(s, widen(from + j), 0, j);
  return _mm512_cvttpd_epi32(limit(x, {s.relu ? 0.0 : kByte.low, kByte.high}));
}

/// X1 as above in single precision, two atoms at a time: the sum is an exact word, the product off by less than 2^-15 where
/// it is not limited anyway. False when some lane lies so near to a half that this could matter; then nothing is written.
/// kTame: the product needs no limits to become a word, and half an ulp of it is too little to look like such a lane.
/// kHalves: the first sixteen lanes of four atoms instead.
template <bool kTame, bool kHalves>
bool x1_in_floats(const SdpChainStage& s, const int32_t* from, __m512i& bytes) {
  constexpr float kBeyond = 200;  // limited to a byte whatever the error
  constexpr float kSure = 0.5f - 1.0f / 16384;
  constexpr int kLargestMagnitude = 0x0b;
  __m512i rounded[4];
  __m512 farthest = _mm512_setzero_ps();
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) {
    const size_t lane = kHalves ? 0 : i % 2 * 16;
    const __m512i sum = _mm512_add_epi32(_mm512_loadu_si512(from + i * (kHalves ? kAtom : 16)), _mm512_loadu_si512(s.alu_word.data() + lane));
    __m512 x = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), _mm512_loadu_ps(s.mul_float.data() + lane));
    if constexpr (!kTame) {
      x = _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-kBeyond)), _mm512_set1_ps(kBeyond));
    }
    farthest = _mm512_range_ps(farthest, _mm512_reduce_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), kLargestMagnitude);
    rounded[i] = _mm512_cvtps_epi32(x);
  }
  if (_mm512_cmp_ps_mask(farthest, _mm512_set1_ps(kSure), _CMP_GT_OQ) != 0) {
    return false;
  }
  const __m512i low = _mm512_set1_epi16(s.relu ? 0 : INT16_MIN);
  const __m512i first = _mm512_max_epi16(_mm512_packs_epi32(rounded[0], rounded[1]), low);
  const __m512i second = _mm512_max_epi16(_mm512_packs_epi32(rounded[2], rounded[3]), low);
  // Dword d of 128-bit lane l: lanes 4 l... of vector d.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  bytes = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(first, second));
  return true;
}

__m256i any_chain(const SdpChain& chain, const int32_t* from, size_t first, size_t j) {
  Doubles x = widen(from + first + j);
  for (const SdpChainStage& s : chain.stages) {
    if (s.on) {
      x = cut(limit(any_stage(s, x, first + j, j), {s.relu ? 0.0 : kWord.low, kWord.high}));
    }
  }
  if (chain.convert) {
    x = nudge(_mm512_mul_pd(_mm512_sub_pd(x, _mm512_set1_pd(chain.offset)), _mm512_set1_pd(chain.scale)));
  }
  return _mm512_cvttpd_epi32(limit(x, kByte));
}

/// any_chain for stages whose operands are the atom's, without a look at what is on.
template <bool kFirst, bool kSecond, bool kConvert>
__m256i atom_chain(const SdpChain& chain, const int32_t* from, size_t first, size_t j) {
  Doubles x = widen(from + first + j);
  if constexpr (kFirst) {
    const SdpChainStage& s = chain.stages[0];
    x = cut(limit(stage<false, false>(s, x, 0, j), {s.relu ? 0.0 : kWord.low, kWord.high}));
  }
  if constexpr (kSecond) {
    const SdpChainStage& s = chain.stages[1];
    x = cut(limit(stage<false, false>(s, x, 0, j), {s.relu ? 0.0 : kWord.low, kWord.high}));
  }
  if constexpr (kConvert) {
    x = nudge(_mm512_mul_pd(_mm512_sub_pd(x, _mm512_set1_pd(chain.offset)), _mm512_set1_pd(chain.scale)));
  }
  return _mm512_cvttpd_epi32(limit(x, kByte));
}

/// X1 with operands of the atom, X2 with a summand of the lane, as at the end of a residual block. `kLimit`: X1's result
/// needs its limits.
template <bool kLimit, bool kConvert>
__m256i residual(const SdpChain& chain, const int32_t* from, size_t first, size_t j) {
  const SdpChainStage& a = chain.stages[0];
  const SdpChainStage& b = chain.stages[1];
  Doubles x = stage<false, false>(a, widen(from + first + j), 0, j);
  if constexpr (kLimit) {
    x = limit(x, {a.relu ? 0.0 : kWord.low, kWord.high});
  }
  x = stage<true, false>(b, cut(x), first + j, j);
  if constexpr (kConvert) {
    x = cut(limit(x, {b.relu ? 0.0 : kWord.low, kWord.high}));
    x = nudge(_mm512_mul_pd(_mm512_sub_pd(x, _mm512_set1_pd(chain.offset)), _mm512_set1_pd(chain.scale)));
    return _mm512_cvttpd_epi32(limit(x, kByte));
  }
  return _mm512_cvttpd_epi32(limit(x, {b.relu ? 0.0 : kByte.low, kByte.high}));
}

__m128i narrow(__m256i low, __m256i high) {
  return _mm512_cvtepi32_epi8(_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1));
}

template <typename Lanes>
void atom(size_t first, uint8_t* to, Lanes lanes) {
  auto* out = reinterpret_cast<__m128i*>(to + first);
  _mm_storeu_si128(out, narrow(lanes(first, 0), lanes(first, 8)));
  _mm_storeu_si128(out + 1, narrow(lanes(first, 16), lanes(first, 24)));
}

template <bool kLimit, bool kConvert>
void run_residual(const SdpChain& chain, const int32_t* from, size_t count, uint8_t* to) {
  for (size_t first = 0; first < count; first += kAtom) {
    atom(first, to, [&](size_t i, size_t j) { return residual<kLimit, kConvert>(chain, from, i, j); });
  }
}

template <bool kFirst, bool kSecond, bool kConvert>
void run_atom_chain(const SdpChain& chain, const int32_t* from, size_t count, uint8_t* to) {
  for (size_t first = 0; first < count; first += kAtom) {
    atom(first, to, [&](size_t i, size_t j) { return atom_chain<kFirst, kSecond, kConvert>(chain, from, i, j); });
  }
}

bool has_lane_operands(const SdpChainStage& s) { return s.on && (s.alu_lanes != nullptr || s.mul_lanes != nullptr); }

void run_any(const SdpChain& chain, const int32_t* from, size_t count, uint8_t* to) {
  const SdpChainStage& x1 = chain.stages[0];
  const SdpChainStage& x2 = chain.stages[1];
  if (has_lane_operands(x1) || has_lane_operands(x2)) {
    for (size_t at = 0; at < count; at += kAtom) {
      atom(at, to, [&](size_t i, size_t j) { return any_chain(chain, from, i, j); });
    }
    return;
  }
  static constexpr std::array kRuns = {run_atom_chain<false, false, false>, run_atom_chain<false, false, true>,
                                       run_atom_chain<false, true, false>, run_atom_chain<false, true, true>,
                                       run_atom_chain<true, false, false>, run_atom_chain<true, false, true>,
                                       run_atom_chain<true, true, false>, run_atom_chain<true, true, true>};
  kRuns[(x1.on ? 4u : 0u) + (x2.on ? 2u : 0u) + (chain.convert ? 1u : 0u)](chain, from, count, to);
}

/// X1's result before its limits stays in 15 bits, for all inputs.
bool is_tame(const SdpChain& chain) {
  constexpr double kTame = 16384;
  const SdpChainStage& x1 = chain.stages[0];
  int64_t summand = 0;
  double factor = 0;
  for (size_t i = 0; i < kAtom; ++i) {
    summand = std::max(summand, std::abs(int64_t{x1.alu_word[i]}));
    factor = std::max(factor, std::abs(x1.mul[i]));
  }
  return static_cast<double>(summand + chain.bound) * factor < kTame;
}

/// Atoms whose upper lanes are zero, as many as go in fours; returns the lanes done.
template <bool kTame>
size_t run_half_atoms(const SdpChain& chain, const int32_t* from, size_t count, uint8_t* to) {
  constexpr size_t kStep = 4 * kAtom;
  const SdpChainStage& x1 = chain.stages[0];
  const auto in_doubles = [&](const int32_t* input, uint8_t* output) {
    atom(0, output, [&](size_t, size_t j) { return x1_only(chain, input, j); });
  };
  alignas(64) static constexpr int32_t kZeros[kAtom] = {};
  alignas(64) uint8_t unused[kAtom];
  in_doubles(kZeros, unused);
  const __m512i upper = _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(unused) + 1));
  const __m512i low_pair = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
  const __m512i high_pair = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  size_t first = 0;
  for (; first + kStep <= count; first += kStep) {
    __m512i bytes;
    if (x1_in_floats<kTame, true>(x1, from + first, bytes)) {
      _mm512_storeu_si512(to + first, _mm512_permutex2var_epi64(bytes, low_pair, upper));
      _mm512_storeu_si512(to + first + 64, _mm512_permutex2var_epi64(bytes, high_pair, upper));
      continue;
    }
    for (size_t at = first; at < first + kStep; at += kAtom) {
      in_doubles(from + at, to + at);
    }
  }
  return first;
}

void run_x1(const SdpChain& chain, const int32_t* from, size_t count, uint8_t* to) {
  const SdpChainStage& x1 = chain.stages[0];
  const auto in_doubles = [&](size_t first) {
    atom(first, to, [&](size_t i, size_t j) { return x1_only(chain, from + i, j); });
  };
  const bool tame = is_tame(chain);
  size_t first = 0;
  if (chain.used <= 16 && x1.fits_word) {
    first = tame ? run_half_atoms<true>(chain, from, count, to) : run_half_atoms<false>(chain, from, count, to);
  }
  for (; first + 2 * kAtom <= count && x1.fits_word; first += 2 * kAtom) {
    __m512i bytes;
    if (tame ? x1_in_floats<true, false>(x1, from + first, bytes) : x1_in_floats<false, false>(x1, from + first, bytes)) {
      _mm512_storeu_si512(to + first, bytes);
    } else {
      in_doubles(first);
      in_doubles(first + kAtom);
    }
  }
  for (; first < count; first += kAtom) {
    in_doubles(first);
  }
}

void run(const SdpChain& chain, const int32_t* from, size_t count, uint8_t* to) {
  const SdpChainStage& x1 = chain.stages[0];
  const SdpChainStage& x2 = chain.stages[1];
  const bool first = x1.on && x1.alu_lanes == nullptr && x1.mul_lanes == nullptr;
  if (first && !x2.on && !chain.convert) {
    run_x1(chain, from, count, to);
  } else if (first && x2.on && x2.alu_lanes != nullptr && x2.mul_lanes == nullptr) {
    const bool limits = !x1.bounded || x1.relu;
    const auto chosen = chain.convert ? (limits ? run_residual<true, true> : run_residual<false, true>)
                                      : (limits ? run_residual<true, false> : run_residual<false, false>);
    chosen(chain, from, count, to);
  } else {
    run_any(chain, from, count, to);
  }
}

}  // namespace

void run_sdp_chain_avx512(const SdpChain& chain, const int32_t* from, size_t count, uint8_t* to) {
  if (chain.wide || chain.lanes != static_cast<int>(kAtom)) {
    run_sdp_chain(chain, from, count, to);
  } else {
    run(chain, from, count, to);
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
void run_sdp_chain_avx512(const SdpChain& chain, const int32_t* from, size_t count, uint8_t* to) {
  run_sdp_chain(chain, from, count, to);
}
}  // namespace medlar::chip
#endif
