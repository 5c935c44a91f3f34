// SPDX-License-Identifier: Apache-2.0
// Padding and widening of the input.
#include "chip/conv/input/window.hpp"

#include <algorithm>
#include <cstring>

#include "base/bytes.hpp"

namespace medlar::chip {
namespace {

constexpr uint64_t kSlack = 64;  // vector accesses may run past the last window

uint8_t low_byte(uint16_t bits) { return static_cast<uint8_t>(bits & 0xff); }

}  // namespace

void write_window(const uint8_t* from, uint64_t count, WindowForm form, uint64_t plane_bytes, uint8_t* to) {
  switch (form) {
    case WindowForm::kRaw:
      std::memcpy(to, from, count);
      return;
    case WindowForm::kBytes:
      for (uint64_t i = 0; i < count; ++i) {
        to[i] = from[i] ^ 0x80;
      }
      return;
    case WindowForm::kWords:
      for (uint64_t i = 0; i < count; ++i) {
        store_le<int16_t>(to + 2 * i, static_cast<int8_t>(from[i]));
      }
      return;
    case WindowForm::kSplitWords:
      for (uint64_t i = 0; i < count; ++i) {
        const int16_t value = load_le<int16_t>(from + 2 * i);
        const auto low = static_cast<int8_t>(low_byte(static_cast<uint16_t>(value)));
        store_le<int16_t>(to + 2 * i, static_cast<int16_t>((value - low) >> 8));
        store_le<int16_t>(to + plane_bytes + 2 * i, low);
      }
      return;
  }
}

WindowShape shape_window(const ConvJob& job, const ConvCube& input, WindowForm form, ConvWindow& window) {
  WindowShape shape{.pitch = input.pitch, .left = job.pad_left, .top = job.pad_top};
  shape.columns = (job.out_w - 1) * job.stride_x + (job.kernel_w - 1) * job.dilation_x + 1;
  shape.lines = (job.out_h - 1) * job.stride_y + (job.kernel_h - 1) * job.dilation_y + 1;
  const bool image = job.mode == ConvMode::kImage;
  if (image) {  // CDMA stored the padding of the sides
    shape.columns = input.w;
    shape.left = 0;
  }
  shape.left = std::min(shape.left, shape.columns);
  shape.inside = std::min(input.w, shape.columns - shape.left);
  const uint64_t unit = form == WindowForm::kWords ? 2 : input.element_bytes;
  const uint64_t line = uint64_t{shape.columns} * input.pitch * unit;
  shape.line_bytes = line;
  window.planes = form == WindowForm::kSplitWords ? 2 : 1;
  window.plane_bytes = line * shape.lines * input.batches;
  window.bytes.resize(window.plane_bytes * window.planes + kSlack);
  std::memset(window.bytes.data() + window.plane_bytes * window.planes, 0, kSlack);
  window.first_row = 0;
  window.batch_step = static_cast<int64_t>(line * shape.lines);
  window.y_step = static_cast<int64_t>(line * job.stride_y);
  window.x_step = static_cast<int64_t>(input.pitch * unit * job.stride_x);
  window.row_step = static_cast<int64_t>(line * job.dilation_y);
  window.tap_step = image ? 0 : static_cast<int64_t>(input.pitch * unit * job.dilation_x);
  return shape;
}

ByteBuffer padding_line(const ConvJob& job, const ConvCube& input, const WindowShape& shape) {
  const uint64_t elements = uint64_t{shape.columns} * shape.pitch;
  ByteBuffer line(elements * input.element_bytes);
  if (job.pad_value == 0) {
    return line;
  }
  for (uint64_t column = 0; column < elements; column += shape.pitch) {
    for (uint64_t i = column; i < column + input.c; ++i) {
      if (input.element_bytes == 1) {
        line[i] = low_byte(static_cast<uint16_t>(job.pad_value));
      } else {
        store_le<int16_t>(line.data() + 2 * i, static_cast<int16_t>(job.pad_value));
      }
    }
  }
  return line;
}

void make_window(const ConvJob& job, const ConvCube& cube, WindowForm form, ConvWindow& window) {
  const WindowShape shape = shape_window(job, cube, form, window);
  const ByteBuffer padding = padding_line(job, cube, shape);
  const uint64_t scale = form == WindowForm::kRaw ? cube.element_bytes : 1;  // raw counts bytes
  const uint64_t unit = form == WindowForm::kWords ? 2 : cube.element_bytes;
  const uint64_t left = uint64_t{shape.left} * shape.pitch;
  const uint64_t middle = uint64_t{shape.inside} * shape.pitch;
  const uint64_t elements = uint64_t{shape.columns} * shape.pitch;
  for (uint32_t batch = 0; batch < cube.batches; ++batch) {
    for (uint32_t y = 0; y < shape.lines; ++y) {
      uint8_t* to = window.bytes.data() + (uint64_t{batch} * shape.lines + y) * shape.line_bytes;
      if (y < shape.top || y - shape.top >= cube.h) {
        write_window(padding.data(), elements * scale, form, window.plane_bytes, to);
        continue;
      }
      const uint8_t* pad = padding.data();
      write_window(pad, left * scale, form, window.plane_bytes, to);
      write_window(cube.line(batch, y - shape.top), middle * scale, form, window.plane_bytes, to + left * unit);
      write_window(pad + (left + middle) * cube.element_bytes, (elements - left - middle) * scale, form, window.plane_bytes,
                   to + (left + middle) * unit);
    }
  }
}

}  // namespace medlar::chip
