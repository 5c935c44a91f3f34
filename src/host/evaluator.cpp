// SPDX-License-Identifier: Apache-2.0
#include "host/evaluator.hpp"

#include "host/session.hpp"
#include "import/onnx_export.hpp"

namespace medlar::host {

Result<std::vector<graph::Tensor>> OnnxEvaluator::run(const graph::Graph& graph, const graph::Node& node,
                                                      const std::vector<const graph::Tensor*>& inputs) {
  // A graph of this node alone, its inputs constants: the exporter writes them into the model.
  graph::Graph one{.name = node.name, .opsets = graph.opsets, .values = {}, .nodes = {node}, .inputs = {}, .outputs = {}};
  graph::Node& copy = one.nodes.front();
  for (size_t i = 0; i < copy.inputs.size(); ++i) {
    if (copy.inputs[i] == graph::kNoValue) {
      continue;
    }
    const graph::Value& original = graph.value(node.inputs[i]);
    copy.inputs[i] = graph::add_value(
        one, {original.name, inputs[i]->type, inputs[i]->shape, std::make_shared<graph::Tensor>(*inputs[i])});
  }
  for (graph::ValueId& output : copy.outputs) {
    if (output != graph::kNoValue) {
      const graph::Value& original = graph.value(output);
      output = graph::add_value(one, {original.name, original.type, std::nullopt, nullptr});
      one.outputs.push_back(output);
    }
  }
  MEDLAR_ASSIGN(const ByteBuffer model, import::export_onnx(one, {0}, one.inputs, one.outputs));
  MEDLAR_ASSIGN(const Session session, Session::create(model, "node " + node.name, {.threads = 1, .optimise = false}));
  return session.run({});
}

}  // namespace medlar::host
