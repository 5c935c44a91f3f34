// SPDX-License-Identifier: Apache-2.0
// Types and shapes of every value, from the operators' definitions (opset-aware) and from constant shape tensors.
#pragma once

#include "graph/graph.hpp"

namespace medlar::graph {

/// Fills type and shape of every node output, front to back. What a rule derives replaces what the file declared; an
/// operator without a rule (or with unknown inputs) keeps what was declared. Integer values that steer shapes
/// (Shape, Gather, Concat, ... into Reshape, Slice, Resize, ...) are followed even before they are folded.
/// Inputs that contradict an operator's definition are an error that names the node.
Status infer_shapes(Graph& graph);

/// True when infer_shapes() has a rule for this operator of ai.onnx.
bool has_shape_rule(std::string_view op_type);

}  // namespace medlar::graph
