// SPDX-License-Identifier: Apache-2.0
// Model-local functions are inlined; nested graphs stay whole and say what they capture.
#include "graph/text.hpp"
#include "import/onnx_import.hpp"
#include "model_builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medlar::import {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

onnx::FunctionProto* add_function(onnx::ModelProto& model, const std::string& name, const std::string& input,
                                  const std::string& output) {
  auto* function = model.add_functions();
  function->set_domain("local");
  function->set_name(name);
  function->add_input(input);
  function->add_output(output);
  function->add_opset_import()->set_version(13);
  return function;
}

/// small_model() with its Relu replaced by a call of local.Act.
onnx::ModelProto calling_model() {
  onnx::ModelProto model = small_model();
  auto* opset = model.add_opset_import();
  opset->set_domain("local");
  opset->set_version(1);
  auto* call = model.mutable_graph()->mutable_node(1);
  call->set_op_type("Act");
  call->set_domain("local");
  call->set_name("act");
  add_attribute(call, "slope", onnx::AttributeProto::FLOAT)->set_f(0.25f);
  return model;
}

void refer(onnx::NodeProto* node, const std::string& name, const std::string& outer) {
  add_attribute(node, name, onnx::AttributeProto::FLOAT)->set_ref_attr_name(outer);
}

TEST(Functions, AreInlinedWithTheirAttributes) {
  onnx::ModelProto model = calling_model();
  auto* function = add_function(model, "Act", "x", "y");
  auto* leaky = add_node(function, "LeakyRelu", {"x"}, {"m"});
  refer(leaky, "alpha", "slope");
  auto* elu = add_node(function, "Elu", {"m"}, {"e"});
  refer(elu, "alpha", "with_default");
  auto* fallback = function->add_attribute_proto();
  fallback->set_name("with_default");
  fallback->set_type(onnx::AttributeProto::FLOAT);
  fallback->set_f(2);
  auto* selu = add_node(function, "Selu", {"e"}, {"y"});
  refer(selu, "alpha", "absent");
  const auto graph = import_onnx_bytes(model_bytes(model), "m");
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph::print(*graph), R"(graph "small" {"": 13, "local": 1}
input %x : float32[1,3]
%w = const : float32[3] [1.0,2.0,3.0]
%m = Mul(%x, %w) @"scale" : ?
%act/m = LeakyRelu(%m) {alpha=0.25} @"act/LeakyRelu" : ?
%act/e = Elu(%act/m) {alpha=2.0} @"act/Elu" : ?
%y = Selu(%act/e) @"act/Selu" : float32[1,3]
output %y
)");
}

TEST(Functions, CallEachOtherAndReturnTheirInputs) {
  onnx::ModelProto model = calling_model();
  auto* outer = add_function(model, "Act", "x", "y");
  add_node(outer, "Same", {"x"}, {"y"})->set_domain("local");
  add_function(model, "Same", "a", "a");
  const auto graph = import_onnx_bytes(model_bytes(model), "m");
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_EQ(graph->nodes.size(), 2u);
  EXPECT_EQ(graph->nodes[1].op_type, "Identity");
  EXPECT_EQ(graph->value(graph->nodes[1].inputs[0]).name, "m");
  EXPECT_EQ(graph->value(graph->nodes[1].outputs[0]).name, "y");
}

TEST(Functions, BodiesOfNestedGraphsAreRenamedToo) {
  onnx::ModelProto model = calling_model();
  auto* function = add_function(model, "Act", "x", "y");
  auto* branch = add_node(function, "If", {"x"}, {"y"});
  auto* body = add_attribute(branch, "then_branch", onnx::AttributeProto::GRAPH)->mutable_g();
  add_node(body, "Relu", {"x"}, {"inner"});
  add_value_info(body->mutable_output(), "inner", {1});
  const auto graph = import_onnx_bytes(model_bytes(model), "m");
  ASSERT_TRUE(graph) << graph.error().message;
  const auto& subgraph = std::get<graph::Subgraph>(graph->nodes[1].attributes.at("then_branch"));
  EXPECT_THAT(subgraph.captured, ElementsAre("m"));
  onnx::GraphProto parsed;
  ASSERT_TRUE(parsed.ParseFromArray(subgraph.onnx.data(), static_cast<int>(subgraph.onnx.size())));
  EXPECT_EQ(parsed.node(0).input(0), "m");
  EXPECT_EQ(parsed.node(0).output(0), "act/inner");
  EXPECT_EQ(parsed.output(0).name(), "act/inner");
}

