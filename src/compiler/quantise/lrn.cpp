// SPDX-License-Identifier: Apache-2.0
// LRN tables. With s the sum of squares, f(s) = (bias + alpha / size * s)^-beta bends where both terms are of one size: LO
// covers four times that, LE goes on from there.
#include "compiler/quantise/lrn.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "compiler/quantise/fixed_point.hpp"
#include "compiler/quantise/half.hpp"
#include "compiler/quantise/lut.hpp"

namespace medlar::compiler {
namespace {

constexpr int kFine = 256;
constexpr int kCoarse = 64;

double response(const LrnLayer& layer, double sum) {
  return std::pow(layer.bias + static_cast<double>(layer.alpha) / layer.size * sum, -static_cast<double>(layer.beta));
}

/// Sum of squares at which both terms are equal.
double bend(const LrnLayer& layer) {
  constexpr double kFlat = 1e9;  // without alpha the function is constant
  return layer.alpha > 0.0f ? std::min(kFlat, static_cast<double>(layer.bias) * layer.size / layer.alpha) : kFlat;
}

/// Smallest exponent with 2^exponent * intervals >= reach.
int interval_log2(double reach, int intervals) { return static_cast<int>(std::ceil(std::log2(reach / intervals))); }

/// Positions of the entries: LO from 0, LE behind it.
struct Layout {
  int lo_log2 = 0, le_log2 = 0;
  double lo(int i) const { return std::ldexp(i, lo_log2); }
  double le(int i) const { return lo(kFine) + std::ldexp(i, le_log2); }
};

template <typename Entry>
void fill(const Layout& layout, const Entry& entry, Lut& lut) {
  for (int i = 0; i <= kFine; ++i) {
    lut.lo[static_cast<size_t>(i)] = entry(layout.lo(i));
  }
  for (int i = 0; i <= kCoarse; ++i) {
    lut.le[static_cast<size_t>(i)] = entry(layout.le(i));
  }
  lut.lo_index = layout.lo_log2;
  lut.le_index = layout.le_log2;
  lut.hybrid_priority = 1;
  lut.underflow_priority = 1;
  lut.overflow_priority = 0;
}

LrnOp half_op(const LrnLayer& layer, std::vector<Lut>& luts) {
  const double reach = 4.0 * bend(layer);
  constexpr double kBeyond = 64.0;  // LE ends at so many times the end of LO
  const Layout layout{.lo_log2 = interval_log2(reach, kFine), .le_log2 = interval_log2(kBeyond * reach, kCoarse)};
  Lut lut;
  fill(layout, [&](double sum) { return static_cast<int16_t>(to_half(static_cast<float>(response(layer, sum)))); }, lut);
  const auto bits = [](double real) { return std::bit_cast<uint32_t>(static_cast<float>(real)); };
  lut.lo_start = bits(0.0);
  lut.lo_end = bits(layout.lo(kFine));
  lut.le_start = bits(layout.le(0));
  lut.le_end = bits(layout.le(kCoarse));
  return {.local_size = layer.size, .lut = add_table(luts, lut), .input = {}, .output = {}};
}

LrnOp integer_op(const LrnLayer& layer, const LrnScales& scales, std::vector<Lut>& luts) {
  const double unit = static_cast<double>(scales.in) * scales.in;
  constexpr double kLargestSquare = 128.0 * 128.0;
  const double largest = layer.size * kLargestSquare;
  Layout layout{.lo_log2 = std::max(0, interval_log2(std::min(4.0 * bend(layer) / unit, largest), kFine)), .le_log2 = 0};
  layout.le_log2 = std::max(0, interval_log2(std::max(1.0, largest - layout.lo(kFine)), kCoarse));
  const double step = response(layer, 0.0) / kOperandMax;
  Lut lut;
  fill(layout, [&](double sum) { return static_cast<int16_t>(round_away(response(layer, sum * unit) / step)); }, lut);
  lut.lo_start = 0;
  lut.lo_end = static_cast<int64_t>(layout.lo(kFine));
  lut.le_start = static_cast<int64_t>(layout.le(0));
  lut.le_end = static_cast<int64_t>(layout.le(kCoarse));
  constexpr int kMaxShift = 31;
  const FixedFactor factor = fixed_factor(step * scales.in / scales.out, kMaxShift).value_or(FixedFactor{kOperandMax, 0});
  return {.local_size = layer.size, .lut = add_table(luts, lut), .input = {},
          .output = {.enable = true, .offset = 0, .scale = factor.scale, .shift = factor.shift}};
}

}  // namespace

LrnOp lrn_op(const LrnLayer& layer, const LrnScales& scales, std::vector<Lut>& luts) {
  return scales.precision == hw::Precision::kFp16 ? half_op(layer, luts) : integer_op(layer, scales, luts);
}

}  // namespace medlar::compiler
