// SPDX-License-Identifier: Apache-2.0
// Memory, address, blob, event and submit lists in the order of NVIDIA's compiler: dummy page, constant pool,
// activation pool, SRAM pool, bindables, then the context buffers of each task. One address entry a memory,
// equal ids.
#include "loadable/builder.hpp"

#include "base/checked.hpp"
#include "loadable/emu.hpp"
#include "loadable/task_view.hpp"

#include <algorithm>

namespace medlar::loadable {
namespace {

constexpr size_t kMaxIds = 32767;  // data_cube.address is a signed 16-bit number.
constexpr uint32_t kLutBytes = sizeof(hw::LutParam);

struct Assembly {
  Loadable l;
  AddressPlan plan;
};

uint16_t add_memory(Assembly& a, Memory memory) {
  const auto id = static_cast<uint16_t>(a.l.memories.size());
  memory.alignment = kPageBytes;
  a.l.addresses.push_back({.memory = id, .offset = 0, .size = memory.size});
  a.l.memories.push_back(std::move(memory));
  return id;
}

uint16_t add_dummy(Assembly& a) {
  return add_memory(a, {.flags = kMemoryAlloc, .size = kPageBytes, .contents = {}});
}

struct Tag {
  Interface interface;
  uint32_t sub_interface;
  Version version;
};

/// A descriptor list: a blob and the memory that it fills.
uint16_t add_list(Assembly& a, std::string name, Tag tag, ByteBuffer data) {
  const uint16_t id =
      add_memory(a, {.flags = kMemoryAlloc | kMemorySet, .size = data.size(), .contents = {{name, 0}}});
  a.l.blobs.push_back({std::move(name), tag.interface, tag.sub_interface, tag.version, std::move(data)});
  return id;
}

void add_constants(Assembly& a, const Description& d) {
  if (a.plan.constants < 0) {
    return;
  }
  Memory pool{.flags = kMemoryAlloc | kMemorySet, .contents = {}};
  for (size_t i = 0; i < d.constants.size(); ++i) {
    Blob blob{.name = fmt::format("tb-{}", i), .version = {}, .data = d.constants[i]};
    pool.contents.push_back({blob.name, a.plan.constant_offsets[i]});
    pool.size = std::max(pool.size, a.plan.constant_offsets[i] + blob.data.size());
    a.l.blobs.push_back(std::move(blob));
  }
  pool.size = round_up<uint64_t>(pool.size, kPageBytes);
  add_memory(a, std::move(pool));
}

void add_bindables(Assembly& a, const std::vector<Bindable>& bindables, uint16_t flag) {
  for (size_t i = 0; i < bindables.size(); ++i) {
    const auto tensor_id = static_cast<uint16_t>(a.l.tensors.size());
    const uint16_t memory = add_memory(a, {.flags = static_cast<uint16_t>(kMemoryAlloc | flag),
                                           .size = bindables[i].bytes,
                                           .contents = {},
                                           .bind_id = static_cast<uint16_t>(i),
                                           .tensor_desc = tensor_id});
    Tensor tensor = bindables[i].tensor;
    tensor.memory = memory;
    tensor.size = bindables[i].bytes;
    tensor.offset = 0;
    a.l.tensors.push_back(std::move(tensor));
  }
}

template <typename T>
ByteBuffer bytes_of(const T& value) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
  return {bytes, bytes + sizeof(T)};
}

/// Address list of a task: its network descriptor, the instruction addresses, the rest of its context.
Task make_task(const Assembly& a, Interface interface, uint16_t root) {
  Task task{
      .interface = interface, .instance = -1, .addresses = {root}, .pre_actions = {}, .post_actions = {}};
  for (int16_t id = 1; id <= a.plan.count; ++id) {
    task.addresses.push_back(static_cast<uint16_t>(id));
  }
  for (size_t id = root + size_t{1}; id < a.l.memories.size(); ++id) {
    task.addresses.push_back(static_cast<uint16_t>(id));
  }
  return task;
}

/// Two relocations for each cube in a buffer that the application binds.
void add_relocs(Assembly& a, int16_t address, Reloc reloc, uint64_t line_stride_at, uint64_t surf_stride_at) {
  if (address <= 0 || address > a.plan.count || !a.l.memories[static_cast<size_t>(address)].bindable()) {
    return;
  }
  reloc.address = static_cast<uint16_t>(address);
  reloc.sub_interface = kSubSurfs;
  reloc.offset = line_stride_at;
  reloc.type = RelocType::kLine;
  a.l.relocs.push_back(reloc);
  reloc.offset = surf_stride_at;
  reloc.type = RelocType::kSurface;
  a.l.relocs.push_back(reloc);
}

void add_cube_relocs(Assembly& a, const DlaTask& task, uint16_t surf_list) {
  for (size_t i = 0; i < task.num_operations; ++i) {
    const auto op = load_le<hw::CommonOpDesc>(task.dep_graph.data() + i * sizeof(hw::CommonOpDesc));
    for (const uint16_t at : cube_offsets(op.op_type, false)) {
      const uint64_t base = i * NVDLA_SURFACE_CONTAINER_SIZE + at;
      const auto cube = load_le<hw::DataCube>(task.surf_list.data() + base);
      if (cube.type != NVDLA_MEM_TYPE_HW) {
        add_relocs(a, cube.address, {.write_id = surf_list, .interface = Interface::kDla1},
                   base + offsetof(nvdla_data_cube, line_stride),
                   base + offsetof(nvdla_data_cube, surf_stride));
      }
    }
  }
}

void add_emu_relocs(Assembly& a, const EmuTask& task, uint16_t buffer_list) {
  for (size_t base = 0; base < task.op_buf_list.size(); base += sizeof(hw::EmuBufferDesc)) {
    const auto buffer = load_le<hw::EmuBufferDesc>(task.op_buf_list.data() + base);
    add_relocs(a, buffer.address_index, {.write_id = buffer_list, .interface = Interface::kEmu1},
               base + offsetof(nvdla_emu_buffer_desc, line_stride),
               base + offsetof(nvdla_emu_buffer_desc, surf_stride));
  }
}

Status check_list(std::string_view what, size_t bytes, uint64_t count, uint64_t record) {
  if (bytes != count * record) {
    return fail(Code::kInvalidArgument, "{}: {} bytes, {} records of {} bytes make {}", what, bytes, count,
                record, count * record);
  }
  return {};
}

Status add_task(Assembly& a, size_t index, const DlaTask& t) {
  MEDLAR_TRY(check_list("dep_graph", t.dep_graph.size(), t.num_operations, sizeof(hw::CommonOpDesc)));
  MEDLAR_TRY(check_list("op_list", t.op_list.size(), t.num_operations, NVDLA_OP_CONTAINER_SIZE));
  MEDLAR_TRY(check_list("surf_list", t.surf_list.size(), t.num_operations, NVDLA_SURFACE_CONTAINER_SIZE));
  const size_t luts = t.lut_list.size() / kLutBytes;
  MEDLAR_TRY(check_list("lut_list", t.lut_list.size(), luts, kLutBytes));
  const auto first = static_cast<int16_t>(a.plan.count + 1);
  hw::NetworkDesc net{};
  net.dependency_graph_index = first;
  net.operation_desc_index = static_cast<int16_t>(first + 1);
  net.surface_desc_index = static_cast<int16_t>(first + 2);
  net.lut_data_index = static_cast<int16_t>(first + 3);
  net.roi_array_index = net.surface_index = net.stat_list_index = -1;
  std::copy(t.op_head.begin(), t.op_head.end(), net.op_head);
  net.num_rois = 1;
  net.num_operations = t.num_operations;
  net.num_luts = static_cast<uint16_t>(luts);
  net.num_addresses = static_cast<uint16_t>(a.plan.count + 6);
  net.input_layer = t.input_layer;
  const auto tag = [](uint32_t sub) { return Tag{Interface::kDla1, sub, kDlaVersion}; };
  const uint16_t root = add_list(a, fmt::format("task-{}-addr0", index), tag(kSubAddr0), bytes_of(net));
  // NVIDIA's runtime reloads memories whose content is named "dep_graph" before every run.
  add_list(a, fmt::format("task-{}-dep_graph", index), tag(kSubDeps), t.dep_graph);
  add_list(a, fmt::format("task-{}-op_list", index), tag(kSubOps), t.op_list);
  const uint16_t surfaces = add_list(a, fmt::format("task-{}-surf_list", index), tag(kSubSurfs), t.surf_list);
  add_list(a, fmt::format("task-{}-lut_list", index), tag(kSubLuts),
           luts != 0 ? t.lut_list : ByteBuffer(kLutBytes, 0));
  add_dummy(a);
  add_cube_relocs(a, t, surfaces);
  a.l.tasks.push_back(make_task(a, Interface::kDla1, root));
  return {};
}

Status add_task(Assembly& a, size_t index, const EmuTask& t) {
  MEDLAR_TRY(check_list("op_list", t.op_list.size(), t.num_operations, kEmuOpBytes));
  MEDLAR_TRY(check_list("op_buf_list", t.op_buf_list.size(), t.num_operations, kEmuBuffersBytes));
  hw::EmuNetworkDesc net{};
  net.operation_desc_index = static_cast<int16_t>(a.plan.count + 1);
  net.operation_buffer_desc_index = static_cast<int16_t>(a.plan.count + 2);
  net.num_operations = t.num_operations;
  const auto tag = [](uint32_t sub) { return Tag{Interface::kEmu1, sub, kEmuVersion}; };
  const uint16_t root = add_list(a, fmt::format("task-{}-addr0", index), tag(kSubAddr0), bytes_of(net));
  add_list(a, fmt::format("task-{}-op_list", index), tag(kSubOps), t.op_list);
  const uint16_t buffers =
      add_list(a, fmt::format("task-{}-op_buf_list", index), tag(kSubSurfs), t.op_buf_list);
  for (int i = 0; i < 3; ++i) {
    add_dummy(a);
  }
  add_emu_relocs(a, t, buffers);
  a.l.tasks.push_back(make_task(a, Interface::kEmu1, root));
  return {};
}

/// Task i waits for value i and signals i + 1; one submit a task.
void add_chain(Loadable& l) {
  for (size_t i = 0; i < l.tasks.size(); ++i) {
    if (i > 0) {
      l.tasks[i].pre_actions = {static_cast<uint16_t>(l.events.size())};
      l.events.push_back({.value = static_cast<uint32_t>(i), .op = EventOp::kWait});
    }
    l.tasks[i].post_actions = {static_cast<uint16_t>(l.events.size())};
    l.events.push_back({.value = static_cast<uint32_t>(i + 1), .op = EventOp::kSignal});
    l.submits.push_back({{static_cast<uint16_t>(i)}});
  }
}

}  // namespace

