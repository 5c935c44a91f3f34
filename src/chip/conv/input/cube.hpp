// SPDX-License-Identifier: Apache-2.0
// The input of a convolution as CBUF holds it: converted elements, [batch][y][x][channel].
#pragma once

#include <cstdint>
#include <vector>

#include "base/status.hpp"
#include "chip/conv/job.hpp"
#include "chip/memory/memory_port.hpp"

namespace medlar::chip {

struct ConvCube {
  uint32_t batches = 0;
  uint32_t h = 0;
  uint32_t w = 0;  ///< Images: left and right padding included.
  uint32_t c = 0;
  uint32_t pitch = 0;          ///< Elements from one column to the next; those beyond c are zero.
  uint32_t element_bytes = 1;
  uint32_t pad_left = 0, pad_top = 0;  ///< Of the operation that fetched it. Winograd: CBUF holds the padding, too.
  int32_t pad_value = 0;
  std::vector<uint8_t> bytes;  ///< Little-endian INT8, INT16 or FP16 elements.

  uint64_t line_bytes() const { return uint64_t{w} * pitch * element_bytes; }
  uint64_t batch_bytes() const { return line_bytes() * h; }
  const uint8_t* line(uint32_t batch, uint32_t y) const {
    return bytes.data() + batch * batch_bytes() + y * line_bytes();
  }
  uint8_t* line(uint32_t batch, uint32_t y) { return bytes.data() + batch * batch_bytes() + y * line_bytes(); }
};

/// Reads lines [first, first + count) of every batch of a feature cube through the converter.
struct ConvLines {
  uint32_t first = 0;
  uint32_t count = 0;
};
Result<ConvCube> fetch_features(const ConvJob& job, ConvLines lines, MemoryPort& memory);

}  // namespace medlar::chip
