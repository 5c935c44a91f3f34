// SPDX-License-Identifier: Apache-2.0
// The chain with Highway. Integers travel as doubles, which hold every intermediate exactly (see
// sdp_vector.cpp).
#include "chip/sdp/chain.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "chip/sdp/chain.cpp"
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace medlar::chip {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using ChainDoubles = hn::CappedTag<double, 8>;
using ChainInts = hn::Rebind<int32_t, ChainDoubles>;
using ChainVec = hn::Vec<ChainDoubles>;

/// Adds one half away from zero; cutting the fraction is the caller's.
HWY_INLINE ChainVec nudge(ChainVec x) {
  const ChainDoubles d;
  return hn::Add(x, hn::CopySign(hn::Set(d, 0.5), x));
}

HWY_INLINE ChainVec limit(ChainVec x, double low, double high) {
  const ChainDoubles d;
  return hn::Min(hn::Max(x, hn::Set(d, low)), hn::Set(d, high));
}

HWY_INLINE ChainVec widen(const int32_t* from) {
  return hn::PromoteTo(ChainDoubles(), hn::LoadU(ChainInts(), from));
}

/// Lanes i... of a stage, j... of their atom; not yet cut to integers.
HWY_INLINE ChainVec chain_stage(const SdpChainStage& stage, ChainVec x, size_t i, size_t j) {
  const ChainDoubles d;
  x = hn::Add(x,
              stage.alu_lanes != nullptr ? widen(stage.alu_lanes + i) : hn::LoadU(d, stage.alu.data() + j));
  const auto factor = stage.mul_lanes != nullptr
                          ? hn::Mul(widen(stage.mul_lanes + i), hn::Set(d, stage.scale))
                          : hn::LoadU(d, stage.mul.data() + j);
  x = nudge(hn::Mul(x, factor));
  return limit(x, stage.relu ? 0.0 : -2147483648.0, 2147483647.0);
}

template <typename Element>
HWY_INLINE void chain_loop(const SdpChain& chain, const int32_t* from, size_t count, Element* to) {
  const ChainDoubles d;
  const ChainInts ints;
  const hn::Rebind<Element, ChainDoubles> narrow;
  const size_t step = hn::Lanes(d);
  const double high = sizeof(Element) == 1 ? 127 : 32767;
  const auto atom = static_cast<size_t>(chain.lanes);
  const SdpChainStage& x1 = chain.stages[0];
  const SdpChainStage& x2 = chain.stages[1];
  for (size_t first = 0; first < count; first += atom) {
    for (size_t j = 0; j < atom; j += step) {
      const size_t i = first + j;
      auto x = widen(from + i);
      if (x1.on) {
        x = chain_stage(x1, x, i, j);
      }
      if (x2.on) {
        x = chain_stage(x2, x1.on ? hn::Trunc(x) : x, i, j);
      }
      if (chain.convert) {
        x = x1.on || x2.on ? hn::Trunc(x) : x;
        x = nudge(hn::Mul(hn::Sub(x, hn::Set(d, chain.offset)), hn::Set(d, chain.scale)));
      }
      const auto value = hn::DemoteTo(ints, limit(x, -high - 1, high));
      hn::StoreU(hn::DemoteTo(narrow, value), narrow, to + i);
    }
  }
}

void Chain(const SdpChain& chain, const int32_t* from, size_t count, uint8_t* to) {
  chain.wide ? chain_loop(chain, from, count, reinterpret_cast<int16_t*>(to))
             : chain_loop(chain, from, count, reinterpret_cast<int8_t*>(to));
}

}  // namespace HWY_NAMESPACE
}  // namespace medlar::chip
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace medlar::chip {
namespace {

bool chain_stage_fits(const SdpStage& stage) {
  return !stage.on || ((!stage.alu || stage.algo == Alu::kSum) && !(stage.mul && stage.prelu));
}

}  // namespace

bool sdp_is_chain(const SdpPlan& plan) {
  return !plan.is_float() && !plan.y.on && !plan.compare && !plan.count_saturation &&
         plan.out != hw::Precision::kFp16 && plan.in_parts() == 1 && plan.out_parts() == 1 &&
         plan.lanes <= 32 && chain_stage_fits(plan.x1) && chain_stage_fits(plan.x2);
}

SdpChain make_sdp_chain(const SdpPlan& plan) {
  SdpChain chain;
  const num::Converter& c = plan.out_converter;
  chain.convert = c.offset != 0 || c.scale != 1 || c.shift != 0;
  chain.offset = static_cast<double>(c.offset);
  chain.scale = std::ldexp(static_cast<double>(c.scale), -static_cast<int>(c.shift));
  chain.lanes = plan.lanes;
  chain.wide = plan.out == hw::Precision::kInt16;
  const std::array<const SdpStage*, 2> stages = {&plan.x1, &plan.x2};
  for (size_t i = 0; i < stages.size(); ++i) {
    SdpChainStage& to = chain.stages[i];
    to.on = stages[i]->on;
    to.relu = stages[i]->relu;
    to.scale = std::ldexp(1.0, -static_cast<int>(stages[i]->mul_shift));
    to.mul.fill(to.scale);
  }
  return chain;
}

void set_chain_operands(const SdpStage& stage, const SdpOperands& operands, bool per_lane, size_t index, SdpChain& chain) {
  SdpChainStage& to = chain.stages[index];
  to.alu_lanes = per_lane && stage.alu && stage.alu_from_memory ? operands.alu.data() : nullptr;
  to.mul_lanes = per_lane && stage.mul && stage.mul_from_memory ? operands.mul.data() : nullptr;
  int64_t largest = 0;
  double factor = 0;
  for (size_t i = 0; i < static_cast<size_t>(chain.lanes); ++i) {
    to.alu_word[i] = stage.alu ? operands.alu[i] : 0;
    to.alu[i] = to.alu_word[i];
    to.mul[i] = stage.mul ? operands.mul[i] * to.scale : to.scale;
    to.mul_float[i] = static_cast<float>(to.mul[i]);
    factor = std::max(factor, std::abs(to.mul[i]));
    largest = std::max(largest, std::abs(int64_t{to.alu_word[i]}));
  }
  to.fits_word = largest + chain.bound < int64_t{1} << 31;
  constexpr double kLimit = 2147483646;
  to.bounded = index == 0 && static_cast<double>(largest + chain.bound) * factor < kLimit;
}

HWY_EXPORT(Chain);

SdpChainRun vector_sdp_chain(int64_t bit) {
  hwy::ChosenTarget chosen;
  chosen.Update(bit);
  return HWY_DISPATCH_TABLE(Chain)[chosen.GetIndex()];
}

void run_sdp_chain(const SdpChain& chain, const int32_t* from, size_t count, uint8_t* to) {
  HWY_DYNAMIC_DISPATCH(Chain)(chain, from, count, to);
}

}  // namespace medlar::chip
#endif
