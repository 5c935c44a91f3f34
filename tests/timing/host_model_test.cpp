// SPDX-License-Identifier: Apache-2.0
// Time of GPU and CPU work: small cases by hand, and what must hold of any roofline.
#include "timing/host_model.hpp"

#include "graph/shape_inference.hpp"
#include "graph/text.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace medlar::timing {
namespace {

const hw::DeviceProfile& device(std::string_view name) {
  return **hw::find_device(name);
}

hw::DeviceProfile small() {
  static constexpr hw::PowerMode kModes[] = {{.name = "x",
                                              .dla_hz = 1,
                                              .dram_bytes_per_second = 1'000'000,
                                              .gpu_hz = 1000,
                                              .gpu_units = 2,
                                              .cpu_hz = 0,
                                              .cpu_units = 4}};
  hw::DeviceProfile d;
  d.modes = kModes;
  d.gpu = {.name = "g",
           .macs_int8 = 100,
           .macs_fp16 = 50,
           .macs_fp32 = 5,
           .elements = 4,
           .reached = 0.5,
           .dram_share = 0.25,
           .launch_us = 1000,
           .energy = {}};
  d.cpu = d.gpu;
  d.transition = {.min_us = 100, .typical_us = 300, .max_us = 500};
  return d;
}

TEST(HostModel, RooflineByHand) {
  const hw::DeviceProfile d = small();
  // 2 units at 1 kHz, half reached: 1000 unit-cycles a second; 250 kB/s.
  EXPECT_DOUBLE_EQ(host_seconds(d, HostEngine::kGpu, {.macs = 1e5, .precision = HostPrecision::kInt8}), 1.0);
  EXPECT_DOUBLE_EQ(host_seconds(d, HostEngine::kGpu, {.macs = 1e5, .precision = HostPrecision::kFp16}), 2.0);
  EXPECT_DOUBLE_EQ(host_seconds(d, HostEngine::kGpu, {.macs = 1e5, .precision = HostPrecision::kFp32}), 20.0);
  EXPECT_DOUBLE_EQ(host_seconds(d, HostEngine::kGpu, {.elements = 4000, .launches = 3}), 1.003);
  EXPECT_DOUBLE_EQ(
      host_seconds(d, HostEngine::kGpu, {.elements = 4000, .bytes_read = 5e5, .bytes_written = 5e5}), 4.0);
  EXPECT_DOUBLE_EQ(host_seconds(d, d.mode(), HostEngine::kGpu, {.bytes_read = 5e5}, 0.5), 4.0);
  EXPECT_TRUE(std::isinf(host_seconds(d, HostEngine::kCpu, {.macs = 1})));
  EXPECT_FALSE(has_engine(d, d.mode(), HostEngine::kCpu));
}

TEST(HostModel, TransitionsStayInTheirBand) {
  const hw::DeviceProfile d = small();
  EXPECT_DOUBLE_EQ(transition_seconds(d, Engine::kDla, Engine::kGpu, 0), 100e-6);
  EXPECT_DOUBLE_EQ(transition_seconds(d, Engine::kGpu, Engine::kDla, kTypicalTransitionBytes / 2), 200e-6);
  EXPECT_DOUBLE_EQ(transition_seconds(d, Engine::kGpu, Engine::kCpu, kTypicalTransitionBytes), 300e-6);
  EXPECT_DOUBLE_EQ(transition_seconds(d, Engine::kDla, Engine::kCpu, UINT64_MAX), 500e-6);
  EXPECT_EQ(transition_seconds(d, Engine::kDla, Engine::kDla, 1000), 0.0);
}

TEST(HostModel, EveryModuleHasACpuAndOnlyModulesHaveAGpu) {
  for (const hw::DeviceProfile& d : hw::devices()) {
    for (const hw::PowerMode& mode : d.modes) {
      EXPECT_TRUE(has_engine(d, mode, HostEngine::kCpu)) << d.name << ' ' << mode.name;
      EXPECT_EQ(has_engine(d, mode, HostEngine::kGpu), d.label == hw::Label::kModelled) << d.name;
    }
  }
}

TEST(HostModel, MoreOfAnythingIsNeverSlower) {
  const HostWork work{.macs = 1e9, .elements = 1e6, .bytes_read = 1e7, .bytes_written = 1e6, .launches = 3};
  const hw::DeviceProfile& d = device("agx-orin-64gb");
  hw::PowerMode mode = d.mode();
  const double base = host_seconds(d, mode, HostEngine::kGpu, work);
  for (auto grow : {+[](hw::PowerMode& m) { m.gpu_hz *= 2; }, +[](hw::PowerMode& m) { m.gpu_units *= 2; },
                    +[](hw::PowerMode& m) { m.dram_bytes_per_second *= 2; }}) {
    hw::PowerMode larger = mode;
    grow(larger);
    EXPECT_LE(host_seconds(d, larger, HostEngine::kGpu, work), base);
  }
  EXPECT_GE(host_seconds(d, mode, HostEngine::kGpu, work, 0.5), base);
}

HostWork work_of(const std::string& body, HostPrecision precision = HostPrecision::kFp32) {
  auto graph = graph::parse("graph \"g\" {\"\": 17}\n" + body);
  EXPECT_TRUE(graph) << graph.error().message;
  const auto work = host_work_of(*graph, graph->nodes.back(), precision);
  EXPECT_TRUE(work) << work.error().message;
  return work ? *work : HostWork{};
}

TEST(HostWork, ConvolutionsCountTheirKernels) {
  const HostWork work = work_of(
      "input %x : float32[1,8,10,10]\ninput %w : float32[4,2,3,3]\n"
      "%y = Conv(%x, %w) {group=4} : float32[1,4,8,8]\noutput %y\n",
      HostPrecision::kFp16);
  EXPECT_EQ(work, (HostWork{.macs = 256 * 18,
                            .bytes_read = 2 * (800 + 72),
                            .bytes_written = 2 * 256,
                            .launches = 1,
                            .precision = HostPrecision::kFp16}));
  EXPECT_EQ(work_of("input %x : float32[1,8,5,5]\ninput %w : float32[8,3,2,2]\n"
                    "%y = ConvTranspose(%x, %w) : float32[1,3,10,10]\noutput %y\n")
                .macs,
            200 * 12);
}

TEST(HostWork, ProductsWindowsAndViews) {
  EXPECT_EQ(
      work_of("input %a : float32[2,5,7]\ninput %b : float32[2,7,3]\n%y = MatMul(%a, %b) : float32[2,5,3]\n"
              "output %y\n")
          .macs,
      30 * 7);
  EXPECT_EQ(
      work_of(
          "input %a : float32[7,5]\ninput %b : float32[7,3]\n%y = Gemm(%a, %b) {transA=1} : float32[5,3]\n"
          "output %y\n")
          .macs,
      15 * 7);
  const HostWork pool = work_of(
      "input %x : float32[1,2,8,8]\n%y = MaxPool(%x) {kernel_shape=[3,3]} : float32[1,2,6,6]\noutput %y\n");
  EXPECT_EQ(pool.elements, 72 * 9);
  const HostWork view =
      work_of("input %x : float32[1,2,8,8]\n%y = Flatten(%x) : float32[1,128]\noutput %y\n");
  EXPECT_EQ(view, HostWork{});
  EXPECT_EQ(work_of("input %x : float32[16]\n%y = Sigmoid(%x) : float32[16]\noutput %y\n").elements, 16 * 8);
  EXPECT_EQ(work_of("input %x : int64[16]\n%y = Neg(%x) : int64[16]\noutput %y\n").bytes_read, 128);
}

TEST(HostWork, UnknownShapesAreNamed) {
  auto graph = graph::parse("graph \"g\" {\"\": 17}\ninput %x : float32[-1,3]\n%y = Relu(%x)\noutput %y\n");
  ASSERT_TRUE(graph) << graph.error().message;
  const auto work = host_work_of(*graph, graph->nodes[0], HostPrecision::kFp32);
  ASSERT_FALSE(work);
  EXPECT_NE(work.error().message.find("x"), std::string::npos);
}

}  // namespace
}  // namespace medlar::timing
