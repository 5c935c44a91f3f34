// SPDX-License-Identifier: Apache-2.0
// Lookup tables of unary functions: 257 entries of LO and 65 of LE over the intervals of the function's spec, linear in
// between; beyond their ends the function goes on as a straight line. Where both answer, the finer one does.
#pragma once

#include <vector>

#include "compiler/functions.hpp"

namespace medlar::compiler {

/// |x| up to here is in the table.
double table_reach(const Step& step);

struct IntegerTable {
  Lut lut;
  double scale = 1.0;  ///< real = scale * entry
};

/// For a stream with real = scale * x and no |real| over `reach`: where that is less than the function's intervals are made for, LO's
/// are as much narrower. Results beyond +-`limit` may saturate.
IntegerTable integer_table(const Step& step, double scale, double reach, double limit);
/// With an entry for every stored value: the stream is (stored - zero) * 2^kStoredBits with real = scale * x.
IntegerTable stored_table(const Step& step, double scale, int zero, double limit);
inline constexpr int kStoredBits = 8;
/// For FP16 processing.
Lut half_table(const Step& step);

/// Index of the table in `luts`; equal tables are stored once.
int32_t add_table(std::vector<Lut>& luts, const Lut& lut);

}  // namespace medlar::compiler
