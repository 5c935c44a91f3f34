// SPDX-License-Identifier: Apache-2.0
// The operator table, the checks that every operator shares, and the translation of a segment.
#include "compiler/legalise/legalise.hpp"

#include <algorithm>
#include <array>

#include "compiler/legalise/rows.hpp"

namespace medlar::compiler {
namespace {

constexpr std::array kRows = {
    OperatorRow{"Add", check_binary, lower_binary},
    OperatorRow{"AveragePool", check_average_pool, lower_pool},
    OperatorRow{"BatchNormalization", check_batch_norm, lower_batch_norm},
    OperatorRow{"Clip", check_clip, lower_clip},
    OperatorRow{"Concat", check_concat, lower_concat},
    OperatorRow{"Conv", check_conv, lower_conv},
    OperatorRow{"Div", check_binary, lower_binary},
    OperatorRow{"Elu", check_table, lower_table},
    OperatorRow{"Erf", check_table, lower_table},
    OperatorRow{"Flatten", check_relabel, lower_relabel},
    OperatorRow{"Gelu", check_table, lower_table},
    OperatorRow{"Gemm", check_gemm, lower_gemm},
    OperatorRow{"GlobalAveragePool", check_global_average, lower_global_average},
    OperatorRow{"HardSigmoid", check_hard_sigmoid, lower_hard_sigmoid},
    OperatorRow{"HardSwish", check_table, lower_table},
    OperatorRow{"LeakyRelu", check_prelu, lower_prelu},
    OperatorRow{"MatMul", check_matmul, lower_matmul},
    OperatorRow{"Max", check_binary, lower_binary},
    OperatorRow{"MaxPool", check_max_pool, lower_pool},
    OperatorRow{"Min", check_binary, lower_binary},
    OperatorRow{"Mish", check_table, lower_table},
    OperatorRow{"Mul", check_binary, lower_binary},
    OperatorRow{"PRelu", check_prelu, lower_prelu},
    OperatorRow{"Pad", check_pad, lower_pad},
    OperatorRow{"Relu", check_relu, lower_relu},
    OperatorRow{"Reshape", check_relabel, lower_relabel},
    OperatorRow{"Sigmoid", check_table, lower_table},
    OperatorRow{"Slice", check_slice, lower_slice},
    OperatorRow{"Softplus", check_table, lower_table},
    OperatorRow{"Split", check_split, lower_split},
    OperatorRow{"Squeeze", check_relabel, lower_relabel},
    OperatorRow{"Sub", check_binary, lower_binary},
    OperatorRow{"Tanh", check_table, lower_table},
    OperatorRow{"Unsqueeze", check_relabel, lower_relabel},
};

static_assert(std::is_sorted(kRows.begin(), kRows.end(),
                             [](const OperatorRow& a, const OperatorRow& b) { return a.op_type < b.op_type; }));

bool is_float(const graph::Value& value) {
  return value.type == graph::DataType::kFloat32 || value.type == graph::DataType::kFloat16;
}

Verdict check_type(const graph::Value& value) {
  if (is_float(value)) {
    return std::nullopt;
  }
  return Refusal{Reason::kDataType, fmt::format("{} is {}", value.name, graph::data_type_name(value.type)), ""};
}

/// Types of the activations, and shapes unless the operator only renames.
Verdict check_values(const Question& question, const graph::Node& node) {
  const bool shapes = !is_relabel(node);
  bool activation = false;
  for (const graph::ValueId id : node.inputs) {
    if (id == graph::kNoValue || question.graph.value(id).is_constant()) {
      continue;
    }
    activation = true;
    const graph::Value& value = question.graph.value(id);
    if (Verdict verdict = check_type(value); verdict || (shapes && (verdict = check_cube(value)))) {
      return verdict;
    }
  }
  if (!activation) {
    return Refusal{Reason::kNotConstant, "it computes a constant", "fold constants"};
  }
  if (node.inputs[0] == graph::kNoValue || node.outputs.empty() || node.outputs[0] == graph::kNoValue) {
    return Refusal{Reason::kAttribute, "its first operand or result is omitted", ""};
  }
  const graph::Value& out = question.graph.value(node.outputs[0]);
  if (Verdict verdict = check_type(out); verdict || (shapes && (verdict = check_cube(out)))) {
    return verdict;
  }
  return std::nullopt;
}

/// The value under which each output leaves the segment has its own tensor: a value that is an input, or that another
/// output already named, is copied.
void name_outputs(Lowering& lowering, std::span<const graph::ValueId> outputs) {
  for (const graph::ValueId value : outputs) {
    const std::string& name = lowering.question.graph.value(value).name;
    const TensorId id = lowering.tensors.at(value);
    LayerTensor& tensor = lowering.layers.tensor(id);
    if (tensor.role == TensorRole::kIntermediate && tensor.view_of == kNoTensor) {
      tensor.role = TensorRole::kOutput;
      tensor.name = name;
      continue;
    }
    LayerTensor copy{.name = name, .range = tensor.range, .w = tensor.w, .h = tensor.h, .c = tensor.c,
                     .role = TensorRole::kOutput};
    lowering.layers.tensors.push_back(std::move(copy));
    const auto dst = static_cast<TensorId>(lowering.layers.tensors.size() - 1);
    lowering.layers.layers.push_back(
        {.name = name + "/copy", .origins = {}, .src = id, .dst = dst, .body = SdpLayer{}, .steps = {}});
  }
}

}  // namespace

std::span<const OperatorRow> operator_rows() { return kRows; }

const OperatorRow* find_operator(const graph::Node& node) {
  if (!node.domain.empty() && node.domain != "ai.onnx") {
    return nullptr;
  }
  const auto row = std::find_if(kRows.begin(), kRows.end(),
                                [&](const OperatorRow& candidate) { return candidate.op_type == node.op_type; });
  return row == kRows.end() ? nullptr : &*row;
}

Verdict check_node(const Question& question, const graph::Node& node) {
  if (!node.domain.empty() && node.domain != "ai.onnx") {
    return Refusal{Reason::kDomain, node.domain, ""};
  }
  const OperatorRow* row = find_operator(node);
  if (row == nullptr) {
    return Refusal{Reason::kOperator, node.op_type, ""};
  }
  if (!question.config.supports(question.precision)) {
    return Refusal{Reason::kPrecision, std::string(hw::precision_name(question.precision)), ""};
  }
  if (Verdict verdict = check_values(question, node)) {
    return verdict;
  }
  return row->check(question, node);
}

Result<LayerGraph> lower_segment(const Question& question, std::span<const graph::NodeId> nodes,
                                 std::span<const graph::ValueId> outputs) {
  Lowering lowering{.question = question, .layers = {}, .tensors = {}};
  for (const graph::NodeId id : nodes) {
    const graph::Node& node = question.graph.nodes[static_cast<size_t>(id)];
    const OperatorRow* row = find_operator(node);
    if (row == nullptr) {
      return fail(Code::kInternal, "{}: {} has no lowering", node.name, node.op_type);
    }
    MEDLAR_TRY(row->lower(lowering, node));
  }
  name_outputs(lowering, outputs);
  return std::move(lowering.layers);
}

}  // namespace medlar::compiler
