// SPDX-License-Identifier: Apache-2.0
// The importer on small models: what it keeps, what it refuses and how it says so.
#include "import/onnx_import.hpp"

#include <functional>

#include "graph/text.hpp"
#include "model_builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medlar::import {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<graph::Graph> import_model(const onnx::ModelProto& model, const ImportOptions& options = {},
                                  std::vector<std::string>* notices = nullptr) {
  return import_onnx_bytes(model_bytes(model), "m.onnx", options, notices);
}

TEST(OnnxImport, SmallModelAsText) {
  const auto graph = import_model(small_model());
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph::print(*graph), R"(graph "small" {"": 13}
input %x : float32[1,3]
%w = const : float32[3] [1.0,2.0,3.0]
%m = Mul(%x, %w) @"scale" : ?
%y = Relu(%m) : float32[1,3]
output %y
)");
}

struct RefusedCase {
  std::function<void(onnx::ModelProto&)> change;
  std::string message;
};

TEST(OnnxImport, RefusesByName) {
  const std::vector<RefusedCase> cases = {
      {[](auto& m) { m.clear_ir_version(); }, "has no IR version"},
      {[](auto& m) { m.set_ir_version(99); }, "IR version 99 is not supported (1 to "},
      {[](auto& m) { m.clear_graph(); }, "has no graph"},
      {[](auto& m) { m.mutable_opset_import(0)->set_version(6); }, "opset 6 is not supported (supported: 7 to 25)"},
      {[](auto& m) { m.mutable_opset_import(0)->set_version(26); }, "opset 26 is not supported (supported: 7 to 25)"},
      {[](auto& m) { m.clear_opset_import(); }, "node scale (Mul): the model imports no opset of domain ''"},
      {[](auto& m) { m.mutable_graph()->mutable_node(0)->set_domain("acme"); },
       "node scale (Mul): the model imports no opset of domain 'acme'"},
      {[](auto& m) { m.mutable_graph()->mutable_node(0)->set_input(1, "nowhere"); },
       "node scale (Mul) reads tensor nowhere, which nothing produces"},
      {[](auto& m) { m.mutable_graph()->mutable_node(0)->set_input(0, "y"); }, "depends on its own output"},
      {[](auto& m) { m.mutable_graph()->mutable_node(0)->mutable_input()->RemoveLast(); },
       "node scale (Mul): Mul needs 2 inputs, number 2 is missing"},
      {[](auto& m) { m.mutable_graph()->mutable_node(1)->set_input(0, ""); }, "Relu needs 1 inputs, number 1 is missing"},
      {[](auto& m) { m.mutable_graph()->mutable_node(1)->set_output(0, ""); }, "Relu leaves its first output out"},
      {[](auto& m) { m.mutable_graph()->mutable_node(1)->set_output(0, "m"); },
       "tensor m is defined twice (the second time by the Relu node that produces m)"},
      {[](auto& m) { add_floats(m.mutable_graph(), "m", {1}); }, "tensor m is defined twice"},
      {[](auto& m) { add_floats(m.mutable_graph(), "w", {1}); },
       "tensor w is defined twice (the second time by an initializer)"},
      {[](auto& m) { add_value_info(m.mutable_graph()->mutable_input(), "x", {1}); }, "tensor x is defined twice"},
      {[](auto& m) { m.mutable_graph()->clear_output(); }, "the graph has no output"},
      {[](auto& m) { m.mutable_graph()->mutable_output(0)->set_name("z"); },
       "the list of outputs reads tensor z, which nothing produces"},
      {[](auto& m) { *m.mutable_graph()->add_output() = m.graph().output(0); }, "output y is listed twice"},
      {[](auto& m) { m.mutable_graph()->mutable_node(0)->clear_op_type(); }, "node scale () has no operator"},
      {[](auto& m) { add_node(m.mutable_graph(), "Exp", {"x"}, {}); }, "node Exp (Exp) has no output"},
      {[](auto& m) { m.mutable_graph()->mutable_input(0)->clear_type(); },
       "input x: only tensors of a known element type can be inputs"},
      {[](auto& m) { m.mutable_graph()->mutable_initializer(0)->set_raw_data("12345"); },
       "initializer w: raw_data holds 5 bytes, the shape needs 12"},
      {[](auto& m) { m.mutable_graph()->mutable_initializer(0)->set_dims(0, -3); },
       "initializer w: its dimensions [-3] are negative or overflow"},
      {[](auto& m) {
         auto* w = m.mutable_graph()->mutable_initializer(0);
         w->set_dims(0, int64_t{1} << 40);
         w->add_dims(int64_t{1} << 40);
       },
       "initializer w: its dimensions [1099511627776,1099511627776] are negative or overflow"},
      {[](auto& m) {
         auto* w = m.mutable_graph()->mutable_initializer(0);
         w->clear_raw_data();
         w->set_dims(0, 400 << 20);
       },
       "initializer w: the shape needs 1677721600 bytes, the tensor has no such data"},
      {[](auto& m) {
         auto* w = m.mutable_graph()->mutable_initializer(0);
         w->clear_raw_data();
         w->set_dims(0, 1 << 30);
       },
       "initializer w: its shape [1073741824] needs more than 2147483647 bytes"},
      {[](auto& m) { m.mutable_graph()->mutable_initializer(0)->set_data_type(99); },
       "initializer w: element type 99 is unknown"},
      {[](auto& m) { m.mutable_graph()->mutable_initializer(0)->mutable_segment()->set_begin(0); },
       "initializer w: segmented tensors are not supported"},
      {[](auto& m) {
         add_attribute(m.mutable_graph()->mutable_node(0), "a", onnx::AttributeProto::INT);
         add_attribute(m.mutable_graph()->mutable_node(0), "a", onnx::AttributeProto::INT);
       },
       "node scale (Mul): attribute a is given twice"},
      {[](auto& m) { add_attribute(m.mutable_graph()->mutable_node(0), "a", onnx::AttributeProto::UNDEFINED); },
       "node scale (Mul): attribute a: it has neither type nor value"},
      {[](auto& m) {
         auto* tensor = add_attribute(m.mutable_graph()->mutable_node(0), "a", onnx::AttributeProto::TENSOR)->mutable_t();
         tensor->set_data_type(onnx::TensorProto::INT8);
         tensor->add_dims(1);
         tensor->add_int32_data(300);
       },
       "node scale (Mul): attribute a: element 0 is 300, which does not fit int8"},
      {[](auto& m) { add_node(m.mutable_graph(), "Constant", {}, {"c"}); },
       "the Constant node that produces c: a Constant has one attribute and one output"},
      {[](auto& m) {
         add_attribute(add_node(m.mutable_graph(), "Constant", {}, {"c"}), "value_int", onnx::AttributeProto::STRING);
       },
       "attribute value_int gives no constant value"},
  };
  for (const RefusedCase& refused : cases) {
    onnx::ModelProto model = small_model();
    refused.change(model);
    const auto graph = import_model(model);
    ASSERT_FALSE(graph) << refused.message;
    EXPECT_THAT(graph.error().message, testing::StartsWith("m.onnx: "));
    EXPECT_THAT(graph.error().message, HasSubstr(refused.message));
  }
}

