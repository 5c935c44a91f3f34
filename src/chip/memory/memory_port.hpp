// SPDX-License-Identifier: Apache-2.0
// The chip's two DMA ports (DBB to DRAM, CVSRAM), as the chip sees them. The SoC implements it through the SMMU;
// the vector and trace players implement it over flat memory.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.hpp"

namespace medlar::chip {

/// Register encoding of the RAM_TYPE bits: CV (SRAM) = 0, MC (DRAM) = 1.
enum class Ram : uint8_t { kSram = 0, kDram = 1 };
enum class Access : uint8_t { kRead, kWrite };

/// Seam between the chip and the memory around it. Calls come from one thread at a time.
class MemoryPort {
 public:
  virtual ~MemoryPort() = default;

  /// Direct view of [address, address + size) when the range is mapped, permitted and contiguous in host memory;
  /// an empty span otherwise (then read/write below tell why or do it piecewise). Valid until the operation ends.
  virtual std::span<uint8_t> view(Ram ram, uint64_t address, uint64_t size, Access access) = 0;

  /// Copies bytes through translation. Error kFault: names the IOVA and the access.
  virtual Status read(Ram ram, uint64_t address, std::span<uint8_t> out) = 0;
  virtual Status write(Ram ram, uint64_t address, std::span<const uint8_t> in) = 0;
};

}  // namespace medlar::chip
