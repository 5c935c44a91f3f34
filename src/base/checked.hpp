// SPDX-License-Identifier: Apache-2.0
// Integer arithmetic that reports overflow, and the roundings of sizes that layouts use.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>

namespace medlar {

template <std::integral T>
constexpr std::optional<T> checked_add(T a, T b) {
  T result{};
  if (__builtin_add_overflow(a, b, &result)) {
    return std::nullopt;
  }
  return result;
}

template <std::integral T>
constexpr std::optional<T> checked_mul(T a, T b) {
  T result{};
  if (__builtin_mul_overflow(a, b, &result)) {
    return std::nullopt;
  }
  return result;
}

/// True when [offset, offset + size) lies inside an object of `total` bytes, without overflow.
constexpr bool range_inside(uint64_t offset, uint64_t size, uint64_t total) {
  return offset <= total && size <= total - offset;
}

template <std::integral T>
constexpr T ceil_div(T value, T divisor) {
  return static_cast<T>((value + divisor - 1) / divisor);
}

template <std::integral T>
constexpr T round_up(T value, T multiple) {
  return static_cast<T>(ceil_div(value, multiple) * multiple);
}

}  // namespace medlar
