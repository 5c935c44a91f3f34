// SPDX-License-Identifier: Apache-2.0
// Lookup tables.
#include "compiler/quantise/lut.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "compiler/quantise/fixed_point.hpp"
#include "compiler/quantise/half.hpp"

namespace medlar::compiler {
namespace {

constexpr int kFine = 256;   ///< Intervals of LO.
constexpr int kCoarse = 64;  ///< Intervals of LE.
constexpr double kLargestMove = 0.01;

/// The finer half answers where both do; beyond both, the half whose end is there.
void set_priorities(const FunctionSpec& spec, Lut& lut) {
  const double lo_end = spec.lo_start + std::ldexp(kFine, spec.lo_log2);
  const double le_end = spec.le_start + std::ldexp(kCoarse, spec.le_log2);
  lut.le_exponential = false;
  lut.hybrid_priority = spec.le_log2 < spec.lo_log2 ? 0 : 1;
  lut.underflow_priority = spec.le_start < spec.lo_start ? 0 : 1;
  lut.overflow_priority = le_end > lo_end ? 0 : 1;
}

/// One half of an integer table.
struct Half {
  int64_t start = 0;
  int index = 0;

  int64_t at(int i) const { return start + (int64_t{i} << index); }
};

Half half_of(double start, int log2, double scale) {
  Half half{.start = round_away(start / scale), .index = 0};
  while (std::ldexp(scale, half.index) < std::ldexp(1.0, log2) * (1.0 - 1e-9)) {
    ++half.index;
  }
  return half;
}

/// An entry of a table with that distance between entries: moved by a twelfth of the second difference, so that the
/// straight lines to its neighbours have no mean error. Plain where the function ends.
double balanced(const Step& step, double x, double distance) {
  const double value = evaluate(step, x);
  const double moved = value - (evaluate(step, x + distance) - 2.0 * value + evaluate(step, x - distance)) / 12.0;
  return std::isfinite(moved) && std::fabs(moved - value) < kLargestMove * std::fabs(value) ? moved : value;
}

}  // namespace

double table_reach(const Step& step) {
  const FunctionSpec& spec = function_spec(step.function);
  return std::max({std::fabs(spec.lo_start), spec.lo_start + std::ldexp(kFine, spec.lo_log2), std::fabs(spec.le_start),
                   spec.le_start + std::ldexp(kCoarse, spec.le_log2)});
}

IntegerTable integer_table(const Step& step, double scale, double limit) {
  IntegerTable table;
  Lut& lut = table.lut;
  const FunctionSpec& spec = function_spec(step.function);
  const Half lo = half_of(spec.lo_start, spec.lo_log2, scale);
  const Half le = half_of(spec.le_start, spec.le_log2, scale);
  double largest = 0.0;
  const auto value = [&](const Half& half, int i) { return evaluate(step, static_cast<double>(half.at(i)) * scale); };
  for (int i = 0; i <= kFine; ++i) {
    largest = std::max({largest, std::fabs(value(lo, i)), i <= kCoarse ? std::fabs(value(le, i)) : 0.0});
  }
  table.scale = std::min(largest, limit) / kOperandMax;
  const auto entry = [&](const Half& half, int i) {
    const double stored = std::clamp<double>(value(half, i) / table.scale, -kOperandMax, kOperandMax);
    return static_cast<int16_t>(round_away(stored));
  };
  for (int i = 0; i <= kFine; ++i) {
    lut.lo[static_cast<size_t>(i)] = entry(lo, i);
  }
  for (int i = 0; i <= kCoarse; ++i) {
    lut.le[static_cast<size_t>(i)] = entry(le, i);
  }
  lut.lo_index = lo.index;
  lut.le_index = le.index;
  lut.lo_start = lo.start;
  lut.lo_end = lo.at(kFine);
  lut.le_start = le.start;
  lut.le_end = le.at(kCoarse);
  constexpr int kMaxSlopeShift = 15;
  const auto slope = [&](double real) {
    return fixed_factor(real * scale / table.scale, kMaxSlopeShift).value_or(FixedFactor{kOperandMax, 0});
  };
  const FixedFactor left = slope(spec.left);
  const FixedFactor right = slope(spec.right);
  lut.slope = {left.scale, right.scale, left.scale, right.scale};
  lut.slope_shift = {left.shift, right.shift, left.shift, right.shift};
  set_priorities(spec, lut);
  return table;
}

Lut half_table(const Step& step) {
  Lut lut;
  const FunctionSpec& spec = function_spec(step.function);
  const auto bits = [](double real) { return std::bit_cast<uint32_t>(static_cast<float>(real)); };
  const auto entry = [&](double start, int log2, int i) {
    return static_cast<int16_t>(to_half(static_cast<float>(balanced(step, start + std::ldexp(i, log2), std::ldexp(1.0, log2)))));
  };
  for (int i = 0; i <= kFine; ++i) {
    lut.lo[static_cast<size_t>(i)] = entry(spec.lo_start, spec.lo_log2, i);
  }
  for (int i = 0; i <= kCoarse; ++i) {
    lut.le[static_cast<size_t>(i)] = entry(spec.le_start, spec.le_log2, i);
  }
  lut.lo_index = spec.lo_log2;
  lut.le_index = spec.le_log2;
  lut.lo_start = bits(spec.lo_start);
  lut.lo_end = bits(spec.lo_start + std::ldexp(kFine, spec.lo_log2));
  lut.le_start = bits(spec.le_start);
  lut.le_end = bits(spec.le_start + std::ldexp(kCoarse, spec.le_log2));
  const int32_t left = to_half(static_cast<float>(spec.left));
  const int32_t right = to_half(static_cast<float>(spec.right));
  lut.slope = {left, right, left, right};
  set_priorities(spec, lut);
  return lut;
}

int32_t add_table(std::vector<Lut>& luts, const Lut& lut) {
  const auto found = std::find(luts.begin(), luts.end(), lut);
  if (found != luts.end()) {
    return static_cast<int32_t>(found - luts.begin());
  }
  luts.push_back(lut);
  return static_cast<int32_t>(luts.size() - 1);
}

}  // namespace medlar::compiler
