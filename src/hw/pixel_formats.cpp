// SPDX-License-Identifier: Apache-2.0
// The pixel formats of CDMA (NVDLA pixel format list; component order from the format's name).
#include "hw/cube.hpp"

#include <algorithm>
#include <iterator>

namespace medlar::hw {
namespace {

constexpr PixelFormat one(uint8_t code, std::string_view name, std::string_view order, uint8_t bits,
                          uint8_t bytes) {
  return {name, order, code, bits, 1, bytes, 0, name.ends_with("_F"), name.ends_with("_I")};
}

constexpr PixelFormat two(uint8_t code, std::string_view name, std::string_view order, uint8_t bits) {
  const uint8_t bytes = bits == 8 ? 1 : 2;
  return {name, order, code, bits, 2, bytes, static_cast<uint8_t>(2 * bytes), false, false};
}

constexpr PixelFormat kFormats[] = {
    one(0, "R8", "R", 8, 1),
    one(1, "R10", "R", 10, 2),
    one(2, "R12", "R", 12, 2),
    one(3, "R16", "R", 16, 2),
    one(4, "R16_I", "R", 16, 2),
    one(5, "R16_F", "R", 16, 2),
    one(6, "A16B16G16R16", "RGBA", 16, 8),
    one(7, "X16B16G16R16", "RGBX", 16, 8),
    one(8, "A16B16G16R16_F", "RGBA", 16, 8),
    one(9, "A16Y16U16V16", "VUYA", 16, 8),
    one(10, "V16U16Y16A16", "AYUV", 16, 8),
    one(11, "A16Y16U16V16_F", "VUYA", 16, 8),
    one(12, "A8B8G8R8", "RGBA", 8, 4),
    one(13, "A8R8G8B8", "BGRA", 8, 4),
    one(14, "B8G8R8A8", "ARGB", 8, 4),
    one(15, "R8G8B8A8", "ABGR", 8, 4),
    one(16, "X8B8G8R8", "RGBX", 8, 4),
    one(17, "X8R8G8B8", "BGRX", 8, 4),
    one(18, "B8G8R8X8", "XRGB", 8, 4),
    one(19, "R8G8B8X8", "XBGR", 8, 4),
    one(20, "A2B10G10R10", "RGBA", 10, 4),
    one(21, "A2R10G10B10", "BGRA", 10, 4),
    one(22, "B10G10R10A2", "ARGB", 10, 4),
    one(23, "R10G10B10A2", "ABGR", 10, 4),
    one(24, "A2Y10U10V10", "VUYA", 10, 4),
    one(25, "V10U10Y10A2", "AYUV", 10, 4),
    one(26, "A8Y8U8V8", "VUYA", 8, 4),
    one(27, "V8U8Y8A8", "AYUV", 8, 4),
    two(28, "Y8___U8V8_N444", "YVU", 8),
    two(29, "Y8___V8U8_N444", "YUV", 8),
    two(30, "Y10___U10V10_N444", "YVU", 10),
    two(31, "Y10___V10U10_N444", "YUV", 10),
    two(32, "Y12___U12V12_N444", "YVU", 12),
    two(33, "Y12___V12U12_N444", "YUV", 12),
    two(34, "Y16___U16V16_N444", "YVU", 16),
    two(35, "Y16___V16U16_N444", "YUV", 16),
};

}  // namespace

std::span<const PixelFormat> pixel_formats() {
  return kFormats;
}

const PixelFormat* find_pixel_format(uint32_t code) {
  return code < std::size(kFormats) ? &kFormats[code] : nullptr;
}

const PixelFormat* find_pixel_format(std::string_view name) {
  const auto* it =
      std::find_if(std::begin(kFormats), std::end(kFormats), [&](const auto& f) { return f.name == name; });
  return it == std::end(kFormats) ? nullptr : it;
}

}  // namespace medlar::hw
