// SPDX-License-Identifier: Apache-2.0
// Concat on channels. Parts that begin at a memory atom are copies into windows of the result, which fusion turns into
// writes in place; otherwise every part goes through a channel shift, and the shifted parts are summed.
#include "compiler/legalise/rows.hpp"

namespace medlar::compiler {
namespace {

int channels_of(const graph::Graph& graph, graph::ValueId id) { return static_cast<int>((*graph.value(id).shape)[1]); }

bool parts_at_atoms(const Lowering& lowering, const graph::Node& node) {
  const auto atom = static_cast<int>(lowering.question.config.channels_per_atom(lowering.question.precision));
  int first = 0;
  for (const graph::ValueId id : node.inputs) {
    if (first % atom != 0) {
      return false;
    }
    first += channels_of(lowering.question.graph, id);
  }
  return true;
}

Layer copy_layer(const graph::Node& node, size_t part, TensorId src, TensorId dst) {
  return {.name = fmt::format("{}/part{}", node.name, part),
          .origins = node.origins.empty() ? std::vector<std::string>{node.name} : node.origins,
          .src = src, .dst = dst, .body = SdpLayer{}, .steps = {}};
}

void lower_windows(Lowering& lowering, const graph::Node& node, const std::vector<TensorId>& parts, TensorId whole) {
  int first = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    LayerTensor window = lowering.layers.tensor(whole);
    window.name += fmt::format("[{}:{}]", first, first + lowering.layers.tensor(parts[i]).c);
    window.c = lowering.layers.tensor(parts[i]).c;
    window.view_of = whole;
    window.view_c = first;
    first += window.c;
    lowering.layers.tensors.push_back(std::move(window));
    const auto dst = static_cast<TensorId>(lowering.layers.tensors.size() - 1);
    lowering.layers.layers.push_back(copy_layer(node, i, parts[i], dst));
  }
}

void lower_shifts(Lowering& lowering, const graph::Node& node, const std::vector<TensorId>& parts, TensorId whole) {
  int first = 0;
  TensorId sum = kNoTensor;
  for (size_t i = 0; i < parts.size(); ++i) {
    const LayerTensor result = lowering.layers.tensor(whole);
    TensorId dst = whole;
    if (i + 1 < parts.size()) {
      lowering.layers.tensors.push_back(result);
      dst = static_cast<TensorId>(lowering.layers.tensors.size() - 1);
      lowering.layers.tensors.back().name += fmt::format("/part{}", i);
    }
    Layer layer = copy_layer(node, i, parts[i], dst);
    const int channels = lowering.layers.tensor(parts[i]).c;
    layer.body = shifted_channels(result.c, channels, first);
    if (sum != kNoTensor) {
      layer.steps.push_back({.kind = StepKind::kAddTensor, .operand = sum});
    }
    first += channels;
    sum = dst;
    lowering.layers.layers.push_back(std::move(layer));
  }
}

}  // namespace

Verdict check_concat(const Question& question, const graph::Node& node) {
  const graph::Shape& out = *question.graph.value(node.outputs[0]).shape;
  const auto axis = graph::int_attribute(node, "axis", 1);
  if (!axis || (*axis != 1 && *axis != 1 - static_cast<int64_t>(out.size()))) {
    return Refusal{Reason::kAxis, axis ? fmt::format("axis is {}, possible is 1", *axis) : axis.error().message, ""};
  }
  for (const graph::ValueId id : node.inputs) {
    if (id == graph::kNoValue || question.graph.value(id).is_constant()) {
      return Refusal{Reason::kNotConstant, "a part is constant or omitted", ""};
    }
  }
  return std::nullopt;
}

Status lower_concat(Lowering& lowering, const graph::Node& node) {
  const graph::Graph& graph = lowering.question.graph;
  std::vector<TensorId> parts;
  for (const graph::ValueId id : node.inputs) {
    parts.push_back(source_tensor(lowering, id));
  }
  const TensorId whole = result_tensor(lowering, node.outputs[0], cube_of(*graph.value(node.outputs[0]).shape));
  if (parts_at_atoms(lowering, node)) {
    lower_windows(lowering, node, parts, whole);
  } else {
    lower_shifts(lowering, node, parts, whole);
  }
  return {};
}

}  // namespace medlar::compiler
