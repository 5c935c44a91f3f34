// SPDX-License-Identifier: Apache-2.0
#include "api/public/types.hpp"

#include "api/public/errors.hpp"

#include <array>
#include <cstring>
#include <utility>

#include <fmt/ranges.h>

namespace medlar {
namespace {

using graph::DataType;

constexpr std::array<std::pair<medlar::DataType, graph::DataType>, 15> kTypes{{
    {medlar::DataType::kFloat32, graph::DataType::kFloat32},
    {medlar::DataType::kFloat16, graph::DataType::kFloat16},
    {medlar::DataType::kInt8, graph::DataType::kInt8},
    {medlar::DataType::kInt32, graph::DataType::kInt32},
    {medlar::DataType::kBool, graph::DataType::kBool},
    {medlar::DataType::kUint8, graph::DataType::kUint8},
    {medlar::DataType::kFp8, graph::DataType::kFloat8E4m3fn},
    {medlar::DataType::kBfloat16, graph::DataType::kBfloat16},
    {medlar::DataType::kInt64, graph::DataType::kInt64},
    {medlar::DataType::kInt4, graph::DataType::kInt4},
    {medlar::DataType::kFloat64, graph::DataType::kFloat64},
    {medlar::DataType::kInt16, graph::DataType::kInt16},
    {medlar::DataType::kUint16, graph::DataType::kUint16},
    {medlar::DataType::kUint32, graph::DataType::kUint32},
    {medlar::DataType::kUint64, graph::DataType::kUint64},
}};

}  // namespace

const char* dataTypeName(medlar::DataType type) noexcept {
  for (const auto& [ours, theirs] : kTypes) {
    if (ours == type) {
      return graph::data_type_name(theirs).data();  // literals: terminated
    }
  }
  return "unknown";
}

size_t elementBytes(medlar::DataType type) {
  const int bytes = graph::element_bytes(door::graph_type(type));
  if (bytes == 0) {
    door::raise(ErrorCode::kUnsupported, "{} has no whole number of bytes an element", dataTypeName(type));
  }
  return static_cast<size_t>(bytes);
}

size_t volume(const Dims& dims) {
  const auto count = graph::element_count(dims);
  if (!count) {
    door::raise(ErrorCode::kInvalidArgument,
                "[{}] has an open dimension, or more elements than can be counted", fmt::join(dims, ","));
  }
  return static_cast<size_t>(*count);
}

namespace door {

medlar::DataType public_type(graph::DataType type) {
  for (const auto& [ours, theirs] : kTypes) {
    if (theirs == type) {
      return ours;
    }
  }
  raise(ErrorCode::kUnsupported, "tensors of {} do not cross the API", graph::data_type_name(type));
}

graph::DataType graph_type(medlar::DataType type) {
  for (const auto& [ours, theirs] : kTypes) {
    if (ours == type) {
      return theirs;
    }
  }
  raise(ErrorCode::kInvalidArgument, "there is no data type {}", static_cast<int>(type));
}

graph::Tensor tensor_of(const std::string& name, const TensorView& view) {
  graph::Tensor tensor{graph_type(view.type), view.dims, {}, {}};
  const auto bytes = graph::storage_bytes(tensor.type, tensor.shape);
  if (!bytes || *bytes != view.bytes.size()) {
    raise(ErrorCode::kInvalidArgument, "input '{}': {} bytes for {} [{}]", name, view.bytes.size(),
          dataTypeName(view.type), fmt::join(view.dims, ","));
  }
  const auto* from = reinterpret_cast<const uint8_t*>(view.bytes.data());
  tensor.bytes.assign(from, from + view.bytes.size());
  return tensor;
}

std::shared_ptr<const graph::Tensor> constant_of(const Weights& weights, const graph::Shape& shape,
                                                 std::string_view what) {
  const auto count = graph::element_count(shape);
  if (weights.values == nullptr && weights.count != 0) {
    raise(ErrorCode::kInvalidArgument, "{}: a null pointer to {} values", what, weights.count);
  }
  if (!count || *count != weights.count) {
    raise(ErrorCode::kInvalidArgument, "{}: {} values for [{}]", what, weights.count, fmt::join(shape, ","));
  }
  auto tensor = std::make_shared<graph::Tensor>();
  tensor->type = graph_type(weights.type);
  tensor->shape = shape;
  tensor->bytes.resize(static_cast<size_t>(*count) * elementBytes(weights.type));
  if (!tensor->bytes.empty()) {
    std::memcpy(tensor->bytes.data(), weights.values, tensor->bytes.size());
  }
  return tensor;
}

}  // namespace door
}  // namespace medlar
