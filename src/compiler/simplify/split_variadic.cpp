// SPDX-License-Identifier: Apache-2.0
// Chains of binary operators.
#include "compiler/simplify/split_variadic.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "compiler/simplify/rewrite.hpp"

namespace medlar::compiler {
namespace {

using graph::Shape;
using graph::ValueId;

/// The shape that two operands broadcast to.
Shape broadcast(const Shape& a, const Shape& b) {
  Shape result = a.size() > b.size() ? a : b;
  const Shape& shorter = a.size() > b.size() ? b : a;
  const size_t missing = result.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); ++i) {
    result[i + missing] = std::max(result[i + missing], shorter[i]);
  }
  return result;
}

Replacement variadic(graph::Graph& graph, const graph::Node& node) {
  const bool adds = is_op(node, "Sum") || is_op(node, "Mean");
  if ((!adds && !is_op(node, "Max") && !is_op(node, "Min")) || node.inputs.empty() || (!adds && node.inputs.size() == 2)) {
    return std::nullopt;
  }
  std::vector<Shape> shapes;
  for (const ValueId id : node.inputs) {
    const auto shape = known_shape(graph, id);
    if (!shape) {
      return std::nullopt;
    }
    shapes.push_back(*shape);
  }
  Builder builder(graph, node);
  ValueId sum = node.inputs[0];
  Shape shape = shapes[0];
  const std::string_view op = adds ? std::string_view("Add") : std::string_view(node.op_type);
  const bool mean = is_op(node, "Mean");
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    shape = broadcast(shape, shapes[i]);
    if (i + 1 == node.inputs.size() && !mean) {
      builder.finish(op, {sum, node.inputs[i]});
    } else {
      sum = builder.add(fmt::format("{}", i), op, {sum, node.inputs[i]}, shape);
    }
  }
  if (mean) {
    builder.finish("Mul", {sum, builder.floats("share", {1}, {1.0f / static_cast<float>(node.inputs.size())})});
  } else if (node.inputs.size() == 1) {
    builder.finish("Identity", {sum});
  }
  return builder.take();
}

Replacement power(graph::Graph& graph, const graph::Node& node) {
  if (!is_op(node, "Pow") || node.inputs.size() != 2 || !graph.value(node.inputs[1]).is_constant()) {
    return std::nullopt;
  }
  const graph::Value& x = graph.value(node.inputs[0]);
  const auto values = graph::to_doubles(*graph.value(node.inputs[1]).data);
  const bool scalar = values && values->size() == 1 && x.shape && graph.value(node.inputs[1]).data->shape.size() <= x.shape->size();
  if (!scalar || x.type != graph::DataType::kFloat32) {
    return std::nullopt;
  }
  Builder builder(graph, node);
  const ValueId in = node.inputs[0];
  const double exponent = (*values)[0];
  if (exponent == 1.0) {
    builder.finish("Identity", {in});
  } else if (exponent == 2.0) {
    builder.finish("Mul", {in, in});
  } else if (exponent == 3.0) {
    builder.finish("Mul", {builder.add("square", "Mul", {in, in}, *x.shape), in});
  } else if (exponent == 0.5) {
    builder.finish("Sqrt", {in});
  } else if (exponent == -1.0) {
    builder.finish("Reciprocal", {in});
  } else {
    return std::nullopt;
  }
  return builder.take();
}

Replacement swish(graph::Graph& graph, const graph::Node& node) {
  const auto alpha = graph::float_attribute(node, "alpha", 1.0f);
  const auto& shape = is_op(node, "Swish") && node.inputs.size() == 1 ? graph.value(node.inputs[0]).shape : std::nullopt;
  if (!shape || !alpha) {
    return std::nullopt;
  }
  Builder builder(graph, node);
  ValueId in = node.inputs[0];
  if (*alpha != 1.0f) {
    in = builder.add("scaled", "Mul", {in, builder.floats("alpha", {1}, {*alpha})}, *shape);
  }
  builder.finish("Mul", {node.inputs[0], builder.add("gate", "Sigmoid", {in}, *shape)});
  return builder.take();
}

/// By fewer numbers than it divides: a reciprocal of each costs little.
Replacement division(graph::Graph& graph, const graph::Node& node) {
  const bool computed = is_op(node, "Div") && node.inputs.size() == 2 && !graph.value(node.inputs[1]).is_constant();
  const auto dividend = computed ? known_shape(graph, node.inputs[0]) : std::nullopt;
  const auto divisor = computed ? known_shape(graph, node.inputs[1]) : std::nullopt;
  const bool fewer = dividend && divisor && dividend == known_shape(graph, node.outputs[0]) && divisor->size() == dividend->size() &&
                     *graph::element_count(*divisor) < *graph::element_count(*dividend);
  if (!fewer || graph.value(node.inputs[0]).is_constant() || graph.value(node.outputs[0]).type != graph::DataType::kFloat32) {
    return std::nullopt;
  }
  Builder builder(graph, node);
  builder.finish("Mul", {node.inputs[0], builder.add("inverse", "Reciprocal", {node.inputs[1]}, *divisor)});
  return builder.take();
}

}  // namespace

bool split_variadic(graph::Graph& graph) {
  bool changed = false;
  for (const auto rule : {variadic, power, swish, division}) {
    changed = replace_nodes(graph, rule) || changed;
  }
  return changed;
}

}  // namespace medlar::compiler
