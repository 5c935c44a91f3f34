// SPDX-License-Identifier: Apache-2.0
// Truncated and mutated models never crash the importer or what runs right behind it (run under ASan and UBSan).
#include <random>

#include "graph/fold.hpp"
#include "graph/text.hpp"
#include "import/onnx_export.hpp"
#include "import/onnx_import.hpp"
#include "model_builder.hpp"

#include <gtest/gtest.h>

namespace medlar::import {
namespace {

void add_shape_chain(onnx::GraphProto* graph) {
  add_node(graph, "Shape", {"y"}, {"shape"});
  auto* constant = add_node(graph, "Constant", {}, {"minus_one"});
  add_attribute(constant, "value_ints", onnx::AttributeProto::INTS)->add_ints(-1);
  auto* concat = add_node(graph, "Concat", {"shape", "minus_one"}, {"target"});
  add_attribute(concat, "axis", onnx::AttributeProto::INT)->set_i(0);
  add_node(graph, "Reshape", {"y", "target"}, {"reshaped"});
  auto* pool = add_node(graph, "MaxPool", {"reshaped"}, {"pooled"});
  for (const char* name : {"kernel_shape", "strides", "dilations"}) {
    add_attribute(pool, name, onnx::AttributeProto::INTS)->add_ints(1);
  }
  auto* pads = add_attribute(pool, "pads", onnx::AttributeProto::INTS);
  pads->add_ints(0);
  pads->add_ints(0);
}

/// A bit of everything that the importer reads.
onnx::ModelProto rich_model() {
  onnx::ModelProto model = small_model();
  auto* graph = model.mutable_graph();
  auto* opset = model.add_opset_import();
  opset->set_domain("local");
  opset->set_version(1);
  auto* function = model.add_functions();
  function->set_domain("local");
  function->set_name("F");
  function->add_input("a");
  function->add_output("b");
  function->add_opset_import()->set_version(13);
  add_node(function, "Relu", {"a"}, {"b"});
  add_node(graph, "F", {"m"}, {"called"})->set_domain("local");
  auto* branch = add_node(graph, "If", {"x"}, {"r"});
  auto* body = add_attribute(branch, "then_branch", onnx::AttributeProto::GRAPH)->mutable_g();
  add_node(body, "Relu", {"w"}, {"inner"});
  add_value_info(body->mutable_output(), "inner", {3});
  auto* sparse = graph->add_sparse_initializer();
  sparse->add_dims(4);
  sparse->mutable_values()->set_name("sparse");
  sparse->mutable_values()->set_data_type(onnx::TensorProto::INT64);
  sparse->mutable_values()->add_dims(1);
  sparse->mutable_values()->add_int64_data(5);
  sparse->mutable_indices()->set_data_type(onnx::TensorProto::INT64);
  sparse->mutable_indices()->add_dims(1);
  sparse->mutable_indices()->add_int64_data(2);
  add_shape_chain(graph);
  add_value_info(graph->mutable_output(), "pooled", {-1, 3, 1});
  return model;
}

/// Imports and, if that works, does what a build does first. Returns whether the model was accepted.
bool exercise(ByteView bytes) {
  auto graph = import_onnx_bytes(bytes, "mutated");
  if (!graph) {
    EXPECT_TRUE(graph.error().message.starts_with("mutated: "));
    return false;
  }
  const auto text = graph::print(*graph, {.embed = true});
  const auto parsed = graph::parse(text);
  EXPECT_TRUE(parsed) << parsed.error().message << "\n" << text;
  EXPECT_TRUE(export_onnx(*graph));
  if (graph::fold_constants(*graph, nullptr)) {
    const Status status = graph::verify(*graph);
    EXPECT_TRUE(status) << status.error().message << "\n" << text;
  }
  return true;
}

TEST(Mutation, TheModelItselfIsSound) {
  EXPECT_TRUE(exercise(model_bytes(rich_model())));
}

TEST(Mutation, EveryTruncation) {
  const ByteBuffer bytes = model_bytes(rich_model());
  int accepted = 0;
  for (size_t size = 0; size < bytes.size(); ++size) {
    accepted += exercise(ByteView(bytes).first(size)) ? 1 : 0;
  }
  EXPECT_LT(accepted, 10) << "only a cut between two trailing fields may pass";
}

TEST(Mutation, RandomEditsOfBytes) {
  const ByteBuffer original = model_bytes(rich_model());
  std::mt19937 random(11);  // NOLINT: the same mutations every time
  int accepted = 0;
  constexpr int kRounds = 6000;
  for (int round = 0; round < kRounds; ++round) {
    ByteBuffer bytes = original;
    for (uint32_t edits = 1 + random() % 3; edits > 0; --edits) {
      const size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0: bytes[at] = static_cast<uint8_t>(random()); break;
        case 1: bytes[at] ^= static_cast<uint8_t>(1u << (random() % 8)); break;
        case 2: bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at)); break;
        default: bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), static_cast<uint8_t>(random())); break;
      }
    }
    accepted += exercise(bytes) ? 1 : 0;
  }
  EXPECT_GT(accepted, kRounds / 100) << "the mutations are so heavy that the test proves nothing";
}

TEST(Mutation, RandomBytes) {
  std::mt19937 random(12);  // NOLINT: the same bytes every time
  for (int round = 0; round < 2000; ++round) {
    ByteBuffer bytes(random() % 200);
    for (uint8_t& byte : bytes) {
      byte = static_cast<uint8_t>(random());
    }
    EXPECT_FALSE(exercise(bytes));
  }
}

}  // namespace
}  // namespace medlar::import
