// SPDX-License-Identifier: Apache-2.0
// Loading and running models against a kernel that only remembers.
#include "umd/model.hpp"

#include "hw/descriptors.hpp"
#include "loadable/builder.hpp"
#include "loadable/emu.hpp"
#include "num/float_convert.hpp"
#include "umd/fake_kernel.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace medlar::umd {
namespace {

using test::FakeKernel;

constexpr uint64_t kCube = 4 * 4 * 32;

loadable::Tensor cube(const char* name) {
  return {.name = name, .type = loadable::DataType::kHalf, .c = 16, .h = 4, .w = 4, .strides = {2, 128, 512}};
}

loadable::DlaTask sdp_task(int16_t src, int16_t dst) {
  loadable::DlaTask task{.num_operations = 1, .op_head = {-1, -1, 0, -1, -1, -1}};
  hw::CommonOpDesc dep{};
  dep.op_type = NVDLA_OP_TYPE_SDP;
  hw::SurfaceContainer surface{};
  for (auto* unused :
       {&surface.sdp_surface.x1_data, &surface.sdp_surface.x2_data, &surface.sdp_surface.y_data}) {
    unused->address = -1;
  }
  surface.sdp_surface.src_data.address = src;
  surface.sdp_surface.dst_data.address = dst;
  task.dep_graph.resize(sizeof(dep));
  store_le(task.dep_graph.data(), dep);
  task.op_list.resize(NVDLA_OP_CONTAINER_SIZE);
  task.surf_list.resize(sizeof(surface));
  store_le(task.surf_list.data(), surface);
  return task;
}

loadable::EmuTask power_task(int16_t src, int16_t dst, float scale) {
  const auto buffer = [](int16_t address) {
    return loadable::EmuBuffer{.address = address,
                               .size = kCube,
                               .width = 4,
                               .height = 4,
                               .channel = 16,
                               .line_stride = 128,
                               .surf_stride = 512};
  };
  const auto bytes = loadable::encode_emu_ops(
      {{.body = loadable::EmuPower{1, scale, 0}, .src = buffer(src), .dst = buffer(dst)}});
  return {.num_operations = 1, .op_list = bytes.op_list, .op_buf_list = bytes.op_buf_list};
}

/// Constants in address 1, activations in 2, input 3, output 4.
loadable::Loadable network(
    const std::function<void(loadable::Description&, const loadable::AddressPlan&)>& tasks) {
  loadable::Description d;
  d.constants = {ByteBuffer(100, 7), ByteBuffer(50, 9)};
  d.activation_bytes = kCube;
  d.inputs = {{cube("data"), kCube}};
  d.outputs = {{cube("prob"), kCube}};
  tasks(d, loadable::plan_addresses(d).value());
  return loadable::build(d).value();
}

std::shared_ptr<Context> context_of(FakeKernel& kernel) {
  return Context::create(Device::open(kernel.api, "nvhost-nvdla0").value()).value();
}

TEST(Model, LoadFillsMemoryAndSubmitPassesTheAddressList) {
  FakeKernel kernel;
  {
    const auto l =
        network([](auto& d, const auto& plan) { d.tasks = {sdp_task(plan.inputs[0], plan.outputs[0])}; });
    const auto model = LoadedModel::load(context_of(kernel), l);
    ASSERT_TRUE(model) << model.error().to_string();
    EXPECT_EQ(model->inputs().at(0).name, "data");
    EXPECT_EQ(model->outputs().at(0).bytes, kCube);
    EXPECT_EQ(model->output_index("prob").value(), 0u);
    EXPECT_NE(model->input_index("dat").error().message.find("there is: data"), std::string::npos);
    const Bindings bindings = model->allocate_bindings().value();
    const Fence fence = model->submit(bindings).value();
    EXPECT_TRUE(fence.wait());
    ASSERT_EQ(kernel.submissions.size(), 1u);
    const auto& addresses = kernel.submissions[0].addresses;
    ASSERT_EQ(addresses.size(), l.tasks[0].addresses.size());
    EXPECT_EQ(addresses[3].handle, bindings.inputs[0].buffer->handle());
    EXPECT_EQ(addresses[4].handle, bindings.outputs[0].buffer->handle());
    const auto& constants = kernel.bytes(addresses[1].handle);
    EXPECT_EQ(constants[99], 7);
    EXPECT_EQ(constants[100], 0);
    EXPECT_EQ(constants[4096], 9);
    hw::NetworkDesc net{};
    std::memcpy(&net, kernel.bytes(addresses[0].handle).data(), sizeof(net));
    EXPECT_EQ(net.num_operations, 1);
  }
  EXPECT_EQ(kernel.live_fds, 0);
  EXPECT_EQ(kernel.live_buffers, 0);
  EXPECT_EQ(kernel.live_contexts, 0);
}

TEST(Model, TasksOfARunAreChained) {
  FakeKernel kernel;
  const auto l = network([](auto& d, const auto& plan) {
    d.tasks = {sdp_task(plan.inputs[0], plan.activations), sdp_task(plan.activations, plan.outputs[0])};
  });
  const auto model = LoadedModel::load(context_of(kernel), l).value();
  const Bindings bindings = model.allocate_bindings().value();
  const Fence first = model.submit(bindings).value();
  const Fence second = model.submit(bindings, {.wait_for = {first}}).value();
  ASSERT_EQ(kernel.submissions.size(), 4u);
  EXPECT_TRUE(kernel.submissions[0].in_fences.empty());
  EXPECT_EQ(kernel.submissions[1].in_fences, std::vector<int>{kernel.submissions[0].fence});
  EXPECT_EQ(kernel.submissions[2].in_fences, std::vector<int>{kernel.submissions[1].fence});
  EXPECT_EQ(second.serial(), 4u);
}

TEST(Model, HostTasksRunBetweenDeviceTasks) {
  FakeKernel kernel;
  const auto l = network([](auto& d, const auto& plan) {
    d.tasks = {power_task(plan.inputs[0], plan.activations, 2), sdp_task(plan.activations, plan.activations),
               power_task(plan.activations, plan.outputs[0], 3)};
  });
  const auto model = LoadedModel::load(context_of(kernel), l).value();
  EXPECT_TRUE(model.has_host_tasks());
  const Bindings bindings = model.allocate_bindings().value();
  store_le(bindings.inputs[0].buffer->map().value().data() + 2, uint16_t{0x3e00});  // 1.5
  const Fence fence = model.submit(bindings).value();
  ASSERT_TRUE(fence.wait()) << fence.wait().error().to_string();
  EXPECT_EQ(fence.fd(), -1);
  EXPECT_EQ(kernel.submissions.size(), 1u);
  const auto bits = load_le<uint16_t>(bindings.outputs[0].buffer->map().value().data() + 2);
  EXPECT_EQ(std::bit_cast<float>(num::fp16_to_fp32(bits)), 9.0f);
}

TEST(Model, FailedDeviceTaskEndsTheRunWithItsReason) {
  FakeKernel kernel;
  kernel.task_status = [](const auto&) { return -MEDLAR_EFAULT; };
  const auto l = network([](auto& d, const auto& plan) {
    d.tasks = {sdp_task(plan.inputs[0], plan.activations), power_task(plan.activations, plan.outputs[0], 3)};
  });
  const auto model = LoadedModel::load(context_of(kernel), l).value();
  const Fence fence = model.submit(model.allocate_bindings().value()).value();
  for (int i = 0; i < 2; ++i) {
    const Status status = fence.wait();
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().message, "nvhost-nvdla0: sdp: read of 0x1000 is not mapped");
  }
}

