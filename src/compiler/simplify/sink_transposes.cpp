// SPDX-License-Identifier: Apache-2.0
// Transposes that move behind elementwise operators.
#include "compiler/simplify/sink_transposes.hpp"

#include <algorithm>
#include <array>

#include "compiler/simplify/rewrite.hpp"

namespace medlar::compiler {
namespace {

using graph::Shape;
using graph::ValueId;

constexpr std::array<std::string_view, 16> kUnary = {"Relu", "Sigmoid", "Tanh", "Clip", "LeakyRelu", "HardSigmoid", "HardSwish", "Elu",
                                                     "Mish", "Gelu", "Softplus", "Erf", "Exp", "Sqrt", "Neg", "Abs"};
constexpr std::array<std::string_view, 4> kBinary = {"Add", "Sub", "Mul", "Div"};

template <size_t N>
bool is_one_of(const graph::Node& node, const std::array<std::string_view, N>& names) {
  return node.domain.empty() && std::find(names.begin(), names.end(), node.op_type) != names.end();
}

/// A Transpose of a computed value whose only reader is the node at hand.
const graph::Node* transpose_before(const graph::Graph& graph, const std::vector<graph::NodeId>& makers,
                                    const std::vector<std::vector<graph::NodeId>>& readers, ValueId id) {
  const graph::NodeId maker = id == graph::kNoValue ? graph::kNoValue : makers[static_cast<size_t>(id)];
  if (maker == graph::kNoValue || !is_op(graph.nodes[static_cast<size_t>(maker)], "Transpose")) {
    return nullptr;
  }
  const graph::Node& transpose = graph.nodes[static_cast<size_t>(maker)];
  const graph::NodeId above = makers[static_cast<size_t>(transpose.inputs[0])];
  const bool computed = above != graph::kNoValue && (is_op(graph.nodes[static_cast<size_t>(above)], "Conv") ||
                                                     is_one_of(graph.nodes[static_cast<size_t>(above)], kUnary) ||
                                                     is_one_of(graph.nodes[static_cast<size_t>(above)], kBinary));
  const bool kept = std::find(graph.outputs.begin(), graph.outputs.end(), id) != graph.outputs.end();
  return computed && !kept && readers[static_cast<size_t>(id)].size() == 1 ? &transpose : nullptr;
}

/// A constant that broadcasts along one axis or none, as it broadcasts in front of the Transpose.
std::optional<Shape> moved_constant(const Shape& constant, const std::vector<int64_t>& perm) {
  if (constant.size() > perm.size()) {
    return std::nullopt;
  }
  Shape wide(perm.size() - constant.size(), 1);
  wide.insert(wide.end(), constant.begin(), constant.end());
  if (std::count_if(wide.begin(), wide.end(), [](int64_t dim) { return dim != 1; }) > 1) {
    return std::nullopt;
  }
  Shape moved(perm.size(), 1);
  for (size_t i = 0; i < perm.size(); ++i) {
    moved[static_cast<size_t>(perm[i])] = wide[i];
  }
  return moved;
}

Replacement rule(graph::Graph& graph, const graph::Node& node, const std::vector<graph::NodeId>& makers,
                 const std::vector<std::vector<graph::NodeId>>& readers) {
  const bool binary = is_one_of(node, kBinary);
  if (!binary && !is_one_of(node, kUnary)) {
    return std::nullopt;
  }
  size_t side = 0;
  const graph::Node* transpose = transpose_before(graph, makers, readers, node.inputs[0]);
  if (transpose == nullptr && binary) {
    side = 1;
    transpose = transpose_before(graph, makers, readers, node.inputs[1]);
  }
  const auto perm = transpose == nullptr ? std::nullopt : std::optional(graph::ints_attribute(*transpose, "perm", {}));
  const auto source = transpose == nullptr ? std::nullopt : known_shape(graph, transpose->inputs[0]);
  const auto out = known_shape(graph, node.outputs[0]);
  if (!perm || !*perm || !source || !out || (*perm)->size() != source->size() || out != known_shape(graph, transpose->outputs[0])) {
    return std::nullopt;
  }
  Builder builder(graph, node);
  std::vector<ValueId> inputs = node.inputs;
  inputs[side] = transpose->inputs[0];
  if (binary) {
    const graph::Tensor* data = inputs[1 - side] == graph::kNoValue ? nullptr : graph.value(inputs[1 - side]).data.get();
    const auto moved = data == nullptr ? std::nullopt : moved_constant(data->shape, **perm);
    if (!moved) {
      return std::nullopt;
    }
    graph::Tensor constant = *data;
    constant.shape = *moved;
    inputs[1 - side] = builder.constant("constant", std::move(constant));
  }
  const ValueId result = builder.add("before", node.op_type, inputs, *source, node.attributes);
  builder.finish("Transpose", {result}, {{"perm", **perm}});
  return builder.take();
}

}  // namespace

bool sink_transposes(graph::Graph& graph) {
  const std::vector<graph::NodeId> makers = graph::producers(graph);
  const auto readers = graph::consumers(graph);
  return replace_nodes(graph, [&](graph::Graph& g, const graph::Node& node) { return rule(g, node, makers, readers); });
}

}  // namespace medlar::compiler
