// SPDX-License-Identifier: Apache-2.0
// Lookup tables of unary functions. The LO table has 257 entries over [-reach, reach], linear in between; beyond its
// ends the function goes on as a straight line. The LE table holds every fourth of them over the same interval, so it
// never answers where LO does not; all priorities are LO's.
#pragma once

#include <vector>

#include "compiler/layer_graph.hpp"

namespace medlar::compiler {

/// The function in real numbers; what a kTable step computes.
double evaluate(const Step& step, double x);

/// Where the straight lines begin: |x| up to here is in the table.
double table_reach(const Step& step);

struct IntegerTable {
  Lut lut;
  double scale = 1.0;  ///< real = scale * entry
};

/// For a stream with real = scale * x.
IntegerTable integer_table(const Step& step, double scale);
/// For FP16 processing.
Lut half_table(const Step& step);

/// Index of the table in `luts`; equal tables are stored once.
int32_t add_table(std::vector<Lut>& luts, const Lut& lut);

}  // namespace medlar::compiler
