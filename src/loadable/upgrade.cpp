// SPDX-License-Identifier: Apache-2.0
// Descriptor interface 0.11 and older: cubes without an offset, EMU records without scale factors.
#include "loadable/upgrade.hpp"

#include "loadable/task_view.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace medlar::loadable {
namespace {

constexpr uint64_t kRecord = NVDLA_SURFACE_CONTAINER_SIZE;
constexpr uint32_t kOldCube = sizeof(hw::DataCubeV11), kNewCube = sizeof(hw::DataCube);
constexpr uint32_t kInserted = 4;      // Bytes of the new offset member...
constexpr uint32_t kCubeInsertAt = 4;  // ... after type and address in a cube,
constexpr uint32_t kEmuInsertAt = 2;   // ... after the address index in an EMU buffer.
constexpr uint32_t kEmuBuffer = sizeof(hw::EmuBufferDesc);

/// State of one upgrade: lists that tasks share are rewritten once.
struct Upgrader {
  Loadable l;
  std::set<size_t> done;  ///< Blob indices.
};

hw::DataCube new_cube(const hw::DataCubeV11& old) {
  hw::DataCube cube{};
  cube.type = old.type;
  cube.address = old.address;
  cube.size = old.size;
  cube.width = old.width;
  cube.height = old.height;
  cube.channel = old.channel;
  cube.line_stride = old.line_stride;
  cube.surf_stride = old.surf_stride;
  cube.plane_stride = old.plane_stride;
  return cube;
}

std::array<uint8_t, kRecord> new_surface(ByteView old, uint8_t op_type) {
  std::array<uint8_t, kRecord> out{};
  const auto from = cube_offsets(op_type, true);
  const auto to = cube_offsets(op_type, false);
  if (from.empty()) {  // BDMA records have no cubes and did not change.
    std::copy(old.begin(), old.end(), out.begin());
    return out;
  }
  for (size_t i = 0; i < from.size(); ++i) {
    store_le(out.data() + to[i], new_cube(load_le<hw::DataCubeV11>(old.data() + from[i])));
  }
  if (op_type == NVDLA_OP_TYPE_CONV) {
    const auto surface = load_le<hw::ConvSurfaceV11>(old.data());
    store_le(out.data() + offsetof(nvdla_conv_surface_desc, offset_u), int64_t{surface.offset_u});
    store_le(out.data() + offsetof(nvdla_conv_surface_desc, in_line_uv_stride),
             uint32_t{surface.in_line_uv_stride});
  }
  return out;
}

/// Where a word of an old surface list lies in the new one.
uint64_t moved_surface_word(const DlaTaskView& view, uint64_t offset) {
  const uint64_t record = offset / kRecord;
  if (record >= view.records) {
    return offset;
  }
  const uint64_t inside = offset % kRecord;
  const auto cubes = cube_offsets(view.op(static_cast<uint32_t>(record)).op_type, true);
  const uint64_t end = cubes.size() * kOldCube;
  if (inside >= end) {
    return cubes.empty() ? offset : record * kRecord + inside + cubes.size() * kInserted;
  }
  const uint64_t field = inside % kOldCube;
  return record * kRecord + inside / kOldCube * kNewCube + field + (field >= kCubeInsertAt ? kInserted : 0);
}

void tag(Upgrader& u, const DescriptorList& list, Interface interface, uint32_t sub_interface,
         Version version) {
  if (list.bytes.empty()) {
    return;
  }
  Blob& blob = u.l.blobs[list.blob];
  blob.interface = interface;
  blob.sub_interface = sub_interface;
  blob.version = version;
}

Status upgrade_dla(Upgrader& u, size_t task) {
  MEDLAR_ASSIGN(const DlaTaskView view, dla_task(u.l, task));
  const bool old = view.version < kFirstOffsetCubes;
  if (!old && u.l.blobs[view.root.blob].sub_interface != 0) {
    return {};
  }
  if (old && u.done.insert(view.surf_list.blob).second) {
    ByteBuffer surfaces(view.surf_list.bytes.begin(), view.surf_list.bytes.end());
    for (uint32_t i = 0; i < view.records; ++i) {
      const auto record = new_surface(view.surface(i), view.op(i).op_type);
      std::copy(record.begin(), record.end(), surfaces.begin() + static_cast<ptrdiff_t>(i * kRecord));
    }
    for (Reloc& reloc : u.l.relocs) {
      if (reloc.write_id == view.surf_list.memory) {
        reloc.offset = moved_surface_word(view, reloc.offset);
      }
    }
    u.l.blobs[view.surf_list.blob].data = std::move(surfaces);
  }
  const Version version = old ? kDlaVersion : view.version;
  tag(u, view.root, Interface::kDla1, kSubAddr0, version);
  tag(u, view.dep_graph, Interface::kDla1, kSubDeps, version);
  tag(u, view.op_list, Interface::kDla1, kSubOps, version);
  tag(u, view.surf_list, Interface::kDla1, kSubSurfs, version);
  tag(u, view.lut_list, Interface::kDla1, kSubLuts, version);
  return {};
}

hw::EmuOp new_emu_op(ByteView old) {
  hw::EmuOp op{};
  op.op_type = old[0];
  op.input_scale_factor = 1;
  op.output_scale_factor = 1;
  if (op.op_type == NVDLA_EMU_OP_TYPE_POWER) {  // Unaligned floats after the type byte.
    op.power = load_le<float>(old.data() + 1);
    op.scale = load_le<float>(old.data() + 5);
    op.shift = load_le<float>(old.data() + 9);
  } else {
    reinterpret_cast<uint8_t*>(&op)[offsetof(nvdla_emu_op, power)] = old[1];  // Softmax axis.
  }
  return op;
}

void new_emu_buffer(const uint8_t* old, uint8_t* out) {
  std::copy(old, old + kEmuInsertAt, out);
  std::copy(old + kEmuInsertAt, old + kEmuBuffer - kInserted, out + kEmuInsertAt + kInserted);
  // Format 1 (INT8, 8 channels an atom) was inserted into the enumeration with the offset.
  auto format = load_le<uint16_t>(out + offsetof(nvdla_emu_buffer_desc, format));
  if (format >= 1 && format < NVDLA_EMU_FORMAT_UINT16) {
    ++format;
  }
  store_le(out + offsetof(nvdla_emu_buffer_desc, format), format);
}

/// A list that grows takes its memory and address entries along.
void replace_list(Upgrader& u, const DescriptorList& list, ByteBuffer bytes) {
  Memory& memory = u.l.memories[list.memory];
  memory.size = std::max<uint64_t>(memory.size, bytes.size());
  Address& address = u.l.addresses[list.address];
  address.size = address.size == 0 ? 0 : std::max<uint64_t>(address.size, bytes.size());
  u.l.blobs[list.blob].data = std::move(bytes);
}

Status upgrade_emu_lists(Upgrader& u, const EmuTaskView& view) {
  if (!u.done.insert(view.op_list.blob).second || !u.done.insert(view.buffer_list.blob).second) {
    return {};
  }
  if (u.l.memories[view.op_list.memory].contents.size() > 1) {
    return fail(Code::kUnsupported, "memory {}: an old EMU operation list shares its memory with other blobs",
                view.op_list.memory);
  }
  ByteBuffer ops;
  ByteBuffer buffers(view.buffer_list.bytes.size());
  for (size_t i = 0; i < view.network.num_operations; ++i) {
    const hw::EmuOp op = new_emu_op(view.op_list.bytes.subspan(i * kEmuOldOpBytes, kEmuOldOpBytes));
    const auto* bytes = reinterpret_cast<const uint8_t*>(&op);
    ops.insert(ops.end(), bytes, bytes + sizeof(op));
    for (size_t side = 0; side < 2; ++side) {
      const size_t at = i * kEmuBuffersBytes + side * kEmuBuffer;
      new_emu_buffer(view.buffer_list.bytes.data() + at, buffers.data() + at);
    }
  }
  for (Reloc& reloc : u.l.relocs) {
    if (reloc.write_id == view.buffer_list.memory && reloc.offset % kEmuBuffer >= kEmuInsertAt) {
      reloc.offset += kInserted;
    }
  }
  replace_list(u, view.op_list, std::move(ops));
  replace_list(u, view.buffer_list, std::move(buffers));
  return {};
}

Status upgrade_emu(Upgrader& u, size_t task) {
  MEDLAR_ASSIGN(const EmuTaskView view, emu_task(u.l, task));
  if (view.old_layout) {
    MEDLAR_TRY(upgrade_emu_lists(u, view));
  }
  tag(u, view.root, Interface::kEmu1, kSubAddr0, kEmuVersion);
  tag(u, view.op_list, Interface::kEmu1, kSubOps, kEmuVersion);
  tag(u, view.buffer_list, Interface::kEmu1, kSubSurfs, kEmuVersion);
  return {};
}

}  // namespace

