// SPDX-License-Identifier: Apache-2.0
// Host time of the driver stack per task: a 32-byte copy by the BDMA, so that the chip's own work hardly
// counts.
#include "driver/sim/kernel.hpp"
#include "hw/descriptors.hpp"
#include "hw/device.hpp"
#include "loadable/builder.hpp"
#include "umd/model.hpp"

#include <benchmark/benchmark.h>

namespace {

using namespace medlar;

constexpr uint32_t kBytes = 32;

loadable::Loadable copy_network() {
  loadable::Tensor tensor{.name = "in", .c = 32, .h = 1, .w = 1, .strides = {1, kBytes, kBytes}};
  loadable::Description d;
  d.inputs = {{tensor, kBytes}};
  tensor.name = "out";
  d.outputs = {{tensor, kBytes}};
  const auto plan = loadable::plan_addresses(d).value();
  loadable::DlaTask task{.num_operations = 1, .op_head = {0, -1, -1, -1, -1, -1}};
  hw::CommonOpDesc dep{};
  dep.op_type = NVDLA_OP_TYPE_BDMA;
  for (auto& consumer : dep.consumers) {
    consumer.index = -1;
  }
  dep.fused_parent.index = -1;
  hw::OpContainer op{};
  op.bdma_op.num_transfers = 1;
  hw::SurfaceContainer surface{};
  surface.bdma_surface.num_transfers = 1;
  surface.bdma_surface.transfers[0] = {.source_address = plan.inputs[0],
                                       .destination_address = plan.outputs[0],
                                       .line_size = kBytes,
                                       .line_repeat = 1,
                                       .source_line = kBytes,
                                       .destination_line = kBytes,
                                       .surface_repeat = 1,
                                       .source_surface = kBytes,
                                       .destination_surface = kBytes};
  const auto bytes = [](const auto& value) {
    const auto* from = reinterpret_cast<const uint8_t*>(&value);
    return ByteBuffer(from, from + sizeof(value));
  };
  task.dep_graph = bytes(dep);
  task.op_list = bytes(op);
  task.surf_list = bytes(surface);
  d.tasks = {task};
  return loadable::build(d).value();
}

struct Stack {
  std::unique_ptr<driver::Kernel> kernel;
  std::unique_ptr<umd::LoadedModel> model;
  umd::Bindings bindings;

  Stack() {
    driver::KernelOptions options;
    options.soc = soc::SocConfig::of(*hw::find_device("nvdla-nv_full").value());
    kernel = driver::Kernel::create(std::move(options)).value();
    auto device = umd::Device::open(*kernel->seam(), "nvhost-nvdla0").value();
    auto context = umd::Context::create(std::move(device)).value();
    model = std::make_unique<umd::LoadedModel>(
        umd::LoadedModel::load(std::move(context), copy_network()).value());
    bindings = model->allocate_bindings().value();
  }
};

/// One task at a time: submit, run, interrupt, wake the waiter.
void submit_and_wait(benchmark::State& state) {
  Stack stack;
  for (auto _ : state) {
    if (!stack.model->submit(stack.bindings).value().wait()) {
      state.SkipWithError("task failed");
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(submit_and_wait)->UseRealTime();

/// A full queue: the cost per task without the round trip between threads.
void submit_many(benchmark::State& state) {
  constexpr int kBatch = 64;
  Stack stack;
  for (auto _ : state) {
    std::vector<umd::Fence> fences;
    for (int i = 0; i < kBatch; ++i) {
      fences.push_back(stack.model->submit(stack.bindings).value());
    }
    for (const umd::Fence& fence : fences) {
      if (!fence.wait()) {
        state.SkipWithError("task failed");
      }
    }
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(submit_many)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
