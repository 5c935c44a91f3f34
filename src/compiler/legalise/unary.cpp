// SPDX-License-Identifier: Apache-2.0
// Unary operators that need no table: Abs, Neg, Identity, Dropout at inference, and Cast between floats (float32 and float16
// are both the DLA's precision inside a segment).
#include "compiler/legalise/rows.hpp"

namespace medlar::compiler {

Verdict check_unary(const Question& question, const graph::Node& node) {
  if (node.op_type != "Dropout") {
    return std::nullopt;
  }
  if (node.outputs.size() > 1 && node.outputs[1] != graph::kNoValue) {
    return Refusal{Reason::kAttribute, "the mask output is used", ""};
  }
  const graph::Tensor* training = constant_input(question.graph, node, 2);
  const auto flag = training == nullptr ? std::nullopt : graph::to_ints(*training);
  if (input_value(question.graph, node, 2) != nullptr && (!flag || flag->size() != 1 || (*flag)[0] != 0)) {
    return Refusal{Reason::kAttribute, "training_mode is set or computed at run time", ""};
  }
  return std::nullopt;
}

Status lower_unary(Lowering& lowering, const graph::Node& node) {
  const TensorId src = source_tensor(lowering, node.inputs[0]);
  if (node.op_type != "Abs" && node.op_type != "Neg") {
    lowering.tensors[{node.outputs[0], lowering.item}] = src;
    return {};
  }
  Step step{.kind = StepKind::kAffine, .mul = {-1.0f}, .add = {}};
  step.kind = node.op_type == "Abs" ? StepKind::kPrelu : StepKind::kAffine;  // x < 0 ? -x : x
  step.value = lowering.question.graph.value(node.outputs[0]).name;
  add_layer(lowering, node, src, size_of(lowering.layers.tensor(src))).steps.push_back(std::move(step));
  return {};
}

}  // namespace medlar::compiler
