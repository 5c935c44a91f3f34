// SPDX-License-Identifier: Apache-2.0
// What CSC shows to the MAC array: the input with its padding, so that every window is a set of plain strides.
#pragma once

#include <cstdint>

#include "chip/conv_bytes.hpp"
#include "chip/conv_cube.hpp"
#include "chip/conv_job.hpp"

namespace medlar::chip {

enum class WindowForm : uint8_t {
  kRaw,         ///< Elements as CBUF holds them.
  kBytes,       ///< INT8 with 128 added.
  kWords,       ///< INT8 widened to 16 bits.
  kSplitWords,  ///< INT16 as two planes of words: x = 256 * first + second, second in [-128, 127].
};

struct ConvWindow {
  RawBytes bytes;
  uint32_t planes = 1;
  uint64_t plane_bytes = 0;
  int64_t batch_step = 0;  ///< All steps in bytes.
  int64_t y_step = 0;      ///< From one output row to the next.
  int64_t x_step = 0;      ///< From one output column to the next.
  int64_t row_step = 0;    ///< From one kernel row to the next.
  int64_t tap_step = 0;    ///< From one kernel column to the next.

  const uint8_t* at(uint32_t plane, uint32_t batch, uint32_t y, uint32_t x) const {
    return bytes.data() + plane * plane_bytes + batch * batch_step + y * y_step + x * x_step;
  }
};

/// `cube` holds the job's input, all lines. Elements beyond the channels are zero (128 in the bytes form).
/// `window` is overwritten; its memory is used again.
void make_window(const ConvJob& job, const ConvCube& cube, WindowForm form, ConvWindow& window);

}  // namespace medlar::chip
