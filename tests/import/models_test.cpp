// SPDX-License-Identifier: Apache-2.0
// Real networks: each imports, verifies and survives the text form and the way back to ONNX.
#include "graph/fold.hpp"
#include "graph/text.hpp"
#include "import/onnx_export.hpp"
#include "import/onnx_import.hpp"
#include "support/test_data.hpp"

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medlar::import {
namespace {

struct ModelCase {
  std::string name;
  std::string shapes;
  size_t nodes;
  size_t notices;
  size_t folded;             ///< Nodes left after folding without an evaluator.
  int64_t elements;          ///< Of all results of those nodes; the numbers come from ONNX Runtime.
  std::string output_shapes;
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
  // Beside branches the export leaves dimensions open; the same shapes close them again.
  std::map<std::string, graph::Shape> known;
  for (const graph::ValueId id : graph->inputs) {
    known[graph->value(id).name] = *graph->value(id).shape;
  }
  const auto again = import_onnx_bytes(*bytes, "again", {.shapes = known});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(export_onnx(*again), bytes) << "the export of an export differs";
}

std::string shapes_of(const graph::Graph& graph, const std::vector<graph::ValueId>& ids) {
  std::string out;
  for (const graph::ValueId id : ids) {
    const auto& shape = graph.value(id).shape;
    out += (out.empty() ? "" : " ") + (shape ? fmt::format("{}", fmt::join(*shape, "x")) : std::string("?"));
  }
  return out;
}

int64_t elements_of_results(const graph::Graph& graph) {
  int64_t elements = 0;
  for (const graph::Node& node : graph.nodes) {
    for (const graph::ValueId id : node.outputs) {
      const auto shape = id == graph::kNoValue ? graph::Shape{0} : graph.value(id).shape;
      elements += shape ? graph::element_count(*shape).value_or(0) : 0;
    }
  }
  return elements;
}

TEST_P(Models, FoldsToStaticShapes) {
  const ModelCase& expected = GetParam();
  MEDLAR_REFERENCE_DATA(path, "models/" + expected.name + ".onnx");
  auto graph = import_onnx(path, {.shapes = *parse_shapes(expected.shapes)});
  ASSERT_TRUE(graph) << graph.error().message;
  const auto folded = graph::fold_constants(*graph, nullptr);
  ASSERT_TRUE(folded) << folded.error().message;
  const Status status = graph::verify(*graph);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(graph->nodes.size(), expected.folded);
  EXPECT_EQ(elements_of_results(*graph), expected.elements);
  EXPECT_EQ(shapes_of(*graph, graph->outputs), expected.output_shapes);
}

INSTANTIATE_TEST_SUITE_P(
    All, Models,
    testing::Values(
        ModelCase{"bidi_lstm", "input:1x20", 23, 0, 14, 28132, "1x20x2"},
        ModelCase{"deeplabv3_mnv2_dm05", "", 107, 0, 107, 47714459, "1x21x513x513"},
        ModelCase{"mnist", "", 12, 0, 12, 32884, "1x10"},
        ModelCase{"mobilenet_v1_0.25_128", "", 58, 0, 58, 826555, "1x1001"},
        ModelCase{"mobilenet_v2_1.0_224", "", 101, 0, 101, 13004571, "1x1001"},
        ModelCase{"openwakeword_embedding", "", 65, 1, 65, 1136288, "1x1x1x96"},
        ModelCase{"ppocr_v4_det", "x:1x3x320x320", 330, 0, 330, 43170896, "1x1x320x320"},
        ModelCase{"resnet20_cifar10", "", 75, 0, 57, 497802, "1x10"},
        ModelCase{"resnet8_cifar10_mlperf_tiny", "", 23, 0, 23, 188564, "1x10"},
        // The branches of silero's If are opaque: its outputs stay as open as the file declares them.
        ModelCase{"silero_vad_v5", "input:1x512,state:2x1x128", 4, 0, 2, 1, "-1x1 -1x-1x-1"},
        ModelCase{"squeezenet1.1", "", 82, 0, 66, 7555896, "1x1000"},
        ModelCase{"super_resolution_core", "", 8, 0, 8, 16959488, "1x1x672x672"},
        ModelCase{"ultraface_rfb_320", "", 211, 0, 163, 9410120, "1x4420x2 1x4420x4"},
        ModelCase{"vww_96", "", 58, 0, 58, 463620, "1x2"},
        ModelCase{"yolov5n", "", 276, 0, 238, 62434800, "1x25200x85"},
        ModelCase{"yolox_nano", "", 369, 0, 369, 31680402, "1x3549x85"},
        ModelCase{"yunet_320", "", 115, 0, 115, 8285800,
                  "1x1600x1 1x400x1 1x100x1 1x1600x1 1x400x1 1x100x1 1x1600x4 1x400x4 1x100x4 1x1600x10 1x400x10 "
                  "1x100x10"}),
    [](const auto& test) {
      std::string name = test.param.name;
      std::replace_if(name.begin(), name.end(), [](char c) { return c == '.'; }, '_');
      return name;
    });

}  // namespace
}  // namespace medlar::import
