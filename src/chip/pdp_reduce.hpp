// SPDX-License-Identifier: Apache-2.0
// The arithmetic of PDP over atoms: one line reduced along x, lines reduced along y, the average's two roundings.
#pragma once

#include <span>

#include "chip/pdp_plan.hpp"

namespace medlar::chip {

/// Reduces `input` (band.in_width atoms, lanes widened to 32 bits; FP16 as its bits) to band.out_width atoms in `line`.
/// Integer averages hold sums, FP16 averages FP17 sums.
void pdp_reduce_line(const PdpPlan& plan, const PdpBand& band, std::span<const int32_t> input, std::span<int32_t> line);

/// Folds one more reduced line into `acc`.
void pdp_fold_line(const PdpPlan& plan, std::span<const int32_t> line, std::span<int32_t> acc);

/// `missing` rows of the window lie in the padding: adds their value. Then scales averages to the result.
void pdp_finish(const PdpPlan& plan, int missing, std::span<int32_t> acc);

}  // namespace medlar::chip
