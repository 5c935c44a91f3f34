// SPDX-License-Identifier: Apache-2.0
// What CSC shows to the MAC array: the input with its padding, so that every window is a set of plain strides.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "chip/conv/input/bytes.hpp"
#include "chip/conv/input/cube.hpp"
#include "chip/conv/job.hpp"

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
  uint32_t first_row = 0;  ///< Output row that counts as row 0 (of a band).

  const uint8_t* at(uint32_t plane, uint32_t batch, uint32_t y, uint32_t x) const {
    return bytes.data() + plane * plane_bytes + batch * batch_step + (first_row + y) * y_step + x * x_step;
  }
};

/// Places and sizes of a window over an input; `bytes` gets room for it, with slack for vector accesses behind.
struct WindowShape {
  uint64_t line_bytes = 0;  ///< Of one line of one plane.
  uint32_t pitch = 0;       ///< Elements of a column.
  uint32_t lines = 0;
  uint32_t columns = 0;     ///< Padding included.
  uint32_t left = 0;        ///< Padding columns in front, in the window.
  uint32_t inside = 0;      ///< Columns of the input in the window.
  uint32_t top = 0;         ///< Padding lines above.
};
/// `input`: sizes only.
WindowShape shape_window(const ConvJob& job, const ConvCube& input, WindowForm form, ConvWindow& window);

/// Writes `count` elements of CBUF's format (raw: bytes) in the window's form to both planes.
void write_window(const uint8_t* from, uint64_t count, WindowForm form, uint64_t plane_bytes, uint8_t* to);

/// A line of padding in CBUF's element format.
ByteBuffer padding_line(const ConvJob& job, const ConvCube& input, const WindowShape& shape);

/// `cube` holds the job's input, all lines. Elements beyond the channels are zero (128 in the bytes form).
/// `window` is overwritten; its memory is used again.
void make_window(const ConvJob& job, const ConvCube& cube, WindowForm form, ConvWindow& window);

}  // namespace medlar::chip
