// SPDX-License-Identifier: Apache-2.0
// Models that bring their own quantisation: QuantizeLinear and DequantizeLinear pairs become ranges.
#pragma once

#include "base/status.hpp"
#include "compiler/calibration.hpp"
#include "graph/graph.hpp"

namespace medlar::compiler {

/// Removes every pair around an activation and returns the ranges that they state: symmetric ones as given scales, others as
/// the interval that their zero point and type span, which the DLA stores with a zero point of its own. A pair that cuts at zero
/// leaves a Clip unless what it reads cannot be negative. Quantised weights and biases become float constants.
/// kUnsupported names the node and what cannot be absorbed: scales by channel, scales or zero points that are no constants,
/// types other than int8 and uint8, pairs that disagree. A graph without pairs is left as it is, and the table is empty.
Result<CalibrationTable> absorb_qdq(graph::Graph& graph);

}  // namespace medlar::compiler
