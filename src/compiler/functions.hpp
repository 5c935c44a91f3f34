// SPDX-License-Identifier: Apache-2.0
// Unary functions that the SDP's lookup table computes: what they are, and which interval each half of the table covers.
#pragma once

#include <span>
#include <string_view>

#include "compiler/layer_graph.hpp"

namespace medlar::compiler {

/// LO has 256 intervals, LE 64. Where both cover a number the finer one answers, LO if they are alike; where neither does,
/// a straight line goes on from the nearer end.
///
///        le_start     lo_start              lo_start + 256 * 2^lo_log2
///     ------|------------|=====================|------------
struct TableShape {
  double lo_start = -8.0;
  int lo_log2 = -4;                ///< Interval of LO: 2^lo_log2.
  double le_start = -8.0;
  int le_log2 = -2;
  double left = 0.0, right = 0.0;  ///< Slopes beyond the table.
  bool falls_to_zero = false;      ///< LE's first entry is 0, as the function is far to the left.
};

/// How a function that is no straight line beyond any table is computed.
enum class Reach : uint8_t {
  kTable,     ///< Straight lines go on from the table: right everywhere.
  kPositive,  ///< Of x > 0. FP16: kOctave, then a table over its result; INT8: an entry for each stored value.
  kOdd,       ///< f(-x) = -f(x). FP16: x times f(|x|) / |x| by octaves (1 / x in another way); INT8: an entry for each stored value.
  kPeriodic,  ///< FP16: of the remainder by 2 pi; INT8: an entry for each stored value.
};

struct FunctionSpec {
  Function function;
  std::string_view name;         ///< Of the text form and the operator matrix.
  TableShape shape = {};         ///< kDirect.
  double from = -8.0, to = 8.0;  ///< The stated error holds here.
  Reach reach = Reach::kTable;
};

/// In the order of the enumeration.
std::span<const FunctionSpec> function_specs();
const FunctionSpec& function_spec(Function function);

/// Whether INT8 tables hold an entry for each stored value instead of intervals.
bool by_stored_values(const Step& step);

/// Intervals of the step's table.
TableShape table_shape(const Step& step);

/// Exponents that the table of kOctave covers; numbers below are taken for 0, which is kOctaveOfZero.
inline constexpr int kFirstOctave = -26;
inline constexpr double kOctaveOfZero = -40.0;
/// The number of which `octave` is kOctave.
double from_octave(double octave);

/// The function in real numbers; what a kTable step computes.
double evaluate(const Step& step, double x);

/// Whether the function's error is stated relative to its value.
bool is_relative(const FunctionSpec& spec);
/// Largest error of FP16 over [from, to], relative or |error| or |error| / |value|, whichever is smaller at each point.
double table_error(const Step& step);

}  // namespace medlar::compiler
