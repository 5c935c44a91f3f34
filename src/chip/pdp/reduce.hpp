// SPDX-License-Identifier: Apache-2.0
// The arithmetic of PDP over atoms: one line reduced along x, lines reduced along y, the average's two roundings.
#pragma once

#include <span>

#include "chip/pdp/plan.hpp"

namespace medlar::chip {

/// What a lane holds for an FP16 element: FP17 bits in averages, otherwise an integer that sorts like the element.
int32_t pdp_float_lane(const PdpPlan& plan, uint32_t half);
bool pdp_has_nan(const PdpPlan& plan, std::span<const int32_t> lanes);

/// Reduces `input` (band.in_width atoms, lanes widened to 32 bits; FP16 by pdp_float_lane) to band.out_width atoms in
/// `line`.
void pdp_reduce_line(const PdpPlan& plan, const PdpBand& band, std::span<const int32_t> input, std::span<int32_t> line);

/// Folds one more reduced line into `acc`.
void pdp_fold_line(const PdpPlan& plan, std::span<const int32_t> line, std::span<int32_t> acc);

/// `missing` rows of the window lie in the padding: adds their value. Then scales averages; elements in
/// the low halves.
void pdp_finish(const PdpPlan& plan, int missing, std::span<int32_t> acc);

}  // namespace medlar::chip