TEST(OnnxImport, NoModelAtAll) {
  EXPECT_THAT(import_onnx_bytes({}, "empty").error().message, HasSubstr("empty: not an ONNX model, or truncated"));
  const auto missing = import_onnx("/nonexistent/model.onnx");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("/nonexistent/model.onnx"));
}

TEST(OnnxImport, InitializersListedAsInputsAreConstants) {
  onnx::ModelProto model = small_model();
  model.set_ir_version(3);
  add_value_info(model.mutable_graph()->mutable_input(), "w", {3});
  const auto graph = import_model(model);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->inputs.size(), 1u);
  EXPECT_TRUE(graph->value(*graph::find_value(*graph, "w")).is_constant());
}

TEST(OnnxImport, NodesOutOfOrderAreSortedAndNamesMadeUnique) {
  onnx::ModelProto model = small_model();
  model.mutable_graph()->mutable_node()->SwapElements(0, 1);
  for (auto& node : *model.mutable_graph()->mutable_node()) {
    node.set_name("same");
  }
  add_node(model.mutable_graph(), "Exp", {"x"}, {"e"})->set_name("same_2");
  const auto graph = import_model(model);
  ASSERT_TRUE(graph) << graph.error().message;
  std::vector<std::string> names;
  std::vector<std::string> origins;
  for (const graph::Node& node : graph->nodes) {
    names.push_back(node.op_type + " " + node.name);
    origins.push_back(node.origins.at(0));
  }
  EXPECT_THAT(names, ElementsAre("Mul same_2", "Relu same", "Exp same_2_2"));
  EXPECT_THAT(origins, ElementsAre("same", "same", "same_2"));
}

