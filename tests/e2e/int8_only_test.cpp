// SPDX-License-Identifier: Apache-2.0
// INT8 builds for configurations with INT8 alone: what the host takes over for the sake of accuracy, and what crosses its borders.
#include "api/build.hpp"
#include "api/inference.hpp"
#include "base/files.hpp"
#include "e2e/random_graph.hpp"
#include "sample/npy.hpp"

#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

namespace medlar::test {
namespace {

using graph::ValueId;

class Int8Only : public testing::TestWithParam<const char*> {
 protected:
  Int8Only() : folder_(std::filesystem::path(testing::TempDir()) / ("medlar_int8_only_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~Int8Only() override { std::filesystem::remove_all(folder_); }

  void save(const GraphRun& run) {
    ASSERT_TRUE(write_file(folder_ / "m.onnx", *model_of(run)));
    ASSERT_TRUE(write_file(folder_ / "x.npy", *sample::npy_bytes(run.inputs.at("x"))));
  }

  api::BuildRequest request() {
    api::BuildRequest request{.model = folder_ / "m.onnx", .device = GetParam(), .precision = hw::Precision::kInt8, .calibration = folder_ / "x.npy"};
    request.log = [this](Severity severity, std::string_view text) { warnings_ += severity == Severity::kWarning ? std::string(text) + "\n" : ""; };
    return request;
  }

  std::filesystem::path folder_;
  std::string warnings_;
};

/// Configurations whose table computes the network's Sigmoid, so that it can do without the host.
class Int8OnlyWithTable : public Int8Only {};

/// A stem whose channels reach from 0.1 to 100 behind SiLU, in front of a depthwise layer that brings them together and of layers that
/// hold nearly all work.
GraphRun uneven_stem() {
  TripBuilder b(11);
  const std::map<std::string, graph::Attribute> same{{"pads", std::vector<int64_t>{1, 1, 1, 1}}};
  auto depthwise = same;
  depthwise["group"] = int64_t{16};
  std::vector<float> spread;
  std::vector<float> back;
  for (int k = 0; k < 16; ++k) {
    spread.push_back(k % 4 == 0 ? 60.0f : 0.5f);
    back.push_back(1.0f / spread.back());
  }
  const auto by_channel = [&](const std::vector<float>& factors) { return b.constant(graph::make_tensor(graph::DataType::kFloat32, {16, 1, 1, 1}, factors)); };
  const auto silu = [&](ValueId x) { return b.node("Mul", {x, b.node("Sigmoid", {x})}); };
  const ValueId stem = silu(b.node("Conv", {b.input("x", {1, 3, 24, 24}), b.node("Mul", {b.random({16, 3, 1, 1}, -1.0, 1.0), by_channel(spread)})}));
  const ValueId even = silu(b.node("Conv", {stem, b.node("Mul", {b.random({16, 1, 3, 3}, 0.0, 0.4), by_channel(back)})}, depthwise));
  const ValueId wide = b.node("Relu", {b.node("Conv", {even, b.random({48, 16, 3, 3}, -0.2, 0.2)}, same)});
  return b.finish(b.node("Conv", {wide, b.random({8, 48, 3, 3}, -0.2, 0.2)}, same));
}

double error_of(engine::Engine engine, const GraphRun& run) {
  const auto wanted = reference_run(run);
  auto inference = api::Inference::create(std::move(engine), "", "int8 only");
  EXPECT_TRUE(inference) << inference.error().to_string();
  const auto result = inference->run(run.inputs);
  EXPECT_TRUE(result) << result.error().to_string();
  return relative_error(result->outputs.begin()->second, wanted->begin()->second);
}

TEST_P(Int8OnlyWithTable, WhatCostsMostIsComputedOnTheHost) {
  const GraphRun run = uneven_stem();
  ASSERT_NO_FATAL_FAILURE(save(run));
  auto by_itself = api::build(request());
  ASSERT_TRUE(by_itself) << by_itself.error().to_string();
  api::BuildRequest all_int8 = request();
  all_int8.accuracy_budget = 1.0;
  auto without = api::build(all_int8);
  ASSERT_TRUE(without) << without.error().to_string();
  uint64_t macs = 0;
  uint64_t on_dla = 0;
  size_t explained = 0;
  for (const compiler::Placement& placement : by_itself->plan.placements) {
    macs += placement.macs;
    on_dla += placement.engine == compiler::Engine::kDla ? placement.macs : 0;
    explained += placement.reason_code == "MDL2031" ? 1 : 0;
    EXPECT_TRUE(placement.reason_code != "MDL2031" || placement.reason.find("of the outputs, limit 0.05") != std::string::npos) << placement.reason;
  }
  EXPECT_GT(explained, 0u);
  EXPECT_GE(static_cast<double>(on_dla), 0.95 * static_cast<double>(macs));
  const double error = error_of(*std::move(by_itself), run);
  EXPECT_LE(error, 0.05);
  EXPECT_LE(2.0 * error, error_of(*std::move(without), run));
}

TEST_P(Int8OnlyWithTable, WithoutFallbackAWarningNamesTheTensors) {
  ASSERT_NO_FATAL_FAILURE(save(uneven_stem()));
  api::BuildRequest strict = request();
  strict.allow_fallback = false;
  const auto engine = api::build(strict);
  ASSERT_TRUE(engine) << engine.error().to_string();
  EXPECT_EQ(engine->plan.segments.size(), 1u);
  EXPECT_NE(warnings_.find("storing in INT8 costs about"), std::string::npos) << warnings_;
  EXPECT_NE(warnings_.find("fallback would compute such layers on the host"), std::string::npos) << warnings_;
}

/// Without a table, the host computes Sigmoid; SiLU's product stays with it, and what crosses the border is stored by channel.
TEST_P(Int8Only, SiluIsComputedInOnePlace) {
  const GraphRun run = uneven_stem();
  ASSERT_NO_FATAL_FAILURE(save(run));
  auto engine = api::build(request());
  ASSERT_TRUE(engine) << engine.error().to_string();
  size_t gates = 0;
  for (const compiler::Placement& placement : engine->plan.placements) {
    const bool gate = placement.segment >= 0 && (placement.op_type == "Sigmoid" || placement.op_type == "Mul");
    gates += gate ? 1 : 0;
    EXPECT_TRUE(!gate || placement.engine == compiler::Engine::kCpu) << placement.node;
  }
  EXPECT_EQ(gates, 4u);
  EXPECT_LE(error_of(*std::move(engine), run), 0.05);
}

INSTANTIATE_TEST_SUITE_P(Devices, Int8Only, testing::Values("nv_small"),
                         [](const testing::TestParamInfo<const char*>& test) { return std::string(test.param); });

INSTANTIATE_TEST_SUITE_P(Devices, Int8OnlyWithTable, testing::Values("nv_large"),
                         [](const testing::TestParamInfo<const char*>& test) { return std::string(test.param); });

}  // namespace
}  // namespace medlar::test
