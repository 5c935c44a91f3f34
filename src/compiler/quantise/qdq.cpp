// SPDX-License-Identifier: Apache-2.0
#include "compiler/quantise/qdq.hpp"

#include <algorithm>
#include <cmath>

namespace medlar::compiler {
namespace {

/// The parameters of one QuantizeLinear or DequantizeLinear.
struct Quantiser {
  double scale = 1.0;
  int64_t zero = 0;
  graph::DataType type = graph::DataType::kUint8;
};

Result<Quantiser> read_quantiser(const graph::Graph& graph, const graph::Node& node) {
  const auto constant = [&](size_t index) -> const graph::Tensor* {
    const graph::ValueId id = index < node.inputs.size() ? node.inputs[index] : graph::kNoValue;
    return id == graph::kNoValue ? nullptr : graph.value(id).data.get();
  };
  const graph::Tensor* scale = constant(1);
  const auto scales = scale != nullptr ? graph::to_doubles(*scale) : std::nullopt;
  if (!scales || scales->size() != 1 || !std::isfinite((*scales)[0]) || (*scales)[0] <= 0.0) {
    return fail(Code::kUnsupported, "node '{}': an activation wants one constant positive scale, this {} has {}", node.name,
                node.op_type, scales ? fmt::format("{} values", scales->size()) : "none");
  }
  Quantiser quantiser{.scale = (*scales)[0]};
  if (node.inputs.size() > 2 && node.inputs[2] != graph::kNoValue) {
    const graph::Tensor* zero = constant(2);
    const auto zeros = zero != nullptr ? graph::to_ints(*zero) : std::nullopt;
    if (!zeros || zeros->size() != 1) {
      return fail(Code::kUnsupported, "node '{}': its zero point is no single constant", node.name);
    }
    quantiser.zero = (*zeros)[0];
    quantiser.type = zero->type;
  }
  if (quantiser.type != graph::DataType::kInt8 && quantiser.type != graph::DataType::kUint8) {
    return fail(Code::kUnsupported, "node '{}': quantised to {}, the DLA stores int8 (uint8 with a shifted zero point)", node.name,
                graph::data_type_name(quantiser.type));
  }
  return quantiser;
}

TensorRange range_of(const Quantiser& quantiser) {
  if (quantiser.type == graph::DataType::kInt8 && quantiser.zero == 0) {
    return {.scale = static_cast<float>(quantiser.scale)};
  }
  const bool is_signed = quantiser.type == graph::DataType::kInt8;
  const auto low = static_cast<double>((is_signed ? -128 : 0) - quantiser.zero) * quantiser.scale;
  const auto high = static_cast<double>((is_signed ? 127 : 255) - quantiser.zero) * quantiser.scale;
  return {.min = static_cast<float>(low), .max = static_cast<float>(high), .reach = static_cast<float>(std::max(-low, high))};
}

bool same(const Quantiser& a, const Quantiser& b) {
  return a.zero == b.zero && a.type == b.type && std::fabs(a.scale - b.scale) <= 1e-6 * a.scale;
}

/// Everything that reads `from` reads `to`; a graph output keeps its name through an Identity.
void replace_uses(graph::Graph& graph, graph::ValueId from, graph::ValueId to) {
  for (graph::Node& node : graph.nodes) {
    std::replace(node.inputs.begin(), node.inputs.end(), from, to);
  }
}

bool is_output(const graph::Graph& graph, graph::ValueId id) {
  return std::find(graph.outputs.begin(), graph.outputs.end(), id) != graph.outputs.end();
}

/// The node becomes an Identity of `source`.
void make_identity(graph::Node& node, graph::ValueId source) {
  node.op_type = "Identity";
  node.inputs = {source};
  node.attributes.clear();
}

}  // namespace

Result<CalibrationTable> absorb_qdq(graph::Graph& graph) {
  CalibrationTable table;
  const std::vector<graph::NodeId> makers = graph::producers(graph);
  for (graph::Node& node : graph.nodes) {
    if (node.op_type != "DequantizeLinear" || node.inputs.empty() || node.inputs[0] == graph::kNoValue) {
      continue;
    }
    const graph::NodeId maker = makers[static_cast<size_t>(node.inputs[0])];
    if (maker == graph::kNoValue || graph.nodes[static_cast<size_t>(maker)].op_type != "QuantizeLinear") {
      continue;  // an integer tensor of the model's own: the host runs it
    }
    const graph::Node& first = graph.nodes[static_cast<size_t>(maker)];
    MEDLAR_ASSIGN(const Quantiser quantise, read_quantiser(graph, first));
    MEDLAR_ASSIGN(const Quantiser back, read_quantiser(graph, node));
    if (!same(quantise, back)) {
      return fail(Code::kUnsupported, "nodes '{}' and '{}' disagree: scale {} and {}, zero point {} and {}", first.name, node.name,
                  quantise.scale, back.scale, quantise.zero, back.zero);
    }
    const graph::ValueId source = first.inputs[0];
    table.ranges[graph.value(source).name] = range_of(quantise);
    const graph::ValueId result = node.outputs[0];
    if (is_output(graph, result)) {
      make_identity(node, source);
    } else {
      replace_uses(graph, result, source);
    }
  }
  if (!table.ranges.empty()) {
    graph::remove_dead(graph);
  }
  return table;
}

}  // namespace medlar::compiler
