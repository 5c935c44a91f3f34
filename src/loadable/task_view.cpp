// SPDX-License-Identifier: Apache-2.0
// Locates and bounds-checks descriptor lists.
#include "loadable/task_view.hpp"

#include "base/checked.hpp"

#include <algorithm>
#include <string>

namespace medlar::loadable {
namespace {

constexpr uint64_t kDepBytes = sizeof(hw::CommonOpDesc);
constexpr uint64_t kOpBytes = NVDLA_OP_CONTAINER_SIZE;
constexpr uint64_t kSurfaceBytes = NVDLA_SURFACE_CONTAINER_SIZE;
constexpr uint64_t kLutBytes = sizeof(hw::LutParam);

struct Wanted {
  const char* what;
  int64_t index;  ///< Position in the task's address list.
  uint64_t min_bytes;
};

Result<DescriptorList> locate(const Loadable& l, const Task& task, const Wanted& wanted) {
  auto address = task_address(task, wanted.index);
  if (!address) {
    return tl::unexpected<Error>(std::move(address).error().in(wanted.what));
  }
  if (*address >= l.addresses.size() || l.addresses[*address].memory >= l.memories.size()) {
    return fail(Code::kCorrupt, "{}: address {} does not exist", wanted.what, *address);
  }
  const Address& entry = l.addresses[*address];
  const Memory& memory = l.memories[entry.memory];
  // The firmware reads lists from the start of their buffer, whatever the address entry's offset says.
  if (entry.offset != 0) {
    return fail(Code::kCorrupt, "{}: address {} has offset {}, a descriptor list must start its buffer",
                wanted.what, *address, entry.offset);
  }
  const auto content = std::ranges::find(memory.contents, uint64_t{0}, &Content::offset);
  const Blob* blob = content == memory.contents.end() ? nullptr : find_blob(l, content->blob);
  if (!blob || !memory.has(kMemorySet)) {
    return fail(Code::kCorrupt, "{}: memory {} is not filled from a blob", wanted.what, entry.memory);
  }
  if (blob->data.size() < wanted.min_bytes) {
    return fail(Code::kCorrupt, "{}: blob '{}' has {} bytes, needs {}", wanted.what, blob->name,
                blob->data.size(), wanted.min_bytes);
  }
  return DescriptorList{*address, entry.memory, static_cast<size_t>(blob - l.blobs.data()), blob->data};
}

Result<const Task*> task_of(const Loadable& l, size_t task, Interface interface) {
  if (task >= l.tasks.size()) {
    return fail(Code::kOutOfRange, "task {} of {}", task, l.tasks.size());
  }
  if (l.tasks[task].interface != interface) {
    return fail(Code::kInvalidArgument, "task {} has interface {}, not {}", task,
                static_cast<uint32_t>(l.tasks[task].interface), static_cast<uint32_t>(interface));
  }
  return &l.tasks[task];
}

Status locate_dla_lists(const Loadable& l, const Task& task, DlaTaskView& view) {
  const hw::NetworkDesc& net = view.network;
  MEDLAR_ASSIGN(view.dep_graph,
                locate(l, task, {"dependency graph", net.dependency_graph_index, view.records * kDepBytes}));
  MEDLAR_ASSIGN(view.op_list,
                locate(l, task, {"operation list", net.operation_desc_index, view.records * kOpBytes}));
  MEDLAR_ASSIGN(view.surf_list,
                locate(l, task, {"surface list", net.surface_desc_index, view.records * kSurfaceBytes}));
  if (net.num_luts != 0) {
    MEDLAR_ASSIGN(view.lut_list, locate(l, task, {"LUT list", net.lut_data_index, net.num_luts * kLutBytes}));
  }
  for (const int16_t index : {net.roi_array_index, net.surface_index, net.stat_list_index}) {
    if (index != -1) {
      MEDLAR_TRY(task_address(task, index));
    }
  }
  for (const int16_t head : net.op_head) {
    if (head != -1 && (head < 0 || head >= net.num_operations)) {
      return fail(Code::kCorrupt, "network descriptor: operation head {} of {} operations", head,
                  net.num_operations);
    }
  }
  return {};
}

Result<DlaTaskView> find_dla(const Loadable& l, const Task& task) {
  DlaTaskView view;
  MEDLAR_ASSIGN(view.root, locate(l, task, {"network descriptor", 0, sizeof(hw::NetworkDesc)}));
  view.version = l.blobs[view.root.blob].version;
  view.network = load_le<hw::NetworkDesc>(view.root.bytes.data());
  if (view.network.num_operations == 0 || view.network.num_rois == 0) {
    return fail(Code::kCorrupt,
                "network descriptor: {} operations, {} regions of interest; both must be at least 1",
                view.network.num_operations, view.network.num_rois);
  }
  view.records = uint32_t{view.network.num_operations} * view.network.num_rois;
  MEDLAR_TRY(locate_dla_lists(l, task, view));
  for (uint32_t i = 0; i < view.records; ++i) {
    if (view.op(i).op_type >= NVDLA_OP_COUNT) {
      return fail(Code::kCorrupt, "operation {}: type {} is none of 0 to {}", i, view.op(i).op_type,
                  NVDLA_OP_COUNT - 1);
    }
  }
  return view;
}

Result<EmuTaskView> find_emu(const Loadable& l, const Task& task) {
  EmuTaskView view;
  MEDLAR_ASSIGN(view.root, locate(l, task, {"EMU network descriptor", 0, sizeof(hw::EmuNetworkDesc)}));
  view.version = l.blobs[view.root.blob].version;
  view.network = load_le<hw::EmuNetworkDesc>(view.root.bytes.data());
  const uint64_t count = view.network.num_operations;
  if (count == 0) {
    return fail(Code::kCorrupt, "EMU network descriptor: no operations");
  }
  MEDLAR_ASSIGN(
      view.op_list,
      locate(l, task, {"EMU operation list", view.network.operation_desc_index, count * kEmuOldOpBytes}));
  MEDLAR_ASSIGN(view.buffer_list, locate(l, task,
                                         {"EMU buffer list", view.network.operation_buffer_desc_index,
                                          count * kEmuBuffersBytes}));
  // Both layouts carry version 0.0.1; the length of the operation list tells them apart.
  view.old_layout = view.op_list.bytes.size() < count * kEmuOpBytes;
  return view;
}

}  // namespace

hw::CommonOpDesc DlaTaskView::op(uint32_t record) const {
  return load_le<hw::CommonOpDesc>(dep_graph.bytes.data() + record * kDepBytes);
}

hw::OpContainer DlaTaskView::op_body(uint32_t record) const {
  return load_le<hw::OpContainer>(op_list.bytes.data() + record * kOpBytes);
}

ByteView DlaTaskView::surface(uint32_t record) const {
  return surf_list.bytes.subspan(record * kSurfaceBytes, kSurfaceBytes);
}

hw::LutParam DlaTaskView::lut(uint32_t index) const {
  return load_le<hw::LutParam>(lut_list.bytes.data() + index * kLutBytes);
}

Result<DlaTaskView> dla_task(const Loadable& loadable, size_t task) {
  MEDLAR_ASSIGN(const Task* entry, task_of(loadable, task, Interface::kDla1));
  auto view = find_dla(loadable, *entry);
  if (!view) {
    return tl::unexpected<Error>(std::move(view).error().in(fmt::format("task {}", task)));
  }
  return view;
}

Result<EmuTaskView> emu_task(const Loadable& loadable, size_t task) {
  MEDLAR_ASSIGN(const Task* entry, task_of(loadable, task, Interface::kEmu1));
  auto view = find_emu(loadable, *entry);
  if (!view) {
    return tl::unexpected<Error>(std::move(view).error().in(fmt::format("task {}", task)));
  }
  return view;
}

std::span<const uint16_t> cube_offsets(uint8_t op_type, bool old_layout) {
  static constexpr uint16_t kNew[] = {0, 32, 64, 96, 128};
  static constexpr uint16_t kOld[] = {0, 28, 56, 84, 112};
  const std::span<const uint16_t> all = old_layout ? std::span(kOld) : std::span(kNew);
  switch (op_type) {
    case NVDLA_OP_TYPE_CONV:
    case NVDLA_OP_TYPE_SDP:
      return all;
    case NVDLA_OP_TYPE_PDP:
    case NVDLA_OP_TYPE_CDP:
    case NVDLA_OP_TYPE_RUBIK:
      return all.first(2);
    default:
      return {};
  }
}

}  // namespace medlar::loadable
