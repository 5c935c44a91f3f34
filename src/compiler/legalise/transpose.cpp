// SPDX-License-Identifier: Apache-2.0
// Transpose of an input or an output of the model between channels last and channels first: the border's conversion between
// rows and cubes reads or writes the other order, and no operation is made but a copy where others read the value, too.
#include <algorithm>

#include "compiler/legalise/rows.hpp"

namespace medlar::compiler {
namespace {

using Perm = std::vector<int64_t>;

bool to_channels_first(const Perm& perm) { return perm == Perm{0, 3, 1, 2} || perm == Perm{0, 2, 1}; }
bool to_channels_last(const Perm& perm) { return perm == Perm{0, 2, 3, 1} || perm == Perm{0, 2, 1}; }

bool is_output(const graph::Graph& graph, graph::ValueId id) {
  return std::find(graph.outputs.begin(), graph.outputs.end(), id) != graph.outputs.end();
}

/// An input of the model that nothing else reads.
bool takes_input(const graph::Graph& graph, const graph::Node& node) {
  const graph::ValueId id = node.inputs[0];
  const bool input = std::find(graph.inputs.begin(), graph.inputs.end(), id) != graph.inputs.end();
  return input && !is_output(graph, id) && graph::consumers(graph)[static_cast<size_t>(id)].size() == 1;
}

/// An output of the model that nothing else reads.
bool gives_output(const graph::Graph& graph, const graph::Node& node) {
  return is_output(graph, node.outputs[0]) && graph::consumers(graph)[static_cast<size_t>(node.outputs[0])].empty();
}

}  // namespace

Verdict check_transpose(const Question& question, const graph::Node& node) {
  const auto perm = graph::ints_attribute(node, "perm", {});
  if (!perm) {
    return Refusal{Reason::kAttribute, perm.error().message, ""};
  }
  const bool enters = to_channels_first(*perm) && takes_input(question.graph, node);
  const bool leaves = to_channels_last(*perm) && gives_output(question.graph, node);
  if (enters != leaves) {
    return std::nullopt;
  }
  return Refusal{Reason::kLayout,
                 fmt::format("{} into {}", question.graph.value(node.inputs[0]).name, question.graph.value(node.outputs[0]).name), ""};
}

Status lower_transpose(Lowering& lowering, const graph::Node& node) {
  const graph::Graph& graph = lowering.question.graph;
  if (!takes_input(graph, node)) {
    const TensorId src = source_tensor(lowering, node.inputs[0]);
    Layer& layer = add_layer(lowering, node, src, size_of(lowering.layers.tensor(src)));
    lowering.layers.tensor(layer.dst).channels_last = true;
    return {};
  }
  const graph::Value& out = graph.value(node.outputs[0]);
  const TensorId id = inner_tensor(lowering, graph.value(node.inputs[0]).name, out.name, cube_of(*out.shape));
  LayerTensor& tensor = lowering.layers.tensor(id);
  tensor.role = TensorRole::kInput;
  tensor.channels_last = true;
  lowering.tensors[{node.outputs[0], lowering.item}] = id;
  return {};
}

}  // namespace medlar::compiler
