// SPDX-License-Identifier: Apache-2.0
// Rule: a grouped convolution becomes dense ones over channel windows. The chip has no groups; groups are joined until
// their channels fill whole memory atoms on both sides, so that every part reads and writes a window in place.
#pragma once

#include "compiler/layer_graph.hpp"
#include "hw/config.hpp"

namespace medlar::compiler {

/// Groups that one dense convolution takes; all of them when windows cannot be cut at atoms.
int groups_per_part(const ConvLayer& conv, int channels_per_atom);
/// Replaces grouped layers. Steps with values per channel and operand tensors are cut alike. Two such parts of up to `widest`
/// channels are one: as many cycles for the array, and half the operations.
void expand_groups(LayerGraph& graph, int channels_per_atom, int widest = 0);

}  // namespace medlar::compiler
