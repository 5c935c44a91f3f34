// SPDX-License-Identifier: Apache-2.0
// Add, Sub, Mul, Div, Max and Min of two operands: tensors of one shape, or a tensor and a constant per channel.
#include <algorithm>

#include "compiler/legalise/rows.hpp"

namespace medlar::compiler {
namespace {

/// Which operand is constant: 0, 1, or -1 for none.
int constant_side(const graph::Graph& graph, const graph::Node& node) {
  for (int side = 0; side < 2; ++side) {
    if (constant_input(graph, node, static_cast<size_t>(side)) != nullptr) {
      return side;
    }
  }
  return -1;
}

std::vector<float> mapped(std::vector<float> values, float (*change)(float)) {
  for (float& value : values) {
    value = change(value);
  }
  return values;
}

float negated(float value) { return -value; }
float inverted(float value) { return 1.0f / value; }

/// tensor OP constant (side 1) or constant OP tensor (side 0) as one step.
std::optional<Step> constant_step(const std::string& op, int side, const std::vector<float>& values) {
  if (op == "Add") {
    return Step{.kind = StepKind::kAffine, .mul = {}, .add = values};
  }
  if (op == "Sub" && side == 1) {
    return Step{.kind = StepKind::kAffine, .mul = {}, .add = mapped(values, negated)};
  }
  if (op == "Sub") {
    return Step{.kind = StepKind::kAffine, .mul = {-1.0f}, .add = values};
  }
  if (op == "Mul") {
    return Step{.kind = StepKind::kAffine, .mul = values, .add = {}};
  }
  const bool zero = std::find(values.begin(), values.end(), 0.0f) != values.end();
  if (op == "Div" && side == 1 && !zero) {
    return Step{.kind = StepKind::kAffine, .mul = mapped(values, inverted), .add = {}};
  }
  if (op == "Max" && values.size() == 1) {
    return values[0] == 0.0f ? Step{.kind = StepKind::kRelu, .mul = {}, .add = {}}
                             : Step{.kind = StepKind::kMax, .mul = {}, .add = values};
  }
  if (op == "Min" && values.size() == 1) {
    return Step{.kind = StepKind::kMin, .mul = {}, .add = values};
  }
  return std::nullopt;
}

StepKind tensor_kind(const std::string& op) {
  if (op == "Mul") {
    return StepKind::kMulTensor;
  }
  if (op == "Max") {
    return StepKind::kMaxTensor;
  }
  return op == "Min" ? StepKind::kMinTensor : StepKind::kAddTensor;
}

}  // namespace

Verdict check_binary(const Question& question, const graph::Node& node) {
  const graph::Graph& graph = question.graph;
  if (node.inputs.size() != 2) {
    return Refusal{Reason::kAttribute, fmt::format("{} operands, possible are 2", node.inputs.size()), ""};
  }
  const graph::Shape& out = *graph.value(node.outputs[0]).shape;
  const int side = constant_side(graph, node);
  if (side < 0) {
    for (const graph::ValueId id : node.inputs) {
      if (*graph.value(id).shape != out) {
        return Refusal{Reason::kBroadcast, fmt::format("{} is broadcast", graph.value(id).name), ""};
      }
    }
    if (node.op_type == "Div") {
      return Refusal{Reason::kNotConstant, "divisor is computed at run time", ""};
    }
    return std::nullopt;
  }
  if (*graph.value(node.inputs[static_cast<size_t>(1 - side)]).shape != out) {
    return Refusal{Reason::kBroadcast, "the constant widens the tensor", ""};
  }
  const auto values = channel_constant(*graph.value(node.inputs[static_cast<size_t>(side)]).data, out);
  if (!values) {
    return Refusal{Reason::kBroadcast, "the constant varies along rows or columns", ""};
  }
  if (!constant_step(node.op_type, side, *values)) {
    return Refusal{Reason::kAttribute, fmt::format("{} with this constant", node.op_type), ""};
  }
  return std::nullopt;
}

Status lower_binary(Lowering& lowering, const graph::Node& node) {
  const graph::Graph& graph = lowering.question.graph;
  const std::string& result = graph.value(node.outputs[0]).name;
  const int side = constant_side(graph, node);
  if (side >= 0) {
    const TensorId src = source_tensor(lowering, node.inputs[static_cast<size_t>(1 - side)]);
    const auto values = channel_constant(*constant_input(graph, node, static_cast<size_t>(side)),
                                         *graph.value(node.outputs[0]).shape);
    const LayerTensor in = lowering.layers.tensor(src);
    Step step = *constant_step(node.op_type, side, *values);
    step.value = result;
    add_layer(lowering, node, src, {.w = in.w, .h = in.h, .c = in.c}).steps.push_back(std::move(step));
    return {};
  }
  // a - b: the SDP has no subtraction, so the main stream is -b and a is added.
  const bool subtract = node.op_type == "Sub";
  const TensorId src = source_tensor(lowering, node.inputs[subtract ? 1 : 0]);
  const TensorId operand = source_tensor(lowering, node.inputs[subtract ? 0 : 1]);
  const LayerTensor in = lowering.layers.tensor(src);
  Layer& layer = add_layer(lowering, node, src, {.w = in.w, .h = in.h, .c = in.c});
  if (subtract) {
    layer.steps.push_back({.kind = StepKind::kAffine, .mul = {-1.0f}, .add = {}});
  }
  layer.steps.push_back({.kind = tensor_kind(node.op_type), .mul = {}, .add = {}, .operand = operand, .value = result});
  return {};
}

}  // namespace medlar::compiler
