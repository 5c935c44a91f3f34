// SPDX-License-Identifier: Apache-2.0
// INT8 builds in which an operator that lays out channels by memory atoms stays in FP16, whose atoms hold half as many.
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

struct Rearranging {
  const char* name;
  ValueId (*make)(TripBuilder& b, ValueId x);
  int64_t channels;  ///< Of its result, from 20.
};

void PrintTo(const Rearranging& op, std::ostream* stream) {
  *stream << op.name;
}

class MixedPrecision : public testing::TestWithParam<Rearranging> {
 protected:
  MixedPrecision() : folder_(std::filesystem::path(testing::TempDir()) / ("medlar_mixed_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~MixedPrecision() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_P(MixedPrecision, RearrangesByTheAtomsOfItsPrecision) {
  TripBuilder b(7);
  const ValueId x = b.node("Conv", {b.input("x", {1, 24, 8, 8}), b.random({20, 24, 1, 1}, -0.3, 0.3)});
  const ValueId middle = GetParam().make(b, x);
  const GraphRun run = b.finish(b.node("Conv", {middle, b.random({5, GetParam().channels, 1, 1}, -0.3, 0.3)}));
  const auto wanted = reference_run(run);
  ASSERT_TRUE(wanted) << wanted.error().to_string();
  ASSERT_TRUE(write_file(folder_ / "m.onnx", *model_of(run)));
  ASSERT_TRUE(write_file(folder_ / "x.npy", *sample::npy_bytes(run.inputs.at("x"))));
  auto engine = api::build({.model = folder_ / "m.onnx",
                            .device = "nv_full",
                            .precision = hw::Precision::kInt8,
                            .calibration = folder_ / "x.npy",
                            .layer_precisions = {{.pattern = std::string(GetParam().name) + "*", .precision = hw::Precision::kFp16}}});
  ASSERT_TRUE(engine) << engine.error().to_string();
  auto inference = api::Inference::create(std::move(*engine), "", "mixed");
  ASSERT_TRUE(inference) << inference.error().to_string();
  const auto result = inference->run(run.inputs);
  ASSERT_TRUE(result) << result.error().to_string();
  EXPECT_LE(relative_error(result->outputs.begin()->second, wanted->begin()->second), 3e-2);
}

INSTANTIATE_TEST_SUITE_P(
    Operators, MixedPrecision,
    testing::Values(Rearranging{"ConvTranspose",
                                [](TripBuilder& b, ValueId x) {
                                  return b.node("ConvTranspose", {x, b.random({20, 3, 2, 2}, -0.3, 0.3)}, {{"strides", std::vector<int64_t>{2, 2}}});
                                },
                                3},
                    Rearranging{"DepthToSpace", [](TripBuilder& b, ValueId x) { return b.node("DepthToSpace", {x}, {{"blocksize", int64_t{2}}}); }, 5},
                    Rearranging{"Resize",
                                [](TripBuilder& b, ValueId x) {
                                  return b.node("Resize", {x, graph::kNoValue, b.floats({1, 1, 2, 2})}, {{"mode", std::string("linear")}});
                                },
                                20}),
    [](const auto& op) { return std::string(op.param.name); });

}  // namespace
}  // namespace medlar::test
