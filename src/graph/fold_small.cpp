// SPDX-License-Identifier: Apache-2.0
// Float arithmetic on a few constants, as exporters write it around Resize and Slice: enough to fold shape chains
// where no evaluator is at hand. float32 throughout, one rounding an operation, like any runtime.
#include <algorithm>
#include <array>
#include <cmath>

#include "graph/shape_context.hpp"

namespace medlar::graph {
namespace {

using Floats = std::vector<float>;

constexpr std::array<std::string_view, 5> kCopies = {"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"};

const Tensor* small_constant(const Graph& graph, const Node& node, size_t i) {
  if (i >= node.inputs.size() || node.inputs[i] == kNoValue) {
    return nullptr;
  }
  const Tensor* tensor = graph.value(node.inputs[i]).data.get();
  return tensor != nullptr && element_count(tensor->shape).value_or(kMaxKnownInts + 1) <= kMaxKnownInts ? tensor
                                                                                                      : nullptr;
}

std::optional<Floats> floats_of(const Tensor* tensor) {
  if (tensor == nullptr || tensor->type != DataType::kFloat32) {
    return std::nullopt;
  }
  const auto values = tensor->as<float>();
  return Floats(values.begin(), values.end());
}

std::optional<Floats> binary(const Node& node, const Floats& a, const Floats& b) {
  if (a.empty() || b.empty() || (a.size() != b.size() && a.size() != 1 && b.size() != 1)) {
    return std::nullopt;
  }
  Floats out(std::max(a.size(), b.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    const float x = a[a.size() == 1 ? 0 : i];
    const float y = b[b.size() == 1 ? 0 : i];
    switch (node.op_type[0]) {
      case 'A': out[i] = x + y; break;
      case 'S': out[i] = x - y; break;
      case 'M': out[i] = x * y; break;
      default: out[i] = x / y; break;
    }
  }
  return out;
}

std::optional<Floats> compute(const Graph& graph, const Node& node) {
  auto a = floats_of(small_constant(graph, node, 0));
  if (!a) {
    return std::nullopt;
  }
  if (node.op_type == "Floor" || node.op_type == "Ceil") {
    const bool down = node.op_type == "Floor";
    std::transform(a->begin(), a->end(), a->begin(), [&](float x) { return down ? std::floor(x) : std::ceil(x); });
    return a;
  }
  if (std::find(kCopies.begin(), kCopies.end(), node.op_type) != kCopies.end()) {
    return a;
  }
  if (node.op_type == "Concat") {
    for (size_t i = 1; i < node.inputs.size(); ++i) {
      const auto part = floats_of(small_constant(graph, node, i));
      if (!part) {
        return std::nullopt;
      }
      a->insert(a->end(), part->begin(), part->end());
    }
    return a;
  }
  const bool arithmetic = node.op_type == "Add" || node.op_type == "Sub" || node.op_type == "Mul" ||
                          node.op_type == "Div";
  const auto b = arithmetic ? floats_of(small_constant(graph, node, 1)) : std::nullopt;
  return b ? binary(node, *a, *b) : std::nullopt;
}

/// Casts to float32, int32 and int64; values that the target cannot hold are left to the evaluator.
std::optional<Tensor> cast(const Tensor& from, DataType to) {
  const auto values = to_doubles(from);
  if (!values) {
    return std::nullopt;
  }
  const double limit = to == DataType::kInt32 ? 2147483648.0 : 9007199254740992.0;  // 2^53: exact in double
  for (const double value : *values) {
    if (!(std::abs(value) < limit)) {
      return std::nullopt;
    }
  }
  switch (to) {
    case DataType::kFloat32:
      return make_tensor<float>(to, from.shape, std::vector<float>(values->begin(), values->end()));
    case DataType::kInt32:
      return make_tensor<int32_t>(to, from.shape, std::vector<int32_t>(values->begin(), values->end()));
    case DataType::kInt64:
      return make_tensor<int64_t>(to, from.shape, std::vector<int64_t>(values->begin(), values->end()));
    default: return std::nullopt;
  }
}

}  // namespace

std::optional<Tensor> fold_small(const Graph& graph, const Node& node) {
  if (!node.domain.empty() || node.outputs.size() != 1 || node.outputs[0] == kNoValue) {
    return std::nullopt;
  }
  const Value& output = graph.value(node.outputs[0]);
  if (node.op_type == "Cast") {
    const Tensor* input = small_constant(graph, node, 0);
    return input == nullptr ? std::nullopt : cast(*input, output.type);
  }
  const auto values = compute(graph, node);
  const bool flat = output.shape && (output.shape->size() <= 1 || node.op_type != "Concat");
  if (!values || !flat || element_count(*output.shape) != static_cast<int64_t>(values->size())) {
    return std::nullopt;
  }
  return make_tensor<float>(DataType::kFloat32, *output.shape, *values);
}

}  // namespace medlar::graph
