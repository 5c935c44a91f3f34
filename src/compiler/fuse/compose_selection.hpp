// SPDX-License-Identifier: Apache-2.0
// Rule: two 1x1 convolutions in a row, of which one only selects channels (weights 0 and 1), become one. Chains of
// Slice and Pad collapse this way.
#pragma once

#include "compiler/layer_graph.hpp"

namespace medlar::compiler {

/// 1x1, ungrouped, and at most one 1 in each kernel, else 0.
bool is_selection(const ConvLayer& conv);
/// Whether layer `second` reads only `first`, and their product is one 1x1 convolution within the stride limit.
bool can_compose(const LayerGraph& graph, size_t first, size_t second);
void compose(LayerGraph& graph, size_t first, size_t second);

void compose_selections(LayerGraph& graph);

}  // namespace medlar::compiler
