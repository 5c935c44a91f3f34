// SPDX-License-Identifier: Apache-2.0
#include "umd/tensor_io.hpp"

#include "base/checked.hpp"
#include "hw/cube.hpp"
#include "num/float_convert.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

namespace medlar::umd {
namespace {

using loadable::DataType;
using loadable::Tensor;

constexpr uint32_t kAtom = 32, kSmallAtom = 8;

/// One component of an image's pixels.
struct Component {
  uint64_t first = 0;  ///< Of pixel (0, 0).
  uint64_t line_stride = 0;
  uint32_t pixel_bytes = 0;
  uint32_t shift = 0, bits = 0;  ///< Within a 32-bit word, for formats that pack four components into one; else 0.
};

/// Where element (n, c, y, x) lies: a feature cube or an image.
struct Walk {
  hw::CubeLayout cube;  ///< Feature.
  bool image = false;
  std::array<Component, 4> components{};  ///< Image: by channel.
  uint64_t item_bytes = 0;                ///< From one batch item to the next.
  DataType type = DataType::kHalf;

  uint64_t offset(uint32_t n, uint32_t c, uint32_t y, uint32_t x) const {
    const Component& of = components[image ? c : 0];
    const uint64_t inside =
        image ? of.first + y * of.line_stride + uint64_t{x} * of.pixel_bytes : cube.offset(x, y, c);
    return n * item_bytes + inside;
  }
};

Result<uint32_t> bytes_of(const Tensor& t) {
  switch (t.type) {
    case DataType::kHalf:
    case DataType::kInt16:
    case DataType::kUint16:
      return 2u;
    case DataType::kInt8:
    case DataType::kUint8:
      return 1u;
    default:
      return fail(Code::kUnsupported, "tensor '{}': data type {}", t.name, static_cast<int>(t.type));
  }
}

/// The channel that CDMA makes of a component.
size_t channel_of(char component) {
  constexpr std::string_view kOrders[] = {"RY", "GU", "BV"};
  const auto* const found = std::ranges::find_if(kOrders, [&](std::string_view names) { return names.find(component) != std::string_view::npos; });
  return static_cast<size_t>(found - std::begin(kOrders));  // alpha or nothing: the fourth
}

/// Pitch-linear: one plane of interleaved components, or luma with an interleaved pair of chroma behind it.
hw::PixelLayout layout_of(const Tensor& t, const hw::PixelFormat& format) {
  hw::PixelLayout layout =
      hw::PixelLayout::packed(format, static_cast<uint32_t>(t.w), static_cast<uint32_t>(t.h));
  layout.line_stride = t.strides[1];
  if (format.planes == 2) {
    layout.plane1_offset = t.strides[3] != 0 ? t.strides[3] : layout.line_stride * layout.h;
  }
  return layout;
}

void place_components(const hw::PixelLayout& layout, Walk& walk) {
  const hw::PixelFormat& format = *layout.format;
  const bool packed = format.bits == 10 && format.bytes_plane0 == sizeof(uint32_t);
  uint32_t shift = 0;
  for (uint32_t i = 0; i < format.components(); ++i) {
    const bool second = format.planes == 2 && i > 0;
    Component& of = walk.components[channel_of(format.order[i])];
    of = {.first = second ? layout.plane1_offset : 0,
          .line_stride = second ? layout.uv_line_stride : layout.line_stride,
          .pixel_bytes = second ? format.bytes_plane1 : format.bytes_plane0};
    if (packed) {
      of.shift = shift;
      of.bits = format.order[i] == 'A' ? 2 : format.bits;
      shift += of.bits;
    } else {
      of.first += uint64_t{second ? i - 1 : i} * format.component_bytes();
    }
  }
}

Status check_line(const Tensor& t, uint64_t stride, uint64_t needed) {
  return stride >= needed ? Status()
                          : fail(Code::kCorrupt, "tensor '{}': line stride {} is too short for {} pixels", t.name, stride, t.w);
}

/// Bytes of one item.
Result<uint64_t> walk_image(const Tensor& t, uint32_t element, Walk& walk) {
  const hw::PixelFormat* format = hw::find_pixel_format(t.pixel_format);
  if (format == nullptr || static_cast<uint32_t>(t.c) > format->components() || format->component_bytes() != element) {
    return fail(Code::kUnsupported, "tensor '{}': pixel format {} for {} channels of {} bytes", t.name,
                format != nullptr ? std::string(format->name) : std::to_string(t.pixel_format), t.c, element);
  }
  const hw::PixelLayout layout = layout_of(t, *format);
  MEDLAR_TRY(check_line(t, layout.line_stride, uint64_t{layout.w} * format->bytes_plane0));
  walk.image = true;
  place_components(layout, walk);
  const uint32_t last = format->planes - 1u;
  return layout.offset(last, layout.w - 1, layout.h - 1) + (last == 0 ? format->bytes_plane0 : format->bytes_plane1);
}

Result<Walk> walk_of(const Tensor& t, uint64_t available) {
  MEDLAR_ASSIGN(const uint32_t element, bytes_of(t));
  const auto w = static_cast<uint32_t>(t.w), h = static_cast<uint32_t>(t.h), c = static_cast<uint32_t>(t.c);
  Walk walk{.cube = {}, .type = t.type};
  uint64_t extent = 0;
  if (t.category == loadable::DataCategory::kImage) {
    MEDLAR_ASSIGN(extent, walk_image(t, element, walk));
  } else {
    // Old files say format 36 for 8-byte atoms too: there the line stride tells.
    const bool small = t.pixel_format == loadable::kPixelFeatureX8 || t.strides[1] < uint64_t{w} * kAtom;
    walk.cube = {w, h, c, element, small ? kSmallAtom : kAtom, t.strides[1], t.strides[2]};
    MEDLAR_TRY(check_line(t, t.strides[1], uint64_t{w} * walk.cube.atom));
    extent = walk.cube.extent();
  }
  walk.item_bytes = t.size / static_cast<uint32_t>(t.n);
  if (extent > walk.item_bytes || t.size > available) {
    return fail(Code::kCorrupt, "tensor '{}': {} bytes an item, its size allows {}; the buffer has {} of {}",
                t.name, extent, walk.item_bytes, available, t.size);
  }
  return walk;
}

template <typename T>
T to_integer(float value) {
  constexpr auto kLow = static_cast<float>(std::numeric_limits<T>::min());
  constexpr auto kHigh = static_cast<float>(std::numeric_limits<T>::max());
  return std::isnan(value) ? T{0} : static_cast<T>(std::clamp(std::nearbyint(value), kLow, kHigh));
}

void store(DataType type, float value, float scale, uint8_t* to) {
  switch (type) {
    case DataType::kHalf:
      store_le(to, static_cast<uint16_t>(num::fp32_to_fp16(std::bit_cast<uint32_t>(value))));
      break;
    case DataType::kInt16:
      store_le(to, to_integer<int16_t>(value / scale));
      break;
    case DataType::kUint16:
      store_le(to, to_integer<uint16_t>(value / scale));
      break;
    case DataType::kUint8:
      store_le(to, to_integer<uint8_t>(value / scale));
      break;
    default:
      store_le(to, to_integer<int8_t>(value / scale));
      break;
  }
}

float load(DataType type, float scale, const uint8_t* from) {
  switch (type) {
    case DataType::kHalf:
      return std::bit_cast<float>(num::fp16_to_fp32(load_le<uint16_t>(from)));
    case DataType::kInt16:
      return scale * static_cast<float>(load_le<int16_t>(from));
    case DataType::kUint16:
      return scale * static_cast<float>(load_le<uint16_t>(from));
    case DataType::kUint8:
      return scale * static_cast<float>(load_le<uint8_t>(from));
    default:
      return scale * static_cast<float>(load_le<int8_t>(from));
  }
}

/// A component that shares a word with others: `bits` of it at `shift`, unsigned.
void store_packed(const Component& of, float value, float scale, uint8_t* to) {
  const uint32_t mask = (1u << of.bits) - 1;
  const uint32_t level = std::min<uint32_t>(to_integer<uint16_t>(value / scale), mask);
  store_le(to, (load_le<uint32_t>(to) & ~(mask << of.shift)) | level << of.shift);
}

float load_packed(const Component& of, float scale, const uint8_t* from) {
  return scale * static_cast<float>(load_le<uint32_t>(from) >> of.shift & ((1u << of.bits) - 1));
}

/// Calls body(value index, channel, byte offset) for each element of the first `channels` channels, NCHW order.
template <typename Body>
void for_each(const Tensor& t, uint32_t channels, const Walk& walk, Body body) {
  size_t index = 0;
  for (uint32_t n = 0; n < static_cast<uint32_t>(t.n); ++n) {
    for (uint32_t c = 0; c < channels; ++c) {
      for (uint32_t y = 0; y < static_cast<uint32_t>(t.h); ++y) {
        for (uint32_t x = 0; x < static_cast<uint32_t>(t.w); ++x) {
          body(index++, c, walk.offset(n, c, y, x));
        }
      }
    }
  }
}

}  // namespace

uint64_t element_count(const Tensor& t) {
  return uint64_t{static_cast<uint32_t>(t.n)} * static_cast<uint32_t>(t.c) * static_cast<uint32_t>(t.h) *
         static_cast<uint32_t>(t.w);
}

Status pack_tensor(const Tensor& tensor, std::span<const float> values, float scale, MutableBytes bytes, int zero) {
  MEDLAR_ASSIGN(const Walk walk, walk_of(tensor, bytes.size()));
  const uint64_t per_channel = element_count(tensor) / static_cast<uint32_t>(tensor.c);
  const uint64_t channels = values.size() / per_channel;
  const bool fits = channels * per_channel == values.size() &&
                    (walk.image ? channels >= 1 && channels <= static_cast<uint64_t>(tensor.c)
                                : channels == static_cast<uint64_t>(tensor.c));
  if (!fits) {
    return fail(Code::kInvalidArgument, "tensor '{}': {} values for {}x{}x{}x{}", tensor.name, values.size(),
                tensor.n, tensor.c, tensor.h, tensor.w);
  }
  if (!(scale > 0) || !std::isfinite(scale)) {
    return fail(Code::kInvalidArgument, "tensor '{}': scale {} must be positive", tensor.name, scale);
  }
  std::ranges::fill(bytes.first(tensor.size), uint8_t{0});
  const float shift = scale * static_cast<float>(zero);
  for_each(tensor, static_cast<uint32_t>(channels), walk,
           [&](size_t i, uint32_t c, uint64_t at) {
             if (walk.image && walk.components[c].bits != 0) {
               store_packed(walk.components[c], values[i] + shift, scale, bytes.data() + at);
             } else {
               store(walk.type, values[i] + shift, scale, bytes.data() + at);
             }
           });
  return {};
}

Status unpack_tensor(const Tensor& tensor, ByteView bytes, float scale, std::span<float> values, int zero) {
  MEDLAR_ASSIGN(const Walk walk, walk_of(tensor, bytes.size()));
  if (values.size() != element_count(tensor)) {
    return fail(Code::kInvalidArgument, "tensor '{}': room for {} values, it has {}", tensor.name,
                values.size(), element_count(tensor));
  }
  const float shift = scale * static_cast<float>(zero);
  for_each(tensor, static_cast<uint32_t>(tensor.c), walk,
           [&](size_t i, uint32_t c, uint64_t at) {
             const bool packed = walk.image && walk.components[c].bits != 0;
             values[i] = (packed ? load_packed(walk.components[c], scale, bytes.data() + at)
                                 : load(walk.type, scale, bytes.data() + at)) -
                         shift;
           });
  return {};
}

}  // namespace medlar::umd
