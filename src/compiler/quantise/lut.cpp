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

constexpr int kIntervals = 256;  ///< Of LO; LE has a quarter.
constexpr int kHalf = kIntervals / 2;

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double softplus(double x) { return x > 30.0 ? x : std::log1p(std::exp(x)); }

/// Slope of the function far to the left and far to the right.
struct Ends {
  double left = 0.0, right = 0.0;
};

Ends ends_of(Function function) {
  switch (function) {
    case Function::kSilu:
    case Function::kHardSwish:
    case Function::kMish:
    case Function::kElu:
    case Function::kSoftplus:
    case Function::kGelu: return {0.0, 1.0};
    case Function::kSigmoid:
    case Function::kTanh:
    case Function::kErf: return {0.0, 0.0};
  }
  return {};
}

/// LE as a coarse copy of LO, every choice LO's.
void finish(Lut& lut) {
  for (size_t i = 0; i < lut.le.size(); ++i) {
    lut.le[i] = lut.lo[4 * i];
  }
  lut.le_exponential = false;
  lut.le_index = lut.lo_index + 2;
  lut.le_start = lut.lo_start;
  lut.le_end = lut.lo_end;
  lut.hybrid_priority = 1;
  lut.underflow_priority = 1;
  lut.overflow_priority = 1;
}

}  // namespace

double evaluate(const Step& step, double x) {
  switch (step.function) {
    case Function::kSigmoid: return sigmoid(x);
    case Function::kTanh: return std::tanh(x);
    case Function::kSilu: return x * sigmoid(x);
    case Function::kHardSwish: return x * std::clamp(x / 6.0 + 0.5, 0.0, 1.0);
    case Function::kMish: return x * std::tanh(softplus(x));
    case Function::kElu: return x < 0.0 ? step.alpha * std::expm1(x) : x;
    case Function::kSoftplus: return softplus(x);
    case Function::kErf: return std::erf(x);
    case Function::kGelu: return 0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0)));
  }
  return x;
}

double table_reach(const Step& step) {
  switch (step.function) {
    case Function::kTanh:
    case Function::kErf:
    case Function::kHardSwish:
    case Function::kGelu: return 4.0;
    default: return 8.0;
  }
}

IntegerTable integer_table(const Step& step, double scale) {
  IntegerTable table;
  Lut& lut = table.lut;
  while (std::ldexp(kHalf * scale, lut.lo_index) < table_reach(step) * (1.0 - 1e-9)) {
    ++lut.lo_index;
  }
  lut.lo_start = -(int64_t{kHalf} << lut.lo_index);
  lut.lo_end = int64_t{kHalf} << lut.lo_index;
  const double distance = std::ldexp(scale, lut.lo_index);
  double largest = 0.0;
  for (int i = 0; i <= kIntervals; ++i) {
    largest = std::max(largest, std::fabs(evaluate(step, (i - kHalf) * distance)));
  }
  table.scale = largest / kOperandMax;
  for (int i = 0; i <= kIntervals; ++i) {
    lut.lo[static_cast<size_t>(i)] =
        static_cast<int16_t>(round_away(evaluate(step, (i - kHalf) * distance) / table.scale));
  }
  const Ends ends = ends_of(step.function);
  constexpr int kMaxSlopeShift = 15;
  const FixedFactor left = fixed_factor(ends.left * scale / table.scale, kMaxSlopeShift).value_or(FixedFactor{kOperandMax, 0});
  const FixedFactor right = fixed_factor(ends.right * scale / table.scale, kMaxSlopeShift).value_or(FixedFactor{kOperandMax, 0});
  lut.slope = {left.scale, right.scale, left.scale, right.scale};
  lut.slope_shift = {left.shift, right.shift, left.shift, right.shift};
  finish(lut);
  return table;
}

Lut half_table(const Step& step) {
  Lut lut;
  const double reach = table_reach(step);
  const double distance = reach / kHalf;
  lut.lo_index = std::ilogb(distance);
  lut.lo_start = std::bit_cast<uint32_t>(static_cast<float>(-reach));
  lut.lo_end = std::bit_cast<uint32_t>(static_cast<float>(reach));
  for (int i = 0; i <= kIntervals; ++i) {
    const auto value = static_cast<float>(evaluate(step, (i - kHalf) * distance));
    lut.lo[static_cast<size_t>(i)] = static_cast<int16_t>(to_half(value));
  }
  const Ends ends = ends_of(step.function);
  const int32_t left = to_half(static_cast<float>(ends.left));
  const int32_t right = to_half(static_cast<float>(ends.right));
  lut.slope = {left, right, left, right};
  finish(lut);
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
