// SPDX-License-Identifier: Apache-2.0
// Bytes of a fuzzer as a stream of choices; zero when they are used up.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

namespace medlar::fuzz {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(data, size) {}

  bool empty() const { return rest_.empty(); }
  uint8_t byte() {
    uint8_t value = 0;
    fill({&value, 1});
    return value;
  }
  /// Below `limit`, which is at most 256.
  uint32_t choose(uint32_t limit) { return byte() % limit; }
  template <typename T>
  T value() {
    T result{};
    uint8_t bytes[sizeof(T)] = {};
    fill(bytes);
    std::memcpy(&result, bytes, sizeof result);
    return result;
  }
  void fill(std::span<uint8_t> to) {
    const size_t size = std::min(to.size(), rest_.size());
    std::copy_n(rest_.begin(), size, to.begin());
    rest_ = rest_.subspan(size);
  }

 private:
  std::span<const uint8_t> rest_;
};

/// What a fuzzer calls a finding.
inline void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

}  // namespace medlar::fuzz
