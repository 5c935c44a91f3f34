// SPDX-License-Identifier: Apache-2.0
// Names and sizes of element types, and sizes of shapes.
#include <algorithm>
#include <array>

#include "base/checked.hpp"
#include "graph/graph.hpp"

namespace medlar::graph {
namespace {

struct TypeRow {
  DataType type;
  std::string_view name;
  int bits;
};

constexpr std::array kTypes = {
    TypeRow{DataType::kUndefined, "undefined", 0},
    TypeRow{DataType::kFloat32, "float32", 32},
    TypeRow{DataType::kUint8, "uint8", 8},
    TypeRow{DataType::kInt8, "int8", 8},
    TypeRow{DataType::kUint16, "uint16", 16},
    TypeRow{DataType::kInt16, "int16", 16},
    TypeRow{DataType::kInt32, "int32", 32},
    TypeRow{DataType::kInt64, "int64", 64},
    TypeRow{DataType::kString, "string", 0},
    TypeRow{DataType::kBool, "bool", 8},
    TypeRow{DataType::kFloat16, "float16", 16},
    TypeRow{DataType::kFloat64, "float64", 64},
    TypeRow{DataType::kUint32, "uint32", 32},
    TypeRow{DataType::kUint64, "uint64", 64},
    TypeRow{DataType::kComplex64, "complex64", 64},
    TypeRow{DataType::kComplex128, "complex128", 128},
    TypeRow{DataType::kBfloat16, "bfloat16", 16},
    TypeRow{DataType::kFloat8E4m3fn, "float8e4m3fn", 8},
    TypeRow{DataType::kFloat8E4m3fnuz, "float8e4m3fnuz", 8},
    TypeRow{DataType::kFloat8E5m2, "float8e5m2", 8},
    TypeRow{DataType::kFloat8E5m2fnuz, "float8e5m2fnuz", 8},
    TypeRow{DataType::kUint4, "uint4", 4},
    TypeRow{DataType::kInt4, "int4", 4},
};

const TypeRow& row(DataType type) {
  const auto* found = std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeRow& r) { return r.type == type; });
  return found == kTypes.end() ? kTypes[0] : *found;
}

}  // namespace

std::string_view data_type_name(DataType type) {
  return row(type).name;
}

std::optional<DataType> parse_data_type(std::string_view name) {
  const auto* found = std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeRow& r) { return r.name == name; });
  return found == kTypes.end() ? std::nullopt : std::optional(found->type);
}

int element_bytes(DataType type) {
  return row(type).bits / 8;
}

bool is_floating(DataType type) {
  switch (type) {
    case DataType::kFloat32:
    case DataType::kFloat64:
    case DataType::kFloat16:
    case DataType::kBfloat16:
    case DataType::kFloat8E4m3fn:
    case DataType::kFloat8E4m3fnuz:
    case DataType::kFloat8E5m2:
    case DataType::kFloat8E5m2fnuz: return true;
    default: return false;
  }
}

std::optional<int64_t> element_count(const Shape& shape) {
  if (std::any_of(shape.begin(), shape.end(), [](int64_t dim) { return dim < 0; })) {
    return std::nullopt;
  }
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) {
    return 0;
  }
  std::optional<int64_t> count = 1;
  for (const int64_t dim : shape) {
    count = checked_mul(*count, dim);
    if (!count) {
      return std::nullopt;
    }
  }
  return count;
}

std::optional<uint64_t> storage_bytes(DataType type, const Shape& shape) {
  const auto count = element_count(shape);
  const int bits = row(type).bits;
  if (!count || bits == 0) {
    return std::nullopt;
  }
  if (bits == 4) {
    return static_cast<uint64_t>(*count / 2 + *count % 2);
  }
  return checked_mul<uint64_t>(static_cast<uint64_t>(*count), static_cast<uint64_t>(bits / 8));
}

}  // namespace medlar::graph
