// SPDX-License-Identifier: Apache-2.0
// Tasks of interface 2 (EMU): operations that NVIDIA's runtime executes on the host CPU. Decoding only;
// src/umd runs them.
#pragma once

#include "loadable/loadable.hpp"

#include <cstdint>
#include <variant>
#include <vector>

namespace medlar::loadable {

enum class EmuFormat : uint16_t { kInt8 = 0, kInt8x8 = 1, kInt16 = 2, kFp16 = 3, kUint8 = 4, kUint16 = 5 };

/// A feature cube in the memory that entry `address` of the task's address list names.
struct EmuBuffer {
  int16_t address = 0;
  uint32_t offset = 0;
  uint32_t size = 0;
  EmuFormat format = EmuFormat::kFp16;
  uint16_t width = 1, height = 1, channel = 1;
  uint32_t line_stride = 0, surf_stride = 0;
  friend bool operator==(const EmuBuffer&, const EmuBuffer&) = default;
};

/// y = (shift + scale * x) ^ power.
struct EmuPower {
  float power = 1, scale = 1, shift = 0;
  friend bool operator==(const EmuPower&, const EmuPower&) = default;
};

/// Over the channels of one pixel.
struct EmuSoftmax {
  uint8_t axis = 1;
  friend bool operator==(const EmuSoftmax&, const EmuSoftmax&) = default;
};

struct EmuOp {
  std::variant<EmuPower, EmuSoftmax> body{};
  float input_scale = 1, output_scale = 1;  ///< real = scale * stored; used for integer formats.
  EmuBuffer src{}, dst{};
  friend bool operator==(const EmuOp&, const EmuOp&) = default;
};

/// Operations of an EMU task in order. The loadable must be in the current layout (see upgrade.hpp).
Result<std::vector<EmuOp>> decode_emu_task(const Loadable& loadable, size_t task);

/// The bytes of op_list and op_buf_list that decode to `ops`.
struct EmuBytes {
  ByteBuffer op_list, op_buf_list;
};
EmuBytes encode_emu_ops(const std::vector<EmuOp>& ops);

}  // namespace medlar::loadable
