// SPDX-License-Identifier: Apache-2.0
// The arithmetic of PDP over atoms.
#include "chip/pdp/reduce.hpp"

#include <algorithm>

#include "num/fast_float.hpp"
#include "num/round.hpp"

namespace medlar::chip {
namespace {

using Method = PdpPlan::Method;
using hw::Precision;
using num::Fp16;

uint32_t bits_of(int32_t lane) { return static_cast<uint32_t>(lane); }
int32_t lane_of(uint32_t bits) { return static_cast<int32_t>(bits); }

/// acc = op(acc, value) over n lanes.
template <typename Op>
void fold(const int32_t* value, int32_t* acc, size_t n, Op op) {
  for (size_t i = 0; i < n; ++i) {
    acc[i] = op(acc[i], value[i]);
  }
}

void fold_integer(Method method, const int32_t* value, int32_t* acc, size_t n) {
  switch (method) {
    case Method::kMax: fold(value, acc, n, [](int32_t a, int32_t b) { return std::max(a, b); }); break;
    case Method::kMin: fold(value, acc, n, [](int32_t a, int32_t b) { return std::min(a, b); }); break;
    case Method::kAverage: fold(value, acc, n, [](int32_t a, int32_t b) { return lane_of(bits_of(a) + bits_of(b)); }); break;
  }
}

/// Ordered integers for FP16 patterns: -0 below +0, as the comparators see them. Its own inverse.
int32_t key_of(uint32_t bits) {
  const auto value = static_cast<int16_t>(bits);
  return static_cast<int16_t>(value ^ ((value >> 15) & 0x7fff));
}

/// Averages hold FP17 numbers, maxima and minima keys. Along x the accumulator is the first operand, along y the new
/// line is: it matters for NaN.
template <bool kValueFirst>
void fold_float(Method method, bool has_nan, const int32_t* value, int32_t* acc, size_t n) {
  if (method == Method::kAverage) {
    fold(value, acc, n, [](int32_t a, int32_t b) {
      return lane_of(kValueFirst ? num::fp17_add(bits_of(b), bits_of(a)) : num::fp17_add(bits_of(a), bits_of(b)));
    });
    return;
  }
  if (!has_nan) {
    fold_integer(method, value, acc, n);
    return;
  }
  const auto select = method == Method::kMax ? num::float_max<Fp16> : num::float_min<Fp16>;
  fold(value, acc, n, [&](int32_t a, int32_t b) {
    const auto half_a = static_cast<uint16_t>(key_of(bits_of(a)));
    const auto half_b = static_cast<uint16_t>(key_of(bits_of(b)));
    return key_of(kValueFirst ? select(half_b, half_a) : select(half_a, half_b));
  });
}

void add_constant(int32_t value, std::span<int32_t> lanes) {
  for (int32_t& lane : lanes) {
    lane = lane_of(bits_of(lane) + bits_of(value));
  }
}

}  // namespace

int32_t pdp_float_lane(const PdpPlan& plan, uint32_t half) {
  return plan.method == Method::kAverage ? lane_of(num::fp16_to_fp17(half)) : key_of(half);
}

/// In keys, NaN lies beyond the two infinities.
bool pdp_has_nan(const PdpPlan& plan, std::span<const int32_t> lanes) {
  if (plan.method == Method::kAverage) {
    return false;  // The adder passes it by itself.
  }
  constexpr int32_t kInfinity = 0x7c00;
  int32_t high = 0;
  int32_t low = -1;
  for (const int32_t lane : lanes) {
    high = std::max(high, lane);
    low = std::min(low, lane);
  }
  return high > kInfinity || low < -kInfinity - 1;
}

void pdp_reduce_line(const PdpPlan& plan, const PdpBand& band, std::span<const int32_t> input, std::span<int32_t> line) {
  const auto lanes = static_cast<size_t>(plan.lanes);
  const bool is_float = plan.precision == Precision::kFp16;
  const bool has_nan = is_float && pdp_has_nan(plan, input);
  for (int out = 0; out < band.out_width; ++out) {
    const int start = out * plan.stride_x - band.pad_left;
    const int first = std::max(start, 0);
    const int end = std::min(start + plan.kernel_w, band.in_width);
    int32_t* acc = line.data() + static_cast<size_t>(out) * lanes;
    std::copy_n(input.data() + static_cast<size_t>(first) * lanes, lanes, acc);
    for (int x = first + 1; x < end; ++x) {
      const int32_t* value = input.data() + static_cast<size_t>(x) * lanes;
      is_float ? fold_float<false>(plan.method, has_nan, value, acc, lanes) : fold_integer(plan.method, value, acc, lanes);
    }
    const int missing = plan.kernel_w - (end - first);
    if (missing > 0 && plan.method == Method::kAverage && !is_float) {
      add_constant(plan.padding[static_cast<size_t>(missing)], {acc, lanes});
    }
  }
}

void pdp_fold_line(const PdpPlan& plan, std::span<const int32_t> line, std::span<int32_t> acc) {
  if (plan.precision == Precision::kFp16) {
    const bool has_nan = pdp_has_nan(plan, line) || pdp_has_nan(plan, acc);
    fold_float<true>(plan.method, has_nan, line.data(), acc.data(), acc.size());
  } else {
    fold_integer(plan.method, line.data(), acc.data(), acc.size());
  }
}

void pdp_finish(const PdpPlan& plan, int missing, std::span<int32_t> acc) {
  if (plan.method != Method::kAverage) {
    for (int32_t& lane : plan.precision == Precision::kFp16 ? acc : std::span<int32_t>()) {
      lane = key_of(bits_of(lane));
    }
    return;
  }
  if (plan.precision == Precision::kFp16) {
    for (int32_t& lane : acc) {
      const uint32_t by_width = num::fp17_multiply(bits_of(lane), plan.recip_w);
      lane = lane_of(num::fp17_to_fp16(num::fp17_multiply(by_width, plan.recip_h)));
    }
    return;
  }
  if (missing > 0) {
    const uint32_t value = bits_of(plan.padding[static_cast<size_t>(missing)]) * static_cast<uint32_t>(plan.kernel_w);
    add_constant(lane_of(value), acc);
  }
  const bool narrow = plan.precision == Precision::kInt8;  // The line buffer holds 16-bit sums of INT8 data.
  const auto recip_w = static_cast<int64_t>(plan.recip_w);
  const auto recip_h = static_cast<int64_t>(plan.recip_h);
  for (int32_t& lane : acc) {
    const int64_t sum = narrow ? static_cast<int16_t>(lane) : lane;
    const int64_t by_width = num::shift_round_narrow(sum * recip_w, 16);
    lane = static_cast<int32_t>(num::shift_round_narrow(by_width * recip_h, 16));
  }
}

}  // namespace medlar::chip
