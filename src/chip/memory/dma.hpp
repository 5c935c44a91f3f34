// SPDX-License-Identifier: Apache-2.0
// Byte ranges of the memory around the chip: seen in place where the port allows it, through a copy otherwise.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.hpp"
#include "chip/memory/memory_port.hpp"

namespace medlar::chip {

/// The RAM_TYPE bit of a register.
constexpr Ram ram_of(uint32_t ram_type) { return ram_type == 0 ? Ram::kSram : Ram::kDram; }

/// Reads ranges; a returned view is valid until the next fetch of the same reader.
class DmaReader {
 public:
  DmaReader(MemoryPort& port, Ram ram) : port_(&port), ram_(ram) {}

  Result<std::span<const uint8_t>> fetch(uint64_t address, uint64_t size);

 private:
  MemoryPort* port_;
  Ram ram_;
  std::vector<uint8_t> copy_;
};

/// Writes ranges: open, fill the span completely, commit.
class DmaWriter {
 public:
  DmaWriter(MemoryPort& port, Ram ram) : port_(&port), ram_(ram) {}

  Result<std::span<uint8_t>> open(uint64_t address, uint64_t size);
  Status commit();

 private:
  MemoryPort* port_;
  Ram ram_;
  uint64_t address_ = 0;
  bool copying_ = false;
  std::vector<uint8_t> copy_;
};

/// A feature cube in memory: atoms of `atom` bytes, lines, surfaces. Address arithmetic wraps like the hardware's.
struct FeatureCube {
  Ram ram = Ram::kDram;
  uint64_t base = 0;
  uint32_t line_stride = 0;
  uint32_t surface_stride = 0;
  uint32_t atom = 0;

  uint64_t row(int surface, int y) const {
    return base + uint64_t{surface_stride} * static_cast<uint64_t>(surface) +
           uint64_t{line_stride} * static_cast<uint64_t>(y);
  }
};

/// Upper bound of the bytes that one operation reads or writes as a cube: beyond it the registers are nonsense, and
/// executing them would only burn time.
inline constexpr uint64_t kMaxCubeBytes = uint64_t{1} << 31;

/// Error when w * h * surfaces atoms exceed kMaxCubeBytes. All counts are at most 2^13.
Status check_cube_size(const char* block, int w, int h, int surfaces, uint32_t atom);

}  // namespace medlar::chip
