// SPDX-License-Identifier: Apache-2.0
#include "host/calibrate.hpp"

#include "graph/shape_inference.hpp"
#include "import/onnx_import.hpp"
#include "support/test_data.hpp"

namespace medlar::host {
namespace {

sample::Preprocess gray_digits() {
  sample::Preprocess preprocess;
  preprocess.height = preprocess.width = 28;
  preprocess.order = sample::ChannelOrder::kGray;
  preprocess.mean = {0};
  preprocess.scale = {1 / 255.0f};
  return preprocess;
}

TEST(Calibrate, SeesEveryActivationOfTheDigits) {
  const auto folder = test::source_dir() / "models/digits";
  auto graph = import::import_onnx(folder / "digits.onnx");
  ASSERT_TRUE(graph) << graph.error().to_string();
  ASSERT_TRUE(graph::infer_shapes(*graph));
  const sample::Preprocess preprocess = gray_digits();
  uint64_t last = 0;
  const auto table = calibrate(*graph, folder / "calibration", preprocess,
                               [&](std::string_view, uint64_t done, uint64_t total) {
                                 EXPECT_EQ(total, 64u);
                                 last = done;
                               });
  ASSERT_TRUE(table) << table.error().to_string();
  EXPECT_EQ(last, 64u);
  EXPECT_FLOAT_EQ(table->ranges.at("image").max, 1.0f);
  EXPECT_FLOAT_EQ(table->ranges.at("image").min, 0.0f);
  EXPECT_GT(table->ranges.at("relu1_out").max, 0.1f);
  EXPECT_GE(table->ranges.at("relu1_out").min, 0.0f);
  const compiler::TensorRange& relu = table->ranges.at("relu1_out");
  EXPECT_LE(compiler::magnitude(relu), relu.max * 1.0001f);
  EXPECT_GT(compiler::magnitude(relu), relu.max / 16);
}

TEST(Calibrate, AFolderWithoutSamplesIsAnError) {
  auto graph = import::import_onnx(test::source_dir() / "models/digits/digits.onnx");
  ASSERT_TRUE(graph && graph::infer_shapes(*graph));
  const auto table = calibrate(*graph, test::source_dir() / "cmake", std::nullopt, {});
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code, Code::kNotFound);
}

}  // namespace
}  // namespace medlar::host
