// SPDX-License-Identifier: Apache-2.0
// Unary functions by lookup table, and HardSigmoid, which needs none.
#include <array>
#include <cmath>

#include "compiler/legalise/rows.hpp"

namespace medlar::compiler {
namespace {

struct Named {
  std::string_view op_type;
  Function function;
};

constexpr std::array kFunctions = {
    Named{"Acos", Function::kAcos},         Named{"Asin", Function::kAsin},
    Named{"Asinh", Function::kAsinh},       Named{"Atan", Function::kAtan},       Named{"Atanh", Function::kAtanh},
    Named{"Celu", Function::kCelu},         Named{"Cos", Function::kCos},         Named{"Cosh", Function::kCosh},
    Named{"Elu", Function::kElu},           Named{"Erf", Function::kErf},         Named{"Exp", Function::kExp},
    Named{"Gelu", Function::kGelu},         Named{"HardSwish", Function::kHardSwish}, Named{"Log", Function::kLog},
    Named{"Mish", Function::kMish},         Named{"Reciprocal", Function::kReciprocal}, Named{"Selu", Function::kSelu},
    Named{"Sigmoid", Function::kSigmoid},   Named{"Sin", Function::kSin},         Named{"Sinh", Function::kSinh},
    Named{"Softplus", Function::kSoftplus}, Named{"Softsign", Function::kSoftsign}, Named{"Sqrt", Function::kSqrt},
    Named{"Tanh", Function::kTanh},
};

/// The exponent of a Pow that is left after the rewrites: a fraction, so that the base is not negative.
Result<Step> power_step(const graph::Graph& graph, const graph::Node& node) {
  const graph::Tensor* constant = constant_input(graph, node, 1);
  const auto values = constant == nullptr ? std::nullopt : graph::to_doubles(*constant);
  if (!values || values->size() != 1) {
    return fail(Code::kUnsupported, "the exponent is not one constant");
  }
  const double exponent = (*values)[0];
  constexpr double kLargest = 4.0;
  if (!(std::fabs(exponent) <= kLargest) || exponent == std::floor(exponent)) {
    return fail(Code::kUnsupported, "exponent {}: possible are -1, 0.5, 1, 2, 3 and fractions up to {}", exponent, kLargest);
  }
  return Step{.kind = StepKind::kTable, .function = Function::kPower, .alpha = static_cast<float>(exponent)};
}

/// The step of a node; an attribute of the wrong type or an unknown approximation is an error.
Result<Step> table_step(const graph::Graph& graph, const graph::Node& node) {
  if (node.op_type == "Pow") {
    return power_step(graph, node);
  }
  Step step{.kind = StepKind::kTable};
  for (const Named& named : kFunctions) {
    step.function = named.op_type == node.op_type ? named.function : step.function;
  }
  constexpr float kSeluAlpha = 1.67326319217681884765625f;  // ONNX's defaults
  constexpr float kSeluGamma = 1.05070102214813232421875f;
  const bool selu = step.function == Function::kSelu;
  MEDLAR_ASSIGN(step.alpha, graph::float_attribute(node, "alpha", selu ? kSeluAlpha : 1.0f));
  MEDLAR_ASSIGN(step.beta, graph::float_attribute(node, "gamma", kSeluGamma));
  MEDLAR_ASSIGN(const std::string approximate, graph::string_attribute(node, "approximate", "none"));
  if (approximate == "tanh") {
    step.function = Function::kGeluTanh;
  } else if (approximate != "none") {
    return fail(Code::kUnsupported, "approximate is {}", approximate);
  }
  constexpr float kLargest = 16.0f;
  if (!(std::fabs(step.alpha) <= kLargest && std::fabs(step.beta) <= kLargest) ||
      (step.function == Function::kCelu && step.alpha <= 0.0f)) {
    return fail(Code::kUnsupported, "alpha {} or gamma {} beyond {}", step.alpha, step.beta, kLargest);
  }
  return step;
}

Layer& add_unary(Lowering& lowering, const graph::Node& node) {
  const TensorId src = source_tensor(lowering, node.inputs[0]);
  const LayerTensor in = lowering.layers.tensor(src);
  return add_layer(lowering, node, src, {.w = in.w, .h = in.h, .c = in.c});
}

}  // namespace

Verdict check_table(const Question& question, const graph::Node& node) {
  if (!question.config.sdp_lut && node.op_type != "HardSwish") {
    return Refusal{Reason::kMissingUnit, "lookup table of the SDP", ""};
  }
  const auto step = table_step(question.graph, node);
  return step ? Verdict{} : Refusal{Reason::kAttribute, step.error().message, ""};
}

namespace {

/// max(0, min(1, alpha * x + beta))
std::vector<Step> hard_sigmoid_steps(float alpha, float beta) {
  return {{.kind = StepKind::kAffine, .mul = {alpha}, .add = {beta}},
          {.kind = StepKind::kRelu},
          {.kind = StepKind::kMin, .add = {1.0f}}};
}

/// HardSwish without a table: x times its HardSigmoid.
void lower_hard_swish(Lowering& lowering, const graph::Node& node) {
  const TensorId src = source_tensor(lowering, node.inputs[0]);
  const Cube cube = size_of(lowering.layers.tensor(src));
  const TensorId gate = inner_tensor(lowering, node.name + "/gate", "", cube);
  lowering.layers.tensor(gate).reach = 1.0f;
  add_part(lowering, node, "gate", src, gate).steps = hard_sigmoid_steps(1.0f / 6.0f, 0.5f);
  add_layer(lowering, node, src, cube)
      .steps.push_back({.kind = StepKind::kMulTensor, .operand = gate,
                        .value = lowering.question.graph.value(node.outputs[0]).name});
}

}  // namespace

Status lower_table(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(Step step, table_step(lowering.question.graph, node));
  if (!lowering.question.config.sdp_lut) {
    lower_hard_swish(lowering, node);
    return {};
  }
  if (is_wide_table(lowering.question, node, step)) {
    lower_wide_table(lowering, node, std::move(step));
    return {};
  }
  step.value = lowering.question.graph.value(node.outputs[0]).name;
  add_unary(lowering, node).steps.push_back(std::move(step));
  return {};
}

Verdict check_hard_sigmoid(const Question&, const graph::Node& node) {
  const auto alpha = graph::float_attribute(node, "alpha", 0.2f);
  const auto beta = graph::float_attribute(node, "beta", 0.5f);
  return alpha && beta ? Verdict{} : Refusal{Reason::kAttribute, "alpha or beta is not a number", ""};
}

Status lower_hard_sigmoid(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(const float alpha, graph::float_attribute(node, "alpha", 0.2f));
  MEDLAR_ASSIGN(const float beta, graph::float_attribute(node, "beta", 0.5f));
  Layer& layer = add_unary(lowering, node);
  layer.steps = hard_sigmoid_steps(alpha, beta);
  layer.steps.back().value = lowering.question.graph.value(node.outputs[0]).name;
  return {};
}

}  // namespace medlar::compiler