TEST(Model, BindingsAreChecked) {
  FakeKernel kernel;
  const auto l =
      network([](auto& d, const auto& plan) { d.tasks = {sdp_task(plan.inputs[0], plan.outputs[0])}; });
  const auto context = context_of(kernel);
  const auto model = LoadedModel::load(context, l).value();
  const Bindings good = model.allocate_bindings().value();
  Bindings bad = good;
  bad.inputs.clear();
  EXPECT_NE(model.submit(bad).error().message.find("0 inputs bound, the model has 1"), std::string::npos);
  bad = good;
  bad.outputs[0].buffer = nullptr;
  EXPECT_NE(model.submit(bad).error().message.find("'prob' is not bound"), std::string::npos);
  bad = good;
  bad.outputs[0].offset = 4096;
  EXPECT_NE(model.submit(bad).error().message.find("needs 512 bytes at offset 4096"), std::string::npos);
  bad = good;
  bad.inputs[0].buffer = Buffer::create(context_of(kernel), 4096).value();
  EXPECT_NE(model.submit(bad).error().message.find("another context"), std::string::npos);
  EXPECT_TRUE(kernel.submissions.empty());
}

TEST(Model, SramNeedsADeviceWithSram) {
  FakeKernel kernel;
  loadable::Description d;
  d.sram_bytes = 4096;
  d.inputs = {{cube("data"), kCube}};
  d.outputs = {{cube("prob"), kCube}};
  const auto plan = loadable::plan_addresses(d).value();
  d.tasks = {sdp_task(plan.inputs[0], plan.outputs[0])};
  const auto l = loadable::build(d).value();
  const auto refused = LoadedModel::load(context_of(kernel), l);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnsupported);
  kernel.sram_bytes = 1 << 20;
  EXPECT_TRUE(LoadedModel::load(context_of(kernel), l));
}

TEST(Model, ManyThreadsSubmitAtOnce) {
  FakeKernel kernel;
  {
    const auto l = network([](auto& d, const auto& plan) {
      d.tasks = {sdp_task(plan.inputs[0], plan.activations), sdp_task(plan.activations, plan.outputs[0])};
    });
    const auto host = network(
        [](auto& d, const auto& plan) { d.tasks = {power_task(plan.inputs[0], plan.outputs[0], 2)}; });
    const auto context = context_of(kernel);
    const auto device_model = LoadedModel::load(context, l).value();
    const auto host_model = LoadedModel::load(context, host).value();
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i) {
          EXPECT_TRUE(device_model.submit(device_model.allocate_bindings().value()).value().wait());
          EXPECT_TRUE(host_model.submit(host_model.allocate_bindings().value()).value().wait());
        }
      });
    }
    threads.clear();
    ASSERT_EQ(kernel.submissions.size(), 160u);
    for (size_t i = 1; i < kernel.submissions.size(); i += 2) {  // No run came between the tasks of another.
      EXPECT_EQ(kernel.submissions[i].in_fences, std::vector<int>{kernel.submissions[i - 1].fence});
    }
  }
  EXPECT_EQ(kernel.live_fds, 0);
  EXPECT_EQ(kernel.live_buffers, 0);
}

}  // namespace
}  // namespace medlar::umd
