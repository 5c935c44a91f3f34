// SPDX-License-Identifier: Apache-2.0
// Add, Sub, Mul, Div, Max and Min of two operands: tensors of one shape, one of them spread over positions or channels, or
// a tensor and a constant of any shape that broadcasts.
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

bool has_zero(const std::vector<float>& values) { return std::find(values.begin(), values.end(), 0.0f) != values.end(); }

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
  if (op == "Div" && side == 1 && !has_zero(values)) {
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
  if (op == "Mul" || op == "Div") {
    return StepKind::kMulTensor;
  }
  if (op == "Max") {
    return StepKind::kMaxTensor;
  }
  return op == "Min" ? StepKind::kMinTensor : StepKind::kAddTensor;
}

/// How a tensor of one shape meets a result of another.
enum class Fit : uint8_t {
  kWhole,      ///< Same size.
  kSpread,     ///< One number a channel.
  kOneChannel, ///< One channel for all; its size in space may be 1x1 or the result's.
  kNone,
};

Fit fit_of(const graph::Shape& shape, const graph::Shape& out) {
  if (shape.size() != out.size()) {
    return Fit::kNone;
  }
  const Cube cube = cube_of(shape);
  const Cube whole = cube_of(out);
  const bool everywhere = cube.w == 1 && cube.h == 1;
  if (cube == whole) {
    return Fit::kWhole;
  }
  if (cube.c == whole.c && everywhere) {
    return Fit::kSpread;
  }
  return cube.c == 1 && (everywhere || (cube.w == whole.w && cube.h == whole.h)) ? Fit::kOneChannel : Fit::kNone;
}

bool covers_space(const graph::Shape& shape, const graph::Shape& out) {
  return cube_of(shape).w == cube_of(out).w && cube_of(shape).h == cube_of(out).h;
}

/// The constant, broadcast to the result's shape.
std::optional<graph::Tensor> broadcast(const graph::Tensor& constant, const graph::Shape& out) {
  const auto values = graph::to_doubles(constant);
  if (!values || constant.shape.size() > out.size()) {
    return std::nullopt;
  }
  const size_t missing = out.size() - constant.shape.size();
  std::vector<int64_t> strides(out.size(), 0);
  int64_t stride = 1;
  for (size_t i = constant.shape.size(); i-- > 0;) {
    if (constant.shape[i] != 1 && constant.shape[i] != out[i + missing]) {
      return std::nullopt;
    }
    strides[i + missing] = constant.shape[i] == 1 ? 0 : stride;
    stride *= constant.shape[i];
  }
  std::vector<float> all(static_cast<size_t>(graph::element_count(out).value_or(0)));
  for (size_t at = 0; at < all.size(); ++at) {
    int64_t from = 0;
    auto rest = static_cast<int64_t>(at);
    for (size_t axis = out.size(); axis-- > 0; rest /= out[axis]) {
      from += rest % out[axis] * strides[axis];
    }
    all[at] = static_cast<float>((*values)[static_cast<size_t>(from)]);
  }
  return graph::make_tensor(graph::DataType::kFloat32, out, all);
}

Verdict check_constant_tensor(const Question& question, const graph::Node& node, int side) {
  const graph::Shape& out = *question.graph.value(node.outputs[0]).shape;
  const auto constant = broadcast(*constant_input(question.graph, node, static_cast<size_t>(side)), out);
  if (!constant) {
    return Refusal{Reason::kBroadcast, "the constant's shape does not broadcast", ""};
  }
  const auto values = constant->as<float>();
  if (node.op_type == "Div" && (side == 0 || std::find(values.begin(), values.end(), 0.0f) != values.end())) {
    return Refusal{Reason::kAttribute, side == 0 ? "divisor is computed at run time" : "division by zero", ""};
  }
  return std::nullopt;
}

/// The item's part of a broadcast constant.
TensorId constant_tensor(Lowering& lowering, const graph::Node& node, int side) {
  const graph::Value& out = lowering.question.graph.value(node.outputs[0]);
  const graph::Tensor constant =
      *broadcast(*constant_input(lowering.question.graph, node, static_cast<size_t>(side)), *out.shape);
  const Cube cube = cube_of(*out.shape);
  const TensorId id = inner_tensor(lowering, out.name + "/constant", "", cube);
  LayerTensor& tensor = lowering.layers.tensor(id);
  tensor.role = TensorRole::kConstant;
  const auto count = static_cast<std::ptrdiff_t>(cube.w) * cube.h * cube.c;
  const auto all = constant.as<float>();
  tensor.contents.assign(all.begin() + lowering.item * count, all.begin() + (lowering.item + 1) * count);
  if (node.op_type == "Div") {
    tensor.contents = mapped(tensor.contents, inverted);
  }
  return id;
}

