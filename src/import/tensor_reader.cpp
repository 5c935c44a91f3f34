// SPDX-License-Identifier: Apache-2.0
#include "import/tensor_reader.hpp"

#include <cstring>
#include <utility>

#include "import/onnx_proto.hpp"

namespace medlar::import {
namespace {

using graph::DataType;
using graph::Tensor;

Result<DataType> element_type(int32_t number) {
  constexpr int32_t kLast = static_cast<int32_t>(DataType::kInt4);
  if (number <= 0 || number > kLast) {
    return fail(Code::kUnsupported, "element type {} is unknown (known: 1 to {})", number, kLast);
  }
  return static_cast<DataType>(number);
}

Result<graph::Shape> read_dims(const google::protobuf::RepeatedField<int64_t>& dims) {
  graph::Shape shape(dims.begin(), dims.end());
  if (!graph::element_count(shape)) {
    return fail(Code::kCorrupt, "its dimensions [{}] are negative or overflow", fmt::join(shape, ","));
  }
  return shape;
}

/// Copies `fields` as elements of type T, each of which must fit.
template <typename T, typename Fields>
Status narrow(const Fields& fields, Tensor& out) {
  const size_t need = out.bytes.size() / sizeof(T);
  if (static_cast<size_t>(fields.size()) != need) {
    return fail(Code::kCorrupt, "its data field holds {} elements, the shape needs {}", fields.size(), need);
  }
  for (size_t i = 0; i < need; ++i) {
    const auto value = fields[static_cast<int>(i)];
    if constexpr (std::is_integral_v<T>) {
      if (!std::in_range<T>(value)) {
        return fail(Code::kCorrupt, "element {} is {}, which does not fit {}", i, value,
                    graph::data_type_name(out.type));
      }
    }
    store_le(out.bytes.data() + i * sizeof(T), static_cast<T>(value));
  }
  return {};
}

/// The typed fields, by element type (TensorProto's comments say which field carries which type).
Status read_typed(const onnx::TensorProto& proto, Tensor& out) {
  switch (out.type) {
    case DataType::kFloat32:
    case DataType::kComplex64: return narrow<float>(proto.float_data(), out);
    case DataType::kFloat64:
    case DataType::kComplex128: return narrow<double>(proto.double_data(), out);
    case DataType::kInt64: return narrow<int64_t>(proto.int64_data(), out);
    case DataType::kUint64: return narrow<uint64_t>(proto.uint64_data(), out);
    case DataType::kUint32: return narrow<uint32_t>(proto.uint64_data(), out);
    case DataType::kInt32: return narrow<int32_t>(proto.int32_data(), out);
    case DataType::kInt16: return narrow<int16_t>(proto.int32_data(), out);
    case DataType::kInt8: return narrow<int8_t>(proto.int32_data(), out);
    case DataType::kUint16:
    case DataType::kFloat16:
    case DataType::kBfloat16: return narrow<uint16_t>(proto.int32_data(), out);
    default: return narrow<uint8_t>(proto.int32_data(), out);
  }
}

Result<Tensor> read_strings(const onnx::TensorProto& proto, Tensor out) {
  const auto need = static_cast<size_t>(*graph::element_count(out.shape));
  const auto have = static_cast<size_t>(proto.string_data_size());
  if (have != need) {
    return fail(Code::kCorrupt, "string_data holds {} elements, the shape needs {}", have, need);
  }
  out.strings.assign(proto.string_data().begin(), proto.string_data().end());
  return out;
}

bool is_external(const onnx::TensorProto& proto) {
  return proto.data_location() == onnx::TensorProto::EXTERNAL;
}

/// Where each value of a sparse tensor goes, checked against the dense size.
Result<std::vector<size_t>> positions(const Tensor& indices, const graph::Shape& dims, size_t values) {
  const auto numbers = graph::to_ints(indices);
  const size_t rank = dims.size();
  const bool coordinates = indices.shape.size() == 2;
  if (!numbers || indices.type != DataType::kInt64 || numbers->size() != (coordinates ? values * rank : values)) {
    return fail(Code::kCorrupt, "sparse indices do not match the {} values", values);
  }
  std::vector<size_t> out(values);
  const auto total = static_cast<uint64_t>(*graph::element_count(dims));
  for (size_t i = 0; i < values; ++i) {
    uint64_t at = coordinates ? 0 : static_cast<uint64_t>((*numbers)[i]);
    for (size_t d = 0; coordinates && d < rank; ++d) {
      const int64_t index = (*numbers)[i * rank + d];
      if (index < 0 || index >= dims[d]) {
        return fail(Code::kOutOfRange, "sparse index {} lies outside of dimension {} ({})", index, d, dims[d]);
      }
      at = at * static_cast<uint64_t>(dims[d]) + static_cast<uint64_t>(index);
    }
    if (at >= total) {
      return fail(Code::kOutOfRange, "sparse index {} lies outside of {} elements", (*numbers)[i], total);
    }
    out[i] = at;
  }
  return out;
}

}  // namespace

Result<Tensor> read_tensor(const onnx::TensorProto& proto, const DataFolder& folder) {
  if (proto.has_segment()) {
    return fail(Code::kUnsupported, "segmented tensors are not supported");
  }
  Tensor out;
  MEDLAR_ASSIGN(out.type, element_type(proto.data_type()));
  MEDLAR_ASSIGN(out.shape, read_dims(proto.dims()));
  if (out.type == DataType::kString) {
    return read_strings(proto, std::move(out));
  }
  const auto size = graph::storage_bytes(out.type, out.shape);
  if (!size || *size >= kMaxTensorBytes) {
    return fail(Code::kResourceExhausted, "its shape [{}] needs more than {} bytes", fmt::join(out.shape, ","),
                kMaxTensorBytes - 1);
  }
  if (is_external(proto)) {
    MEDLAR_ASSIGN(out.bytes, read_external_data(proto, *size, folder));
    return out;
  }
  if (proto.has_raw_data()) {
    const std::string& raw = proto.raw_data();
    if (raw.size() != *size) {
      return fail(Code::kCorrupt, "raw_data holds {} bytes, the shape needs {}", raw.size(), *size);
    }
    out.bytes.assign(raw.begin(), raw.end());
    return out;
  }
  // The typed fields are in memory already: a shape that they cannot fill must not allocate.
  const uint64_t fields = static_cast<uint64_t>(proto.ByteSizeLong()) * 16;
  if (*size > fields) {
    return fail(Code::kCorrupt, "the shape needs {} bytes, the tensor has no such data", *size);
  }
  out.bytes.resize(*size);
  MEDLAR_TRY(read_typed(proto, out));
  return out;
}

Result<Tensor> read_sparse_tensor(const onnx::SparseTensorProto& proto, const DataFolder& folder) {
  MEDLAR_ASSIGN(const Tensor values, read_tensor(proto.values(), folder));
  MEDLAR_ASSIGN(const Tensor indices, read_tensor(proto.indices(), folder));
  Tensor out{.type = values.type};
  MEDLAR_ASSIGN(out.shape, read_dims(proto.dims()));
  const auto element = static_cast<size_t>(graph::element_bytes(values.type));
  const auto size = graph::storage_bytes(out.type, out.shape);
  if (element == 0) {
    return fail(Code::kUnsupported, "sparse tensors of {} are not supported", graph::data_type_name(values.type));
  }
  if (!size || *size >= kMaxTensorBytes) {
    return fail(Code::kResourceExhausted, "the dense form of a sparse tensor needs more than {} bytes",
                kMaxTensorBytes - 1);
  }
  MEDLAR_ASSIGN(const auto at, positions(indices, out.shape, values.bytes.size() / element));
  out.bytes.resize(*size);
  for (size_t i = 0; i < at.size(); ++i) {
    std::memcpy(out.bytes.data() + at[i] * element, values.bytes.data() + i * element, element);
  }
  return out;
}

Status internalise(onnx::TensorProto& proto, const DataFolder& folder) {
  if (!is_external(proto)) {
    return {};
  }
  MEDLAR_ASSIGN(const Tensor tensor, read_tensor(proto, folder));
  proto.set_raw_data(tensor.bytes.data(), tensor.bytes.size());
  proto.clear_external_data();
  proto.clear_data_location();
  return {};
}

}  // namespace medlar::import
