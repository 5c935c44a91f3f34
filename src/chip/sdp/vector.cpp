// SPDX-License-Identifier: Apache-2.0
// The loops of SDP with Highway. Integers travel as doubles: products of 33 and 16 bits have 49, which a double holds
// exactly, and so are the shift (a power of two) and the addition of one half. FP32 lanes use the vector unit where
// operands and result are ordinary numbers and the exact scalar code for the rest.
#include "chip/sdp/target.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "chip/sdp/vector.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include "num/float_convert.hpp"

HWY_BEFORE_NAMESPACE();
namespace medlar::chip {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DoubleTag = hn::CappedTag<double, 8>;
using NarrowTag = hn::Rebind<int32_t, DoubleTag>;  // As many 32-bit lanes as there are doubles.
using IntTag = hn::CappedTag<int32_t, 8>;
using WordTag = hn::RebindToUnsigned<IntTag>;
using FloatTag = hn::RebindToFloat<IntTag>;
using Doubles = hn::Vec<DoubleTag>;
using Words = hn::Vec<WordTag>;

HWY_INLINE Doubles load_doubles(const int32_t* from) { return hn::PromoteTo(DoubleTag(), hn::LoadU(NarrowTag(), from)); }

/// Rounds halves away from zero, limits, converts.
HWY_INLINE void round_store(Doubles x, Doubles low, Doubles high, int32_t* to) {
  const DoubleTag d;
  const auto nudged = hn::Add(x, hn::CopySign(hn::Set(d, 0.5), x));
  const auto limited = hn::Min(hn::Max(nudged, low), high);
  hn::StoreU(hn::DemoteTo(NarrowTag(), limited), NarrowTag(), to);
}

HWY_INLINE Doubles alu(const SdpStage& stage, Doubles x, Doubles operand) {
  switch (stage.algo) {
    case Alu::kMax: return hn::Max(x, operand);
    case Alu::kMin: return hn::Min(x, operand);
    default: return hn::Add(x, operand);
  }
}

void XStage(const SdpStage& stage, const SdpOperands& operands, std::span<int32_t> lanes) {
  const DoubleTag d;
  const size_t step = hn::Lanes(d);
  const auto scale = hn::Set(d, std::ldexp(1.0, -static_cast<int>(stage.mul_shift)));
  const auto low = hn::Set(d, stage.relu ? 0.0 : -2147483648.0);
  const auto high = hn::Set(d, 2147483647.0);
  const bool prelu = stage.mul && stage.prelu;
  for (size_t i = 0; i < lanes.size(); i += step) {
    auto x = load_doubles(lanes.data() + i);
    if (stage.alu) {
      x = alu(stage, x, load_doubles(operands.alu.data() + i));
    }
    auto result = stage.mul ? hn::Mul(x, load_doubles(operands.mul.data() + i)) : x;
    result = hn::Mul(result, scale);
    if (prelu) {
      // A non-negative value passes as it is; its 33rd bit is cut.
      const auto wrapped = hn::IfThenElse(hn::Gt(x, high), hn::Sub(x, hn::Set(d, 4294967296.0)), x);
      result = hn::IfThenElse(hn::Ge(x, hn::Zero(d)), wrapped, result);
    }
    round_store(result, low, high, lanes.data() + i);
  }
}

/// The largest magnitude of an operand whose product with 32 bits a double holds exactly.
constexpr int32_t kExactOperand = 1 << 21;

bool exact_in_double(const int32_t* operand, size_t count) {
  int32_t seen = 0;
  for (size_t i = 0; i < count; ++i) {
    seen |= operand[i] ^ (operand[i] >> 31);  // Magnitude bits.
  }
  return seen < kExactOperand;
}

HWY_INLINE Doubles limit32(Doubles x) {
  const DoubleTag d;
  return hn::Min(hn::Max(x, hn::Set(d, -2147483648.0)), hn::Set(d, 2147483647.0));
}

void YStage(const SdpStage& stage, const SdpOperands& operands, std::span<int32_t> lanes) {
  if (stage.mul && !exact_in_double(operands.mul.data(), lanes.size())) {
    sdp_y_stage(stage, operands, lanes);
    return;
  }
  const DoubleTag d;
  const size_t step = hn::Lanes(d);
  constexpr int kVanishes = 100;  // Beyond this shift every product is zero.
  const int shift = stage.mul_shift > kVanishes ? kVanishes : static_cast<int>(stage.mul_shift);
  const auto scale = hn::Set(d, std::ldexp(1.0, -shift));
  const auto half = hn::Set(d, 0.5);
  for (size_t i = 0; i < lanes.size(); i += step) {
    auto x = load_doubles(lanes.data() + i);
    if (stage.mul) {
      const auto scaled = hn::Mul(hn::Mul(x, load_doubles(operands.mul.data() + i)), scale);
      const auto product = limit32(hn::Trunc(hn::Add(scaled, hn::CopySign(half, scaled))));
      x = stage.prelu ? hn::IfThenElse(hn::Ge(x, hn::Zero(d)), x, product) : product;
    }
    if (stage.alu && stage.algo == Alu::kEqual) {
      x = hn::IfThenElse(hn::Eq(x, load_doubles(operands.alu.data() + i)), hn::Zero(d), hn::Set(d, 1.0));
    } else if (stage.alu) {
      x = limit32(alu(stage, x, load_doubles(operands.alu.data() + i)));
    }
    hn::StoreU(hn::DemoteTo(NarrowTag(), x), NarrowTag(), lanes.data() + i);
  }
}

void Convert(const num::Converter& converter, int bits, std::span<int32_t> lanes) {
  const DoubleTag d;
  const size_t step = hn::Lanes(d);
  const auto offset = hn::Set(d, static_cast<double>(converter.offset));
  const auto scale = hn::Set(d, std::ldexp(static_cast<double>(converter.scale), -static_cast<int>(converter.shift)));
  const auto low = hn::Set(d, static_cast<double>(num::signed_min(bits)));
  const auto high = hn::Set(d, static_cast<double>(num::signed_max(bits)));
  for (size_t i = 0; i < lanes.size(); i += step) {
    round_store(hn::Mul(hn::Sub(load_doubles(lanes.data() + i), offset), scale), low, high, lanes.data() + i);
  }
}

void Load8(const uint8_t* from, std::span<int32_t> lanes) {
  const IntTag d;
  const hn::Rebind<int8_t, IntTag> narrow;
  for (size_t i = 0; i < lanes.size(); i += hn::Lanes(d)) {
    hn::StoreU(hn::PromoteTo(d, hn::LoadU(narrow, reinterpret_cast<const int8_t*>(from) + i)), d, lanes.data() + i);
  }
}

void Load16(const uint8_t* from, std::span<int32_t> lanes) {
  const IntTag d;
  const hn::Rebind<int16_t, IntTag> narrow;
  for (size_t i = 0; i < lanes.size(); i += hn::Lanes(d)) {
    hn::StoreU(hn::PromoteTo(d, hn::LoadU(narrow, reinterpret_cast<const int16_t*>(from) + i)), d, lanes.data() + i);
  }
}

void Store8(std::span<const int32_t> lanes, uint8_t* to) {
  const IntTag d;
  const hn::Rebind<int8_t, IntTag> narrow;
  for (size_t i = 0; i < lanes.size(); i += hn::Lanes(d)) {
    hn::StoreU(hn::DemoteTo(narrow, hn::LoadU(d, lanes.data() + i)), narrow, reinterpret_cast<int8_t*>(to) + i);
  }
}

void Store16(std::span<const int32_t> lanes, uint8_t* to) {
  const IntTag d;
  const hn::Rebind<int16_t, IntTag> narrow;
  for (size_t i = 0; i < lanes.size(); i += hn::Lanes(d)) {
    // Sign extension keeps the low half in the range that the conversion does not limit.
    const auto low_half = hn::ShiftRight<16>(hn::ShiftLeft<16>(hn::LoadU(d, lanes.data() + i)));
    hn::StoreU(hn::DemoteTo(narrow, low_half), narrow, reinterpret_cast<int16_t*>(to) + i);
  }
}

/// Lanes whose exponent lies in [low, low + count).
HWY_INLINE hn::Mask<WordTag> exponent_in(Words bits, uint32_t low, uint32_t count) {
  const WordTag d;
  const auto exponent = hn::And(hn::ShiftRight<23>(bits), hn::Set(d, 0xff));
  return hn::Lt(hn::Sub(exponent, hn::Set(d, low)), hn::Set(d, count));
}

/// Neither denormal (or rounded up from one) nor near overflow, infinity or NaN.
HWY_INLINE hn::Mask<WordTag> plain(Words bits) { return exponent_in(bits, 2, 252); }

HWY_INLINE hn::Mask<WordTag> is_zero(Words bits) {
  const WordTag d;
  return hn::Eq(hn::Add(bits, bits), hn::Zero(d));
}

HWY_INLINE Words load_words(const int32_t* from) { return hn::BitCast(WordTag(), hn::LoadU(IntTag(), from)); }
HWY_INLINE void store_words(Words bits, int32_t* to) { hn::StoreU(hn::BitCast(IntTag(), bits), IntTag(), to); }

/// True when the host's sum is the chip's in every lane.
HWY_INLINE bool add_lanes(Words a, Words b, Words& sum) {
  const FloatTag f;
  const WordTag d;
  sum = hn::BitCast(d, hn::Add(hn::BitCast(f, a), hn::BitCast(f, b)));
  const auto inputs = hn::And(hn::Or(plain(a), is_zero(a)), hn::Or(plain(b), is_zero(b)));
  const auto both_zero = hn::Eq(hn::Or(a, b), hn::Zero(d));
  return hn::AllTrue(d, hn::And(inputs, hn::Or(plain(sum), both_zero)));
}

HWY_INLINE bool multiply_lanes(Words a, Words b, Words& product) {
  const FloatTag f;
  const WordTag d;
  product = hn::BitCast(d, hn::Mul(hn::BitCast(f, a), hn::BitCast(f, b)));
  const auto zero = hn::Or(is_zero(a), is_zero(b));
  const auto inputs = hn::And(hn::Or(plain(a), is_zero(a)), hn::Or(plain(b), is_zero(b)));
  return hn::AllTrue(d, hn::And(inputs, hn::Or(plain(product), zero)));
}

/// Maximum or minimum by the order of the bit patterns, in which -0 lies below +0.
HWY_INLINE bool select_lanes(bool maximum, Words a, Words b, Words& selected) {
  const WordTag d;
  const IntTag s;
  const auto key = [&](Words bits) {
    const auto value = hn::BitCast(s, bits);
    return hn::Xor(value, hn::And(hn::ShiftRight<31>(value), hn::Set(s, 0x7fffffff)));
  };
  const auto a_greater = hn::RebindMask(d, hn::Gt(key(a), key(b)));
  selected = maximum ? hn::IfThenElse(a_greater, a, b) : hn::IfThenElse(a_greater, b, a);
  return hn::AllTrue(d, hn::And(hn::Or(plain(a), is_zero(a)), hn::Or(plain(b), is_zero(b))));
}

HWY_INLINE bool alu_lanes(Alu algo, Words a, Words b, Words& out) {
  return algo == Alu::kSum ? add_lanes(a, b, out) : select_lanes(algo == Alu::kMax, a, b, out);
}

/// Runs one float step over the lanes in vectors; vectors with a special lane go through `scalar`.
template <typename Step, typename Scalar>
HWY_INLINE void float_loop(std::span<int32_t> lanes, Step step, Scalar scalar) {
  const size_t width = hn::Lanes(IntTag());
  for (size_t i = 0; i < lanes.size(); i += width) {
    Words out;
    if (step(load_words(lanes.data() + i), i, out)) {
      store_words(out, lanes.data() + i);
    } else {
      scalar(i, width);
    }
  }
}

void alu_loop(const SdpStage& stage, const SdpOperands& operands, std::span<int32_t> lanes) {
  float_loop(
      lanes,
      [&](Words x, size_t i, Words& out) HWY_ATTR { return alu_lanes(stage.algo, x, load_words(operands.alu.data() + i), out); },
      [&](size_t i, size_t n) { sdp_alu_float(stage.algo, operands.alu.data() + i, lanes.subspan(i, n)); });
}

void multiply_loop(const SdpStage& stage, const SdpOperands& operands, std::span<int32_t> lanes) {
  const IntTag s;
  float_loop(
      lanes,
      [&](Words x, size_t i, Words& out) HWY_ATTR {
        const bool ordinary = multiply_lanes(x, load_words(operands.mul.data() + i), out);
        if (stage.prelu) {
          const auto negative = hn::RebindMask(WordTag(), hn::Lt(hn::BitCast(s, x), hn::Zero(s)));
          out = hn::IfThenElse(negative, out, x);
        }
        return ordinary;
      },
      [&](size_t i, size_t n) { sdp_multiply_float(stage.prelu, operands.mul.data() + i, lanes.subspan(i, n)); });
}

void relu_loop(std::span<int32_t> lanes) {
  const IntTag s;
  float_loop(
      lanes,
      [&](Words x, size_t, Words& out) HWY_ATTR {
        const auto value = hn::BitCast(s, x);
        out = hn::BitCast(WordTag(), hn::IfThenElse(hn::Lt(value, hn::Zero(s)), hn::Zero(s), value));
        return hn::AllTrue(WordTag(), hn::Or(plain(x), is_zero(x)));
      },
      [&](size_t i, size_t n) { sdp_relu_float(lanes.subspan(i, n)); });
}

void XStageFloat(const SdpStage& stage, const SdpOperands& operands, std::span<int32_t> lanes) {
  if (stage.alu) {
    alu_loop(stage, operands, lanes);
  }
  if (stage.mul) {
    multiply_loop(stage, operands, lanes);
  }
  if (stage.relu) {
    relu_loop(lanes);
  }
}

void YStageFloat(const SdpStage& stage, const SdpOperands& operands, std::span<int32_t> lanes) {
  if (stage.mul) {
    multiply_loop(stage, operands, lanes);
  }
  if (stage.alu && stage.algo == Alu::kEqual) {
    sdp_alu_float(stage.algo, operands.alu.data(), lanes);
  } else if (stage.alu) {
    alu_loop(stage, operands, lanes);
  }
}

void WidenFloat(bool flush_nan, std::span<int32_t> lanes) {
  const WordTag d;
  const FloatTag f;
  const IntTag s;
  const hn::Rebind<hwy::float16_t, FloatTag> half;
  const hn::Rebind<uint16_t, WordTag> half_bits;
  float_loop(
      lanes,
      [&](Words x, size_t, Words& out) HWY_ATTR {
        const auto low = hn::And(x, hn::Set(d, 0xffff));
        const auto narrow = hn::DemoteTo(half_bits, hn::BitCast(s, low));
        out = hn::BitCast(d, hn::PromoteTo(f, hn::BitCast(half, narrow)));
        const auto top = hn::Set(d, 0x7c00);
        return hn::AllFalse(d, hn::Eq(hn::And(x, top), top));
      },
      [&](size_t i, size_t n) { sdp_widen_float(flush_nan, lanes.subspan(i, n)); });
}

#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3
/// Without the machine's own conversion, Highway 1.0 cuts instead of rounding.
void NarrowFloat(std::span<int32_t> lanes) { scalar_sdp_target().narrow_float(lanes); }
#else
void NarrowFloat(std::span<int32_t> lanes) {
  const WordTag d;
  const FloatTag f;
  const hn::Rebind<hwy::float16_t, FloatTag> half;
  const hn::Rebind<uint16_t, WordTag> half_bits;
  float_loop(
      lanes,
      [&](Words x, size_t, Words& out) HWY_ATTR {
        out = hn::PromoteTo(d, hn::BitCast(half_bits, hn::DemoteTo(half, hn::BitCast(f, x))));
        constexpr uint32_t kSmallestNormal = 127 - 14;
        constexpr uint32_t kBinades = 29;  // Up to 2^15, where rounding cannot reach the largest number.
        return hn::AllTrue(d, hn::Or(exponent_in(x, kSmallestNormal, kBinades), is_zero(x)));
      },
      [&](size_t i, size_t n) { scalar_sdp_target().narrow_float(lanes.subspan(i, n)); });
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace medlar::chip
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace medlar::chip {
HWY_EXPORT(XStage);
HWY_EXPORT(YStage);
HWY_EXPORT(Convert);
HWY_EXPORT(Load8);
HWY_EXPORT(Load16);
HWY_EXPORT(Store8);
HWY_EXPORT(Store16);
HWY_EXPORT(XStageFloat);
HWY_EXPORT(YStageFloat);
HWY_EXPORT(WidenFloat);
HWY_EXPORT(NarrowFloat);


SdpTarget vector_sdp_target(int64_t bit, std::string_view name) {
  hwy::ChosenTarget chosen;
  chosen.Update(bit);
  const size_t index = chosen.GetIndex();
  return {.name = name,
          .load8 = HWY_DISPATCH_TABLE(Load8)[index],
          .load16 = HWY_DISPATCH_TABLE(Load16)[index],
          .store8 = HWY_DISPATCH_TABLE(Store8)[index],
          .store16 = HWY_DISPATCH_TABLE(Store16)[index],
          .x_stage = HWY_DISPATCH_TABLE(XStage)[index],
          .y_stage = HWY_DISPATCH_TABLE(YStage)[index],
          .x_stage_float = HWY_DISPATCH_TABLE(XStageFloat)[index],
          .y_stage_float = HWY_DISPATCH_TABLE(YStageFloat)[index],
          .convert = HWY_DISPATCH_TABLE(Convert)[index],
          .widen_float = HWY_DISPATCH_TABLE(WidenFloat)[index],
          .chain = vector_sdp_chain(bit),
          .narrow_float = HWY_DISPATCH_TABLE(NarrowFloat)[index]};
}

}  // namespace medlar::chip
#endif