/// An operand as the SDP takes it: one channel becomes as many as the result has, by a convolution with ones.
TensorId expanded(Lowering& lowering, const graph::Node& node, int side, TensorId id) {
  const graph::Graph& graph = lowering.question.graph;
  const graph::Shape& out = *graph.value(node.outputs[0]).shape;
  const LayerTensor tensor = lowering.layers.tensor(id);
  const int channels = cube_of(out).c;
  if (tensor.c != 1 || channels == 1) {
    return id;
  }
  const TensorId dst = inner_tensor(lowering, fmt::format("{}/spread{}", node.name, side), tensor.range,
                                    {.w = tensor.w, .h = tensor.h, .c = channels});
  add_part(lowering, node, fmt::format("spread{}", side), id, dst).body =
      ConvLayer{.k = channels, .c = 1, .weights = std::vector<float>(static_cast<size_t>(channels), 1.0f)};
  return dst;
}

TensorId negated_tensor(Lowering& lowering, const graph::Node& node, TensorId id) {
  const LayerTensor tensor = lowering.layers.tensor(id);
  const TensorId dst = inner_tensor(lowering, node.name + "/negated", tensor.range, size_of(tensor));
  add_part(lowering, node, "negated", id, dst).steps = {{.kind = StepKind::kAffine, .mul = {-1.0f}, .add = {}}};
  return dst;
}

/// Two tensors. The main stream covers all positions; of a - b it is -b unless b is spread.
void lower_tensors(Lowering& lowering, const graph::Node& node, TensorId a, TensorId b) {
  const Cube out = cube_of(*lowering.question.graph.value(node.outputs[0]).shape);
  const auto whole = [&](TensorId id) { return size_of(lowering.layers.tensor(id)) == out; };
  const bool subtract = node.op_type == "Sub";
  const bool a_first = subtract ? !whole(b) : whole(a);
  const bool negate_main = subtract && !a_first;
  if (subtract && a_first) {
    b = negated_tensor(lowering, node, b);
  }
  const TensorId operand = a_first ? b : a;
  Layer& layer = add_layer(lowering, node, a_first ? a : b, out);
  if (negate_main) {
    layer.steps.push_back({.kind = StepKind::kAffine, .mul = {-1.0f}, .add = {}});
  }
  layer.steps.push_back({.kind = tensor_kind(node.op_type), .mul = {}, .add = {}, .operand = operand, .spread = !whole(operand),
                         .value = lowering.question.graph.value(node.outputs[0]).name});
}

/// The constant as a step, when it is one.
std::optional<Step> step_of(const graph::Graph& graph, const graph::Node& node, int side) {
  const graph::Shape& out = *graph.value(node.outputs[0]).shape;
  if (*graph.value(node.inputs[static_cast<size_t>(1 - side)]).shape != out) {
    return std::nullopt;
  }
  const auto values = channel_constant(*constant_input(graph, node, static_cast<size_t>(side)), out);
  return values ? constant_step(node.op_type, side, *values) : std::nullopt;
}

}  // namespace

Verdict check_binary(const Question& question, const graph::Node& node) {
  const graph::Graph& graph = question.graph;
  if (node.inputs.size() != 2) {
    return Refusal{Reason::kAttribute, fmt::format("{} operands, possible are 2", node.inputs.size()), ""};
  }
  const graph::Shape& out = *graph.value(node.outputs[0]).shape;
  const int side = constant_side(graph, node);
  if (side >= 0 && step_of(graph, node, side)) {
    return std::nullopt;
  }
  bool covered = side >= 0;
  for (int i = 0; i < 2; ++i) {
    const graph::Value& value = graph.value(node.inputs[static_cast<size_t>(i)]);
    if (i != side && fit_of(*value.shape, out) == Fit::kNone) {
      return Refusal{Reason::kBroadcast, fmt::format("{} is broadcast along rows or columns alone", value.name), ""};
    }
    covered = covered || (i != side && covers_space(*value.shape, out));
  }
  if (!covered) {
    return Refusal{Reason::kBroadcast, "no operand covers the result's rows and columns", ""};
  }
  if (side >= 0) {
    return check_constant_tensor(question, node, side);
  }
  return node.op_type == "Div" ? Verdict{Refusal{Reason::kNotConstant, "divisor is computed at run time", ""}} : std::nullopt;
}

Status lower_binary(Lowering& lowering, const graph::Node& node) {
  const graph::Graph& graph = lowering.question.graph;
  const int side = constant_side(graph, node);
  if (auto step = side >= 0 ? step_of(graph, node, side) : std::nullopt) {
    const TensorId src = source_tensor(lowering, node.inputs[static_cast<size_t>(1 - side)]);
    step->value = graph.value(node.outputs[0]).name;
    add_layer(lowering, node, src, size_of(lowering.layers.tensor(src))).steps.push_back(std::move(*step));
    return {};
  }
  TensorId operands[2];
  for (int i = 0; i < 2; ++i) {
    operands[i] = i == side ? constant_tensor(lowering, node, side)
                            : expanded(lowering, node, i, source_tensor(lowering, node.inputs[static_cast<size_t>(i)]));
  }
  lower_tensors(lowering, node, operands[0], operands[1]);
  return {};
}

}  // namespace medlar::compiler
