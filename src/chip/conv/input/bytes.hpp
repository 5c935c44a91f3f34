// SPDX-License-Identifier: Apache-2.0
// Bytes that are written before they are read, kept from one operation to the next.
#pragma once

#include <cstdint>
#include <memory>

namespace medlar::chip {

class RawBytes {
 public:
  /// Room for `size` bytes of any content.
  void resize(uint64_t size) {
    if (size > capacity_) {
      bytes_ = std::make_unique_for_overwrite<uint8_t[]>(size);
      capacity_ = size;
    }
    size_ = size;
  }
  uint8_t* data() { return bytes_.get(); }
  const uint8_t* data() const { return bytes_.get(); }
  uint64_t size() const { return size_; }

 private:
  std::unique_ptr<uint8_t[]> bytes_;
  uint64_t size_ = 0;
  uint64_t capacity_ = 0;
};

}  // namespace medlar::chip
