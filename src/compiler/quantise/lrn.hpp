// SPDX-License-Identifier: Apache-2.0
// Local response normalisation: the CDP's table over the sum of squares, and its output converter.
#pragma once

#include "compiler/layer_graph.hpp"

namespace medlar::compiler {

struct LrnScales {
  float in = 1.0f, out = 1.0f;
  hw::Precision precision = hw::Precision::kInt8;
};

LrnOp lrn_op(const LrnLayer& layer, const LrnScales& scales, std::vector<Lut>& luts);

}  // namespace medlar::compiler