Result<AddressPlan> plan_addresses(const Description& d) {
  if (d.constant_alignment == 0 || (d.constant_alignment & (d.constant_alignment - 1)) != 0) {
    return fail(Code::kInvalidArgument, "constant alignment {} is no power of two", d.constant_alignment);
  }
  AddressPlan plan;
  uint64_t end = 0;
  for (const ByteBuffer& constant : d.constants) {
    plan.constant_offsets.push_back(round_up<uint64_t>(end, d.constant_alignment));
    end = plan.constant_offsets.back() + constant.size();
  }
  if (end > UINT32_MAX) {
    return fail(Code::kResourceExhausted, "constants take {} bytes, cube offsets reach {}", end, UINT32_MAX);
  }
  if (d.inputs.size() + d.outputs.size() + 4 + d.tasks.size() * 6 > kMaxIds) {
    return fail(Code::kResourceExhausted, "{} inputs, {} outputs, {} tasks need more than {} address ids",
                d.inputs.size(), d.outputs.size(), d.tasks.size(), kMaxIds);
  }
  const auto next = [&plan] { return ++plan.count; };
  plan.constants = end != 0 ? next() : int16_t{-1};
  plan.activations = d.activation_bytes != 0 ? next() : int16_t{-1};
  plan.sram = d.sram_bytes != 0 ? next() : int16_t{-1};
  std::ranges::generate_n(std::back_inserter(plan.inputs), static_cast<ptrdiff_t>(d.inputs.size()), next);
  std::ranges::generate_n(std::back_inserter(plan.outputs), static_cast<ptrdiff_t>(d.outputs.size()), next);
  return plan;
}

