// SPDX-License-Identifier: Apache-2.0
// Renaming operators in a row.
#pragma once

#include "graph/graph.hpp"

namespace medlar::compiler {

/// Reshape, Flatten, Squeeze or Unsqueeze of another one is one Reshape of the first one's source, or that source itself.
bool join_reshapes(graph::Graph& graph);
/// Whether the node only gives its first operand another shape.
bool renames_shape(const graph::Node& node);

}  // namespace medlar::compiler
