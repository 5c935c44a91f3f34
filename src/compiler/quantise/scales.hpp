// SPDX-License-Identifier: Apache-2.0
// INT8 scales of a segment's tensors: one a tensor, symmetric, equal where the hardware cannot rescale.
#pragma once

#include "base/status.hpp"
#include "compiler/calibration.hpp"
#include "compiler/layer_graph.hpp"

namespace medlar::compiler {

/// Scale of each tensor. Pools keep the scale of their input, windows that of their tensor: such groups take the
/// largest member's. A layer whose last step is an upper bound has its range cut there, so that saturation does the
/// bound. Errors name a tensor without a calibrated range.
Result<std::vector<float>> assign_scales(const LayerGraph& graph, const CalibrationTable& table);

}  // namespace medlar::compiler