Result<Loadable> build(const Description& d) {
  Assembly a;
  MEDLAR_ASSIGN(a.plan, plan_addresses(d));
  add_dummy(a);  // Id 0, which no operation names.
  add_constants(a, d);
  if (d.activation_bytes != 0) {
    add_memory(
        a,
        {.flags = kMemoryAlloc, .size = round_up<uint64_t>(d.activation_bytes, kPageBytes), .contents = {}});
  }
  if (d.sram_bytes != 0) {
    add_memory(a, {.domain = Domain::kSram,
                   .flags = kMemoryAlloc,
                   .size = round_up<uint64_t>(d.sram_bytes, kPageBytes),
                   .contents = {}});
  }
  add_bindables(a, d.inputs, kMemoryInput);
  add_bindables(a, d.outputs, kMemoryOutput);
  for (size_t i = 0; i < d.tasks.size(); ++i) {
    auto status = std::visit([&](const auto& task) { return add_task(a, i, task); }, d.tasks[i]);
    if (!status) {
      return tl::unexpected<Error>(std::move(status).error().in(fmt::format("task {}", i)));
    }
  }
  add_chain(a.l);
  std::ranges::sort(a.l.blobs, {}, &Blob::name);
  MEDLAR_TRY(verify(a.l));
  return std::move(a.l);
}

}  // namespace medlar::loadable
