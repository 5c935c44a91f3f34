// SPDX-License-Identifier: Apache-2.0
#include "runtime/convert.hpp"

#include "num/channels.hpp"
#include "num/float_convert.hpp"
#include "umd/tensor_io.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace medlar::runtime {
namespace {

using graph::DataType;

Status check_rows(uint64_t have, uint64_t want, DataType type, const loadable::Tensor& layout) {
  if (type != DataType::kFloat32 && type != DataType::kFloat16) {
    return fail(Code::kUnsupported, "tensor '{}' holds {}; the DLA takes float32 and float16", layout.name,
                graph::data_type_name(type));
  }
  if (have != want) {
    return fail(Code::kInvalidArgument, "tensor '{}': {} bytes of rows, the DLA's side has {}", layout.name,
                have, want);
  }
  return {};
}

bool aligned(const uint8_t* at) {
  return reinterpret_cast<uintptr_t>(at) % alignof(float) == 0;
}

std::vector<float> widen(ByteView rows, DataType type) {
  const auto bytes = static_cast<size_t>(graph::element_bytes(type));
  std::vector<float> values(rows.size() / bytes);
  for (size_t i = 0; i < values.size(); ++i) {
    const uint8_t* at = rows.data() + i * bytes;
    values[i] = type == DataType::kFloat32 ? load_le<float>(at)
                                           : std::bit_cast<float>(num::fp16_to_fp32(load_le<uint16_t>(at)));
  }
  return values;
}

void narrow(std::span<const float> values, DataType type, uint8_t* rows) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (type == DataType::kFloat32) {
      store_le(rows + i * sizeof(float), values[i]);
    } else {
      store_le(rows + i * sizeof(uint16_t),
               static_cast<uint16_t>(num::fp32_to_fp16(std::bit_cast<uint32_t>(values[i]))));
    }
  }
}

/// Rows of one order into the other's: from `outer` x `inner` elements to `inner` x `outer`.
std::vector<uint8_t> turned(ByteView rows, DataType type, size_t outer, size_t inner) {
  const auto bytes = static_cast<size_t>(graph::element_bytes(type));
  std::vector<uint8_t> result(rows.size());
  for (size_t i = 0; i < outer; ++i) {
    for (size_t k = 0; k < inner; ++k) {
      std::memcpy(result.data() + (k * outer + i) * bytes, rows.data() + (i * inner + k) * bytes, bytes);
    }
  }
  return result;
}

Status pack_rows(ByteView rows, DataType type, const loadable::Tensor& layout, StoredAs stored, MutableBytes device) {
  if (!stored.channel_scale.empty()) {
    std::vector<float> values = widen(rows, type);
    num::scale_channels(stored.channel_scale, true, values);
    return umd::pack_tensor(layout, values, stored.scale, device, stored.zero);
  }
  if (type == DataType::kFloat32 && aligned(rows.data())) {
    return umd::pack_tensor(
        layout, {reinterpret_cast<const float*>(rows.data()), rows.size() / sizeof(float)}, stored.scale, device, stored.zero);
  }
  return umd::pack_tensor(layout, widen(rows, type), stored.scale, device, stored.zero);
}

Status unpack_rows(ByteView device, const loadable::Tensor& layout, StoredAs stored, DataType type, MutableBytes rows) {
  const uint64_t count = umd::element_count(layout);
  std::vector<float> own;
  std::span<float> values;
  const bool in_place = type == DataType::kFloat32 && aligned(rows.data());
  if (in_place) {
    values = {reinterpret_cast<float*>(rows.data()), count};
  } else {
    own.resize(count);
    values = own;
  }
  MEDLAR_TRY(umd::unpack_tensor(layout, device, stored.scale, values, stored.zero));
  num::scale_channels(stored.channel_scale, false, values);
  if (!in_place) {
    narrow(values, type, rows.data());
  }
  return {};
}

}  // namespace

Status rows_to_device(ByteView rows, DataType type, const loadable::Tensor& layout, StoredAs stored,
                      MutableBytes device) {
  if (!stored.channels_last) {
    MEDLAR_TRY(check_rows(rows.size(), rows.size(), type, layout));
    return pack_rows(rows, type, layout, stored, device);
  }
  const uint64_t count = umd::element_count(layout);
  MEDLAR_TRY(check_rows(rows.size(), count * static_cast<uint64_t>(graph::element_bytes(type)), type, layout));
  const auto channels = static_cast<size_t>(layout.c);
  return pack_rows(turned(rows, type, count / channels, channels), type, layout, stored, device);
}

Status device_to_rows(ByteView device, const loadable::Tensor& layout, StoredAs stored, DataType type,
                      MutableBytes rows) {
  const uint64_t count = umd::element_count(layout);
  MEDLAR_TRY(
      check_rows(rows.size(), count * static_cast<uint64_t>(graph::element_bytes(type)), type, layout));
  MEDLAR_TRY(unpack_rows(device, layout, stored, type, rows));
  if (stored.channels_last) {
    const auto channels = static_cast<size_t>(layout.c);
    const std::vector<uint8_t> pixels = turned(rows, type, channels, count / channels);
    std::copy(pixels.begin(), pixels.end(), rows.begin());
  }
  return {};
}

std::string describe_layout(const loadable::Tensor& layout) {
  std::string_view element = "int8";
  switch (layout.type) {
    case loadable::DataType::kHalf:
      element = "float16";
      break;
    case loadable::DataType::kInt16:
      element = "int16";
      break;
    case loadable::DataType::kUint16:
      element = "uint16";
      break;
    case loadable::DataType::kUint8:
      element = "uint8";
      break;
    default:
      break;
  }
  return fmt::format("{} {}", element, layout.category == loadable::DataCategory::kImage ? "image" : "cube");
}

}  // namespace medlar::runtime
