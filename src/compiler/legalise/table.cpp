// SPDX-License-Identifier: Apache-2.0
// Unary functions by lookup table, and HardSigmoid, which needs none.
#include <array>
#include <optional>

#include "compiler/legalise/rows.hpp"

namespace medlar::compiler {
namespace {

struct Named {
  std::string_view op_type;
  Function function;
};

constexpr std::array kFunctions = {
    Named{"Elu", Function::kElu},           Named{"Erf", Function::kErf},         Named{"Gelu", Function::kGelu},
    Named{"HardSwish", Function::kHardSwish}, Named{"Mish", Function::kMish},     Named{"Sigmoid", Function::kSigmoid},
    Named{"Softplus", Function::kSoftplus}, Named{"Tanh", Function::kTanh},
};

Layer& add_unary(Lowering& lowering, const graph::Node& node) {
  const TensorId src = source_tensor(lowering, node.inputs[0]);
  const LayerTensor in = lowering.layers.tensor(src);
  return add_layer(lowering, node, src, {.w = in.w, .h = in.h, .c = in.c});
}

}  // namespace

Verdict check_table(const Question& question, const graph::Node& node) {
  if (!question.config.sdp_lut) {
    return Refusal{Reason::kMissingUnit, "lookup table of the SDP", ""};
  }
  const auto approximate = graph::string_attribute(node, "approximate", "none");
  if (!approximate || *approximate != "none") {
    return Refusal{Reason::kAttribute, "approximate is not none", ""};
  }
  const auto alpha = graph::float_attribute(node, "alpha", 1.0f);
  if (!alpha || !(*alpha >= -16.0f && *alpha <= 16.0f)) {
    return Refusal{Reason::kAttribute, "alpha is not in -16..16", ""};
  }
  return std::nullopt;
}

Status lower_table(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(const float alpha, graph::float_attribute(node, "alpha", 1.0f));
  for (const Named& named : kFunctions) {
    if (named.op_type == node.op_type) {
      add_unary(lowering, node)
          .steps.push_back({.kind = StepKind::kTable, .function = named.function, .alpha = alpha,
                            .value = lowering.question.graph.value(node.outputs[0]).name});
      return {};
    }
  }
  return fail(Code::kInternal, "{}: {} has no table", node.name, node.op_type);
}

Verdict check_hard_sigmoid(const Question&, const graph::Node& node) {
  const auto alpha = graph::float_attribute(node, "alpha", 0.2f);
  const auto beta = graph::float_attribute(node, "beta", 0.5f);
  return alpha && beta ? Verdict{} : Refusal{Reason::kAttribute, "alpha or beta is not a number", ""};
}

/// max(0, min(1, alpha * x + beta))
Status lower_hard_sigmoid(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(const float alpha, graph::float_attribute(node, "alpha", 0.2f));
  MEDLAR_ASSIGN(const float beta, graph::float_attribute(node, "beta", 0.5f));
  Layer& layer = add_unary(lowering, node);
  layer.steps.push_back({.kind = StepKind::kAffine, .mul = {alpha}, .add = {beta}});
  layer.steps.push_back({.kind = StepKind::kRelu});
  layer.steps.push_back({.kind = StepKind::kMin, .add = {1.0f},
                         .value = lowering.question.graph.value(node.outputs[0]).name});
  return {};
}

}  // namespace medlar::compiler
