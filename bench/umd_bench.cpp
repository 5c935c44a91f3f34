// SPDX-License-Identifier: Apache-2.0
// Host time of the driver stack per task: a 32-byte copy by the BDMA. submit_and_wait less chip_alone is the overhead of the
// software: user-mode driver, kernel, validation, scheduling, interrupt, fence. CPU time is that of the whole process.
#include "driver/sim/kernel.hpp"
#include "hw/device.hpp"
#include "hw/gen/nvdla_regs.h"
#include "tests/umd/tiny_network.hpp"
#include "umd/model.hpp"

#include <benchmark/benchmark.h>

namespace {

using namespace medlar;

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
        umd::LoadedModel::load(std::move(context), test::tiny_network()).value());
    bindings = model->allocate_bindings().value();
  }
};

/// The same copy on the bare chip: registers of one transfer, launch, execution, interrupt acknowledged.
void chip_alone(benchmark::State& state) {
  Stack stack;
  soc::Soc& soc = stack.kernel->soc();
  const soc::BankId bank = soc.smmu().create_bank().value();
  const soc::Allocation page = soc.memory().allocate(soc::Pool::kPages, soc::kPageBytes).value();
  constexpr uint32_t kIova = 0x1000'0000;
  if (!soc.smmu().map(bank, {kIova}, page, true)) {
    state.SkipWithError("cannot map");
  }
  soc.smmu().bind(soc::Soc::stream_of(0), bank);
  chip::Chip& chip = soc.chip(0);
  const uint32_t bdma = NVDLA_BDMA_BASE_V1, glb = NVDLA_GLB_BASE_V1;
  const std::pair<uint32_t, uint32_t> writes[] = {
      {NVDLA_BDMA_CFG_SRC_ADDR_LOW, kIova}, {NVDLA_BDMA_CFG_SRC_ADDR_HIGH, 0},
      {NVDLA_BDMA_CFG_DST_ADDR_LOW, kIova + 64}, {NVDLA_BDMA_CFG_DST_ADDR_HIGH, 0},
      {NVDLA_BDMA_CFG_LINE, 0}, {NVDLA_BDMA_CFG_CMD, 3}, {NVDLA_BDMA_CFG_LINE_REPEAT, 0},
      {NVDLA_BDMA_CFG_SRC_LINE, 32}, {NVDLA_BDMA_CFG_DST_LINE, 32}, {NVDLA_BDMA_CFG_SURF_REPEAT, 0},
      {NVDLA_BDMA_CFG_SRC_SURF, 32}, {NVDLA_BDMA_CFG_DST_SURF, 32}, {NVDLA_BDMA_CFG_OP, 1}};
  uint32_t group = 0;
  for (auto _ : state) {
    bool good = true;
    for (const auto& [offset, value] : writes) {
      good &= chip.write_register(bdma + offset, value).has_value();
    }
    good &= chip.write_register(bdma + (group == 0 ? NVDLA_BDMA_CFG_LAUNCH0 : NVDLA_BDMA_CFG_LAUNCH1), 1).has_value();
    good &= chip.step().value_or(false) && chip.interrupt();
    const auto status = chip.read_register(glb + NVDLA_GLB_S_INTR_STATUS);
    good &= status.has_value() && chip.write_register(glb + NVDLA_GLB_S_INTR_STATUS, *status).has_value();
    group = 1 - group;
    if (!good) {
      state.SkipWithError("the chip refused");
    }
  }
}
BENCHMARK(chip_alone)->MeasureProcessCPUTime()->UseRealTime();

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
BENCHMARK(submit_and_wait)->MeasureProcessCPUTime()->UseRealTime();

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
BENCHMARK(submit_many)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
