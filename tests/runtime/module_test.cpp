// SPDX-License-Identifier: Apache-2.0
// One module, several engines, several cores; the host engine's provider.
#include "api/inference.hpp"
#include "driver/sim/kernel.hpp"
#include "driver/sim/kernel_log.hpp"
#include "runtime/digits_engine.hpp"

#include <gtest/gtest.h>

namespace medlar::api {
namespace {

TEST(Module, CoresAreCounted) {
  const auto one = Module::boot("orin-nano-8gb");
  ASSERT_TRUE(one);
  EXPECT_EQ((*one)->cores(), 1u);
  const auto missing = (*one)->core(1);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kOutOfRange);
  EXPECT_NE(missing.error().message.find("orin-nano-8gb has 1"), std::string::npos)
      << missing.error().message;
  EXPECT_EQ((*Module::boot("agx-orin-64gb"))->cores(), 2u);
  EXPECT_FALSE(Module::boot("orin-nano-8gb", {.mode = "90W"}));
}

TEST(Module, EngineOutlivesTheHandleToItsModule) {
  test::Digits digits = test::digits("nv_small", hw::Precision::kInt8, 1);
  auto context = digits.context();
  auto memory = *digits.module->allocate(4096);
  digits.module.reset();
  EXPECT_TRUE(context->run(digits.inputs[0]));
  context.reset();
  EXPECT_TRUE(memory->map());
}

TEST(Module, AnotherDevicesEngineIsRefused) {
  const test::Digits digits = test::digits("nv_small", hw::Precision::kInt8, 1);
  const auto module = Module::boot("nv_full");
  ASSERT_TRUE(module);
  const auto loaded = (*module)->load(digits.engine, "digits.engine");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Code::kDeviceMismatch);
}

TEST(Module, TwoInferencesOnOneModuleKeepTheirLayersApart) {
  const test::Digits digits = test::digits("orin-nx-16gb", hw::Precision::kInt8, 2);
  auto first = Inference::create(digits.module, digits.engine, "digits.engine", {.core = 0});
  auto second = Inference::create(digits.module, digits.engine, "digits.engine", {.core = 1});
  ASSERT_TRUE(first && second);
  const auto a = first->run(digits.inputs[0]);
  const auto b = second->run(digits.inputs[0]);
  const auto c = first->run(digits.inputs[1]);
  ASSERT_TRUE(a && b && c);
  EXPECT_EQ(a->outputs, b->outputs);
  EXPECT_EQ(a->layers.size(), b->layers.size());
  EXPECT_EQ(a->layers.size(), c->layers.size());
  EXPECT_DOUBLE_EQ(a->modelled_dla_ms, b->modelled_dla_ms);
  EXPECT_GT(a->modelled_dla_ms, 0);
}

TEST(Module, CoresLosePowerWhileOtherEnginesWork) {
  test::Digits digits = test::digits("orin-nano-8gb", hw::Precision::kInt8, 1);
  for (compiler::Placement& placement : digits.engine.plan.placements) {
    placement.seconds = placement.segment >= 0 && placement.engine != compiler::Engine::kDla ? 1.0 : 0.0;
  }
  const auto context = digits.context();
  const auto counters = [&] { return (*digits.module->core(0))->counters().value(); };
  const uint64_t before = counters().device_time_ns;
  ASSERT_TRUE(context->run(digits.inputs[0]));
  EXPECT_GT(counters().device_time_ns - before, 1'000'000'000u) << "the softmax on the host takes a second";
  const auto files = digits.module->kernel().sysfs();
  EXPECT_NE(files.at("/sys/kernel/debug/pm_genpd/pm_genpd_summary").find("off "), std::string::npos);
  const uint64_t power_ups = counters().power_ups;
  ASSERT_TRUE(context->run(digits.inputs[0]));
  EXPECT_EQ(counters().power_ups, power_ups + 1) << "the next inference wakes it";
  std::string log;
  for (const driver::LogLine& line : digits.module->kernel().log()) {
    log += line.text + "\n";
  }
  EXPECT_NE(log.find("power domain dlaa off"), std::string::npos) << log;
  EXPECT_NE(log.find("power domain dlaa on after 200 us"), std::string::npos) << log;
  digits.module->idle(std::chrono::seconds(1));
  EXPECT_EQ((*digits.module->core(0))->query().value().power_state, 0u);
}

TEST(Provider, CudaIsNamedWhenItIsMissingAndReportedWhenItIsNot) {
  const auto providers = host::available_providers();
  const bool built_in =
      std::find(providers.begin(), providers.end(), "CUDAExecutionProvider") != providers.end();
  const test::Digits digits = test::digits("orin-nano-8gb", hw::Precision::kFp16, 1);
  const auto forced =
      digits.module->load(digits.engine, "digits.engine", {.provider = host::Provider::kCuda});
  if (!built_in) {
    ASSERT_FALSE(forced);
    EXPECT_EQ(forced.error().code, Code::kUnsupported);
    EXPECT_NE(forced.error().message.find("CUDAExecutionProvider"), std::string::npos)
        << forced.error().message;
  }
  const auto loaded = digits.load({.provider = host::Provider::kCpu});
  ASSERT_NE(loaded, nullptr);
  ASSERT_EQ(loaded->host_notes().size(), 1u);
  EXPECT_NE(loaded->host_notes()[0].find("CPU"), std::string::npos) << loaded->host_notes()[0];
}

TEST(Provider, CpuSegmentsStayOnTheCpu) {
  const test::Digits digits = test::digits("nv_small", hw::Precision::kInt8, 1);  // a board without a GPU
  const auto loaded = digits.load({.provider = host::Provider::kCuda});
  ASSERT_NE(loaded, nullptr);
  ASSERT_EQ(loaded->host_notes().size(), 1u);
  EXPECT_TRUE(loaded->host_notes()[0].ends_with(": CPU")) << loaded->host_notes()[0];
}

}  // namespace
}  // namespace medlar::api
