// SPDX-License-Identifier: Apache-2.0
// The user-mode driver on the simulated kernel: many users at once, hostile descriptors, faults, shared
// pages.
#include "hw/descriptors.hpp"
#include "loadable/corpus.hpp"
#include "loadable/task_view.hpp"
#include "loadable/upgrade.hpp"
#include "umd/machine.hpp"
#include "umd/model.hpp"
#include "umd/tiny_network.hpp"

#include <cstring>
#include <random>
#include <thread>

#include <gtest/gtest.h>

namespace medlar::umd {
namespace {

using test::Machine;

constexpr const char* kNode = "nvhost-nvdla0";

std::unique_ptr<Machine> machine_of(const char* profile) {
  auto machine = Machine::create(profile);
  EXPECT_TRUE(machine) << machine.error().to_string();
  return std::move(*machine);
}

loadable::Loadable current(const std::map<std::string, ByteBuffer>& files, const char* name) {
  return loadable::upgrade(loadable::read(files.at(name), name).value()).value();
}

std::shared_ptr<Context> context_of(const Machine& machine, const char* node = kNode) {
  return Context::create(Device::open(machine.api(), node).value()).value();
}

/// One run with fresh bindings; the bytes of output 0.
Result<ByteBuffer> run(const LoadedModel& model) {
  MEDLAR_ASSIGN(const Bindings bindings, model.allocate_bindings());
  MEDLAR_ASSIGN(const Fence fence, model.submit(bindings));
  MEDLAR_TRY(fence.wait(std::chrono::minutes(2)));
  MEDLAR_ASSIGN(const MutableBytes bytes, bindings.outputs.at(0).buffer->map());
  return ByteBuffer(bytes.begin(), bytes.end());
}

TEST(Stack, DeviceSaysWhatItIs) {
  const auto machine = machine_of("nvdla-nv_small");
  EXPECT_EQ(enumerate(machine->api()), std::vector<std::string>{kNode});
  const auto device = Device::open(machine->api(), kNode).value();
  EXPECT_EQ(device->info().memory_atom, 8u);
  EXPECT_EQ(device->info().precisions, uint32_t{MEDLAR_PRECISION_INT8});
  EXPECT_EQ(device->info().descriptor_version, MEDLAR_DESCRIPTOR_VERSION);
  EXPECT_FALSE(Device::open(machine->api(), "nvhost-nvdla1"));
}

TEST(Stack, ManyThreadsAndContextsAgreeAndLeaveNothingBehind) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  constexpr int kContexts = 4, kThreads = 8, kRuns = 6;
  const auto machine = machine_of("nvdla-nv_full");
  const auto device = Device::open(machine->api(), kNode).value();
  const auto before = device->counters().value();
  {
    std::vector<LoadedModel> models;
    for (int i = 0; i < kContexts; ++i) {
      models.push_back(
          LoadedModel::load(context_of(*machine), current(files, i % 2 ? "PDP_L0_0" : "CONV_D_L0_0"))
              .value());
    }
    const ByteBuffer expected[] = {run(models[0]).value(), run(models[1]).value()};
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        const int mine = t % kContexts;
        for (int i = 0; i < kRuns; ++i) {
          const auto bytes = run(models[static_cast<size_t>(mine)]);
          ASSERT_TRUE(bytes) << bytes.error().to_string();
          ASSERT_EQ(*bytes, expected[mine % 2]);
        }
      });
    }
    threads.clear();
  }
  const auto after = device->counters().value();
  EXPECT_EQ(after.tasks_completed - before.tasks_completed, uint64_t{kThreads * kRuns + 2});
  EXPECT_EQ(after.tasks_failed, 0u);
  EXPECT_EQ(after.live_buffers, before.live_buffers);
  EXPECT_EQ(after.live_pages, before.live_pages);
  EXPECT_EQ(after.live_fences, before.live_fences);
  EXPECT_EQ(after.live_mappings, before.live_mappings);
  EXPECT_EQ(after.live_contexts, before.live_contexts);
}

TEST(Stack, RunsInFlightKeepTheirOrder) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  const auto machine = machine_of("nvdla-nv_full");
  const auto model = LoadedModel::load(context_of(*machine), current(files, "RBK_L0_0")).value();
  const ByteBuffer expected = run(model).value();
  std::vector<Bindings> bindings;
  std::vector<Fence> fences;
  for (int i = 0; i < 8; ++i) {
    bindings.push_back(model.allocate_bindings().value());
    fences.push_back(model.submit(bindings.back()).value());
  }
  for (size_t i = 0; i < fences.size(); ++i) {
    ASSERT_TRUE(fences[i].wait());
    const auto bytes = bindings[i].outputs[0].buffer->map().value();
    EXPECT_TRUE(std::ranges::equal(bytes, expected));
  }
}

TEST(Stack, BindingsAreReleasedWithTheFence) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  const auto machine = machine_of("nvdla-nv_full");
  const auto model = LoadedModel::load(context_of(*machine), current(files, "NN_L0_0")).value();
  const uint64_t buffers = model.context()->device().counters().value().live_buffers;
  {
    const Fence fence = model.submit(model.allocate_bindings().value()).value();
    ASSERT_TRUE(fence.wait());
  }
  EXPECT_EQ(model.context()->device().counters().value().live_buffers, buffers);
}

