// SPDX-License-Identifier: Apache-2.0
// Segments and whole graphs as ONNX bytes.
#include "import/onnx_export.hpp"

#include "graph/text.hpp"
#include "import/onnx_import.hpp"
#include "model_builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medlar::import {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

graph::Graph chain() {
  return *graph::parse(R"(graph "chain" {"": 13, "acme": 2}
input %x : float32[1,3]
%w = const : float32[3] [1.0,2.0,3.0]
%unused = const : float32[1] [9.0]
%a = Mul(%x, %w) : float32[1,3]
%b = acme::Twist(%a) {power=2} : ?
%c = Clip(%b, _, %w) : float32[1,3]
output %c
)");
}

graph::ValueId id_of(const graph::Graph& graph, const std::string& name) {
  return *graph::find_value(graph, name);
}

TEST(OnnxExport, ASegmentCarriesItsConstants) {
  const graph::Graph graph = chain();
  const auto bytes = export_onnx(graph, {1, 2}, {id_of(graph, "a")}, {id_of(graph, "b"), id_of(graph, "c")});
  ASSERT_TRUE(bytes) << bytes.error().message;
  const auto back = import_onnx_bytes(*bytes, "segment");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(graph::print(*back), R"(graph "chain" {"": 13, "acme": 2}
input %a : float32[1,3]
%w = const : float32[3] [1.0,2.0,3.0]
%b = acme::Twist(%a) {power=2} : ?
%c = Clip(%b, _, %w) : float32[1,3]
output %b
output %c
)");
  EXPECT_EQ(export_onnx(graph, {1, 2}, {id_of(graph, "a")}, {id_of(graph, "b"), id_of(graph, "c")}), bytes);
}

TEST(OnnxExport, MissingInputsAreNamed) {
  const graph::Graph graph = chain();
  const auto bytes = export_onnx(graph, {1, 2}, {}, {id_of(graph, "c")});
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().message, "export of chain: Twist_b reads a, which is neither produced nor an input");
  EXPECT_THAT(export_onnx(graph, {0}, {id_of(graph, "x")}, {id_of(graph, "c")}).error().message,
              HasSubstr("the list of outputs reads c"));
  EXPECT_THAT(export_onnx(graph, {7}, {}, {}).error().message, HasSubstr("outside of the graph"));
  EXPECT_THAT(export_onnx(graph, {}, {-1}, {}).error().message, HasSubstr("outside of the graph"));
}

TEST(OnnxExport, OneConstantUnderTwoIds) {
  graph::Graph graph = *graph::parse("graph \"g\" {\"\": 13}\n%w = const : float32[1] [2.0]\n%v = const : float32[1] [2.0]\n"
                                     "%y = Mul(%w, %v) : float32[1]\noutput %y\n");
  graph.values[1].name = "w";
  const auto bytes = export_onnx(graph);
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_TRUE(import_onnx_bytes(*bytes, "back"));
  graph.values[1].data = std::make_shared<graph::Tensor>(graph::make_tensor<float>(graph::DataType::kFloat32, {1}, {3}));
  EXPECT_EQ(export_onnx(graph).error().message, "export of g: two constants are named w");
}

TEST(OnnxExport, ExtraOutputsAndNotes) {
  const graph::Graph graph = chain();
  const auto activations = float_activations(graph);
  EXPECT_THAT(activations, ElementsAre(id_of(graph, "x"), id_of(graph, "a"), id_of(graph, "c")));
  const auto bytes = export_onnx(graph, {.extra_outputs = {id_of(graph, "a"), id_of(graph, "c")},
                                         .node_notes = {{"Mul_a", "on the DLA"}}});
  ASSERT_TRUE(bytes) << bytes.error().message;
  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromArray(bytes->data(), static_cast<int>(bytes->size())));
  ASSERT_EQ(model.graph().output_size(), 2);
  EXPECT_EQ(model.graph().output(0).name(), "c");
  EXPECT_EQ(model.graph().output(1).name(), "a");
  EXPECT_EQ(model.graph().node(0).doc_string(), "on the DLA");
  EXPECT_EQ(model.graph().initializer_size(), 1) << "constants that nothing reads stay out";
}

TEST(OnnxExport, EveryKindOfAttributeComesBack) {
  const auto graph = graph::parse(R"(graph "attributes" {"": 13, "acme": 1}
input %x : float32[1]
%y = acme::All(%x) {f=1.5, fs=[1.0,2.0], i=3, is=[1,2], s="t", ss=["u"], t=int8[2] [1,-1]} : float32[1]
output %y
)");
  ASSERT_TRUE(graph) << graph.error().message;
  const auto back = import_onnx_bytes(*export_onnx(*graph), "back");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(graph::print(*back), graph::print(*graph));
}

TEST(OnnxExport, NestedGraphsBringTheConstantsTheyCapture) {
  onnx::ModelProto model = small_model();
  auto* branch = add_node(model.mutable_graph(), "If", {"x"}, {"r"});
  auto* body = add_attribute(branch, "then_branch", onnx::AttributeProto::GRAPH)->mutable_g();
  add_node(body, "Relu", {"w"}, {"inner"});
  add_value_info(body->mutable_output(), "inner", {3});
  const auto graph = import_onnx_bytes(model_bytes(model), "m");
  ASSERT_TRUE(graph) << graph.error().message;
  const auto bytes = export_onnx(*graph, {2}, graph->inputs, {id_of(*graph, "r")});
  ASSERT_TRUE(bytes) << bytes.error().message;
  // Dimensions stay open beside branches, so the reader names them.
  const auto back = import_onnx_bytes(*bytes, "back", {.shapes = {{"x", {1, 3}}}});
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(back->value(id_of(*back, "w")).is_constant());
  EXPECT_EQ(back->nodes[0].attributes, graph->nodes[2].attributes);
}

}  // namespace
}  // namespace medlar::import