TEST(OnnxImport, CustomDomainsAndOpaqueAttributesAreKept) {
  onnx::ModelProto model = small_model();
  auto* opset = model.add_opset_import();
  opset->set_domain("acme");
  opset->set_version(3);
  auto* node = add_node(model.mutable_graph(), "Magic", {"x", "", "w"}, {"a", "", "b"});
  node->set_domain("acme");
  add_attribute(node, "kind", onnx::AttributeProto::TYPE_PROTO)->mutable_tp()->mutable_sequence_type();
  add_attribute(node, "strings", onnx::AttributeProto::STRINGS)->add_strings("s");
  const auto graph = import_model(model);
  ASSERT_TRUE(graph) << graph.error().message;
  const graph::Node& magic = graph->nodes[2];
  EXPECT_EQ(magic.domain, "acme");
  EXPECT_EQ(graph->opsets.at("acme"), 3);
  EXPECT_EQ(magic.inputs[1], graph::kNoValue);
  EXPECT_EQ(magic.outputs[1], graph::kNoValue);
  EXPECT_TRUE(std::holds_alternative<graph::OpaqueAttribute>(magic.attributes.at("kind")));
  EXPECT_EQ(std::get<std::vector<std::string>>(magic.attributes.at("strings")), std::vector<std::string>{"s"});
}

TEST(OnnxImport, DomainAiOnnxIsTheDefaultOne) {
  onnx::ModelProto model = small_model();
  model.mutable_opset_import(0)->set_domain("ai.onnx");
  model.mutable_graph()->mutable_node(0)->set_domain("ai.onnx");
  const auto graph = import_model(model);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->nodes[0].domain, "");
  EXPECT_EQ(graph->opsets.at(""), 13);
}

TEST(OnnxImport, UnusedPartsAreNoticed) {
  onnx::ModelProto model = small_model();
  model.add_training_info();
  model.mutable_graph()->add_quantization_annotation();
  std::vector<std::string> notices;
  ASSERT_TRUE(import_model(model, {}, &notices));
  EXPECT_THAT(notices, ElementsAre(HasSubstr("training information"), HasSubstr("quantization annotations")));
}

TEST(OnnxImport, EveryFormOfConstant) {
  onnx::ModelProto model = small_model();
  auto* graph = model.mutable_graph();
  add_attribute(add_node(graph, "Constant", {}, {"i"}), "value_int", onnx::AttributeProto::INT)->set_i(7);
  auto* ints = add_attribute(add_node(graph, "Constant", {}, {"is"}), "value_ints", onnx::AttributeProto::INTS);
  ints->add_ints(1);
  ints->add_ints(-1);
  add_attribute(add_node(graph, "Constant", {}, {"f"}), "value_float", onnx::AttributeProto::FLOAT)->set_f(0.5f);
  add_attribute(add_node(graph, "Constant", {}, {"fs"}), "value_floats", onnx::AttributeProto::FLOATS)->add_floats(2);
  add_attribute(add_node(graph, "Constant", {}, {"s"}), "value_string", onnx::AttributeProto::STRING)->set_s("t");
  add_attribute(add_node(graph, "Constant", {}, {"ss"}), "value_strings", onnx::AttributeProto::STRINGS)
      ->add_strings("u");
  auto* tensor = add_attribute(add_node(graph, "Constant", {}, {"t"}), "value", onnx::AttributeProto::TENSOR);
  tensor->mutable_t()->set_data_type(onnx::TensorProto::BOOL);
  tensor->mutable_t()->add_int32_data(1);
  const auto result = import_model(model);
  ASSERT_TRUE(result) << result.error().message;
  const std::string text = graph::print(*result);
  for (const char* line : {"%i = const : int64[] [7]", "%is = const : int64[2] [1,-1]", "%f = const : float32[] [0.5]",
                           "%fs = const : float32[1] [2.0]", "%s = const : string[] [\"t\"]",
                           "%ss = const : string[1] [\"u\"]", "%t = const : bool[] [1]"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_EQ(result->nodes.size(), 2u);
}

}  // namespace
}  // namespace medlar::import
