// SPDX-License-Identifier: Apache-2.0
// Pad folding.
#include "compiler/simplify/fold_pad.hpp"

#include <algorithm>
#include <optional>

namespace medlar::compiler {
namespace {

using graph::NodeId;

/// Constant pads with a constant value; pads in ONNX order.
struct ConstantPad {
  std::vector<int64_t> pads;
  double fill = 0.0;
};

std::optional<ConstantPad> constant_pad(const graph::Graph& graph, const graph::Node& node) {
  const auto constant = [&](size_t index) -> const graph::Tensor* {
    return index < node.inputs.size() && node.inputs[index] != graph::kNoValue
               ? graph.value(node.inputs[index]).data.get()
               : nullptr;
  };
  const auto mode = graph::string_attribute(node, "mode", "constant");
  const auto fill = graph::float_attribute(node, "value", 0.0f);
  if (node.op_type != "Pad" || !mode || *mode != "constant" || !fill || node.inputs.size() > 3) {
    return std::nullopt;
  }
  ConstantPad pad{.pads = {}, .fill = static_cast<double>(*fill)};
  if (node.inputs.size() == 3 && node.inputs[2] != graph::kNoValue) {
    const auto value = constant(2) == nullptr ? std::nullopt : graph::to_doubles(*constant(2));
    if (!value || value->size() != 1) {
      return std::nullopt;
    }
    pad.fill = (*value)[0];
  }
  if (node.inputs.size() > 1) {
    const auto pads = constant(1) == nullptr ? std::nullopt : graph::to_ints(*constant(1));
    return pads ? std::optional(ConstantPad{*pads, pad.fill}) : std::nullopt;
  }
  auto pads = graph::ints_attribute(node, "pads", {});
  return pads ? std::optional(ConstantPad{*pads, pad.fill}) : std::nullopt;
}

/// Values that are never negative, as far as the node that makes them says.
bool never_negative(const graph::Graph& graph, graph::ValueId id) {
  const graph::NodeId maker = graph::producers(graph)[static_cast<size_t>(id)];
  if (maker == graph::kNoValue) {
    return false;
  }
  const graph::Node& node = graph.nodes[static_cast<size_t>(maker)];
  if (node.op_type == "Relu" || node.op_type == "Sigmoid") {
    return true;
  }
  const bool has_low = node.op_type == "Clip" && node.inputs.size() > 1 && node.inputs[1] != graph::kNoValue;
  const graph::Tensor* low = has_low ? graph.value(node.inputs[1]).data.get() : nullptr;
  const auto value = low == nullptr ? std::nullopt : graph::to_doubles(*low);
  return value && value->size() == 1 && (*value)[0] >= 0.0;
}

/// Padding that a maximum never takes: lower than every number, or zeros beside numbers that are not negative.
bool never_wins(const graph::Graph& graph, const graph::Node& pad, double fill) {
  constexpr double kLowest = -65504.0;  // no FP16 or INT8 activation is lower
  return fill <= kLowest || (fill == 0.0 && never_negative(graph, pad.inputs[0]));
}

bool counts_padding(const graph::Node& node) {
  const auto include = graph::int_attribute(node, "count_include_pad", 0);
  const auto ceil_mode = graph::int_attribute(node, "ceil_mode", 0);
  return include && *include != 0 && ceil_mode && *ceil_mode == 0;
}

}  // namespace

bool can_fold_pad(const graph::Graph& graph, NodeId pad, NodeId reader) {
  const graph::Node& from = graph.nodes[static_cast<size_t>(pad)];
  const graph::Node& to = graph.nodes[static_cast<size_t>(reader)];
  const auto pad_of = constant_pad(graph, from);
  const auto auto_pad = graph::string_attribute(to, "auto_pad", "NOTSET");
  if (!pad_of || pad_of->pads.size() < 6 || !auto_pad || (*auto_pad != "NOTSET" && *auto_pad != "VALID")) {
    return false;
  }
  const std::vector<int64_t>* const pads = &pad_of->pads;
  const size_t rank = pads->size() / 2;
  const bool spatial = (*pads)[0] == 0 && (*pads)[1] == 0 && (*pads)[rank] == 0 && (*pads)[rank + 1] == 0;
  const bool positive = std::all_of(pads->begin(), pads->end(), [](int64_t pad_size) { return pad_size >= 0; });
  const bool takes = pad_of->fill == 0.0 && (to.op_type == "Conv" || (to.op_type == "AveragePool" && counts_padding(to)));
  const bool maximum = to.op_type == "MaxPool" && never_wins(graph, from, pad_of->fill) &&
                       graph::int_attribute(to, "ceil_mode", 0).value_or(1) == 0 && to.outputs.size() == 1;
  return spatial && positive && (takes || maximum) && to.inputs[0] == from.outputs[0];
}

Status fold_pad(graph::Graph& graph, NodeId pad, NodeId reader) {
  const graph::Node& from = graph.nodes[static_cast<size_t>(pad)];
  graph::Node& to = graph.nodes[static_cast<size_t>(reader)];
  const std::vector<int64_t> added = constant_pad(graph, from)->pads;
  const size_t rank = added.size() / 2;
  const size_t spatial = rank - 2;
  MEDLAR_ASSIGN(std::vector<int64_t> pads, graph::ints_attribute(to, "pads", std::vector<int64_t>(2 * spatial, 0)));
  pads.resize(2 * spatial, 0);
  for (size_t i = 0; i < spatial; ++i) {
    pads[i] += added[i + 2];
    pads[spatial + i] += added[rank + 2 + i];
  }
  to.attributes["pads"] = std::move(pads);
  to.attributes.erase("auto_pad");
  to.inputs[0] = from.inputs[0];
  to.origins.insert(to.origins.begin(), from.origins.begin(), from.origins.end());
  return {};
}

Result<bool> fold_pads(graph::Graph& graph) {
  bool changed = false;
  const auto readers = graph::consumers(graph);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const graph::Node node = graph.nodes[i];
    const auto pad = constant_pad(graph, node);
    if (!pad) {
      continue;
    }
    const graph::ValueId out = node.outputs[0];
    const bool nothing = std::all_of(pad->pads.begin(), pad->pads.end(), [](int64_t size) { return size == 0; });
    for (const NodeId reader : readers[static_cast<size_t>(out)]) {
      graph::Node& to = graph.nodes[static_cast<size_t>(reader)];
      if (nothing) {
        std::replace(to.inputs.begin(), to.inputs.end(), out, node.inputs[0]);
        to.origins.insert(to.origins.begin(), node.origins.begin(), node.origins.end());
        changed = true;
      } else if (can_fold_pad(graph, static_cast<NodeId>(i), reader)) {
        MEDLAR_TRY(fold_pad(graph, static_cast<NodeId>(i), reader));
        changed = true;
      }
    }
  }
  return changed;
}

}  // namespace medlar::compiler
