// SPDX-License-Identifier: Apache-2.0
// Where the elements of feature cubes and images lie in memory (NVDLA in-memory data formats).
#pragma once

#include "base/checked.hpp"
#include "hw/config.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace medlar::hw {

struct Dims {
  uint32_t w = 1;
  uint32_t h = 1;
  uint32_t c = 1;
  friend bool operator==(const Dims&, const Dims&) = default;
};

/// Feature cube: channels are cut into surfaces of one atom; a surface is rows of atoms.
struct CubeLayout {
  uint32_t w = 0;
  uint32_t h = 0;
  uint32_t c = 0;
  uint32_t element_bytes = 1;
  uint32_t atom = 32;  ///< Bytes of one atom.
  uint64_t line_stride = 0;
  uint64_t surf_stride = 0;

  /// The layout without gaps.
  static constexpr CubeLayout packed(Dims d, Precision precision, const HwConfig& config) {
    return packed(d, bytes_per_element(precision), config.memory_atom);
  }
  static constexpr CubeLayout packed(Dims d, uint32_t element_bytes, uint32_t atom) {
    const uint64_t line = uint64_t{d.w} * atom;
    return {d.w, d.h, d.c, element_bytes, atom, line, line * d.h};
  }

  constexpr uint32_t channels_per_atom() const { return atom / element_bytes; }
  constexpr uint32_t surfaces() const { return ceil_div(c, channels_per_atom()); }
  /// Byte offset of element (x, y, channel).
  constexpr uint64_t offset(uint32_t x, uint32_t y, uint32_t channel) const {
    const uint32_t n = channels_per_atom();
    return channel / n * surf_stride + y * line_stride + uint64_t{x} * atom + channel % n * element_bytes;
  }
  /// Bytes from the first to behind the last atom.
  constexpr uint64_t extent() const {
    return w == 0 || h == 0 || c == 0
               ? 0
               : (surfaces() - 1) * surf_stride + (h - 1) * line_stride + uint64_t{w} * atom;
  }
  /// Bytes that an allocation for the cube takes: all surfaces at full stride.
  constexpr uint64_t total_bytes() const { return surfaces() * surf_stride; }
  constexpr bool line_packed() const { return line_stride == uint64_t{w} * atom; }
  constexpr bool surf_packed() const { return surf_stride == uint64_t{w} * h * atom; }
  friend bool operator==(const CubeLayout&, const CubeLayout&) = default;
};

/// One of the pixel formats that CDMA reads.
struct PixelFormat {
  std::string_view name;   ///< NVDLA's, without "T_": components from the most to the least significant bit.
  std::string_view order;  ///< Components in memory, lowest address first; plane 0, then plane 1.
  uint8_t code;            ///< In D_DATAIN_FORMAT.PIXEL_FORMAT and in the descriptor.
  uint8_t bits;            ///< Of one component (10: the alpha of packed formats has 2).
  uint8_t planes;
  uint8_t bytes_plane0;  ///< Of one pixel.
  uint8_t bytes_plane1;
  bool is_float;
  bool is_signed;  ///< The others are unsigned unless PIXEL_SIGN_OVERRIDE says so.

  constexpr uint32_t components() const { return static_cast<uint32_t>(order.size()); }
  /// Bytes of one converted component in CBUF: 8-bit components are stored as one byte.
  constexpr uint32_t component_bytes() const { return bits == 8 ? 1 : 2; }
};

/// Code of a cube that is no image.
inline constexpr uint32_t kFeatureFormat = 36;

/// The 36 formats; the index is the code.
std::span<const PixelFormat> pixel_formats();
/// By code or by name ("A8B8G8R8"); null when there is none.
const PixelFormat* find_pixel_format(uint32_t code);
const PixelFormat* find_pixel_format(std::string_view name);

/// Pitch-linear image in memory.
struct PixelLayout {
  const PixelFormat* format = nullptr;
  uint32_t w = 0;
  uint32_t h = 0;
  uint64_t line_stride = 0;
  uint64_t uv_line_stride = 0;  ///< 0 for one plane.
  uint64_t plane1_offset = 0;

  /// Line pitches rounded up to `alignment` bytes, the second plane right behind the first.
  static constexpr PixelLayout packed(const PixelFormat& format, uint32_t w, uint32_t h,
                                      uint32_t alignment = 32) {
    PixelLayout p{.format = &format, .w = w, .h = h};
    p.line_stride = round_up(uint64_t{w} * format.bytes_plane0, uint64_t{alignment});
    p.uv_line_stride = round_up(uint64_t{w} * format.bytes_plane1, uint64_t{alignment});
    p.plane1_offset = format.planes == 2 ? p.line_stride * h : 0;
    return p;
  }
  /// Byte offset of pixel (x, y) in plane 0 or 1.
  constexpr uint64_t offset(uint32_t plane, uint32_t x, uint32_t y) const {
    return plane == 0 ? y * line_stride + uint64_t{x} * format->bytes_plane0
                      : plane1_offset + y * uv_line_stride + uint64_t{x} * format->bytes_plane1;
  }
  constexpr uint64_t total_bytes() const { return (line_stride + uv_line_stride) * h; }
};

}  // namespace medlar::hw
