// SPDX-License-Identifier: Apache-2.0
// CDMA's image reader.
#include "chip/conv/input/image.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/checked.hpp"
#include "chip/conv/input/convert.hpp"
#include "hw/cube.hpp"

namespace medlar::chip {
namespace {

/// Place of a component in CBUF.
uint32_t component_index(char letter) {
  switch (letter) {
    case 'R':
    case 'Y':
      return 0;
    case 'G':
    case 'U':
      return 1;
    case 'B':
    case 'V':
      return 2;
    default:
      return 3;
  }
}

/// One line of both planes, from the first pixel of the cube on.
struct PixelLine {
  ByteView plane[2];
};

class ImageReader {
 public:
  ImageReader(const ConvJob& job, MemoryPort& memory)
      : job_(job), format_(*hw::find_pixel_format(job.pixels.format)), memory_(memory) {}

  Status read_line(uint32_t y, PixelLine& line) {
    const ConvPixels& p = job_.pixels;
    const uint64_t x0 = uint64_t{p.x_offset} * format_.bytes_plane0;
    // The second plane's address already points to the atom of the first pixel.
    const uint64_t x1 = uint64_t{p.x_offset} * format_.bytes_plane1 % job_.machine.memory_atom;
    MEDLAR_TRY(read_plane(0, job_.data.address + uint64_t{y} * job_.data.line_stride + x0, line));
    if (format_.planes == 2) {
      MEDLAR_TRY(read_plane(1, p.address_1 + uint64_t{y} * p.line_stride_1 + x1, line));
    }
    return {};
  }

  /// The components of one pixel, in CBUF's order.
  void components(const PixelLine& line, uint32_t x, std::array<uint16_t, 4>& out) const {
    for (uint32_t i = 0; i < format_.components(); ++i) {
      out[component_index(format_.order[i])] = component(line, x, i);
    }
  }

  /// The bits that CBUF stores for component `index` of value `raw`.
  uint16_t convert(uint16_t raw, uint32_t index) const {
    const ConvConverter& c = job_.converter;
    const bool flush = job_.nan_to_zero && format_.is_float && (raw & 0x7fff) > 0x7c00;
    if (!c.enable) {
      return flush ? 0 : raw;
    }
    int32_t value = raw;
    if (job_.pixels.sign_override) {
      value = format_.bits == 8 ? static_cast<int8_t>(raw) : static_cast<int16_t>(raw);
    }
    return convert_element(value, c.mean_enable ? c.mean[index] : c.offset, c, job_.precision);
  }

 private:
  Status read_plane(uint32_t plane, uint64_t address, PixelLine& line) {
    const uint64_t size = uint64_t{job_.in_w} * (plane == 0 ? format_.bytes_plane0 : format_.bytes_plane1);
    const std::span<uint8_t> direct = memory_.view(job_.data.ram, address, size, Access::kRead);
    if (direct.size() == size) {
      line.plane[plane] = direct;
      return {};
    }
    scratch_[plane].resize(size);
    MEDLAR_TRY(memory_.read(job_.data.ram, address, scratch_[plane]));
    line.plane[plane] = scratch_[plane];
    return {};
  }

  uint16_t component(const PixelLine& line, uint32_t x, uint32_t i) const {
    if (format_.bits == 10 && format_.bytes_plane0 == 4) {
      return packed_component(load_le<uint32_t>(line.plane[0].data() + uint64_t{x} * 4), i);
    }
    const uint64_t bytes = format_.component_bytes();
    const bool second = format_.planes == 2 && i > 0;
    const uint64_t pixel_bytes = second ? format_.bytes_plane1 : format_.bytes_plane0;
    const uint8_t* from = line.plane[second ? 1 : 0].data() + x * pixel_bytes + (second ? i - 1 : i) * bytes;
    return bytes == 1 ? *from : load_le<uint16_t>(from);
  }

  /// Three of ten bits and one of two, from the low end, left-aligned in sixteen.
  uint16_t packed_component(uint32_t pixel, uint32_t i) const {
    uint32_t shift = 0;
    for (uint32_t j = 0; j < i; ++j) {
      shift += format_.order[j] == 'A' ? 2 : 10;
    }
    const bool alpha = format_.order[i] == 'A';
    const uint32_t bits = pixel >> shift & (alpha ? 3u : 0x3ffu);
    return static_cast<uint16_t>(bits << (alpha ? 14 : 6));
  }

  const ConvJob& job_;
  const hw::PixelFormat& format_;
  MemoryPort& memory_;
  ByteBuffer scratch_[2];
};

void store(const ConvCube& cube, uint8_t* line, uint64_t index, uint16_t bits) {
  if (cube.element_bytes == 1) {
    line[index] = static_cast<uint8_t>(bits & 0xff);
  } else {
    store_le(line + 2 * index, bits);
  }
}

}  // namespace

Result<ConvCube> fetch_image(const ConvJob& job, ConvLines lines, MemoryPort& memory) {
  ConvCube cube{.batches = 1,
                .h = lines.count,
                .w = job.pad_left + job.in_w + job.pad_right,
                .c = job.in_c,
                .pitch = job.in_c,
                .element_bytes = job.element_bytes(),
                .bytes = {}};
  cube.bytes.resize(cube.batch_bytes());
  ImageReader reader(job, memory);
  for (uint32_t y = 0; y < cube.h; ++y) {
    PixelLine pixels;
    MEDLAR_TRY(reader.read_line(lines.first + y, pixels));
    uint8_t* line = cube.line(0, y);
    std::array<uint16_t, 4> components{};
    for (uint32_t x = 0; x < cube.w; ++x) {
      const bool inside = x >= job.pad_left && x - job.pad_left < job.in_w;
      if (inside) {
        reader.components(pixels, x - job.pad_left, components);
      }
      for (uint32_t i = 0; i < cube.c; ++i) {
        store(cube, line, uint64_t{x} * cube.c + i,
              inside ? reader.convert(components[i], i) : static_cast<uint16_t>(job.side_pad_value));
      }
    }
  }
  return cube;
}

}  // namespace medlar::chip
