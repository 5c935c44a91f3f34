// SPDX-License-Identifier: Apache-2.0
// Byte spans, little-endian loads and stores, and a reader that cannot run past its end.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/status.hpp"

namespace medlar {

using ByteView = std::span<const uint8_t>;
using MutableBytes = std::span<uint8_t>;
using ByteBuffer = std::vector<uint8_t>;

static_assert(std::endian::native == std::endian::little, "the hosts that Medlar runs on are little endian");

template <typename T>
  requires std::is_trivially_copyable_v<T>
T load_le(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <typename T>
  requires std::is_trivially_copyable_v<T>
void store_le(uint8_t* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

template <typename T>
ByteView as_bytes_view(const std::vector<T>& values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(T)};
}

/// Reads a hostile byte string front to back; every read is checked.
class ByteReader {
 public:
  ByteReader(ByteView bytes, std::string_view name) : bytes_(bytes), name_(name) {}

  template <typename T>
  Result<T> read() {
    MEDLAR_ASSIGN(ByteView view, take(sizeof(T)));
    return load_le<T>(view.data());
  }
  /// The next `size` bytes, without a copy.
  Result<ByteView> take(uint64_t size);
  Status seek(uint64_t position);
  uint64_t position() const { return position_; }
  uint64_t remaining() const { return bytes_.size() - position_; }

 private:
  ByteView bytes_;
  std::string_view name_;
  uint64_t position_ = 0;
};

}  // namespace medlar
