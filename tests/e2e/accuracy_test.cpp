// SPDX-License-Identifier: Apache-2.0
// Accuracy as the user measures it: `medlar accuracy`'s counters by hand, then small networks on real images.
#include <map>

#include <gtest/gtest.h>

#include "api/accuracy.hpp"
#include "api/build.hpp"
#include "api/debug.hpp"
#include "base/files.hpp"
#include "support/test_data.hpp"

namespace medlar::test {
namespace {

namespace fs = std::filesystem;

TEST(Wilson, KnownIntervals) {
  const api::Interval half = api::wilson(50, 100);
  EXPECT_NEAR(half.low, 0.4038, 1e-4);
  EXPECT_NEAR(half.high, 0.5962, 1e-4);
  const api::Interval all = api::wilson(10, 10);
  EXPECT_NEAR(all.low, 0.7225, 1e-4);
  EXPECT_NEAR(all.high, 1.0, 1e-9);
  EXPECT_EQ(api::wilson(0, 0).high, 1.0);
}

TEST(Labels, StandBeforeTheUnderscore) {
  EXPECT_EQ(api::label_of("folder_1/0261_n02112350.jpg").value(), 261);
  EXPECT_EQ(api::label_of("7_x.png").value(), 7);
  EXPECT_FALSE(api::label_of("cat.bmp"));
  EXPECT_FALSE(api::label_of("folder_1/cat.bmp"));
  EXPECT_FALSE(api::label_of("x7_1.png"));
}

TEST(Classes, CountsTopOneAndFive) {
  api::ClassCounts counts;
  const auto scores = [](std::vector<float> values) {
    return graph::make_tensor(graph::DataType::kFloat32, {1, static_cast<int64_t>(values.size())}, values);
  };
  const auto reference = scores({0, 1, 2, 3, 4, 5, 6});
  ASSERT_TRUE(api::count_classes(scores({0, 1, 2, 3, 4, 6, 5}), reference, 6, counts));
  ASSERT_TRUE(api::count_classes(reference, reference, 1, counts));
  EXPECT_EQ(counts.top1, 0u);
  EXPECT_EQ(counts.top5, 1u);
  EXPECT_EQ(counts.reference_top1, 1u);
  EXPECT_EQ(counts.reference_top5, 1u);
  EXPECT_EQ(counts.agreeing, 1u);
  EXPECT_FALSE(api::count_classes(reference, reference, 7, counts));
}

TEST(Overlap, OfClassMaps) {
  const auto reference = graph::make_tensor<float>(graph::DataType::kFloat32, {1, 2, 1, 4}, {1, 1, 0, 0, 0, 0, 1, 1});
  const auto ours = graph::make_tensor<float>(graph::DataType::kFloat32, {1, 2, 1, 4}, {1, 1, 1, 0, 0, 0, 0, 1});
  api::OverlapCounts counts;
  ASSERT_TRUE(api::count_overlap(ours, reference, counts));
  EXPECT_EQ(counts.equal, 3u);
  EXPECT_NEAR(counts.mean_iou(), (2.0 / 3 + 1.0 / 2) / 2, 1e-9);
}

TEST(Boxes, OfDecodedRowsAndTheirMatches) {
  // Two rows: a box of class 1, and the same box a little aside and weaker, which is suppressed.
  std::vector<float> rows{50, 50, 20, 20, 0.9f, 0.1f, 0.9f, 51, 50, 20, 20, 0.8f, 0.1f, 0.9f};
  rows.resize(size_t{10} * 7);
  const std::map<std::string, graph::Tensor> outputs{
      {"output", graph::make_tensor(graph::DataType::kFloat32, {1, 10, 7}, rows)}};
  const auto boxes = api::decode_boxes(outputs, {1, 3, 96, 96}, 0.5);
  ASSERT_TRUE(boxes) << boxes.error().to_string();
  ASSERT_EQ(boxes->size(), 1u);
  EXPECT_EQ((*boxes)[0].label, 1);
  EXPECT_NEAR((*boxes)[0].x0, 40, 1e-5);
  api::BoxCounts counts;
  std::vector<api::Box> moved = *boxes;
  moved[0].x0 += 1;
  moved[0].x1 += 1;
  api::match_boxes(moved, *boxes, counts);
  EXPECT_EQ(counts.confident, 1u);
  EXPECT_EQ(counts.kept, 1u);
  EXPECT_NEAR(counts.lowest, 19.0 / 21, 1e-6);
  moved[0].label = 0;
  api::match_boxes(moved, *boxes, counts);
  EXPECT_EQ(counts.kept, 1u);
  EXPECT_FALSE(api::decode_boxes({{"x", graph::make_tensor<float>(graph::DataType::kFloat32, {1, 3}, {1, 2, 3})}}, {1, 3, 96, 96}, 0.5));
}

struct NetworkCase {
  const char* name;
  const char* model;
  const char* images;
  const char* device;
};

void PrintTo(const NetworkCase& network, std::ostream* stream) { *stream << network.name; }

fs::path save(const engine::Engine& engine, const std::string& name) {
  const fs::path path = fs::path(testing::TempDir()) / name;
  EXPECT_TRUE(write_file(path, engine::serialize(engine)));
  return path;
}

class Int8Accuracy : public testing::TestWithParam<NetworkCase> {};

/// A CI-sized piece of scripts/accuracy_table: 40 images see a broken build, not half a point.
TEST_P(Int8Accuracy, IsThatOfTheReference) {
  const NetworkCase& network = GetParam();
  MEDLAR_REFERENCE_DATA(model, std::string("models/") + network.model);
  MEDLAR_REFERENCE_DATA(images, std::string("images/") + network.images);
  const auto engine = api::build({.model = model, .device = network.device, .precision = hw::Precision::kInt8, .calibration = images});
  ASSERT_TRUE(engine) << engine.error().to_string();
  const auto report = api::measure_accuracy({.engine = save(*engine, std::string(network.name) + ".engine"), .model = model, .images = images, .limit = 40});
  ASSERT_TRUE(report) << report.error().to_string();
  EXPECT_EQ(report->images, 40u);
  EXPECT_GE(report->classes.agreeing, 36u);
  EXPECT_GE(report->classes.top1 + 1, report->classes.reference_top1);
}

INSTANTIATE_TEST_SUITE_P(Small, Int8Accuracy,
                         testing::Values(NetworkCase{"mobilenet_v1_small", "mobilenet_v1_0.25_128.onnx", "imagenet_300.tar", "nv_small"},
                                         NetworkCase{"resnet8_full", "resnet8_cifar10_mlperf_tiny.onnx", "cifar10_200.tar", "nv_full"}),
                         [](const testing::TestParamInfo<NetworkCase>& test) { return test.param.name; });

/// Three of the photographs of `images`, in a folder of their own.
fs::path photographs_of_faces(const fs::path& images) {
  const fs::path folder = fs::path(testing::TempDir()) / "photographs_of_faces";
  fs::create_directories(folder);
  for (const char* name : {"faces_1.jpg", "zidane.jpg", "bus.jpg"}) {
    fs::copy_file(images / name, folder / name, fs::copy_options::overwrite_existing);
  }
  return folder;
}

class Detection : public testing::TestWithParam<const char*> {};

/// In INT8 throughout, 92.9 % of YuNet's boxes are found again; by itself the build keeps in FP16 what costs most, or on the host
/// where there is INT8 alone.
TEST_P(Detection, KeepsTheBoxesOfYunet) {
  MEDLAR_REFERENCE_DATA(model, "models/yunet_320.onnx");
  MEDLAR_REFERENCE_DATA(faces, "images/faces_1.jpg");
  const fs::path photographs = photographs_of_faces(faces.parent_path());
  const auto engine = api::build({.model = model, .device = GetParam(), .precision = hw::Precision::kInt8, .calibration = photographs});
  ASSERT_TRUE(engine) << engine.error().to_string();
  const auto report =
      api::measure_accuracy({.engine = save(*engine, std::string("yunet_") + GetParam() + ".engine"), .images = photographs, .task = api::AccuracyTask::kDetect});
  ASSERT_TRUE(report) << report.error().to_string();
  EXPECT_GE(report->boxes.confident, 60u);
  EXPECT_GE(report->boxes.kept * 100, report->boxes.confident * 95) << report->boxes.kept << " of " << report->boxes.confident;
}

INSTANTIATE_TEST_SUITE_P(Devices, Detection, testing::Values("nv_full", "nv_small", "nv_large"),
                         [](const testing::TestParamInfo<const char*>& test) { return std::string(test.param); });

api::BuildRequest digits(const std::string& device) {
  const fs::path folder = source_dir() / "models/digits";
  return {.model = folder / "digits.onnx", .device = device, .precision = hw::Precision::kInt8, .calibration = folder / "calibration"};
}

double worst_error(const api::BuildRequest& request, const std::string& name) {
  const auto engine = api::build(request);
  EXPECT_TRUE(engine) << engine.error().to_string();
  const auto report = api::measure_accuracy({.engine = save(*engine, name),
                                             .model = request.model,
                                             .images = source_dir() / "models/digits/images",
                                             .task = api::AccuracyTask::kTensor,
                                             .limit = 10});
  EXPECT_TRUE(report) << report.error().to_string();
  return report ? report->outputs[0].worst : 1.0;
}

/// Errors of the stored tensors over all images of the folder, by name.
std::map<std::string, double> tensor_errors(const api::BuildRequest& request) {
  const auto report = api::debug({.build = request, .samples = source_dir() / "models/digits/images", .limit = 20});
  EXPECT_TRUE(report) << report.error().to_string();
  std::map<std::string, double> errors;
  for (const api::LayerFinding& finding : report ? report->layers : std::vector<api::LayerFinding>()) {
    errors[finding.tensor] = finding.error;
  }
  return errors;
}

/// Judged where it happens: behind the softmax, the worst image says more about the image than about the layer.
TEST(MixedPrecision, ConvertsOnTheDeviceAsWell) {
  const auto plain = tensor_errors(digits("nv_full"));
  api::BuildRequest some = digits("nv_full");
  some.layer_precisions = {{"conv2*", hw::Precision::kFp16}};
  const auto mixed = tensor_errors(some);
  EXPECT_LT(mixed.at("relu2_out"), 0.8 * plain.at("relu2_out")) << "computed and stored in FP16";
  for (const char* behind : {"relu3_out", "relu4_out", "relu5_out"}) {
    EXPECT_LT(mixed.at(behind), 1.05 * plain.at(behind)) << behind << ": the way back to INT8 costs nothing";
  }
  api::BuildRequest all = digits("nv_full");
  all.layer_precisions = {{"*", hw::Precision::kFp16}};
  EXPECT_LT(worst_error(all, "all.engine"), 1e-2);
}

TEST(MixedPrecision, TheBudgetIsKept) {
  api::BuildRequest request = digits("nv_full");
  request.accuracy_budget = 1e-8;  // behind a softmax that is nearly sure, errors are small
  const auto engine = api::build(request);
  ASSERT_TRUE(engine) << engine.error().to_string();
  int halves = 0;
  for (const compiler::Placement& placement : engine->plan.placements) {
    halves += placement.precision == "fp16" ? 1 : 0;
  }
  EXPECT_GT(halves, 0);
}

TEST(MixedPrecision, IsRefusedWhereThereIsNoFp16) {
  api::BuildRequest request = digits("nv_small");
  request.layer_precisions = {{"*", hw::Precision::kFp16}};
  const auto engine = api::build(request);
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code, Code::kUnsupported);
  EXPECT_NE(engine.error().message.find("int8 alone"), std::string::npos) << engine.error().message;
}

TEST(Debug, NamesTheFirstDivergence) {
  api::DebugRequest request{.build = digits("nv_full"), .samples = source_dir() / "models/digits/images"};
  request.tolerance = 1e-6;
  const auto strict = api::debug(request);
  ASSERT_TRUE(strict) << strict.error().to_string();
  ASSERT_GE(strict->first, 0);
  EXPECT_GT(strict->layers.size(), 2u);
  EXPECT_FALSE(strict->cure.empty());
  request.tolerance = 0.5;
  const auto loose = api::debug(request);
  ASSERT_TRUE(loose);
  EXPECT_EQ(loose->first, -1);
}

TEST(Debug, CuresFollowTheFindings) {
  api::LayerFinding finding{.tensor = "t", .layer = "l", .origins = {"node"}, .precision = "int8"};
  finding.values = 1000;
  finding.saturated = 100;
  EXPECT_NE(api::propose_cure(finding, true).find("--calibrator max"), std::string::npos);
  finding.saturated = 0;
  EXPECT_NE(api::propose_cure(finding, true).find("--layerPrecisions=node:fp16"), std::string::npos);
  EXPECT_NE(api::propose_cure(finding, false).find("off the DLA"), std::string::npos);
  finding.precision = "fp16";
  finding.largest = 1e6;
  EXPECT_NE(api::propose_cure(finding, true).find("65504"), std::string::npos);
}

}  // namespace
}  // namespace medlar::test
