// SPDX-License-Identifier: Apache-2.0
// Descriptors against the address lists. The kernel driver checks again, with the buffers at hand.
#include "loadable/verify_descriptors.hpp"

#include "loadable/emu.hpp"
#include "loadable/task_view.hpp"

#include <algorithm>

namespace medlar::loadable {
namespace {

/// Room behind an entry of the task's address list.
Result<uint64_t> room(const Loadable& l, const Task& task, int64_t index) {
  MEDLAR_ASSIGN(const uint16_t id, task_address(task, index));
  const Address& address = l.addresses[id];
  return l.memories[address.memory].size - address.offset;
}

Status verify_place(const Loadable& l, const Task& task, int64_t index, uint64_t offset) {
  MEDLAR_ASSIGN(const uint64_t bytes, room(l, task, index));
  if (offset >= bytes) {
    return fail(Code::kCorrupt, "offset {} beyond the {} bytes of address {}", offset, bytes, index);
  }
  return {};
}

Status verify_cube(const Loadable& l, const Task& task, const hw::DataCube& cube) {
  if (cube.type == NVDLA_MEM_TYPE_HW || cube.address == NVDLA_DYNAMIC_ADDRESS) {
    return {};
  }
  if (cube.type > NVDLA_MEM_TYPE_HW) {
    return fail(Code::kCorrupt, "memory type {} is none of 0, 1, 2", uint16_t{cube.type});
  }
  return verify_place(l, task, cube.address, cube.offset);
}

Status verify_transfers(const Loadable& l, const Task& task, ByteView record) {
  const auto surface = load_le<hw::BdmaSurface>(record.data());
  if (surface.num_transfers > NVDLA_BDMA_MAX_TRANSFERS) {
    return fail(Code::kCorrupt, "{} transfers, the limit is {}", surface.num_transfers,
                NVDLA_BDMA_MAX_TRANSFERS);
  }
  for (size_t i = 0; i < surface.num_transfers; ++i) {
    MEDLAR_TRY(verify_place(l, task, surface.transfers[i].source_address, 0));
    MEDLAR_TRY(verify_place(l, task, surface.transfers[i].destination_address, 0));
  }
  return {};
}

Status verify_record(const Loadable& l, const Task& task, const DlaTaskView& view, uint32_t i) {
  const uint8_t type = view.op(i).op_type;
  const ByteView record = view.surface(i);
  if (type == NVDLA_OP_TYPE_BDMA) {
    return verify_transfers(l, task, record);
  }
  const bool old = view.version < kFirstOffsetCubes;
  for (const uint16_t at : cube_offsets(type, old)) {
    hw::DataCube cube{};
    if (old) {
      const auto small = load_le<hw::DataCubeV11>(record.data() + at);
      cube.type = small.type;
      cube.address = small.address;
    } else {
      cube = load_le<hw::DataCube>(record.data() + at);
    }
    MEDLAR_TRY(verify_cube(l, task, cube));
  }
  return {};
}

Status verify_dla(const Loadable& l, size_t task) {
  MEDLAR_ASSIGN(const DlaTaskView view, dla_task(l, task));
  if (view.version.major != kDlaVersion.major || view.version.minor > kDlaVersion.minor) {
    return fail(Code::kVersionMismatch,
                "task {}: descriptors of version {}.{}.{}, known are versions up to {}.{}", task,
                view.version.major, view.version.minor, view.version.sub_minor, kDlaVersion.major,
                kDlaVersion.minor);
  }
  for (uint32_t i = 0; i < view.records; ++i) {
    if (auto status = verify_record(l, l.tasks[task], view, i); !status) {
      return tl::unexpected<Error>(std::move(status).error().in(
          fmt::format("task {}: operation {} ({})", task, i, hw::op_type_name(view.op(i).op_type))));
    }
  }
  return {};
}

Status verify_emu(const Loadable& l, size_t task) {
  MEDLAR_ASSIGN(const EmuTaskView view, emu_task(l, task));
  if (view.old_layout) {
    return {};  // upgrade() verifies what it made of it.
  }
  MEDLAR_ASSIGN(const std::vector<EmuOp> ops, decode_emu_task(l, task));
  for (size_t i = 0; i < ops.size(); ++i) {
    for (const EmuBuffer* buffer : {&ops[i].src, &ops[i].dst}) {
      if (auto status = verify_place(l, l.tasks[task], buffer->address, buffer->offset); !status) {
        return tl::unexpected<Error>(
            std::move(status).error().in(fmt::format("task {}: EMU operation {}", task, i)));
      }
    }
  }
  return {};
}

}  // namespace

Status verify_descriptors(const Loadable& loadable) {
  for (size_t i = 0; i < loadable.tasks.size(); ++i) {
    MEDLAR_TRY(loadable.tasks[i].interface == Interface::kDla1 ? verify_dla(loadable, i)
                                                               : verify_emu(loadable, i));
  }
  return {};
}

}  // namespace medlar::loadable
