// SPDX-License-Identifier: Apache-2.0
#include "host/reference.hpp"

#include <map>
#include <numeric>

#include "import/onnx_export.hpp"

namespace medlar::host {

Result<Reference> Reference::create(const graph::Graph& graph, std::vector<std::string> wanted) {
  std::vector<graph::NodeId> nodes(graph.nodes.size());
  std::iota(nodes.begin(), nodes.end(), 0);
  std::vector<graph::ValueId> outputs;
  for (const std::string& name : wanted) {
    const auto value = graph::find_value(graph, name);
    if (!value) {
      return fail(Code::kInternal, "tensor '{}' is wanted, which the graph lacks", name);
    }
    outputs.push_back(*value);
  }
  MEDLAR_ASSIGN(const ByteBuffer model, import::export_onnx(graph, nodes, graph.inputs, outputs));
  MEDLAR_ASSIGN(Session session, Session::create(model, graph.name, {.provider = Provider::kCpu, .threads = kReferenceThreads, .optimise = false}));
  return Reference(std::move(session), std::move(wanted));
}

Result<std::vector<graph::Tensor>> Reference::run(const sample::Sample& sample) const {
  std::map<std::string, const graph::Tensor*> feeds;
  for (const auto& [name, tensor] : sample.inputs) {
    feeds[name] = &tensor;
  }
  return session_.run(feeds, wanted_);
}

std::vector<sample::InputSpec> input_specs(const graph::Graph& graph) {
  std::vector<sample::InputSpec> specs;
  for (const graph::ValueId input : graph.inputs) {
    const graph::Value& value = graph.value(input);
    specs.push_back({value.name, value.type, value.shape.value_or(graph::Shape())});
  }
  return specs;
}

}  // namespace medlar::host
