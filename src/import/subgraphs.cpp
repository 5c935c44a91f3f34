// SPDX-License-Identifier: Apache-2.0
#include "import/subgraphs.hpp"

#include <unordered_set>

#include "import/onnx_proto.hpp"
#include "import/tensor_reader.hpp"

namespace medlar::import {
namespace {

/// Collects free names in order; `own` are those defined so far in this graph.
class CaptureFinder {
 public:
  void visit(const onnx::GraphProto& graph) {
    for (const auto& input : graph.input()) {
      own_.insert(input.name());
    }
    for (const auto& tensor : graph.initializer()) {
      own_.insert(tensor.name());
    }
    for (const auto& sparse : graph.sparse_initializer()) {
      own_.insert(sparse.values().name());
    }
    for (const auto& node : graph.node()) {
      own_.insert(node.output().begin(), node.output().end());
    }
    for (const auto& node : graph.node()) {
      visit(node);
    }
    for (const auto& output : graph.output()) {
      use(output.name());
    }
  }

  std::vector<std::string> take() { return std::move(captured_); }

 private:
  void visit(const onnx::NodeProto& node) {
    for (const auto& name : node.input()) {
      use(name);
    }
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_g()) {
        use_all(captured_names(attribute.g()));
      }
      for (const auto& nested : attribute.graphs()) {
        use_all(captured_names(nested));
      }
    }
  }

  void use_all(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      use(name);
    }
  }

  void use(const std::string& name) {
    if (!name.empty() && !own_.contains(name) && seen_.insert(name).second) {
      captured_.push_back(name);
    }
  }

  std::unordered_set<std::string> own_;
  std::unordered_set<std::string> seen_;
  std::vector<std::string> captured_;
};

Status internalise_graph(onnx::GraphProto& graph, const DataFolder& folder) {
  for (auto& tensor : *graph.mutable_initializer()) {
    MEDLAR_TRY(internalise(tensor, folder));
  }
  for (auto& sparse : *graph.mutable_sparse_initializer()) {
    MEDLAR_TRY(internalise(*sparse.mutable_values(), folder));
    MEDLAR_TRY(internalise(*sparse.mutable_indices(), folder));
  }
  for (auto& node : *graph.mutable_node()) {
    for (auto& attribute : *node.mutable_attribute()) {
      MEDLAR_TRY(internalise(attribute, folder));
    }
  }
  return {};
}

}  // namespace

std::vector<std::string> captured_names(const onnx::GraphProto& graph) {
  CaptureFinder finder;
  finder.visit(graph);
  return finder.take();
}

Status internalise(onnx::AttributeProto& attribute, const DataFolder& folder) {
  if (attribute.has_t()) {
    MEDLAR_TRY(internalise(*attribute.mutable_t(), folder));
  }
  for (auto& tensor : *attribute.mutable_tensors()) {
    MEDLAR_TRY(internalise(tensor, folder));
  }
  if (attribute.has_g()) {
    MEDLAR_TRY(internalise_graph(*attribute.mutable_g(), folder));
  }
  for (auto& nested : *attribute.mutable_graphs()) {
    MEDLAR_TRY(internalise_graph(nested, folder));
  }
  return {};
}

}  // namespace medlar::import
