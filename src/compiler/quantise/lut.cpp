// SPDX-License-Identifier: Apache-2.0
// Lookup tables.
#include "compiler/quantise/lut.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "compiler/quantise/fixed_point.hpp"
#include "compiler/quantise/half.hpp"

namespace medlar::compiler {
namespace {

constexpr int kFine = 256;   ///< Intervals of LO.
constexpr int kCoarse = 64;  ///< Intervals of LE.
constexpr double kLargestMove = 0.01;

/// The finer half answers where both do; beyond both, the half whose end is there.
void set_priorities(const TableShape& shape, Lut& lut) {
  const double lo_end = shape.lo_start + std::ldexp(kFine, shape.lo_log2);
  const double le_end = shape.le_start + std::ldexp(kCoarse, shape.le_log2);
  lut.le_exponential = false;
  lut.hybrid_priority = shape.le_log2 < shape.lo_log2 ? 0 : 1;
  lut.underflow_priority = shape.le_start < shape.lo_start ? 0 : 1;
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

/// LO around zero, as wide as `reach` asks for, where its own intervals are wider.
TableShape narrowed(TableShape shape, double reach) {
  constexpr double kSlack = 1.01;  // the end itself is no longer in the table
  const int log2 = static_cast<int>(std::ceil(std::log2(2.0 * kSlack * reach / kFine)));
  if (reach > 0.0 && shape.lo_start < 0.0 && log2 < shape.lo_log2) {
    shape.lo_log2 = log2;
    shape.lo_start = -std::ldexp(kFine / 2, log2);
  }
  return shape;
}

/// The largest entry that an interval needs in which some value is within the limit.
template <size_t kCount>
double largest_needed(const std::array<double, kCount>& entries, double limit) {
  double largest = 0.0;
  for (size_t i = 0; i + 1 < kCount; ++i) {
    const double low = std::min(std::fabs(entries[i]), std::fabs(entries[i + 1]));
    if (low <= limit) {
      largest = std::max({largest, std::fabs(entries[i]), std::fabs(entries[i + 1])});
    }
  }
  return largest;
}

/// Second difference of the table's entries around x. Over octaves the argument bends at whole numbers: the mean of both sides'.
double curvature(const Step& step, double x, double distance) {
  const auto at = [&](int i) { return evaluate(step, x + i * distance); };
  if (step.form == TableForm::kDirect) {
    return at(1) - 2.0 * at(0) + at(-1);
  }
  return (at(2) - 2.0 * at(1) + at(0) + at(0) - 2.0 * at(-1) + at(-2)) / 2.0;
}

/// An entry of a table with that distance between entries: moved by a twelfth of the second difference, so that the
/// straight lines to its neighbours have no mean error. Plain where the function ends.
double balanced(const Step& step, double x, double distance) {
  const double value = evaluate(step, x);
  const double moved = value - curvature(step, x, distance) / 12.0;
  return std::isfinite(moved) && std::fabs(moved - value) < kLargestMove * std::fabs(value) ? moved : value;
}

}  // namespace

double table_reach(const Step& step) {
  const TableShape shape = table_shape(step);
  return std::max({std::fabs(shape.lo_start), shape.lo_start + std::ldexp(kFine, shape.lo_log2), std::fabs(shape.le_start),
                   shape.le_start + std::ldexp(kCoarse, shape.le_log2)});
}

IntegerTable integer_table(const Step& step, double scale, double reach, double limit) {
  IntegerTable table;
  Lut& lut = table.lut;
  const TableShape shape = narrowed(table_shape(step), reach);
  const Half lo = half_of(shape.lo_start, shape.lo_log2, scale);
  const Half le = half_of(shape.le_start, shape.le_log2, scale);
  std::array<double, kFine + 1> fine{};
  std::array<double, kCoarse + 1> coarse{};
  for (int i = 0; i <= kFine; ++i) {
    fine[static_cast<size_t>(i)] = evaluate(step, static_cast<double>(lo.at(i)) * scale);
  }
  for (int i = 0; i <= kCoarse; ++i) {
    coarse[static_cast<size_t>(i)] = evaluate(step, static_cast<double>(le.at(i)) * scale);
  }
  const bool outside = shape.lo_log2 == table_shape(step).lo_log2;  // otherwise LE is never asked
  const double largest = std::max(largest_needed(fine, limit), outside ? largest_needed(coarse, limit) : 0.0);
  table.scale = std::max(largest, static_cast<double>(std::numeric_limits<float>::min())) / kOperandMax;
  const auto entry = [&](double value) {
    return static_cast<int16_t>(round_away(std::clamp<double>(value / table.scale, -kOperandMax, kOperandMax)));
  };
  std::transform(fine.begin(), fine.end(), lut.lo.begin(), entry);
  std::transform(coarse.begin(), coarse.end(), lut.le.begin(), entry);
  lut.le[0] = shape.falls_to_zero ? int16_t{0} : lut.le[0];
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
  const FixedFactor left = slope(shape.left);
  const FixedFactor right = slope(shape.right);
  lut.slope = {left.scale, right.scale, left.scale, right.scale};
  lut.slope_shift = {left.shift, right.shift, left.shift, right.shift};
  set_priorities(shape, lut);
  return table;
}

IntegerTable stored_table(const Step& step, double scale, int zero, double limit) {
  IntegerTable table;
  Lut& lut = table.lut;
  constexpr int kLeast = -128;
  const double stored_scale = std::ldexp(scale, kStoredBits);
  std::array<double, kFine> values{};
  double largest = 0.0;
  for (int i = 0; i < kFine; ++i) {
    values[static_cast<size_t>(i)] = evaluate(step, (kLeast + i - zero) * stored_scale);
    largest = std::max(largest, std::fabs(values[static_cast<size_t>(i)]));
  }
  table.scale = std::max(std::min(largest, limit), static_cast<double>(std::numeric_limits<float>::min())) / kOperandMax;
  for (size_t i = 0; i <= kFine; ++i) {
    const double stored = values[std::min<size_t>(i, kFine - 1)] / table.scale;
    lut.lo[i] = static_cast<int16_t>(round_away(std::clamp<double>(stored, -kOperandMax, kOperandMax)));
  }
  std::copy(lut.lo.begin(), lut.lo.begin() + kCoarse + 1, lut.le.begin());
  lut.lo_index = lut.le_index = kStoredBits;
  lut.lo_start = lut.le_start = int64_t{kLeast - zero} << kStoredBits;
  lut.lo_end = lut.lo_start + (int64_t{kFine} << kStoredBits);
  lut.le_end = lut.le_start + (int64_t{kCoarse} << kStoredBits);
  lut.hybrid_priority = lut.underflow_priority = lut.overflow_priority = 1;
  return table;
}

namespace {

uint32_t float_bits(double real) { return std::bit_cast<uint32_t>(static_cast<float>(real)); }

/// kOctave: LE's exponential mode, whose entries are the exponents. LO lies beyond every number and never answers.
Lut octave_table() {
  Lut lut;
  lut.le_exponential = true;
  lut.le_index = kFirstOctave;
  for (int i = 0; i <= kCoarse; ++i) {
    const double entry = i == 0 ? kOctaveOfZero : kFirstOctave + i;
    lut.le[static_cast<size_t>(i)] = static_cast<int16_t>(to_half(static_cast<float>(entry)));
  }
  lut.le_end = float_bits(std::ldexp(1.0, kFirstOctave + kCoarse));
  constexpr int kBeyond = 100;
  lut.lo_index = kBeyond;
  lut.lo_start = float_bits(std::ldexp(1.0, kBeyond));
  lut.lo_end = float_bits(std::ldexp(1.0, kBeyond + 1));
  return lut;
}

}  // namespace

Lut half_table(const Step& step) {
  if (step.function == Function::kOctave) {
    return octave_table();
  }
  Lut lut;
  const TableShape shape = table_shape(step);
  const auto entry = [&](double start, int log2, int i) {
    return static_cast<int16_t>(to_half(static_cast<float>(balanced(step, start + std::ldexp(i, log2), std::ldexp(1.0, log2)))));
  };
  for (int i = 0; i <= kFine; ++i) {
    lut.lo[static_cast<size_t>(i)] = entry(shape.lo_start, shape.lo_log2, i);
  }
  for (int i = 0; i <= kCoarse; ++i) {
    lut.le[static_cast<size_t>(i)] = entry(shape.le_start, shape.le_log2, i);
  }
  lut.le[0] = shape.falls_to_zero ? int16_t{0} : lut.le[0];
  lut.lo_index = shape.lo_log2;
  lut.le_index = shape.le_log2;
  lut.lo_start = float_bits(shape.lo_start);
  lut.lo_end = float_bits(shape.lo_start + std::ldexp(kFine, shape.lo_log2));
  lut.le_start = float_bits(shape.le_start);
  lut.le_end = float_bits(shape.le_start + std::ldexp(kCoarse, shape.le_log2));
  const int32_t left = to_half(static_cast<float>(shape.left));
  const int32_t right = to_half(static_cast<float>(shape.right));
  lut.slope = {left, right, left, right};
  set_priorities(shape, lut);
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
