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
struct FunctionSpec {
  Function function;
  std::string_view name;      ///< Of the text form and the operator matrix.
  double lo_start = -8.0;
  int lo_log2 = -4;           ///< Interval of LO: 2^lo_log2.
  double le_start = -8.0;
  int le_log2 = -2;
  double left = 0.0, right = 0.0;     ///< Slopes beyond the table.
  double from = -8.0, to = 8.0;       ///< The stated error holds here.
};

/// In the order of the enumeration.
std::span<const FunctionSpec> function_specs();
const FunctionSpec& function_spec(Function function);

/// The function in real numbers; what a kTable step computes.
double evaluate(const Step& step, double x);

/// Largest error of the FP16 table over [from, to], in two measures: |error|, and |error| / |value|, whichever is smaller
/// at each point is what `mixed` bounds.
struct TableError {
  double absolute = 0.0;
  double mixed = 0.0;
};
TableError table_error(const Step& step);

}  // namespace medlar::compiler
