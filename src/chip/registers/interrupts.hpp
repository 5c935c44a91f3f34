// SPDX-License-Identifier: Apache-2.0
// GLB: interrupt status, mask and set.
#pragma once

#include <cstdint>

namespace medlar::chip {

/// Bit of group 0 in S_INTR_STATUS; group 1 is the next bit.
enum class Interrupt : uint8_t {
  kSdp = 0,
  kCdp = 2,
  kPdp = 4,
  kBdma = 6,
  kRubik = 8,
  kCdmaData = 16,
  kCdmaWeight = 18,
  kCacc = 20,
};

class Interrupts {
 public:
  void reset() { *this = {}; }
  void raise(Interrupt source, int group) { status_ |= 1u << (static_cast<uint32_t>(source) + static_cast<uint32_t>(group)); }
  void set(uint32_t bits) { status_ |= bits; }
  void clear(uint32_t bits) { status_ &= ~bits; }
  void set_mask(uint32_t mask) { mask_ = mask; }
  uint32_t status() const { return status_; }
  uint32_t mask() const { return mask_; }
  bool line() const { return (status_ & ~mask_) != 0; }

 private:
  uint32_t status_ = 0;
  uint32_t mask_ = 0;
};

}  // namespace medlar::chip
