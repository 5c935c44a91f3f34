// SPDX-License-Identifier: Apache-2.0
// Arrays of NumPy and of anything else that speaks DLPack.
#include "bind.hpp"

namespace medlar::python {
namespace {

constexpr int kByte = 8;

struct TypeRow {
  DataType type;
  nb::dlpack::dtype_code code;
  int bits;
};

constexpr TypeRow kTypes[] = {
    {DataType::kFloat32, nb::dlpack::dtype_code::Float, 32},
    {DataType::kFloat16, nb::dlpack::dtype_code::Float, 16},
    {DataType::kFloat64, nb::dlpack::dtype_code::Float, 64},
    {DataType::kBfloat16, nb::dlpack::dtype_code::Bfloat, 16},
    {DataType::kInt8, nb::dlpack::dtype_code::Int, 8},
    {DataType::kInt16, nb::dlpack::dtype_code::Int, 16},
    {DataType::kInt32, nb::dlpack::dtype_code::Int, 32},
    {DataType::kInt64, nb::dlpack::dtype_code::Int, 64},
    {DataType::kUint8, nb::dlpack::dtype_code::UInt, 8},
    {DataType::kUint16, nb::dlpack::dtype_code::UInt, 16},
    {DataType::kUint32, nb::dlpack::dtype_code::UInt, 32},
    {DataType::kUint64, nb::dlpack::dtype_code::UInt, 64},
    {DataType::kBool, nb::dlpack::dtype_code::Bool, 8},
};

}  // namespace

DataType type_of(nb::dlpack::dtype type) {
  for (const TypeRow& row : kTypes) {
    if (static_cast<uint8_t>(row.code) == type.code && row.bits == type.bits && type.lanes == 1) {
      return row.type;
    }
  }
  throw InvalidArgument("arrays of this element type (code " + std::to_string(type.code) + ", " +
                        std::to_string(type.bits) + " bits) cannot be taken");
}

nb::dlpack::dtype dlpack_type(DataType type) {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) {
      return {static_cast<uint8_t>(row.code), static_cast<uint8_t>(row.bits), 1};
    }
  }
  throw Unsupported(std::string("NumPy has no ") + dataTypeName(type));
}

Weights weights_of(const std::optional<Array>& array) {
  if (!array || array->size() == 0) {
    return {};
  }
  return {type_of(array->dtype()), array->data(), static_cast<int64_t>(array->size())};
}

nb::object to_numpy(OwnedWeights weights) {
  auto* kept = new OwnedWeights(std::move(weights));
  const nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<OwnedWeights*>(p); });
  std::vector<size_t> shape(kept->dims.begin(), kept->dims.end());
  return nb::cast(nb::ndarray<nb::numpy>(kept->bytes.data(), shape.size(), shape.data(), owner, nullptr,
                                         dlpack_type(kept->type)));
}

}  // namespace medlar::python
