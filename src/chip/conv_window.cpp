// SPDX-License-Identifier: Apache-2.0
// Padding and widening of the input.
#include "chip/conv_window.hpp"

#include <algorithm>
#include <cstring>

#include "base/bytes.hpp"

namespace medlar::chip {
namespace {

constexpr uint64_t kSlack = 64;  // vector loads may run past the last window

/// Extent of the padded input that some window touches, in columns and lines.
struct Extent {
  uint32_t w = 0;
  uint32_t h = 0;
  uint32_t left = 0;  ///< Padding columns in front.
  uint32_t top = 0;
};

Extent extent_of(const ConvJob& job, const ConvCube& cube) {
  Extent e{.left = job.pad_left, .top = job.pad_top};
  e.w = (job.out_w - 1) * job.stride_x + (job.kernel_w - 1) * job.dilation_x + 1;
  e.h = (job.out_h - 1) * job.stride_y + (job.kernel_h - 1) * job.dilation_y + 1;
  if (job.mode == ConvMode::kImage) {  // CDMA stored the padding of the sides
    e.w = cube.w;
    e.left = 0;
  }
  return e;
}

uint8_t low_byte(uint16_t bits) { return static_cast<uint8_t>(bits & 0xff); }

/// Writes `count` elements of the cube in the window's form; `to` is in the first plane.
void write_elements(const uint8_t* from, uint64_t count, WindowForm form, uint64_t plane_bytes, uint8_t* to) {
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

}  // namespace

void make_window(const ConvJob& job, const ConvCube& cube, WindowForm form, ConvWindow& window) {
  const Extent e = extent_of(job, cube);
  const bool widened = form == WindowForm::kWords;
  const uint64_t unit = widened ? 2 : cube.element_bytes;       // bytes of an element in the window
  const uint64_t elements = uint64_t{e.w} * cube.pitch;         // of a line
  const uint64_t source_unit = form == WindowForm::kRaw ? 1 : cube.element_bytes;
  const uint64_t scale = form == WindowForm::kRaw ? cube.element_bytes : 1;  // raw counts bytes
  window.planes = form == WindowForm::kSplitWords ? 2 : 1;
  const uint64_t line = elements * unit;
  window.plane_bytes = line * e.h * cube.batches;
  window.bytes.resize(window.plane_bytes * window.planes + kSlack);
  std::memset(window.bytes.data() + window.plane_bytes * window.planes, 0, kSlack);
  const bool image = job.mode == ConvMode::kImage;
  window.batch_step = static_cast<int64_t>(line * e.h);
  window.y_step = static_cast<int64_t>(line * job.stride_y);
  window.x_step = static_cast<int64_t>(cube.pitch * unit * job.stride_x);
  window.row_step = static_cast<int64_t>(line * job.dilation_y);
  window.tap_step = image ? 0 : static_cast<int64_t>(cube.pitch * unit * job.dilation_x);

  // One line of nothing but padding, in CBUF's element format.
  ByteBuffer pad_line(elements * cube.element_bytes);
  for (uint64_t i = 0; i < elements; ++i) {
    const bool used = i % cube.pitch < cube.c;
    if (cube.element_bytes == 1) {
      pad_line[i] = used ? low_byte(static_cast<uint16_t>(job.pad_value)) : 0;
    } else {
      store_le<int16_t>(pad_line.data() + 2 * i, used ? static_cast<int16_t>(job.pad_value) : int16_t{0});
    }
  }
  const uint64_t inside = e.left >= e.w ? 0 : std::min<uint64_t>(cube.w, e.w - e.left);
  const uint64_t left = std::min<uint64_t>(e.left, e.w) * cube.pitch;
  const uint64_t middle = inside * cube.pitch;
  for (uint32_t batch = 0; batch < cube.batches; ++batch) {
    for (uint32_t y = 0; y < e.h; ++y) {
      uint8_t* to = window.bytes.data() + (uint64_t{batch} * e.h + y) * line;
      if (y < e.top || y - e.top >= cube.h) {
        write_elements(pad_line.data(), elements * scale, form, window.plane_bytes, to);
        continue;
      }
      const uint8_t* from = cube.line(batch, y - e.top);
      const uint8_t* pad = pad_line.data();
      write_elements(pad, left * scale, form, window.plane_bytes, to);
      write_elements(from, middle * scale, form, window.plane_bytes, to + left * unit);
      write_elements(pad + (left + middle) * source_unit * scale, (elements - left - middle) * scale, form,
                     window.plane_bytes, to + (left + middle) * unit);
    }
  }
}

}  // namespace medlar::chip
