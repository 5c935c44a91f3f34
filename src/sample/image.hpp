// SPDX-License-Identifier: Apache-2.0
// Decoded pictures: JPEG, PNG, BMP, PGM/PPM and the other formats of stb_image.
#pragma once

#include <string_view>

#include "base/bytes.hpp"

namespace medlar::sample {

/// Interleaved 8-bit pixels, rows top to bottom: pixels[(y * width + x) * channels + channel].
struct Image {
  int width = 0;
  int height = 0;
  int channels = 0;  ///< 1 (gray) or 3 (RGB).
  ByteBuffer pixels;
};

/// True for file names whose extension decode_image understands.
bool is_image_name(std::string_view name);

/// Decodes a file's bytes to `channels` (1 or 3) channels. kCorrupt names the file and the decoder's reason.
Result<Image> decode_image(ByteView bytes, std::string_view name, int channels);

/// Pixels [x, x + width) x [y, y + height) of `image`; the window must lie inside.
Image crop(const Image& image, int x, int y, int width, int height);

/// Filtered to width x height (area-aware when shrinking).
Result<Image> resize(const Image& image, int width, int height);

}  // namespace medlar::sample
