// SPDX-License-Identifier: Apache-2.0
// CMAC's FP16 arithmetic (num/fp_mac.hpp) on 32 pixels with Highway, as half_avx512.cpp does it.
//
// Shifts are multiples of four. Where 16-bit lanes have no shift of their own, a product with a power of two looked up by
// the shift takes its place.
#include "chip/conv/half/atom_walk.hpp"
#include "chip/conv/half/half.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "chip/conv/half/half_vector.cpp"
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "chip/conv/half/acc_double.hpp"
#include "chip/conv/half/booth_rows.hpp"
#include "num/fp_mac.hpp"

HWY_BEFORE_NAMESPACE();
namespace medlar::chip {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using HalfAccumulators = double[kHalfKernels][kHalfPixels];

using HalfDoubles = hn::CappedTag<double, 8>;
using DoubleVec = hn::Vec<HalfDoubles>;

/// num::fp_acc_add (acc_double.hpp). Without a cut of the machine: what the sum has lost is exact; where it has been rounded away from zero, the number
/// below takes its place.
HWY_INLINE DoubleVec acc_add(DoubleVec acc, DoubleVec atom) {
  const HalfDoubles d;
  const hn::RebindToSigned<HalfDoubles> words;
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  const auto cut = hn::BitCast(words, DoubleVec{_mm512_add_round_pd(acc.raw, atom.raw, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)});
#else
  const DoubleVec sum = hn::Add(acc, atom);
  const DoubleVec added = hn::Sub(sum, acc);
  const DoubleVec lost = hn::Add(hn::Sub(acc, hn::Sub(sum, added)), hn::Sub(atom, added));
  const auto away = hn::Lt(hn::Mul(lost, sum), hn::Zero(d));
  const auto cut = hn::Add(hn::BitCast(words, sum), hn::BitCast(words, hn::VecFromMask(d, away)));
#endif
  return hn::BitCast(d, hn::And(hn::Add(cut, hn::Set(words, kAccHalf)), hn::Set(words, kAccKept)));
}

/// One atom (with NaN in it), one pixel and kernel after the other.
HWY_NOINLINE void accumulate_one_by_one(const HalfTile& tile, uint32_t first, uint32_t lanes, HalfAccumulators& acc) {
  for (int p = 0; p < kHalfPixels; ++p) {
    std::array<uint16_t, num::kFpAtomLanes> data{};
    std::array<uint16_t, num::kFpAtomLanes> weights{};
    for (uint32_t c = 0; c < lanes; ++c) {
      std::memcpy(&data[c], tile.pixels[p] + tile.lane_offsets[first + c], 2);
    }
    for (int k = 0; k < tile.kernels; ++k) {
      for (uint32_t c = 0; c < lanes; ++c) {
        weights[c] = tile.raw[size_t{first + c} * kHalfKernels + static_cast<size_t>(k)];
      }
      acc[k][p] = double_of(num::fp_acc_add(acc_of(acc[k][p]), num::fp_atom({weights.data(), lanes}, {data.data(), lanes})));
    }
  }
}

#if HWY_TARGET == HWY_SCALAR  // One lane has no halves to interleave.
struct HalfWork {
  alignas(64) HalfAccumulators acc;
};

HWY_INLINE void add_atom(const HalfTile& tile, uint32_t atom, HalfWork& work) {
  const uint32_t first = tile.atom_begin[atom];
  accumulate_one_by_one(tile, first, tile.atom_begin[atom + 1] - first, work.acc);
}
#else
using HalfWords = hn::CappedTag<uint16_t, 16>;
using HalfInts = hn::RebindToSigned<HalfWords>;
using HalfSums = hn::Repartition<int32_t, HalfInts>;
using HalfBytes = hn::Repartition<uint8_t, HalfWords>;
using WordVec = hn::Vec<HalfWords>;
using IntVec = hn::Vec<HalfInts>;

constexpr int16_t kNoExponent = -256;  // of zero, times four
constexpr int16_t kNearShift = 16;     // up to here the carry follows from the rows' low 16 bits
constexpr int16_t kFarShift = 28;      // beyond this nothing is left of a product
constexpr int16_t kLookupEnd = 20;     // behind the last shift with a power of two

/// One channel of 32 pixels, taken apart.
struct HalfChannel {
  alignas(64) uint16_t mantissa[kHalfPixels];
  alignas(64) uint16_t sign[kHalfPixels];     ///< 0 or 0xffff.
  alignas(64) int16_t value[kHalfPixels];     ///< Mantissa with its sign.
  alignas(64) int16_t exponent[kHalfPixels];  ///< Times four.
  bool any;                                   ///< Some pixel is not zero.
};

struct HalfWork {
  HalfChannel channels[num::kFpAtomLanes];
  alignas(64) uint8_t rows[kRowVectors * 64];
  alignas(64) int16_t largest[kHalfKernels][kHalfPixels];  ///< Largest exponent of the atom, times four.
  alignas(64) int32_t part[kHalfKernels][kHalfPixels];     ///< Sums of a few channels, in the order of place_of.
  alignas(64) uint16_t borrow[kHalfKernels][kHalfPixels];
  alignas(64) int64_t atom[kHalfKernels][kHalfPixels];     ///< Sums of the atom before those in `part`, in that order.
  alignas(64) HalfAccumulators acc;
};

/// Where interleaving puts a pixel: in every vector the low halves of the 128-bit blocks, then the high ones.
HWY_INLINE size_t place_of(size_t pixel) {
  const size_t lanes = hn::Lanes(HalfWords());
  const size_t first = pixel / lanes * lanes;
  const size_t at = pixel % lanes;
  return first + at % 8 / 4 * (lanes / 2) + at / 8 * 4 + at % 4;
}

/// True when some pixel is NaN.
HWY_INLINE bool take_apart(const HalfTile& tile, int64_t offset, HalfChannel& channel) {
  bool nan = false;
  channel.any = false;
  for (int p = 0; p < kHalfPixels; ++p) {
    uint16_t bits;
    std::memcpy(&bits, tile.pixels[p] + offset, 2);
    const num::FpOperand operand = num::FpOperand::of(bits);
    const auto mantissa = static_cast<int16_t>(operand.mantissa);
    const bool zero = num::half_is_zero(bits);
    channel.mantissa[p] = static_cast<uint16_t>(mantissa);
    channel.sign[p] = operand.negative ? 0xffff : 0;
    channel.value[p] = static_cast<int16_t>(operand.negative ? -mantissa : mantissa);
    channel.exponent[p] = static_cast<int16_t>(zero ? kNoExponent : static_cast<int>(operand.exponent) * 4);
    channel.any |= !zero;
    nan |= num::half_is_nan(bits);
  }
  return nan;
}

/// The rows of `lanes` pixels from `first` on.
HWY_INLINE void build_rows(const HalfChannel& channel, size_t first, uint8_t* rows) {
  const HalfWords d;
  const auto store = [&](WordVec v, int row) HWY_ATTR {
    hn::Store(v, d, reinterpret_cast<uint16_t*>(rows + row * 64) + first);
  };
  const WordVec once = hn::Load(d, channel.mantissa + first);
  const WordVec twice = hn::Add(once, once);
  const WordVec sign = hn::Load(d, channel.sign + first);
  const WordVec complement = hn::Not(sign);
  const WordVec one = hn::Set(d, 1);
  const WordVec data = hn::And(sign, one);
  const WordVec inverse = hn::And(complement, one);
  const WordVec plus1 = hn::Xor(once, sign);
  const WordVec plus2 = hn::Xor(twice, sign);
  const WordVec minus1 = hn::Xor(once, complement);
  const WordVec minus2 = hn::Xor(twice, complement);
  for (int i = 0; i < 8; ++i) {
    int row = kRowStart[static_cast<size_t>(i)];
    const WordVec below1 = hn::ShiftLeftSame(data, i == 0 ? 0 : 2 * i - 2);
    const WordVec below2 = hn::ShiftLeftSame(inverse, i == 0 ? 0 : 2 * i - 2);
    const auto digit = [&](WordVec v) HWY_ATTR {
      const WordVec shifted = hn::ShiftLeftSame(v, 2 * i);
      store(shifted, row++);
      if (i % 4 != 0) {
        store(hn::Or(shifted, below1), row++);
        store(hn::Or(shifted, below2), row++);
      }
    };
    digit(hn::Zero(d));
    digit(plus1);
    digit(plus2);
    digit(minus1);
    digit(minus2);
  }
  store(hn::Zero(d), kInversionStart3);
  store(hn::ShiftLeft<6>(data), kInversionStart3 + 1);
  store(hn::ShiftLeft<6>(inverse), kInversionStart3 + 2);
  store(hn::Zero(d), kInversionStart7);
  store(hn::ShiftLeft<14>(data), kInversionStart7 + 1);
  store(hn::ShiftLeft<14>(inverse), kInversionStart7 + 2);
}

/// Adds the third number to two of the same sum.
HWY_INLINE void add_row(WordVec& sum, WordVec& carry, WordVec row) {
  const WordVec distinct = hn::Xor(sum, carry);
  const WordVec majority = hn::Or(hn::And(sum, carry), hn::And(distinct, row));
  sum = hn::Xor(distinct, row);
  carry = hn::Add(majority, majority);
}

/// The multiplier's two addends, low 16 bits.
HWY_INLINE void product_rows(const uint8_t* rows, const HalfWeight& weight, WordVec& sum, WordVec& carry) {
  const HalfWords d;
  const auto load = [&](uint16_t offset) HWY_ATTR { return hn::Load(d, reinterpret_cast<const uint16_t*>(rows + offset)); };
  const RowOffsets& low = row_list(weight.low_rows);
  const RowOffsets& high = row_list(weight.high_rows);
  sum = load(low.row[0]);
  carry = load(low.row[1]);
  add_row(sum, carry, load(low.row[2]));
  add_row(sum, carry, load(low.row[3]));
  add_row(sum, carry, load(low.inversion));
  WordVec high_sum = load(high.row[0]);
  WordVec high_carry = load(high.row[1]);
  add_row(high_sum, high_carry, load(high.row[2]));
  add_row(high_sum, high_carry, load(high.row[3]));
  add_row(high_sum, high_carry, load(high.inversion));
  add_row(sum, carry, high_sum);
  add_row(sum, carry, high_carry);
}

/// The atom's largest exponents, and sums of zero, of the kernels that have weights in it.
HWY_INLINE void start_kernels(const HalfTile& tile, uint32_t first, const HalfSpan* own, HalfWork& work) {
  const HalfInts d;
  for (int k = 0; k < tile.kernels; ++k) {
    if (own[k].empty()) {
      continue;
    }
    std::memset(work.part[k], 0, sizeof(work.part[k]));
    std::memset(work.borrow[k], 0, sizeof(work.borrow[k]));
    std::memset(work.atom[k], 0, sizeof(work.atom[k]));
    for (size_t i = 0; i < kHalfPixels; i += hn::Lanes(d)) {
      IntVec largest = hn::Zero(d);
      for (uint32_t c = own[k].first; c < own[k].last; ++c) {
        const HalfWeight& weight = tile.weights[size_t{first + c} * kHalfKernels + static_cast<size_t>(k)];
        const IntVec exponent = hn::Load(d, work.channels[c].exponent + i);
        largest = hn::Max(largest, hn::Add(exponent, hn::Set(d, static_cast<int16_t>(weight.quad * 4))));
      }
      hn::Store(largest, d, work.largest[k] + i);
    }
  }
}

/// Products that are shifted by 20 to 28: one at a time.
HWY_NOINLINE void add_far_products(const HalfWeight& weight, const HalfChannel& channel, const int16_t* largest, int32_t* part) {
  const bool negative = weight.factor < 0;
  const num::FpOperand w{.mantissa = static_cast<uint32_t>(negative ? -weight.factor : weight.factor), .exponent = 0,
                         .negative = negative};
  for (size_t p = 0; p < kHalfPixels; ++p) {
    const int shift = largest[p] - channel.exponent[p] - weight.exponent;
    if (shift > kNearShift && shift <= kFarShift) {
      const num::FpOperand d{.mantissa = channel.mantissa[p], .exponent = 0, .negative = channel.sign[p] != 0};
      part[place_of(p)] += num::fp_aligned_product(w, d, static_cast<uint32_t>(shift));
    }
  }
}

/// 2^(16 - shift) in 16 bits; zero for no shift (nothing is cut) and for shifts of kLookupEnd.
HWY_INLINE WordVec power_of(IntVec shift) {
  const HalfWords d;
  const HalfBytes bytes;
  HWY_ALIGN static constexpr uint16_t kPowers[16] = {0, 1 << 12, 1 << 8, 1 << 4, 1, 0, 0, 0, 0, 1 << 12, 1 << 8, 1 << 4, 1, 0, 0, 0};
  const auto table = hn::LoadDup128(d, kPowers);
  const WordVec index = hn::ShiftRight<1>(hn::BitCast(d, shift));  // twice the entry
  const WordVec pair = hn::Add(hn::Or(index, hn::ShiftLeft<8>(index)), hn::Set(d, 0x0100));
  return hn::BitCast(d, hn::TableLookupBytes(hn::BitCast(bytes, table), hn::BitCast(bytes, pair)));
}

/// One weight against `lanes` pixels from `i` on; true when some of them are far.
HWY_INLINE bool add_products(const HalfWeight& weight, const HalfChannel& channel, size_t i, HalfWork& work, int k) {
  const HalfInts d;
  const HalfWords words;
  const HalfSums sums;
  const IntVec shift = hn::Sub(hn::Sub(hn::Load(d, work.largest[k] + i), hn::Load(d, channel.exponent + i)),
                               hn::Set(d, weight.exponent));
  const auto near = hn::Lt(shift, hn::Set(d, kNearShift + 1));
  const IntVec value = hn::Load(d, channel.value + i);
  const IntVec factor = hn::Set(d, weight.factor);
  const IntVec low = hn::IfThenElseZero(near, hn::Mul(value, factor));
  const IntVec high = hn::IfThenElseZero(near, hn::MulHigh(value, factor));
  const IntVec by = hn::Min(shift, hn::Set(d, kLookupEnd));
  int32_t* const lower = work.part[k] + i;
  int32_t* const upper = lower + hn::Lanes(sums);
  const IntVec zero = hn::Zero(d);
  const auto cut_low = hn::Shr(hn::BitCast(sums, hn::InterleaveLower(d, low, high)), hn::BitCast(sums, hn::InterleaveLower(d, by, zero)));
  const auto cut_high = hn::Shr(hn::BitCast(sums, hn::InterleaveUpper(d, low, high)), hn::BitCast(sums, hn::InterleaveUpper(d, by, zero)));
  hn::Store(hn::Add(hn::Load(sums, lower), cut_low), sums, lower);
  hn::Store(hn::Add(hn::Load(sums, upper), cut_high), sums, upper);

  WordVec sum;
  WordVec carry;
  product_rows(work.rows + i * 2, weight, sum, carry);
  const WordVec power = power_of(by);
  const WordVec left = hn::Mul(sum, power);
  const WordVec both = hn::Add(left, hn::Mul(carry, power));
  const auto carried = hn::VecFromMask(words, hn::Lt(both, left));
  hn::Store(hn::Sub(hn::Load(words, work.borrow[k] + i), carried), words, work.borrow[k] + i);
  return !hn::AllFalse(d, hn::And(hn::Not(near), hn::Lt(shift, hn::Set(d, kFarShift + 1))));
}

HWY_INLINE void add_to_kernels(const HalfTile& tile, uint32_t lane, const HalfChannel& channel, HalfSpan kernels, HalfWork& work) {
  for (size_t i = 0; i < kHalfPixels; i += hn::Lanes(HalfWords())) {
    build_rows(channel, i, work.rows);
  }
  const HalfWeight* weights = tile.weights + size_t{lane} * kHalfKernels;
  for (int k = kernels.first; k < kernels.last; ++k) {
    if (weights[k].factor == 0) {
      continue;
    }
    bool far = false;
    for (size_t i = 0; i < kHalfPixels; i += hn::Lanes(HalfInts())) {
      far |= add_products(weights[k], channel, i, work, k);
    }
    if (far) {
      add_far_products(weights[k], channel, work.largest[k], work.part[k]);
    }
  }
}

/// Moves the sums of a few channels into 64 bits.
HWY_INLINE void flush_kernels(HalfSpan kernels, HalfWork& work) {
  for (int k = kernels.first; k < kernels.last; ++k) {
    for (int i = 0; i < kHalfPixels; ++i) {
      work.atom[k][i] += work.part[k][i];
      work.part[k][i] = 0;
    }
  }
}

HWY_INLINE void accumulate_kernels(int kernels, const HalfSpan* own, HalfWork& work) {
  const HalfDoubles d;
  alignas(64) double sums[kHalfPixels];
  for (int k = 0; k < kernels; ++k) {
    if (own[k].empty()) {
      continue;
    }
    for (size_t p = 0; p < kHalfPixels; ++p) {
      const size_t place = place_of(p);
      const int64_t mantissa = work.atom[k][place] + work.part[k][place] - work.borrow[k][p];
      const auto power = static_cast<uint64_t>(1023 - 50 + work.largest[k][p]) << 52;
      sums[p] = static_cast<double>(mantissa) * std::bit_cast<double>(power);
    }
    for (size_t p = 0; p < kHalfPixels; p += hn::Lanes(d)) {
      hn::Store(acc_add(hn::Load(d, work.acc[k] + p), hn::Load(d, sums + p)), d, work.acc[k] + p);
    }
  }
}

struct HalfLeaf {
  const HalfTile& tile;
  HalfWork& work;

