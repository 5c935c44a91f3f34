// SPDX-License-Identifier: Apache-2.0
// ReduceMean over space.
#include "compiler/simplify/global_mean.hpp"

#include <algorithm>

namespace medlar::compiler {
namespace {

std::vector<int64_t> axes_of(const graph::Graph& graph, const graph::Node& node) {
  if (node.inputs.size() > 1 && node.inputs[1] != graph::kNoValue) {
    const graph::Value& value = graph.value(node.inputs[1]);
    return value.is_constant() ? graph::to_ints(*value.data).value_or(std::vector<int64_t>{}) : std::vector<int64_t>{};
  }
  return graph::ints_attribute(node, "axes", {}).value_or(std::vector<int64_t>{});
}

bool keeps_dims(const graph::Node& node) { return graph::int_attribute(node, "keepdims", 1).value_or(1) != 0; }

}  // namespace

bool can_use_global_pool(const graph::Graph& graph, const graph::Node& node) {
  if (node.op_type != "ReduceMean" || !node.domain.empty() || node.inputs.empty()) {
    return false;
  }
  const auto& shape = graph.value(node.inputs[0]).shape;
  if (!shape || shape->size() != 4) {
    return false;
  }
  std::vector<int64_t> axes = axes_of(graph, node);
  for (int64_t& axis : axes) {
    axis = axis < 0 ? axis + 4 : axis;
  }
  std::sort(axes.begin(), axes.end());
  return axes == std::vector<int64_t>{2, 3};
}

void use_global_pool(graph::Graph& graph, graph::NodeId id) {
  graph::Node& node = graph.nodes[static_cast<size_t>(id)];
  const bool keep = keeps_dims(node);
  node.op_type = "GlobalAveragePool";
  node.attributes.clear();
  node.inputs.resize(1);
  if (keep) {
    return;
  }
  const graph::ValueId out = node.outputs[0];
  const graph::Shape in = *graph.value(node.inputs[0]).shape;
  graph::Value pooled{.name = graph.value(out).name + "/pooled", .type = graph.value(out).type,
                      .shape = graph::Shape{in[0], in[1], 1, 1}, .data = nullptr};
  graph::Node flatten{.name = node.name + "/flatten", .op_type = "Flatten", .domain = "", .inputs = {}, .outputs = {out},
                      .attributes = {}, .origins = node.origins};
  const graph::ValueId middle = graph::add_value(graph, std::move(pooled));
  graph.nodes[static_cast<size_t>(id)].outputs[0] = middle;
  flatten.inputs = {middle};
  graph.nodes.insert(graph.nodes.begin() + id + 1, std::move(flatten));
}

bool use_global_pools(graph::Graph& graph) {
  bool changed = false;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (can_use_global_pool(graph, graph.nodes[i])) {
      use_global_pool(graph, static_cast<graph::NodeId>(i));
      changed = true;
    }
  }
  return changed;
}

}  // namespace medlar::compiler
