// SPDX-License-Identifier: Apache-2.0
// CUDA's half: 16 bits, converted on the host.
#pragma once

#include <cstdint>
#include <cstring>

struct __half {
  std::uint16_t bits = 0;
  __half() = default;
  __half(float value) noexcept {
    _Float16 const narrow = static_cast<_Float16>(value);
    std::memcpy(&bits, &narrow, sizeof(bits));
  }
  operator float() const noexcept {
    _Float16 narrow;
    std::memcpy(&narrow, &bits, sizeof(bits));
    return static_cast<float>(narrow);
  }
};
using half = __half;
inline __half __float2half(float value) noexcept {
  return __half(value);
}
inline float __half2float(__half value) noexcept {
  return static_cast<float>(value);
}
