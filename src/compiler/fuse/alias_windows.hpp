// SPDX-License-Identifier: Apache-2.0
// Rule: a tensor that is copied, unchanged, into a window of another becomes that window itself, and the copy goes.
// This makes concatenation free when several layers read a part, or when a pooling writes it.
#pragma once

#include "compiler/layer_graph.hpp"

namespace medlar::compiler {

/// Whether layer `copy` only copies, its source has storage of its own, and no layer would then read the storage that
/// it writes.
bool can_alias(const LayerGraph& graph, size_t copy);
void alias(LayerGraph& graph, size_t copy);

void alias_windows(LayerGraph& graph);

}  // namespace medlar::compiler
