// SPDX-License-Identifier: Apache-2.0
#include "sample/image.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include <stb/stb_image.h>
#if __has_include(<stb/stb_image_resize2.h>)
#include <stb/stb_image_resize2.h>
#else
#include <stb/stb_image_resize.h>
#endif

namespace medlar::sample {
namespace {

constexpr int kMaxSide = 1 << 15;

int resize_pixels(const Image& from, Image& to) {
#if __has_include(<stb/stb_image_resize2.h>)
  const auto layout = from.channels == 1 ? STBIR_1CHANNEL : STBIR_RGB;
  return stbir_resize_uint8_linear(from.pixels.data(), from.width, from.height, 0, to.pixels.data(), to.width, to.height,
                                   0, layout) != nullptr;
#else
  return stbir_resize_uint8(from.pixels.data(), from.width, from.height, 0, to.pixels.data(), to.width, to.height, 0,
                            from.channels);
#endif
}

}  // namespace

bool is_image_name(std::string_view name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) {
    return false;
  }
  std::string extension(name.substr(dot + 1));
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) { return std::tolower(c); });
  constexpr std::array kKnown{"jpg", "jpeg", "png", "bmp", "pgm", "ppm", "gif", "tga"};
  return std::find(kKnown.begin(), kKnown.end(), extension) != kKnown.end();
}

Result<Image> decode_image(ByteView bytes, std::string_view name, int channels) {
  int width = 0;
  int height = 0;
  int stored = 0;
  if (bytes.size() > INT32_MAX) {
    return fail(Code::kCorrupt, "{}: {} bytes, images over 2 GiB are not read", name, bytes.size());
  }
  const int size = static_cast<int>(bytes.size());
  if (stbi_info_from_memory(bytes.data(), size, &width, &height, &stored) == 0) {
    return fail(Code::kCorrupt, "{}: not an image that can be decoded: {}", name, stbi_failure_reason());
  }
  if (width > kMaxSide || height > kMaxSide) {
    return fail(Code::kCorrupt, "{}: {} x {} pixels, the limit is {} a side", name, width, height, kMaxSide);
  }
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(bytes.data(), size, &width, &height, &stored, channels), stbi_image_free);
  if (pixels == nullptr) {
    return fail(Code::kCorrupt, "{}: cannot decode the image: {}", name, stbi_failure_reason());
  }
  const size_t count = static_cast<size_t>(width) * static_cast<size_t>(height) * static_cast<size_t>(channels);
  return Image{width, height, channels, ByteBuffer(pixels.get(), pixels.get() + count)};
}

Image crop(const Image& image, int x, int y, int width, int height) {
  Image result{width, height, image.channels, {}};
  const size_t row_bytes = static_cast<size_t>(width) * static_cast<size_t>(image.channels);
  result.pixels.reserve(row_bytes * static_cast<size_t>(height));
  for (int row = 0; row < height; ++row) {
    const size_t start = (static_cast<size_t>(y + row) * static_cast<size_t>(image.width) + static_cast<size_t>(x)) *
                         static_cast<size_t>(image.channels);
    const auto begin = image.pixels.begin() + static_cast<ptrdiff_t>(start);
    result.pixels.insert(result.pixels.end(), begin, begin + static_cast<ptrdiff_t>(row_bytes));
  }
  return result;
}

Result<Image> resize(const Image& image, int width, int height) {
  if (width == image.width && height == image.height) {
    return image;
  }
  Image result{width, height, image.channels, {}};
  result.pixels.resize(static_cast<size_t>(width) * static_cast<size_t>(height) * static_cast<size_t>(image.channels));
  if (resize_pixels(image, result) == 0) {
    return fail(Code::kResourceExhausted, "cannot resize an image of {} x {} to {} x {}", image.width, image.height, width,
                height);
  }
  return result;
}

}  // namespace medlar::sample
