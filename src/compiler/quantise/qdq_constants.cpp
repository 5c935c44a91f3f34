// SPDX-License-Identifier: Apache-2.0
#include "compiler/quantise/qdq_constants.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "compiler/legalise/shapes.hpp"

namespace medlar::compiler {
namespace {

using graph::DataType;
using graph::Tensor;

/// Scales and zero points of one node, for element i of its tensor: scales[i / inner % scales.size()].
struct Steps {
  std::vector<double> scales;
  std::vector<int64_t> zeros;  ///< As many.
  DataType stored = DataType::kUint8;
  size_t inner = 1;  ///< Elements that follow each other with one scale.

  size_t channel(size_t element) const { return element / inner % scales.size(); }
};

/// One scale, or one for each index of the axis.
bool place_axis(const graph::Node& node, const graph::Shape& shape, Steps& steps) {
  if (steps.scales.size() == 1) {
    return true;
  }
  const auto axis = graph::int_attribute(node, "axis", 1);
  const auto rank = static_cast<int64_t>(shape.size());
  if (!axis || *axis < -rank || *axis >= rank) {
    return false;
  }
  const auto at = static_cast<size_t>(*axis < 0 ? *axis + rank : *axis);
  for (size_t i = at + 1; i < shape.size(); ++i) {
    steps.inner *= static_cast<size_t>(shape[i]);
  }
  return shape[at] == static_cast<int64_t>(steps.scales.size());
}

std::optional<Steps> read_steps(const graph::Graph& graph, const graph::Node& node, const Tensor& source, DataType without_zero) {
  const Tensor* scale = constant_input(graph, node, 1);
  const Tensor* zero = constant_input(graph, node, 2);
  const auto scales = scale != nullptr && scale->type == DataType::kFloat32 && scale->shape.size() <= 1 ? graph::to_doubles(*scale) : std::nullopt;
  if (!scales || scales->empty() || graph::int_attribute(node, "block_size", 0) != 0 || (input_value(graph, node, 2) != nullptr && zero == nullptr)) {
    return std::nullopt;
  }
  Steps steps{.scales = *scales, .zeros = std::vector<int64_t>(scales->size(), 0), .stored = without_zero};
  if (zero != nullptr) {
    auto zeros = graph::to_ints(*zero);
    if (!zeros || zeros->size() != steps.scales.size()) {
      return std::nullopt;
    }
    steps.zeros = std::move(*zeros);
    steps.stored = zero->type;
  }
  return place_axis(node, source.shape, steps) ? std::optional(std::move(steps)) : std::nullopt;
}

std::optional<std::pair<int64_t, int64_t>> limits_of(DataType type) {
  switch (type) {
    case DataType::kInt8: return std::pair<int64_t, int64_t>{-128, 127};
    case DataType::kUint8: return std::pair<int64_t, int64_t>{0, 255};
    case DataType::kInt16: return std::pair<int64_t, int64_t>{-32768, 32767};
    case DataType::kUint16: return std::pair<int64_t, int64_t>{0, 65535};
    case DataType::kInt32: return std::pair<int64_t, int64_t>{std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
    default: return std::nullopt;
  }
}

std::optional<Tensor> dequantised(const graph::Graph& graph, const graph::Node& node, const Tensor& source) {
  const auto steps = read_steps(graph, node, source, source.type);
  const auto stored = limits_of(source.type) ? graph::to_ints(source) : std::nullopt;
  if (!steps || !stored || steps->stored != source.type) {
    return std::nullopt;
  }
  std::vector<float> values(stored->size());
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t c = steps->channel(i);
    values[i] = static_cast<float>(static_cast<double>((*stored)[i] - steps->zeros[c]) * steps->scales[c]);
  }
  return graph::make_tensor(DataType::kFloat32, source.shape, values);
}

template <typename T>
Tensor integers(DataType type, const graph::Shape& shape, const std::vector<int64_t>& values) {
  return graph::make_tensor(type, shape, std::vector<T>(values.begin(), values.end()));
}

/// Round to nearest even, saturated: ONNX, operator QuantizeLinear. Types that it stores, at most 16 bits.
std::optional<Tensor> quantised(const graph::Graph& graph, const graph::Node& node, const Tensor& source) {
  const auto asked = graph::int_attribute(node, "output_dtype", 0).value_or(0);
  const auto steps = read_steps(graph, node, source, asked == 0 ? DataType::kUint8 : static_cast<DataType>(asked));
  const auto values = source.type == DataType::kFloat32 ? graph::to_doubles(source) : std::nullopt;
  const auto limits = steps ? limits_of(steps->stored) : std::nullopt;
  if (!values || !limits || std::any_of(steps->scales.begin(), steps->scales.end(), [](double s) { return !(s > 0.0); })) {
    return std::nullopt;
  }
  std::vector<int64_t> stored(values->size());
  for (size_t i = 0; i < stored.size(); ++i) {
    const size_t c = steps->channel(i);
    const double rounded = std::nearbyint((*values)[i] / steps->scales[c]) + static_cast<double>(steps->zeros[c]);
    stored[i] = static_cast<int64_t>(std::clamp(rounded, static_cast<double>(limits->first), static_cast<double>(limits->second)));
  }
  switch (steps->stored) {
    case DataType::kInt8: return integers<int8_t>(steps->stored, source.shape, stored);
    case DataType::kUint8: return integers<uint8_t>(steps->stored, source.shape, stored);
    case DataType::kInt16: return integers<int16_t>(steps->stored, source.shape, stored);
    case DataType::kUint16: return integers<uint16_t>(steps->stored, source.shape, stored);
    default: return std::nullopt;
  }
}

std::optional<Tensor> result_of(const graph::Graph& graph, const graph::Node& node) {
  const bool back = node.op_type == "DequantizeLinear";
  const Tensor* source = back || node.op_type == "QuantizeLinear" ? constant_input(graph, node, 0) : nullptr;
  if (source == nullptr || !node.domain.empty() || node.outputs.empty() ||
      std::find(graph.outputs.begin(), graph.outputs.end(), node.outputs[0]) != graph.outputs.end()) {
    return std::nullopt;
  }
  return back ? dequantised(graph, node, *source) : quantised(graph, node, *source);
}

}  // namespace

bool fold_quantised_constants(graph::Graph& graph) {
  const size_t before = graph.nodes.size();
  std::vector<graph::Node> kept;
  for (graph::Node& node : graph.nodes) {
    auto tensor = result_of(graph, node);
    if (!tensor) {
      kept.push_back(std::move(node));
      continue;
    }
    graph::Value& value = graph.value(node.outputs[0]);
    value.type = tensor->type;
    value.shape = tensor->shape;
    value.data = std::make_shared<const Tensor>(std::move(*tensor));
  }
  graph.nodes = std::move(kept);
  return graph.nodes.size() != before;
}

}  // namespace medlar::compiler
