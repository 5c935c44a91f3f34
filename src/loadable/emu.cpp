// SPDX-License-Identifier: Apache-2.0
// EMU records to plain structs and back (loadable format, EMU interface 0.0.1).
#include "loadable/emu.hpp"

#include "loadable/task_view.hpp"

#include <cmath>

namespace medlar::loadable {
namespace {

constexpr size_t kSoftmaxAxisByte = 12;

Result<EmuBuffer> decode_buffer(const hw::EmuBufferDesc& d, size_t addresses) {
  if (d.format > static_cast<uint16_t>(EmuFormat::kUint16)) {
    return fail(Code::kCorrupt, "format {} is none of 0 to 5", uint16_t{d.format});
  }
  if (d.address_index < 0 || static_cast<size_t>(d.address_index) >= addresses) {
    return fail(Code::kCorrupt, "address index {} outside the task's {} addresses", int16_t{d.address_index},
                addresses);
  }
  if (d.width == 0 || d.height == 0 || d.channel == 0) {
    return fail(Code::kCorrupt, "dimensions {}x{}x{}, all must be at least 1", uint16_t{d.width},
                uint16_t{d.height}, uint16_t{d.channel});
  }
  return EmuBuffer{.address = d.address_index,
                   .offset = d.address_index_offset,
                   .size = d.size,
                   .format = static_cast<EmuFormat>(d.format),
                   .width = d.width,
                   .height = d.height,
                   .channel = d.channel,
                   .line_stride = d.line_stride,
                   .surf_stride = d.surf_stride};
}

Result<EmuOp> decode_op(ByteView op_bytes, ByteView buffer_bytes, size_t addresses) {
  const auto raw = load_le<hw::EmuOp>(op_bytes.data());
  const auto buffers = load_le<hw::EmuOpBuffers>(buffer_bytes.data());
  EmuOp op;
  switch (raw.op_type) {
    case NVDLA_EMU_OP_TYPE_POWER:
      op.body = EmuPower{raw.power, raw.scale, raw.shift};
      break;
    case NVDLA_EMU_OP_TYPE_SOFTMAX:
      op.body = EmuSoftmax{op_bytes[kSoftmaxAxisByte]};
      break;
    default:
      return fail(Code::kCorrupt, "operation type {} is neither power (0) nor softmax (1)", raw.op_type);
  }
  op.input_scale = raw.input_scale_factor;
  op.output_scale = raw.output_scale_factor;
  if (!std::isfinite(op.input_scale) || !std::isfinite(op.output_scale)) {
    return fail(Code::kCorrupt, "scale factors {} and {} must be finite", op.input_scale, op.output_scale);
  }
  MEDLAR_ASSIGN(op.src, decode_buffer(buffers.src_data, addresses));
  MEDLAR_ASSIGN(op.dst, decode_buffer(buffers.dst_data, addresses));
  return op;
}

hw::EmuBufferDesc encode_buffer(const EmuBuffer& b) {
  hw::EmuBufferDesc d{};
  d.address_index = b.address;
  d.address_index_offset = b.offset;
  d.size = b.size;
  d.format = static_cast<uint16_t>(b.format);
  d.width = b.width;
  d.height = b.height;
  d.channel = b.channel;
  d.line_stride = b.line_stride;
  d.surf_stride = b.surf_stride;
  return d;
}

hw::EmuOp encode_op(const EmuOp& op) {
  hw::EmuOp raw{};
  raw.input_scale_factor = op.input_scale;
  raw.output_scale_factor = op.output_scale;
  if (const auto* power = std::get_if<EmuPower>(&op.body)) {
    raw.op_type = NVDLA_EMU_OP_TYPE_POWER;
    raw.power = power->power;
    raw.scale = power->scale;
    raw.shift = power->shift;
    return raw;
  }
  raw.op_type = NVDLA_EMU_OP_TYPE_SOFTMAX;
  reinterpret_cast<uint8_t*>(&raw)[kSoftmaxAxisByte] = std::get<EmuSoftmax>(op.body).axis;
  return raw;
}

template <typename T>
void append(ByteBuffer& out, const T& value) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof(T));
}

}  // namespace

Result<std::vector<EmuOp>> decode_emu_task(const Loadable& loadable, size_t task) {
  MEDLAR_ASSIGN(const EmuTaskView view, emu_task(loadable, task));
  if (view.old_layout) {
    return fail(Code::kVersionMismatch, "task {}: EMU operations of {} bytes, upgrade the loadable first",
                task, kEmuOldOpBytes);
  }
  std::vector<EmuOp> ops;
  for (size_t i = 0; i < view.network.num_operations; ++i) {
    auto op = decode_op(view.op_list.bytes.subspan(i * kEmuOpBytes, kEmuOpBytes),
                        view.buffer_list.bytes.subspan(i * kEmuBuffersBytes, kEmuBuffersBytes),
                        loadable.tasks[task].addresses.size());
    if (!op) {
      return tl::unexpected<Error>(
          std::move(op).error().in(fmt::format("task {}: EMU operation {}", task, i)));
    }
    ops.push_back(*std::move(op));
  }
  return ops;
}

EmuBytes encode_emu_ops(const std::vector<EmuOp>& ops) {
  EmuBytes bytes;
  for (const EmuOp& op : ops) {
    append(bytes.op_list, encode_op(op));
    append(bytes.op_buf_list, hw::EmuOpBuffers{encode_buffer(op.src), encode_buffer(op.dst)});
  }
  return bytes;
}

}  // namespace medlar::loadable
