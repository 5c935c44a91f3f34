// SPDX-License-Identifier: Apache-2.0
// Power and softmax as NVIDIA's runtime computes them: in float, element by element, over feature cubes.
#include "umd/emu.hpp"

#include "hw/cube.hpp"
#include "num/float_convert.hpp"

#include <algorithm>
#include <cmath>

namespace medlar::umd {
namespace {

using loadable::EmuBuffer;
using loadable::EmuFormat;
using loadable::EmuOp;

constexpr uint32_t kAtom = 32, kSmallAtom = 8;

uint32_t element_bytes(EmuFormat format) {
  switch (format) {
    case EmuFormat::kInt16:
    case EmuFormat::kFp16:
    case EmuFormat::kUint16:
      return 2;
    default:
      return 1;
  }
}

hw::CubeLayout layout_of(const EmuBuffer& b) {
  return {b.width,
          b.height,
          b.channel,
          element_bytes(b.format),
          b.format == EmuFormat::kInt8x8 ? kSmallAtom : kAtom,
          b.line_stride,
          b.surf_stride};
}

/// An operand: checked bytes and how to walk them.
struct Cube {
  hw::CubeLayout layout;
  EmuFormat format;
  float scale;  ///< real = scale * stored, for integers.
  MutableBytes bytes;
};

Result<Cube> open_cube(const EmuBuffer& b, float scale, const EmuMemory& memory, const char* side) {
  Cube cube{layout_of(b), b.format, scale, {}};
  if (b.address < 0 || static_cast<size_t>(b.address) >= memory.size()) {
    return fail(Code::kCorrupt, "{}: address index {} of {}", side, b.address, memory.size());
  }
  const MutableBytes all = memory[static_cast<size_t>(b.address)];
  const uint64_t extent = cube.layout.extent();
  if (!range_inside(b.offset, extent, all.size())) {
    return fail(Code::kCorrupt, "{}: {} bytes at offset {} exceed the buffer of {} bytes", side, extent,
                b.offset, all.size());
  }
  cube.bytes = all.subspan(b.offset, extent);
  return cube;
}

float load(const Cube& cube, uint64_t at) {
  const uint8_t* from = cube.bytes.data() + at;
  switch (cube.format) {
    case EmuFormat::kInt8:
    case EmuFormat::kInt8x8:
      return cube.scale * static_cast<float>(load_le<int8_t>(from));
    case EmuFormat::kUint8:
      return cube.scale * static_cast<float>(load_le<uint8_t>(from));
    case EmuFormat::kInt16:
      return cube.scale * static_cast<float>(load_le<int16_t>(from));
    case EmuFormat::kUint16:
      return cube.scale * static_cast<float>(load_le<uint16_t>(from));
    case EmuFormat::kFp16:
      return std::bit_cast<float>(num::fp16_to_fp32(load_le<uint16_t>(from)));
  }
  return 0;
}

/// NVIDIA's runtime saturates and cuts the fraction off; it does not round.
template <typename T>
void store_integer(uint8_t* to, float value, float scale) {
  const float stored = scale == 0 || std::isnan(value) ? 0.0f : value / scale;
  constexpr auto kLow = static_cast<float>(std::numeric_limits<T>::min());
  constexpr auto kHigh = static_cast<float>(std::numeric_limits<T>::max());
  store_le(to, static_cast<T>(std::clamp(stored, kLow, kHigh)));
}

void store(const Cube& cube, uint64_t at, float value) {
  uint8_t* to = cube.bytes.data() + at;
  switch (cube.format) {
    case EmuFormat::kInt8:
    case EmuFormat::kInt8x8:
      store_integer<int8_t>(to, value, cube.scale);
      break;
    case EmuFormat::kUint8:
      store_integer<uint8_t>(to, value, cube.scale);
      break;
    case EmuFormat::kInt16:
      store_integer<int16_t>(to, value, cube.scale);
      break;
    case EmuFormat::kUint16:
      store_integer<uint16_t>(to, value, cube.scale);
      break;
    case EmuFormat::kFp16:
      store_le(to, static_cast<uint16_t>(num::fp32_to_fp16(std::bit_cast<uint32_t>(value))));
      break;
  }
}

float power(const loadable::EmuPower& p, float x) {
  const float y = p.shift + p.scale * x;
  return p.power == 1.0f ? y : std::pow(y, p.power);
}

/// Softmax over the channels of one pixel, the largest subtracted first.
void softmax(std::vector<float>& values) {
  const float largest = *std::ranges::max_element(values);
  float sum = 0;
  for (float& value : values) {
    value = std::exp(value - largest);
    sum += value;
  }
  for (float& value : values) {
    value /= sum;
  }
}

void round_to_half(std::vector<float>& values) {
  for (float& value : values) {
    value = std::bit_cast<float>(num::fp16_to_fp32(num::fp32_to_fp16(std::bit_cast<uint32_t>(value))));
  }
}

void transform(const EmuOp& op, std::vector<float>& pixel) {
  if (const auto* params = std::get_if<loadable::EmuPower>(&op.body)) {
    for (float& value : pixel) {
      value = power(*params, value);
    }
    return;
  }
  round_to_half(pixel);  // integers too pass through FP16 in NVIDIA's softmax, before and after
  softmax(pixel);
  round_to_half(pixel);
}

Status run_op(const EmuOp& op, const EmuMemory& memory) {
  MEDLAR_ASSIGN(const Cube src, open_cube(op.src, op.input_scale, memory, "source"));
  MEDLAR_ASSIGN(const Cube dst, open_cube(op.dst, op.output_scale, memory, "destination"));
  const hw::CubeLayout& in = src.layout;
  const hw::CubeLayout& out = dst.layout;
  if (in.w != out.w || in.h != out.h || in.c != out.c) {
    return fail(Code::kCorrupt, "source is {}x{}x{}, destination {}x{}x{} (width, height, channels)", in.w,
                in.h, in.c, out.w, out.h, out.c);
  }
  std::vector<float> pixel(in.c);
  for (uint32_t y = 0; y < in.h; ++y) {
    for (uint32_t x = 0; x < in.w; ++x) {
      for (uint32_t c = 0; c < in.c; ++c) {
        pixel[c] = load(src, in.offset(x, y, c));
      }
      transform(op, pixel);
      for (uint32_t c = 0; c < in.c; ++c) {
        store(dst, out.offset(x, y, c), pixel[c]);
      }
    }
  }
  return {};
}

}  // namespace

Status run_emu_task(const std::vector<EmuOp>& ops, const EmuMemory& memory) {
  for (size_t i = 0; i < ops.size(); ++i) {
    if (auto status = run_op(ops[i], memory); !status) {
      return tl::unexpected<Error>(std::move(status).error().in(fmt::format("EMU operation {}", i)));
    }
  }
  return {};
}

}  // namespace medlar::umd