TEST(Functions, BrokenOnesAreRefusedByName) {
  onnx::ModelProto recursive = calling_model();
  add_node(add_function(recursive, "Act", "x", "y"), "Act", {"x"}, {"y"})->set_domain("local");
  EXPECT_THAT(import_onnx_bytes(model_bytes(recursive), "m").error().message,
              HasSubstr("function local:Act calls itself"));

  onnx::ModelProto twice = calling_model();
  add_function(twice, "Act", "x", "y");
  add_function(twice, "Act", "x", "y");
  EXPECT_THAT(import_onnx_bytes(model_bytes(twice), "m").error().message,
              HasSubstr("function local:Act is defined twice"));

  onnx::ModelProto opset = calling_model();
  add_function(opset, "Act", "x", "y")->mutable_opset_import(0)->set_version(15);
  EXPECT_THAT(import_onnx_bytes(model_bytes(opset), "m").error().message,
              HasSubstr("function local:Act is written for opset 15 of '', the model for opset 13"));

  onnx::ModelProto inputs = calling_model();
  add_function(inputs, "Act", "x", "y");
  inputs.mutable_graph()->mutable_node(1)->add_input("x");
  EXPECT_THAT(import_onnx_bytes(model_bytes(inputs), "m").error().message,
              HasSubstr("node act (Act): 2 inputs and 1 outputs, the function has 1 and 1"));
}

TEST(Functions, ExponentialExpansionStops) {
  onnx::ModelProto model = calling_model();
  for (int level = 0; level < 40; ++level) {
    auto* function = add_function(model, level == 0 ? "Act" : "F" + std::to_string(level), "x", "y");
    const std::string next = "F" + std::to_string(level + 1);
    add_node(function, next, {"x"}, {"a"})->set_domain("local");
    add_node(function, next, {"a"}, {"y"})->set_domain("local");
  }
  add_node(add_function(model, "F40", "x", "y"), "Relu", {"x"}, {"y"});
  const auto graph = import_onnx_bytes(model_bytes(model), "m");
  ASSERT_FALSE(graph);
  EXPECT_THAT(graph.error().message, HasSubstr("expanding the calls gives more than"));
}

TEST(Subgraphs, CaptureWhatTheyDoNotDefine) {
  onnx::ModelProto model = small_model();
  auto* loop = add_node(model.mutable_graph(), "Loop", {"", "x"}, {"r"});
  loop->set_name("loop");
  auto* body = add_attribute(loop, "body", onnx::AttributeProto::GRAPH)->mutable_g();
  add_value_info(body->mutable_input(), "i", {});
  add_floats(body, "k", {1});
  add_node(body, "Mul", {"i", "k"}, {"a"});
  add_node(body, "Add", {"a", "w"}, {"b"});
  auto* inner = add_node(body, "If", {"b"}, {"c"});
  auto* branch = add_attribute(inner, "then_branch", onnx::AttributeProto::GRAPH)->mutable_g();
  add_node(branch, "Sub", {"a", "m"}, {"d"});
  add_value_info(branch->mutable_output(), "d", {});
  add_value_info(body->mutable_output(), "c", {});
  const auto graph = import_onnx_bytes(model_bytes(model), "m");
  ASSERT_TRUE(graph) << graph.error().message;
  const graph::Node& node = graph->nodes.back();
  EXPECT_THAT(std::get<graph::Subgraph>(node.attributes.at("body")).captured, ElementsAre("w", "m"));

  branch->mutable_node(0)->set_input(1, "nowhere");
  const auto broken = import_onnx_bytes(model_bytes(model), "m");
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message,
              HasSubstr("node loop (Loop): its nested graph reads tensor nowhere, which nothing produces"));
}

}  // namespace
}  // namespace medlar::import
