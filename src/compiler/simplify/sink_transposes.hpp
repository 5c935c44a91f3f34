// SPDX-License-Identifier: Apache-2.0
// Operators that do not care for the order of dimensions, behind the Transpose of a computed value.
#pragma once

#include "graph/graph.hpp"

namespace medlar::compiler {

/// Conv, Transpose, operator: the operator goes in front of the Transpose, where it joins the convolution and where the Transpose
/// meets what may undo it. Elementwise operators of one value, of one and a constant, or of two behind the same Transpose; Concat
/// and reductions with their axes moved. One step for each node; call it until nothing changes.
bool sink_transposes(graph::Graph& graph);

}  // namespace medlar::compiler
