// SPDX-License-Identifier: Apache-2.0
// A feature cube on its way from SDP to PDP: packed atoms [surface][y][x], never in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace medlar::chip {

struct PackedCube {
  int w = 0;
  int h = 0;
  int c = 0;
  int surfaces = 0;
  uint32_t atom = 0;
  uint32_t precision = 0;  ///< Register code of the elements.
  std::vector<uint8_t> bytes;

  size_t row_bytes() const { return static_cast<size_t>(w) * atom; }
  size_t row_offset(int surface, int y) const {
    return (static_cast<size_t>(surface) * static_cast<size_t>(h) + static_cast<size_t>(y)) * row_bytes();
  }
};

}  // namespace medlar::chip
