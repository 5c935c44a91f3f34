// SPDX-License-Identifier: Apache-2.0
// The arithmetic of CDP over all channels of one position.
#include "chip/cdp/channels.hpp"

#include <algorithm>

#include "num/fast_float.hpp"
#include "num/round.hpp"

namespace medlar::chip {
namespace {

using hw::Precision;
using num::Fp16;
using num::Fp17;
using num::Fp32;

constexpr size_t kMargin = 4;  // The widest window reaches four channels to each side.

}  // namespace

CdpChannels::CdpChannels(const CdpOperation& operation, Precision precision, int channels)
    : operation_(operation),
      precision_(precision),
      channels_(static_cast<size_t>(channels)),
      reach_(operation.cdp.normalz_len + 1),
      lut_(operation.lut, *operation.tables) {
  const hw::CdpGroup& r = operation.cdp;
  const bool int8 = precision == Precision::kInt8;
  in_ = {.offset = num::sign_extend(r.datin_offset, int8 ? 8 : 16),
         .scale = static_cast<int16_t>(r.datin_scale),
         .shift = r.datin_shifter & 31};
  out_ = {.offset = num::sign_extend(r.datout_offset, int8 ? 25 : 32),
          .scale = static_cast<int16_t>(r.datout_scale),
          .shift = r.datout_shifter & 63};
}

void CdpChannels::run(std::span<const int32_t> in, std::span<int32_t> out, CdpCounters& counters) {
  value_.assign(in.size(), 0);
  square_.assign(in.size() + 2 * kMargin, 0);
  if (precision_ == Precision::kFp16) {
    run_float(in, out, counters);
  } else {
    run_integer(in, out, counters);
  }
}

void CdpChannels::run_integer(std::span<const int32_t> in, std::span<int32_t> out, CdpCounters& counters) {
  const bool int8 = precision_ == Precision::kInt8;
  for (size_t i = 0; i < std::min(in.size(), channels_); ++i) {
    value_[i] = in_.apply(in[i], int8 ? 9 : 17);
    square_[i + kMargin] = value_[i] * value_[i];
  }
  const bool direct = operation_.cdp.sqsum_bypass != 0;
  const bool plain = operation_.cdp.mul_bypass != 0;
  const int bits = int8 ? 8 : 16;
  for (size_t i = 0; i < in.size(); ++i) {
    int64_t sum = direct ? value_[i] : 0;
    for (size_t j = i + kMargin - reach_; !direct && j <= i + kMargin + reach_; ++j) {
      sum += square_[j];
    }
    const int64_t found = lut_.look_up(sum, counters.lut);
    const int64_t product = plain ? found : found * value_[i];
    counters.out_saturation += out_.saturates(product, bits) ? 1 : 0;
    out[i] = static_cast<int32_t>(out_.apply(product, bits));
  }
}

/// The adder tree: nearest neighbours first, the centre joins after the first pair.
uint32_t CdpChannels::window_float(size_t lane) const {
  const size_t centre = lane + kMargin;
  const auto at = [&](size_t i) { return static_cast<uint32_t>(square_[i]); };
  const auto pair = [&](size_t distance) {
    return num::fp32_add(at(centre - distance), at(centre + distance));
  };
  uint32_t sum = num::fp32_add(pair(1), at(centre));
  for (size_t distance = 2; distance <= reach_; ++distance) {
    sum = num::fp32_add(sum, pair(distance));
  }
  return sum;
}

void CdpChannels::run_float(std::span<const int32_t> in, std::span<int32_t> out, CdpCounters& counters) {
  const bool flush = operation_.cdp.nan_to_zero != 0;
  const bool direct = operation_.cdp.sqsum_bypass != 0;
  for (size_t i = 0; i < std::min(in.size(), channels_); ++i) {
    const uint32_t half = static_cast<uint16_t>(in[i]);
    const uint32_t value = flush && Fp16::is_nan(half) ? 0 : num::fp16_to_fp17(half);
    const uint32_t wide = num::fp17_to_fp32(value);
    value_[i] = value;
    square_[i + kMargin] = direct ? wide : num::fp32_multiply(wide, wide);
  }
  for (size_t i = 0; i < in.size(); ++i) {
    const uint32_t sum = direct ? static_cast<uint32_t>(square_[i + kMargin]) : window_float(i);
    const uint32_t found = lut_.look_up_float(sum, counters.lut);
    const auto value = static_cast<uint32_t>(value_[i]);
    uint32_t result = num::fp17_multiply(value, found);
    if (operation_.cdp.mul_bypass != 0) {
      result = Fp17::is_nan(value) ? value : found;
    }
    const uint32_t half = num::fp17_to_fp16(result);
    counters.nan_outputs += Fp16::is_nan(half) ? 1 : 0;
    out[i] = static_cast<int32_t>(half);
  }
}

}  // namespace medlar::chip