/// The first surface record of task 0 with some bytes changed.
loadable::Loadable with_surface(loadable::Loadable l, uint32_t record, size_t at, uint32_t value) {
  const auto view = loadable::dla_task(l, 0).value();
  store_le(l.blobs[view.surf_list.blob].data.data() + record * NVDLA_SURFACE_CONTAINER_SIZE + at, value);
  return l;
}

TEST(Stack, BrokenDescriptorsAreRefusedByNameAndTheDeviceGoesOn) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  const auto machine = machine_of("nvdla-nv_full");
  const auto context = context_of(*machine);
  const auto l = current(files, "PDP_L0_0");
  const auto good = LoadedModel::load(context, l).value();
  const ByteBuffer expected = run(good).value();
  // Width and height of the source cube become 0; its line stride becomes huge.
  for (const auto& [at, value] : {std::pair<size_t, uint32_t>{12, 0}, {20, 0x7fffffe0}}) {
    const auto bad = LoadedModel::load(context, with_surface(l, 0, at, value));
    ASSERT_TRUE(bad) << bad.error().to_string();
    const auto result = run(*bad);
    ASSERT_FALSE(result) << "byte " << at;
    EXPECT_NE(result.error().message.find(kNode), std::string::npos) << result.error().message;
    EXPECT_GT(result.error().message.size(), 30u) << result.error().message;
    const auto again = run(good);
    ASSERT_TRUE(again) << again.error().to_string();
    EXPECT_EQ(*again, expected);
  }
}

TEST(Stack, RandomDescriptorDamageNeverTakesTheDeviceDown) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  constexpr int kDamaged = 150;
  const auto machine = machine_of("nvdla-nv_full");
  const auto context = context_of(*machine);
  const auto l = current(files, "CONV_D_L0_0");
  const auto good = LoadedModel::load(context, l).value();
  const ByteBuffer expected = run(good).value();
  std::mt19937 random(20260729u + static_cast<uint32_t>(testing::UnitTest::GetInstance()->random_seed()));
  int refused = 0;
  for (int i = 0; i < kDamaged; ++i) {
    loadable::Loadable damaged = l;
    const auto view = loadable::dla_task(damaged, 0).value();
    const size_t blobs[] = {view.dep_graph.blob, view.op_list.blob, view.surf_list.blob, view.root.blob};
    ByteBuffer& data = damaged.blobs[blobs[random() % 4]].data;
    data[random() % data.size()] ^= static_cast<uint8_t>(1u << (random() % 8));
    const auto model = LoadedModel::load(context, std::move(damaged));
    const bool worked = model && run(*model).has_value();
    refused += worked ? 0 : 1;
  }
  EXPECT_GT(refused, 5);
  const auto again = run(good);
  ASSERT_TRUE(again) << again.error().to_string() << "\n" << machine->log();
  EXPECT_EQ(*again, expected);
}

TEST(Stack, HungOperationTimesOutAndTheNextRunWorks) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  const auto machine = machine_of("nvdla-nv_full");
  const auto model = LoadedModel::load(context_of(*machine), current(files, "SDP_X1_L0_0")).value();
  const ByteBuffer expected = run(model).value();
  machine->kernel().inject(0, {.hang = true});
  const auto hung = run(model);
  ASSERT_FALSE(hung);
  EXPECT_EQ(hung.error().code, Code::kTimeout) << hung.error().message;
  const auto again = run(model);
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_EQ(*again, expected);
  EXPECT_GE(model.context()->device().counters().value().resets, 1u);
}

TEST(Stack, FaultsNameTheLayerInTheLogAndInTheError) {
  const auto machine = machine_of("orin-nx-16gb");
  const auto model = LoadedModel::load(context_of(*machine, "nvhost-nvdla1"), test::tiny_network(),
                                       {.layers = {"conv1/copy"}})
                         .value();
  ASSERT_TRUE(run(model));
  Bindings bindings = model.allocate_bindings().value();
  constexpr soc::BankId kFirstContext = 1;
  machine->kernel().soc().smmu().unmap(kFirstContext, {bindings.outputs[0].buffer->iova()}, soc::kPageBytes);
  const Status failed = model.submit(bindings).value().wait();
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("(layer conv1/copy)"), std::string::npos) << failed.error().message;
  EXPECT_NE(
      machine->log().find(
          "nvdla1: task 2: operation 0 (BDMA, layer conv1/copy): SMMU translation fault, write at IOVA 0x"),
      std::string::npos)
      << machine->log();
  EXPECT_TRUE(run(model));
}

TEST(Stack, CoresShareAnExportedBufferWithoutACopy) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  const auto machine = machine_of("orin-nx-16gb");
  ASSERT_EQ(enumerate(machine->api()).size(), 2u);
  const auto first = LoadedModel::load(context_of(*machine), current(files, "PDP_L0_0")).value();
  const auto second =
      LoadedModel::load(context_of(*machine, "nvhost-nvdla1"), current(files, "PDP_L0_0")).value();
  const ByteBuffer expected = run(first).value();
  Bindings ours = first.allocate_bindings().value();
  const auto fd = ours.outputs[0].buffer->export_fd().value();
  Bindings theirs;
  theirs.outputs.push_back({Buffer::import(second.context(), fd.get()).value(), 0});
  const Fence done = second.submit(theirs).value();
  ASSERT_TRUE(done.wait());
  EXPECT_TRUE(std::ranges::equal(ours.outputs[0].buffer->map().value(), expected));
}

}  // namespace
}  // namespace medlar::umd
