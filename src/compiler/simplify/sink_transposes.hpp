// SPDX-License-Identifier: Apache-2.0
// Elementwise operators between a convolution and the Transpose of its result.
#pragma once

#include "graph/graph.hpp"

namespace medlar::compiler {

/// Conv, Transpose, elementwise operator: the operator goes in front of the Transpose, where it joins the convolution and where the
/// Transpose meets what may undo it. One step for each node; call it until nothing changes.
bool sink_transposes(graph::Graph& graph);

}  // namespace medlar::compiler
