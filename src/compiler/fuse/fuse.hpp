// SPDX-License-Identifier: Apache-2.0
// All fusion rules in their order.
#pragma once

#include "compiler/fuse/absorb_steps.hpp"
#include "compiler/layer_graph.hpp"

namespace medlar::compiler {

/// Afterwards every layer is one operation of the chip.
void fuse(LayerGraph& graph, const FusionTarget& target);

}  // namespace medlar::compiler
