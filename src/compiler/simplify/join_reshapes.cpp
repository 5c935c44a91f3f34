// SPDX-License-Identifier: Apache-2.0
#include "compiler/simplify/join_reshapes.hpp"

#include "compiler/simplify/rewrite.hpp"

namespace medlar::compiler {

bool renames_shape(const graph::Node& node) {
  return is_op(node, "Reshape") || is_op(node, "Flatten") || is_op(node, "Squeeze") || is_op(node, "Unsqueeze");
}

bool join_reshapes(graph::Graph& graph) {
  const std::vector<graph::NodeId> makers = graph::producers(graph);
  const auto maker_of = [&](graph::ValueId id) {
    const bool known = id != graph::kNoValue && static_cast<size_t>(id) < makers.size();
    const graph::NodeId maker = known ? makers[static_cast<size_t>(id)] : graph::kNoValue;
    return maker == graph::kNoValue ? nullptr : &graph.nodes[static_cast<size_t>(maker)];
  };
  return replace_nodes(graph, [&](graph::Graph& g, const graph::Node& node) -> Replacement {
    const auto out = known_shape(g, node.outputs[0]);
    const graph::Node* inner = renames_shape(node) && out ? maker_of(node.inputs[0]) : nullptr;
    if (inner == nullptr || !renames_shape(*inner)) {
      return std::nullopt;
    }
    graph::ValueId source = inner->inputs[0];
    for (inner = maker_of(source); inner != nullptr && renames_shape(*inner); inner = maker_of(source)) {
      source = inner->inputs[0];
    }
    Builder builder(g, node);
    if (known_shape(g, source) == out) {
      builder.finish("Identity", {source});
    } else {
      builder.finish("Reshape", {source, builder.ints("shape", *out)});
    }
    return builder.take();
  });
}

}  // namespace medlar::compiler
