// SPDX-License-Identifier: Apache-2.0
#include "compiler/simplify/rewrite.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace medlar::compiler {

using graph::ValueId;

namespace {

/// A rule may meet its own results: the second time around a number is added.
std::string free_value_name(const graph::Graph& graph, const std::string& wish) {
  std::string name = wish;
  for (int i = 2; graph::find_value(graph, name); ++i) {
    name = fmt::format("{}.{}", wish, i);
  }
  return name;
}

bool has_node(const std::vector<graph::Node>& nodes, const std::string& name) {
  return std::any_of(nodes.begin(), nodes.end(), [&](const graph::Node& node) { return node.name == name; });
}

std::string free_node_name(const graph::Graph& graph, const std::vector<graph::Node>& more, const std::string& wish) {
  std::string name = wish;
  for (int i = 2; has_node(graph.nodes, name) || has_node(more, name); ++i) {
    name = fmt::format("{}.{}", wish, i);
  }
  return name;
}

}  // namespace

ValueId Builder::constant(std::string_view part, graph::Tensor tensor) {
  graph::Value value{.name = free_value_name(graph_, part_of(node_.name, part)), .type = tensor.type, .shape = tensor.shape, .data = nullptr};
  value.data = std::make_shared<const graph::Tensor>(std::move(tensor));
  return graph::add_value(graph_, std::move(value));
}

ValueId Builder::floats(std::string_view part, graph::Shape shape, const std::vector<float>& values) {
  return constant(part, graph::make_tensor(graph::DataType::kFloat32, std::move(shape), values));
}

ValueId Builder::ints(std::string_view part, const std::vector<int64_t>& values) {
  return constant(part, graph::make_tensor(graph::DataType::kInt64, {static_cast<int64_t>(values.size())}, values));
}

graph::Node Builder::make(std::string_view part, std::string_view op_type, std::vector<ValueId> inputs,
                          std::map<std::string, graph::Attribute> attributes) const {
  return {.name = part.empty() ? node_.name : free_node_name(graph_, nodes_, part_of(node_.name, part)), .op_type = std::string(op_type), .domain = "",
          .inputs = std::move(inputs), .outputs = {}, .attributes = std::move(attributes), .origins = node_.origins};
}

ValueId Builder::add(std::string_view part, std::string_view op_type, std::vector<ValueId> inputs, graph::Shape shape,
                     std::map<std::string, graph::Attribute> attributes) {
  graph::Node node = make(part, op_type, std::move(inputs), std::move(attributes));
  const graph::Value& out = graph_.value(node_.outputs[0]);
  const ValueId id = graph::add_value(graph_, {.name = free_value_name(graph_, part_of(out.name, part)), .type = out.type,
                                               .shape = std::move(shape), .data = nullptr});
  node.outputs = {id};
  nodes_.push_back(std::move(node));
  return id;
}

void Builder::finish(std::string_view op_type, std::vector<ValueId> inputs, std::map<std::string, graph::Attribute> attributes) {
  graph::Node node = make("", op_type, std::move(inputs), std::move(attributes));
  node.outputs = {node_.outputs[0]};
  nodes_.push_back(std::move(node));
}

bool replace_nodes(graph::Graph& graph, const std::function<Replacement(graph::Graph&, const graph::Node&)>& rule, Domains domains) {
  bool changed = false;
  const std::vector<graph::Node> nodes = graph.nodes;
  std::vector<graph::Node> result;
  for (const graph::Node& node : nodes) {
    const bool eligible = (domains == Domains::kAll || node.domain.empty()) && !node.outputs.empty() && node.outputs[0] != graph::kNoValue;
    Replacement replacement = eligible ? rule(graph, node) : std::nullopt;
    if (!replacement) {
      result.push_back(node);
      continue;
    }
    changed = true;
    std::move(replacement->begin(), replacement->end(), std::back_inserter(result));
  }
  graph.nodes = std::move(result);
  return changed;
}

std::optional<graph::Shape> known_shape(const graph::Graph& graph, ValueId id) {
  if (id == graph::kNoValue) {
    return std::nullopt;
  }
  const auto& shape = graph.value(id).shape;
  const bool known = shape && std::all_of(shape->begin(), shape->end(), [](int64_t dim) { return dim > 0; });
  return known ? shape : std::nullopt;
}

std::optional<std::vector<int64_t>> input_ints(const graph::Graph& graph, const graph::Node& node, size_t index,
                                               std::string_view attribute) {
  if (index < node.inputs.size() && node.inputs[index] != graph::kNoValue) {
    const graph::Value& value = graph.value(node.inputs[index]);
    return value.is_constant() ? graph::to_ints(*value.data) : std::nullopt;
  }
  auto numbers = graph::ints_attribute(node, attribute, {});
  return numbers ? std::optional(std::move(*numbers)) : std::nullopt;
}

graph::Shape permuted(const graph::Shape& shape, const std::vector<int64_t>& perm) {
  graph::Shape result;
  for (const int64_t axis : perm) {
    result.push_back(shape[static_cast<size_t>(axis)]);
  }
  return result;
}

bool is_op(const graph::Node& node, std::string_view op_type) { return node.domain.empty() && node.op_type == op_type; }

}  // namespace medlar::compiler
