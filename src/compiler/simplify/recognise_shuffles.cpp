// SPDX-License-Identifier: Apache-2.0
// Data movements written as Reshape, Transpose, Reshape.
#include "compiler/simplify/recognise_shuffles.hpp"

#include <algorithm>

#include "compiler/simplify/rewrite.hpp"

namespace medlar::compiler {
namespace {

using graph::Shape;
using graph::ValueId;
using Perm = std::vector<int64_t>;

/// The three nodes, innermost first.
struct Movement {
  ValueId source = graph::kNoValue;
  Shape in, split, out;
  Perm perm;
};

const graph::Node* maker_of(const graph::Graph& graph, const std::vector<graph::NodeId>& makers, ValueId id,
                            std::string_view op_type) {
  const graph::NodeId maker = makers[static_cast<size_t>(id)];
  if (maker == graph::kNoValue) {
    return nullptr;
  }
  const graph::Node& node = graph.nodes[static_cast<size_t>(maker)];
  return is_op(node, op_type) ? &node : nullptr;
}

std::optional<Movement> movement_at(const graph::Graph& graph, const graph::Node& node, const std::vector<graph::NodeId>& makers) {
  if (!is_op(node, "Reshape")) {
    return std::nullopt;
  }
  const graph::Node* transpose = maker_of(graph, makers, node.inputs[0], "Transpose");
  const graph::Node* first = transpose == nullptr ? nullptr : maker_of(graph, makers, transpose->inputs[0], "Reshape");
  if (first == nullptr) {
    return std::nullopt;
  }
  const auto in = known_shape(graph, first->inputs[0]);
  const auto split = known_shape(graph, transpose->inputs[0]);
  const auto out = known_shape(graph, node.outputs[0]);
  const auto perm = graph::ints_attribute(*transpose, "perm", {});
  const bool cubes = in && out && in->size() == 4 && out->size() == 4 && (*in)[0] == (*out)[0];
  if (!cubes || !split || !perm || perm->size() != split->size() || (*split)[0] != (*in)[0]) {
    return std::nullopt;
  }
  return Movement{.source = first->inputs[0], .in = *in, .split = *split, .out = *out, .perm = *perm};
}

/// K x C with a 1 where kernel k takes channel pick[k].
void finish_selection(Builder& builder, ValueId source, int64_t channels, const std::vector<int64_t>& pick) {
  const auto kernels = static_cast<int64_t>(pick.size());
  std::vector<float> weights(static_cast<size_t>(kernels * channels), 0.0f);
  for (int64_t k = 0; k < kernels; ++k) {
    weights[static_cast<size_t>(k * channels + pick[static_cast<size_t>(k)])] = 1.0f;
  }
  builder.finish("Conv", {source, builder.floats("selection", {kernels, channels, 1, 1}, weights)});
}

/// Channel c * b * b + p takes pixel p of each block of channel c.
void finish_blocks(Builder& builder, ValueId source, int64_t channels, int64_t b) {
  std::vector<float> weights(static_cast<size_t>(channels * b * b * b * b), 0.0f);
  for (int64_t k = 0; k < channels * b * b; ++k) {
    weights[static_cast<size_t>(k * b * b + k % (b * b))] = 1.0f;
  }
  builder.finish("Conv", {source, builder.floats("blocks", {channels * b * b, 1, b, b}, weights)},
                 {{"group", channels}, {"strides", std::vector<int64_t>{b, b}}, {"kernel_shape", std::vector<int64_t>{b, b}}});
}

bool finish_shuffle(Builder& builder, const Movement& m) {
  const bool five = m.split.size() == 5 && m.perm == Perm{0, 2, 1, 3, 4} && m.split[3] == m.in[2] && m.split[4] == m.in[3];
  const bool four = m.split.size() == 4 && m.perm == Perm{0, 2, 1, 3} && m.split[3] == m.in[2] * m.in[3];
  constexpr int64_t kMostChannels = 4096;
  if ((!five && !four) || m.split[1] * m.split[2] != m.in[1] || m.in != m.out || m.in[1] > kMostChannels) {
    return false;
  }
  std::vector<int64_t> pick;
  for (int64_t i = 0; i < m.split[2]; ++i) {
    for (int64_t g = 0; g < m.split[1]; ++g) {
      pick.push_back(g * m.split[2] + i);
    }
  }
  finish_selection(builder, m.source, m.in[1], pick);
  return true;
}

bool finish_rearrangement(Builder& builder, const Movement& m) {
  if (m.split.size() != 6) {
    return false;
  }
  const Shape& s = m.split;
  const auto to_space = [&](size_t block, size_t channel) {
    const int64_t b = s[block];
    return s[block + 1] == b && s[4] == m.in[2] && s[5] == m.in[3] && m.out == Shape{s[0], s[channel], s[4] * b, s[5] * b};
  };
  if (m.perm == Perm{0, 3, 4, 1, 5, 2} && to_space(1, 3)) {
    builder.finish("DepthToSpace", {m.source}, {{"blocksize", s[1]}, {"mode", std::string("DCR")}});
    return true;
  }
  if (m.perm == Perm{0, 1, 4, 2, 5, 3} && to_space(2, 1)) {
    builder.finish("DepthToSpace", {m.source}, {{"blocksize", s[2]}, {"mode", std::string("CRD")}});
    return true;
  }
  const bool blocks = s[3] == s[5] && s[1] == m.in[1] && s[2] * s[3] == m.in[2] && s[4] * s[5] == m.in[3] &&
                      m.out == Shape{s[0], s[1] * s[3] * s[3], s[2], s[4]};
  if (blocks && m.perm == Perm{0, 3, 5, 1, 2, 4}) {
    builder.finish("SpaceToDepth", {m.source}, {{"blocksize", s[3]}});
    return true;
  }
  if (blocks && m.perm == Perm{0, 1, 3, 5, 2, 4}) {
    finish_blocks(builder, m.source, s[1], s[3]);
    return true;
  }
  return false;
}

bool finish_gather(Builder& builder, const graph::Graph& graph, const graph::Node& node) {
  if (!is_op(node, "Gather") || node.inputs.size() != 2 || graph::int_attribute(node, "axis", 0).value_or(0) != 1) {
    return false;
  }
  const auto shape = known_shape(graph, node.inputs[0]);
  const graph::Value& indices = graph.value(node.inputs[1]);
  const bool list = indices.is_constant() && indices.data->shape.size() == 1;
  auto pick = list ? graph::to_ints(*indices.data) : std::nullopt;
  constexpr int64_t kMostWeights = int64_t{1} << 24;
  if (!shape || shape->size() != 4 || !pick || static_cast<int64_t>(pick->size()) * (*shape)[1] > kMostWeights ||
      graph.value(node.inputs[0]).type != graph::DataType::kFloat32) {
    return false;
  }
  for (int64_t& index : *pick) {
    index = index < 0 ? index + (*shape)[1] : index;
    if (index < 0 || index >= (*shape)[1]) {
      return false;
    }
  }
  finish_selection(builder, node.inputs[0], (*shape)[1], *pick);
  return true;
}

}  // namespace

bool recognise_shuffles(graph::Graph& graph) {
  const std::vector<graph::NodeId> makers = graph::producers(graph);
  return replace_nodes(graph, [&](graph::Graph& g, const graph::Node& node) -> Replacement {
    Builder builder(g, node);
    const bool floating = g.value(node.outputs[0]).type == graph::DataType::kFloat32;
    const auto movement = floating ? movement_at(g, node, makers) : std::nullopt;
    const bool done = movement ? finish_shuffle(builder, *movement) || finish_rearrangement(builder, *movement)
                               : floating && finish_gather(builder, g, node);
    return done ? Replacement(builder.take()) : std::nullopt;
  });
}

}  // namespace medlar::compiler