  bool take_apart(int64_t offset, uint32_t c) { return HWY_NAMESPACE::take_apart(tile, offset, work.channels[c]); }
  bool any(uint32_t c) const { return work.channels[c].any; }
  void add_nan_atom(uint32_t first, uint32_t lanes) { accumulate_one_by_one(tile, first, lanes, work.acc); }
  void start(uint32_t first, const HalfSpan* own, bool) { start_kernels(tile, first, own, work); }
  void add_channel(uint32_t first, uint32_t c, HalfSpan kernels) {
    add_to_kernels(tile, first + c, work.channels[c], kernels, work);
  }
  void flush(HalfSpan kernels) { flush_kernels(kernels, work); }
  void accumulate(const HalfSpan* own) { accumulate_kernels(tile.kernels, own, work); }
};

HWY_INLINE void add_atom(const HalfTile& tile, uint32_t atom, HalfWork& work) {
  HalfLeaf leaf{tile, work};
  add_half_atom(tile, atom, leaf);
}

#endif

/// CACC's sum after one product a channel. Infinity counts as 2^16.
HWY_INLINE DoubleVec add_product(DoubleVec acc, const uint8_t* data, const float* weights) {
  const HalfDoubles d;
  const hn::Rebind<float, HalfDoubles> f;
  const hn::Rebind<hwy::float16_t, HalfDoubles> half;
  const auto infinity = hn::Set(f, 65536.0f);
  const auto value = hn::PromoteTo(f, hn::LoadU(half, reinterpret_cast<const hwy::float16_t*>(data)));
  const auto limited = hn::Min(hn::Max(value, hn::Neg(infinity)), infinity);
  return acc_add(acc, hn::PromoteTo(d, hn::Mul(limited, hn::LoadU(f, weights))));
}

/// CACC's delivery as FP32.
HWY_INLINE void deliver_lanes(DoubleVec acc, int32_t* to) {
  const HalfDoubles d;
  const hn::RebindToSigned<HalfDoubles> words;
  const hn::Rebind<float, HalfDoubles> f;
  const auto rounded = hn::And(hn::Add(hn::BitCast(words, acc), hn::Set(words, kFloatHalf)), hn::Set(words, kFloatKept));
  const hn::RebindToSigned<decltype(f)> bits;
  hn::StoreU(hn::BitCast(bits, hn::DemoteTo(f, hn::BitCast(d, rounded))), bits, to);
}

/// Four pixels at a time, whose sums are in flight together; the last ones may repeat.
void HalfDepthwiseVector(const HalfDepthwise& run) {
  const HalfDoubles d;
  constexpr uint32_t kPixels = 4;
  for (uint32_t c = 0; c < kHalfChannels; c += static_cast<uint32_t>(hn::Lanes(d))) {
    for (uint32_t first = 0; first < run.pixels; first += kPixels) {
      const uint8_t* data[kPixels];
      int32_t* out[kPixels];
      for (uint32_t i = 0; i < kPixels; ++i) {
        const int64_t pixel = HWY_MIN(first + i, run.pixels - 1);
        data[i] = run.pixel + pixel * run.pixel_step + c * 2;
        out[i] = run.out + pixel * run.out_step + c;
      }
      DoubleVec acc0 = hn::Zero(d);
      DoubleVec acc1 = acc0;
      DoubleVec acc2 = acc0;
      DoubleVec acc3 = acc0;
      const float* weights = run.weights + c;
      for (uint32_t tap = 0; tap < run.tap_count; ++tap, weights += kHalfChannels) {
        const int64_t offset = run.taps[tap];
        acc0 = add_product(acc0, data[0] + offset, weights);
        acc1 = add_product(acc1, data[1] + offset, weights);
        acc2 = add_product(acc2, data[2] + offset, weights);
        acc3 = add_product(acc3, data[3] + offset, weights);
      }
      deliver_lanes(acc0, out[0]);
      deliver_lanes(acc1, out[1]);
      deliver_lanes(acc2, out[2]);
      deliver_lanes(acc3, out[3]);
    }
  }
}

void HalfTileVector(const HalfTile& tile) {
  HalfWork work;
  for (int k = 0; k < tile.kernels; ++k) {
    std::fill_n(work.acc[k], kHalfPixels, 0.0);
  }
  for (uint32_t atom = 0; atom < tile.atoms; ++atom) {
    add_atom(tile, atom, work);
  }
  for (int k = 0; k < tile.kernels; ++k) {
    for (int p = 0; p < kHalfPixels; ++p) {
      tile.out[k * kHalfPixels + p] = deliver_double(work.acc[k][p]);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace medlar::chip
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace medlar::chip {
HWY_EXPORT(HalfTileVector);
HWY_EXPORT(HalfDepthwiseVector);

HalfTileRun vector_half_tile(int64_t bit) {
  hwy::ChosenTarget chosen;
  chosen.Update(bit);
  return HWY_DISPATCH_TABLE(HalfTileVector)[chosen.GetIndex()];
}

HalfDepthwiseRun vector_half_depthwise(int64_t bit) {
  hwy::ChosenTarget chosen;
  chosen.Update(bit);
  return HWY_DISPATCH_TABLE(HalfDepthwiseVector)[chosen.GetIndex()];
}

}  // namespace medlar::chip
#endif
