// SPDX-License-Identifier: Apache-2.0
// The operator table, the checks that every operator shares, and the translation of a segment.
#include "compiler/legalise/legalise.hpp"

#include <algorithm>
#include <array>

#include "compiler/legalise/rows.hpp"

namespace medlar::compiler {
namespace {

constexpr std::array kRows = {
    OperatorRow{"Abs", check_unary, lower_unary},
    OperatorRow{"Acos", check_table, lower_table},
    OperatorRow{"Add", check_binary, lower_binary},
    OperatorRow{"Asin", check_table, lower_table},
    OperatorRow{"Asinh", check_table, lower_table},
    OperatorRow{"Atan", check_table, lower_table},
    OperatorRow{"Atanh", check_table, lower_table},
    OperatorRow{"AveragePool", check_average_pool, lower_average_pool},
    OperatorRow{"BatchNormalization", check_batch_norm, lower_batch_norm},
    OperatorRow{"Cast", check_unary, lower_unary},
    OperatorRow{"Celu", check_table, lower_table},
    OperatorRow{"Clip", check_clip, lower_clip},
    OperatorRow{"Concat", check_concat, lower_concat},
    OperatorRow{"Conv", check_conv, lower_conv},
    OperatorRow{"ConvTranspose", check_conv_transpose, lower_conv_transpose},
    OperatorRow{"Cos", check_table, lower_table},
    OperatorRow{"Cosh", check_table, lower_table},
    OperatorRow{"DepthToSpace", check_depth_to_space, lower_depth_to_space},
    OperatorRow{"Div", check_binary, lower_binary},
    OperatorRow{"Dropout", check_unary, lower_unary},
    OperatorRow{"Elu", check_table, lower_table},
    OperatorRow{"Erf", check_table, lower_table},
    OperatorRow{"Exp", check_table, lower_table},
    OperatorRow{"Flatten", check_relabel, lower_relabel},
    OperatorRow{"Gelu", check_table, lower_table},
    OperatorRow{"Gemm", check_gemm, lower_gemm},
    OperatorRow{"GlobalAveragePool", check_global_average, lower_global_average},
    OperatorRow{"GlobalMaxPool", check_global_max, lower_global_max},
    OperatorRow{"HardSigmoid", check_hard_sigmoid, lower_hard_sigmoid},
    OperatorRow{"HardSwish", check_table, lower_table},
    OperatorRow{"Identity", check_unary, lower_unary},
    OperatorRow{"LRN", check_lrn, lower_lrn},
    OperatorRow{"LeakyRelu", check_prelu, lower_prelu},
    OperatorRow{"Log", check_table, lower_table},
    OperatorRow{"MatMul", check_matmul, lower_matmul},
    OperatorRow{"Max", check_binary, lower_binary},
    OperatorRow{"MaxPool", check_max_pool, lower_max_pool},
    OperatorRow{"Min", check_binary, lower_binary},
    OperatorRow{"Mish", check_table, lower_table},
    OperatorRow{"Mul", check_binary, lower_binary},
    OperatorRow{"Neg", check_unary, lower_unary},
    OperatorRow{"PRelu", check_prelu, lower_prelu},
    OperatorRow{"Pad", check_pad, lower_pad},
    OperatorRow{"Pow", check_table, lower_table},
    OperatorRow{"Reciprocal", check_table, lower_table},
    OperatorRow{"Relu", check_relu, lower_relu},
    OperatorRow{"Reshape", check_relabel, lower_relabel},
    OperatorRow{"Resize", check_resize, lower_resize},
    OperatorRow{"Selu", check_table, lower_table},
    OperatorRow{"Sigmoid", check_table, lower_table},
    OperatorRow{"Sin", check_table, lower_table},
    OperatorRow{"Sinh", check_table, lower_table},
    OperatorRow{"Slice", check_slice, lower_slice},
    OperatorRow{"Softplus", check_table, lower_table},
    OperatorRow{"Softsign", check_table, lower_table},
    OperatorRow{"SpaceToDepth", check_space_to_depth, lower_space_to_depth},
    OperatorRow{"Split", check_split, lower_split},
    OperatorRow{"Sqrt", check_table, lower_table},
    OperatorRow{"Squeeze", check_relabel, lower_relabel},
    OperatorRow{"Sub", check_binary, lower_binary},
    OperatorRow{"Tanh", check_table, lower_table},
    OperatorRow{"Transpose", check_transpose, lower_transpose},
    OperatorRow{"Unsqueeze", check_relabel, lower_relabel},
    OperatorRow{"Upsample", check_resize, lower_resize},
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

/// Elementwise operators work on a list of numbers, too.
bool takes_lists(const graph::Node& node) {
  const OperatorRow* row = find_operator(node);
  constexpr std::array kElementwise = {lower_binary, lower_table, lower_unary, lower_relu, lower_clip, lower_prelu,
                                       lower_hard_sigmoid};
  return row != nullptr && std::find(kElementwise.begin(), kElementwise.end(), row->lower) != kElementwise.end();
}

/// An operand has the result's batch, or one item that serves them all.
Verdict check_batches(const Question& question, const graph::Node& node) {
  const graph::Value& out = question.graph.value(node.outputs[0]);
  for (const graph::ValueId id : node.inputs) {
    if (id == graph::kNoValue || question.graph.value(id).is_constant()) {
      continue;
    }
    const graph::Value& value = question.graph.value(id);
    const int64_t batch = batch_of(*value.shape);
    if (batch != batch_of(*out.shape) && batch != 1) {
      return Refusal{Reason::kBatch, fmt::format("{} has a batch of {}, {} one of {}", value.name, batch, out.name,
                                                 batch_of(*out.shape)), ""};
    }
    if (value.shape->size() == 1 && !takes_lists(node)) {
      return Refusal{Reason::kRank, fmt::format("{} has rank 1, possible are 2 to 4", value.name), ""};
    }
  }
  return std::nullopt;
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
  return shapes ? check_batches(question, node) : std::nullopt;
}

int items_of(const graph::Value& value) { return static_cast<int>(batch_of(*value.shape)); }

/// The value under which an output leaves the segment has its own tensor: a value that is an input, or that another
/// output already named, is copied.
void name_output(Lowering& lowering, graph::ValueId value, int item) {
  const std::string& name = lowering.question.graph.value(value).name;
  const TensorId id = lowering.tensors.at({value, item});
  LayerTensor& tensor = lowering.layers.tensor(id);
  if (tensor.role == TensorRole::kIntermediate && tensor.view_of == kNoTensor) {
    tensor.role = TensorRole::kOutput;
    tensor.name = name;
    return;
  }
  LayerTensor copy{.name = name, .range = tensor.range, .w = tensor.w, .h = tensor.h, .c = tensor.c,
                   .role = TensorRole::kOutput, .item = item};
  lowering.layers.tensors.push_back(std::move(copy));
  const auto dst = static_cast<TensorId>(lowering.layers.tensors.size() - 1);
  lowering.layers.layers.push_back({.name = item_name(name + "/copy", item), .origins = {}, .src = id, .dst = dst,
                                    .body = SdpLayer{}, .steps = {}});
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
  Lowering lowering{.question = question, .layers = {}, .tensors = {}, .item = 0};
  int items = 0;
  for (const graph::NodeId id : nodes) {
    items = std::max(items, items_of(question.graph.value(question.graph.nodes[static_cast<size_t>(id)].outputs[0])));
  }
  for (lowering.item = 0; lowering.item < items; ++lowering.item) {
    for (const graph::NodeId id : nodes) {
      const graph::Node& node = question.graph.nodes[static_cast<size_t>(id)];
      const OperatorRow* row = find_operator(node);
      if (row == nullptr) {
        return fail(Code::kInternal, "{}: {} has no lowering", node.name, node.op_type);
      }
      if (lowering.item < items_of(question.graph.value(node.outputs[0]))) {
        MEDLAR_TRY(row->lower(lowering, node));
      }
    }
  }
  for (const graph::ValueId value : outputs) {
    for (int item = 0; item < items_of(question.graph.value(value)); ++item) {
      name_output(lowering, value, item);
    }
  }
  return std::move(lowering.layers);
}

}  // namespace medlar::compiler
