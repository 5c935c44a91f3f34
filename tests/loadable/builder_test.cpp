// SPDX-License-Identifier: Apache-2.0
// The builder reproduces what NVIDIA's compiler writes, list by list.
#include "loadable/builder.hpp"

#include "loadable/corpus.hpp"
#include "loadable/task_view.hpp"
#include "support/test_data.hpp"

#include <gtest/gtest.h>

namespace medlar::loadable {
namespace {

ByteBuffer copy(ByteView bytes) {
  return {bytes.begin(), bytes.end()};
}

const Memory* bindable(const Loadable& l, uint16_t flag) {
  for (const Memory& memory : l.memories) {
    if (memory.has(flag)) {
      return &memory;
    }
  }
  return nullptr;
}

/// What the builder would have been told to make `l` (one input, one output, constants in the order of their
/// offsets).
Description describe(const Loadable& l) {
  Description d;
  std::map<uint64_t, std::string> constants;
  uint64_t start = 0;
  for (const Content& content : l.memories[1].contents) {
    constants[content.offset] = content.blob;
  }
  for (const auto& [offset, blob] : constants) {
    if (!d.constants.empty()) {
      d.constants.back().resize(offset - start);  // Their pool has gaps (a buddy allocator made it).
    }
    start = offset;
    d.constants.push_back(find_blob(l, blob)->data);
  }
  d.activation_bytes = l.memories[2].has(kMemoryAlloc) && !l.memories[2].bindable() ? l.memories[2].size : 0;
  const Memory* in = bindable(l, kMemoryInput);
  const Memory* out = bindable(l, kMemoryOutput);
  d.inputs = {{l.tensors[in->tensor_desc], in->size}};
  d.outputs = {{l.tensors[out->tensor_desc], out->size}};
  for (size_t i = 0; i < l.tasks.size(); ++i) {
    if (l.tasks[i].interface == Interface::kDla1) {
      const DlaTaskView view = dla_task(l, i).value();
      DlaTask task{.num_operations = view.network.num_operations,
                   .dep_graph = copy(view.dep_graph.bytes),
                   .op_list = copy(view.op_list.bytes),
                   .surf_list = copy(view.surf_list.bytes),
                   .lut_list = copy(view.lut_list.bytes)};
      std::copy_n(view.network.op_head, 6, task.op_head.begin());
      d.tasks.emplace_back(std::move(task));
    } else {
      const EmuTaskView view = emu_task(l, i).value();
      d.tasks.emplace_back(EmuTask{.num_operations = view.network.num_operations,
                                   .op_list = copy(view.op_list.bytes),
                                   .op_buf_list = copy(view.buffer_list.bytes)});
    }
  }
  return d;
}

TEST(Builder, ReproducesTheOfficialCompilersLists) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  int compared = 0;
  for (const auto& [name, bytes] : files) {
    const auto official = read(bytes, name);
    ASSERT_TRUE(official) << official.error().to_string();
    if (task_version(*official, 0).value() < kFirstOffsetCubes || official->version != kLoadableVersion ||
        official->memories[1].contents.empty()) {
      continue;
    }
    if (official->tasks[0].interface != Interface::kDla1 || official->memories[2].bindable()) {
      continue;
    }
    const auto built = build(describe(*official));
    ASSERT_TRUE(built) << name << ": " << built.error().to_string();
    EXPECT_EQ(built->tasks, official->tasks) << name;
    EXPECT_EQ(built->addresses.size(), official->addresses.size()) << name;
    EXPECT_EQ(built->events, official->events) << name;
    EXPECT_EQ(built->submits, official->submits) << name;
    EXPECT_EQ(built->tensors, official->tensors) << name;
    EXPECT_EQ(built->relocs, official->relocs) << name;
    EXPECT_EQ(built->memories.size(), official->memories.size()) << name;
    for (size_t i = 3; i < built->memories.size(); ++i) {
      EXPECT_EQ(built->memories[i], official->memories[i]) << name << " memory " << i;
    }
    for (const char* blob : {"task-0-addr0", "task-0-dep_graph", "task-0-op_list", "task-0-surf_list",
                             "task-0-lut_list", "task-1-addr0", "task-1-op_list", "task-1-op_buf_list"}) {
      const Blob* theirs = find_blob(*official, blob);
      const Blob* ours = find_blob(*built, blob);
      ASSERT_EQ(theirs == nullptr, ours == nullptr) << name << " " << blob;
      if (theirs) {
        EXPECT_EQ(*ours, *theirs) << name << " " << blob;
      }
    }
    ++compared;
  }
  EXPECT_GE(compared, 10);
}

DlaTask one_sdp(const AddressPlan& plan) {
  DlaTask task{.num_operations = 1, .op_head = {-1, -1, 0, -1, -1, -1}};
  hw::CommonOpDesc dep{};
  dep.op_type = NVDLA_OP_TYPE_SDP;
  dep.roi_index = 0;
  for (auto& consumer : dep.consumers) {
    consumer.index = -1;
  }
  dep.fused_parent.index = -1;
  task.dep_graph.resize(sizeof(dep));
  store_le(task.dep_graph.data(), dep);
  task.op_list.resize(NVDLA_OP_CONTAINER_SIZE);
  hw::SurfaceContainer surface{};
  surface.sdp_surface.src_data.address = plan.inputs[0];
  surface.sdp_surface.dst_data.address = plan.outputs[0];
  for (auto* cube :
       {&surface.sdp_surface.x1_data, &surface.sdp_surface.x2_data, &surface.sdp_surface.y_data}) {
    cube->address = -1;
  }
  task.surf_list.resize(sizeof(surface));
  store_le(task.surf_list.data(), surface);
  return task;
}

TEST(Builder, WithoutPoolsIdsStartAtTheBindables) {
  Description d;
  d.inputs = {{{.name = "in", .c = 8, .h = 4, .w = 4}, 512}};
  d.outputs = {{{.name = "out", .c = 8, .h = 4, .w = 4}, 512}};
  const auto plan = plan_addresses(d);
  ASSERT_TRUE(plan) << plan.error().to_string();
  EXPECT_EQ(plan->constants, -1);
  EXPECT_EQ(plan->activations, -1);
  EXPECT_EQ(plan->inputs, std::vector<int16_t>{1});
  EXPECT_EQ(plan->outputs, std::vector<int16_t>{2});
  d.tasks = {one_sdp(*plan), one_sdp(*plan)};
  const auto built = build(d);
  ASSERT_TRUE(built) << built.error().to_string();
  EXPECT_EQ(built->relocs.size(), 8u);
  EXPECT_EQ(built->tasks[1].pre_actions.size(), 1u);
  EXPECT_EQ(built->submits.size(), 2u);
  EXPECT_EQ(read(write(*built), "built").value(), *built);
}

TEST(Builder, PlacesConstantsAtTheirAlignment) {
  Description d;
  d.constants = {ByteBuffer(10), ByteBuffer(5000), ByteBuffer(1)};
  d.activation_bytes = 100;
  d.sram_bytes = 64;
  const auto plan = plan_addresses(d);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->constant_offsets, (std::vector<uint64_t>{0, 4096, 12288}));
  EXPECT_EQ(plan->sram, 3);
  d.constant_alignment = 64;
  EXPECT_EQ(plan_addresses(d)->constant_offsets, (std::vector<uint64_t>{0, 64, 5120}));
  d.constant_alignment = 48;
  EXPECT_EQ(plan_addresses(d).error().code, Code::kInvalidArgument);
}

TEST(Builder, RefusesListsOfTheWrongLength) {
  Description d;
  d.inputs = {{{.name = "in", .c = 8, .h = 4, .w = 4}, 512}};
  d.outputs = {{{.name = "out", .c = 8, .h = 4, .w = 4}, 512}};
  DlaTask task = one_sdp(plan_addresses(d).value());
  task.surf_list.pop_back();
  d.tasks = {task};
  const auto built = build(d);
  ASSERT_FALSE(built);
  EXPECT_NE(built.error().message.find("surf_list"), std::string::npos) << built.error().message;
}

}  // namespace
}  // namespace medlar::loadable
