// SPDX-License-Identifier: Apache-2.0
// Builds small ONNX models for the importer's tests, sound or broken.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "import/onnx_proto.hpp"

namespace medlar::import {

inline ByteBuffer model_bytes(const onnx::ModelProto& model) {
  const std::string text = model.SerializeAsString();
  return {text.begin(), text.end()};
}

inline void add_value_info(google::protobuf::RepeatedPtrField<onnx::ValueInfoProto>* to, const std::string& name,
                           const std::vector<int64_t>& dims) {
  auto* info = to->Add();
  info->set_name(name);
  auto* tensor = info->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(onnx::TensorProto::FLOAT);
  tensor->mutable_shape();
  for (const int64_t dim : dims) {
    auto* proto = tensor->mutable_shape()->add_dim();
    if (dim >= 0) {
      proto->set_dim_value(dim);
    }
  }
}

template <typename Nodes>
onnx::NodeProto* add_node(Nodes* to, const std::string& op, const std::vector<std::string>& inputs,
                          const std::vector<std::string>& outputs) {
  auto* node = to->add_node();
  node->set_op_type(op);
  for (const std::string& name : inputs) {
    node->add_input(name);
  }
  for (const std::string& name : outputs) {
    node->add_output(name);
  }
  return node;
}

inline onnx::AttributeProto* add_attribute(onnx::NodeProto* node, const std::string& name,
                                           onnx::AttributeProto::AttributeType type) {
  auto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(type);
  return attribute;
}

inline onnx::TensorProto* add_floats(onnx::GraphProto* graph, const std::string& name,
                                     const std::vector<float>& values) {
  auto* tensor = graph->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(onnx::TensorProto::FLOAT);
  tensor->add_dims(static_cast<int64_t>(values.size()));
  tensor->set_raw_data(values.data(), values.size() * sizeof(float));
  return tensor;
}

/// x[1,3] -> Mul(x, w) -> m -> Relu -> y, opset 13.
inline onnx::ModelProto small_model() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(13);
  auto* graph = model.mutable_graph();
  graph->set_name("small");
  add_value_info(graph->mutable_input(), "x", {1, 3});
  add_value_info(graph->mutable_output(), "y", {1, 3});
  add_floats(graph, "w", {1, 2, 3});
  add_node(graph, "Mul", {"x", "w"}, {"m"})->set_name("scale");
  add_node(graph, "Relu", {"m"}, {"y"});
  return model;
}

}  // namespace medlar::import
