// SPDX-License-Identifier: Apache-2.0
// Conversion of constants to double and int64.
#include <cmath>
#include <limits>

#include "graph/graph.hpp"

namespace medlar::graph {
namespace {

/// A small binary float: `exponent_bits` and `mantissa_bits` beside the sign, IEEE bias.
double small_float(uint32_t bits, int exponent_bits, int mantissa_bits) {
  const uint32_t mantissa = bits & ((1u << mantissa_bits) - 1);
  const int top = (1 << exponent_bits) - 1;
  const int exponent = static_cast<int>(bits >> mantissa_bits) & top;
  const bool negative = ((bits >> (exponent_bits + mantissa_bits)) & 1u) != 0;
  const int bias = top / 2;
  double magnitude = 0;
  if (exponent == top) {
    magnitude = mantissa == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(mantissa, 1 - bias - mantissa_bits);
  } else {
    magnitude = std::ldexp(mantissa + (1u << mantissa_bits), exponent - bias - mantissa_bits);
  }
  return negative ? -magnitude : magnitude;
}

int64_t saturated(double value) {
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  if (std::isnan(value)) {
    return 0;
  }
  if (value >= kLimit) {
    return std::numeric_limits<int64_t>::max();
  }
  return value < -kLimit ? std::numeric_limits<int64_t>::min() : static_cast<int64_t>(value);
}

template <typename To, typename From>
To convert(From value) {
  if constexpr (std::is_same_v<To, int64_t> && std::is_floating_point_v<From>) {
    return saturated(static_cast<double>(value));
  } else if constexpr (std::is_same_v<To, int64_t> && std::is_same_v<From, uint64_t>) {
    constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    return static_cast<int64_t>(value < kMax ? value : kMax);
  } else {
    return static_cast<To>(value);
  }
}

template <typename To, typename From>
std::vector<To> widen(const Tensor& tensor, size_t count) {
  std::vector<To> out(count);
  for (size_t i = 0; i < count; ++i) {
    out[i] = convert<To>(load_le<From>(tensor.bytes.data() + i * sizeof(From)));
  }
  return out;
}

template <typename To>
std::vector<To> widen_halves(const Tensor& tensor, size_t count, int exponent_bits, int mantissa_bits) {
  std::vector<To> out(count);
  for (size_t i = 0; i < count; ++i) {
    const auto bits = load_le<uint16_t>(tensor.bytes.data() + i * 2);
    out[i] = convert<To>(small_float(bits, exponent_bits, mantissa_bits));
  }
  return out;
}

template <typename To>
std::vector<To> widen_nibbles(const Tensor& tensor, size_t count, bool is_signed) {
  std::vector<To> out(count);
  for (size_t i = 0; i < count; ++i) {
    int value = (tensor.bytes[i / 2] >> (i % 2 * 4)) & 15;
    value = is_signed && value >= 8 ? value - 16 : value;
    out[i] = static_cast<To>(value);
  }
  return out;
}

template <typename To>
std::optional<std::vector<To>> to_numbers(const Tensor& tensor) {
  const auto bytes = storage_bytes(tensor.type, tensor.shape);
  if (!bytes || *bytes != tensor.bytes.size()) {
    return std::nullopt;
  }
  const auto count = static_cast<size_t>(*element_count(tensor.shape));
  switch (tensor.type) {
    case DataType::kFloat32: return widen<To, float>(tensor, count);
    case DataType::kFloat64: return widen<To, double>(tensor, count);
    case DataType::kFloat16: return widen_halves<To>(tensor, count, 5, 10);
    case DataType::kBfloat16: return widen_halves<To>(tensor, count, 8, 7);
    case DataType::kBool:
    case DataType::kUint8: return widen<To, uint8_t>(tensor, count);
    case DataType::kInt8: return widen<To, int8_t>(tensor, count);
    case DataType::kUint16: return widen<To, uint16_t>(tensor, count);
    case DataType::kInt16: return widen<To, int16_t>(tensor, count);
    case DataType::kUint32: return widen<To, uint32_t>(tensor, count);
    case DataType::kInt32: return widen<To, int32_t>(tensor, count);
    case DataType::kUint64: return widen<To, uint64_t>(tensor, count);
    case DataType::kInt64: return widen<To, int64_t>(tensor, count);
    case DataType::kUint4: return widen_nibbles<To>(tensor, count, false);
    case DataType::kInt4: return widen_nibbles<To>(tensor, count, true);
    default: return std::nullopt;
  }
}

}  // namespace

std::optional<std::vector<double>> to_doubles(const Tensor& tensor) {
  return to_numbers<double>(tensor);
}

std::optional<std::vector<int64_t>> to_ints(const Tensor& tensor) {
  return to_numbers<int64_t>(tensor);
}

}  // namespace medlar::graph