Result<bool> needs_upgrade(const Loadable& loadable) {
  for (size_t i = 0; i < loadable.tasks.size(); ++i) {
    if (loadable.tasks[i].interface == Interface::kDla1) {
      MEDLAR_ASSIGN(const DlaTaskView view, dla_task(loadable, i));
      if (view.version < kFirstOffsetCubes) {
        return true;
      }
    } else {
      MEDLAR_ASSIGN(const EmuTaskView view, emu_task(loadable, i));
      if (view.old_layout) {
        return true;
      }
    }
  }
  return false;
}

Result<Loadable> upgrade(Loadable loadable) {
  MEDLAR_ASSIGN(const bool needed, needs_upgrade(loadable));
  if (!needed) {
    return loadable;
  }
  Upgrader u{std::move(loadable), {}};
  for (Memory& memory : u.l.memories) {
    if (!memory.has(kMemorySet)) {
      memory.contents.clear();
    }
  }
  for (size_t i = 0; i < u.l.tasks.size(); ++i) {
    MEDLAR_TRY(u.l.tasks[i].interface == Interface::kDla1 ? upgrade_dla(u, i) : upgrade_emu(u, i));
  }
  MEDLAR_TRY(verify(u.l));
  return std::move(u.l);
}

}  // namespace medlar::loadable
