// SPDX-License-Identifier: Apache-2.0
// Real networks: each imports, verifies and survives the text form and the way back to ONNX.
#include "graph/text.hpp"
#include "import/onnx_export.hpp"
#include "import/onnx_import.hpp"
#include "support/test_data.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medlar::import {
namespace {

struct ModelCase {
  std::string name;
  std::string shapes;
  size_t nodes;
  size_t notices;
};

void PrintTo(const ModelCase& model, std::ostream* out) {
  *out << model.name;
}

class Models : public testing::TestWithParam<ModelCase> {};

TEST_P(Models, ImportPrintExport) {
  const ModelCase& expected = GetParam();
  MEDLAR_REFERENCE_DATA(path, "models/" + expected.name + ".onnx");
  const auto shapes = parse_shapes(expected.shapes);
  ASSERT_TRUE(shapes) << shapes.error().message;
  std::vector<std::string> notices;
  const auto graph = import_onnx(path, {.shapes = *shapes}, &notices);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->nodes.size(), expected.nodes);
  EXPECT_EQ(notices.size(), expected.notices);
  EXPECT_TRUE(graph::verify(*graph));

  const std::string text = graph::print(*graph);
  const auto parsed = graph::parse(text, graph::constant_pool(*graph));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(graph::print(*parsed), text);

  const auto bytes = export_onnx(*graph);
  ASSERT_TRUE(bytes) << bytes.error().message;
  const auto again = import_onnx_bytes(*bytes, "again");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(export_onnx(*again), bytes) << "the export of an export differs";
}

INSTANTIATE_TEST_SUITE_P(All, Models,
                         testing::Values(ModelCase{"bidi_lstm", "input:1x20", 23, 0},
                                         ModelCase{"deeplabv3_mnv2_dm05", "", 107, 0},
                                         ModelCase{"mnist", "", 12, 0},
                                         ModelCase{"mobilenet_v1_0.25_128", "", 58, 0},
                                         ModelCase{"mobilenet_v2_1.0_224", "", 101, 0},
                                         ModelCase{"openwakeword_embedding", "", 65, 1},
                                         ModelCase{"ppocr_v4_det", "x:1x3x320x320", 330, 0},
                                         ModelCase{"resnet20_cifar10", "", 75, 0},
                                         ModelCase{"resnet8_cifar10_mlperf_tiny", "", 23, 0},
                                         ModelCase{"silero_vad_v5", "input:1x512,state:2x1x128", 4, 0},
                                         ModelCase{"squeezenet1.1", "", 82, 0},
                                         ModelCase{"super_resolution_core", "", 8, 0},
                                         ModelCase{"ultraface_rfb_320", "", 211, 0},
                                         ModelCase{"vww_96", "", 58, 0}, ModelCase{"yolov5n", "", 276, 0},
                                         ModelCase{"yolox_nano", "", 369, 0}, ModelCase{"yunet_320", "", 115, 0}),
                         [](const auto& test) {
                           std::string name = test.param.name;
                           std::replace_if(name.begin(), name.end(), [](char c) { return c == '.'; }, '_');
                           return name;
                         });

}  // namespace
}  // namespace medlar::import
