// SPDX-License-Identifier: Apache-2.0
// Transposes.
#include "compiler/simplify/cancel_transposes.hpp"

#include <algorithm>

#include "compiler/simplify/rewrite.hpp"

namespace medlar::compiler {
namespace {

using graph::Shape;

/// The permutation of a Transpose; reversed by default.
std::optional<std::vector<int64_t>> permutation(const graph::Graph& graph, const graph::Node& node) {
  const auto shape = is_op(node, "Transpose") ? known_shape(graph, node.inputs[0]) : std::nullopt;
  if (!shape) {
    return std::nullopt;
  }
  std::vector<int64_t> reversed;
  for (size_t i = shape->size(); i-- > 0;) {
    reversed.push_back(static_cast<int64_t>(i));
  }
  auto perm = graph::ints_attribute(node, "perm", reversed);
  const bool fits = perm && perm->size() == shape->size();
  return fits ? std::optional(std::move(*perm)) : std::nullopt;
}

/// Whether dimensions larger than 1 keep their order.
bool keeps_order(const Shape& shape, const std::vector<int64_t>& perm) {
  int64_t last = -1;
  for (const int64_t axis : perm) {
    if (shape[static_cast<size_t>(axis)] == 1) {
      continue;
    }
    if (axis < last) {
      return false;
    }
    last = axis;
  }
  return true;
}

Replacement rule(graph::Graph& graph, const graph::Node& node, const std::vector<graph::NodeId>& makers, Renames renames) {
  auto perm = permutation(graph, node);
  if (!perm) {
    return std::nullopt;
  }
  graph::ValueId source = node.inputs[0];
  bool joined = false;
  const graph::NodeId maker = makers[static_cast<size_t>(source)];
  if (maker != graph::kNoValue) {
    const graph::Node& first = graph.nodes[static_cast<size_t>(maker)];
    if (const auto inner = permutation(graph, first)) {
      std::vector<int64_t> both;
      for (const int64_t axis : *perm) {
        both.push_back((*inner)[static_cast<size_t>(axis)]);
      }
      perm = both;
      source = first.inputs[0];
      joined = true;
    }
  }
  const Shape shape = *known_shape(graph, source);
  Builder builder(graph, node);
  const Shape out = permuted(shape, *perm);
  if (keeps_order(shape, *perm) && (out == shape || renames == Renames::kReshape)) {
    if (out == shape) {
      builder.finish("Identity", {source});
    } else {
      builder.finish("Reshape", {source, builder.ints("shape", out)});
    }
    return builder.take();
  }
  if (!joined) {
    return std::nullopt;
  }
  builder.finish("Transpose", {source}, {{"perm", *perm}});
  return builder.take();
}

}  // namespace

bool cancel_transposes(graph::Graph& graph, Renames renames) {
  const std::vector<graph::NodeId> makers = graph::producers(graph);
  return replace_nodes(graph, [&](graph::Graph& g, const graph::Node& node) { return rule(g, node, makers, renames); });
}

}  // namespace medlar::compiler
