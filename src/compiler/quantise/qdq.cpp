// SPDX-License-Identifier: Apache-2.0
#include "compiler/quantise/qdq.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "compiler/legalise/shapes.hpp"
#include "compiler/quantise/qdq_constants.hpp"
#include "compiler/quantise/qlinear.hpp"
#include "compiler/simplify/rewrite.hpp"

namespace medlar::compiler {
namespace {

/// The parameters of one QuantizeLinear or DequantizeLinear.
struct Quantiser {
  double scale = 1.0;
  int64_t zero = 0;
  graph::DataType type = graph::DataType::kUint8;
};

Result<Quantiser> read_quantiser(const graph::Graph& graph, const graph::Node& node) {
  const graph::Tensor* scale = constant_input(graph, node, 1);
  const auto scales = scale != nullptr ? graph::to_doubles(*scale) : std::nullopt;
  if (!scales || scales->size() != 1 || !std::isfinite((*scales)[0]) || (*scales)[0] <= 0.0) {
    return fail(Code::kUnsupported, "node '{}': an activation wants one constant positive scale, this {} has {}", node.name,
                node.op_type, scales ? fmt::format("{} values", scales->size()) : "none");
  }
  Quantiser quantiser{.scale = (*scales)[0]};
  if (input_value(graph, node, 2) != nullptr) {
    const graph::Tensor* zero = constant_input(graph, node, 2);
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

/// Everything that reads `from` reads `to`.
void replace_uses(graph::Graph& graph, graph::ValueId from, graph::ValueId to) {
  for (graph::Node& node : graph.nodes) {
    std::replace(node.inputs.begin(), node.inputs.end(), from, to);
  }
}

bool is_output(const graph::Graph& graph, graph::ValueId id) {
  return std::find(graph.outputs.begin(), graph.outputs.end(), id) != graph.outputs.end();
}

/// The node becomes an Identity of `source`: a graph output keeps its name.
void make_identity(graph::Node& node, graph::ValueId source) {
  node.op_type = "Identity";
  node.inputs = {source};
  node.attributes.clear();
}

/// Values that cannot be negative, whatever the input is.
class NonNegative {
 public:
  explicit NonNegative(const graph::Graph& graph) : graph_(graph), known_(graph.values.size(), false) {}

  bool operator()(graph::ValueId id) const { return id != graph::kNoValue && static_cast<size_t>(id) < known_.size() && known_[static_cast<size_t>(id)]; }

  /// Nodes come in the graph's order.
  void follow(const graph::Node& node) {
    constexpr std::array<std::string_view, 7> kMade = {"Relu", "Sigmoid", "Softmax", "HardSigmoid", "Abs", "Exp", "Softplus"};
    constexpr std::array<std::string_view, 12> kKept = {"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Reshape", "Flatten",
                                                        "Transpose", "Squeeze", "Unsqueeze", "Concat", "Add", "Mul"};
    const auto is_one_of = [&](const auto& names) { return std::find(names.begin(), names.end(), node.op_type) != names.end(); };
    const auto count = static_cast<std::ptrdiff_t>(node.op_type == "Concat" || node.op_type == "Add" || node.op_type == "Mul" ? node.inputs.size() : 1);
    const bool kept = is_one_of(kKept) && std::all_of(node.inputs.begin(), node.inputs.begin() + count, *this);
    mark(node.outputs[0], kept || is_one_of(kMade) || (node.op_type == "Clip" && clips_at_zero(node)));
  }
  void mark(graph::ValueId id, bool non_negative) {
    if (id != graph::kNoValue && static_cast<size_t>(id) < known_.size()) {
      known_[static_cast<size_t>(id)] = non_negative;
    }
  }

 private:
  bool clips_at_zero(const graph::Node& node) const {
    const graph::Tensor* low = constant_input(graph_, node, 1);
    const auto bound = low != nullptr ? graph::to_doubles(*low) : std::nullopt;
    const auto attribute = graph::float_attribute(node, "min", -1.0f);
    return bound ? bound->size() == 1 && (*bound)[0] >= 0.0 : attribute && *attribute >= 0.0f;
  }

  const graph::Graph& graph_;
  std::vector<bool> known_;
};

/// Quantisers drop a Relu or Clip whose bounds are those of the stored integers (ONNX Runtime's does): their pair is the activation.
/// The DequantizeLinear becomes that Clip of `source`.
void make_clip(graph::Graph& graph, graph::Node& node, graph::ValueId source, double high) {
  node.op_type = "Clip";
  node.attributes.clear();
  node.inputs = {source};
  constexpr int64_t kBoundsAreInputs = 11;  // ONNX, operator Clip
  const auto opset = graph.opsets.find("");
  if (opset != graph.opsets.end() && opset->second < kBoundsAreInputs) {
    node.attributes = {{"min", 0.0f}, {"max", static_cast<float>(high)}};
    return;
  }
  Builder builder(graph, node);
  node.inputs.push_back(builder.floats("low", {}, {0.0f}));
  node.inputs.push_back(builder.floats("high", {}, {static_cast<float>(high)}));
}

/// Takes the pairs around activations out of a graph, one after the other.
class Absorber {
 public:
  explicit Absorber(graph::Graph& graph) : graph_(graph), makers_(graph::producers(graph)), non_negative_(graph) {}

  Status run() {
    for (graph::Node& node : graph_.nodes) {
      if (const graph::NodeId first = quantiser_before(node); first != graph::kNoValue) {
        MEDLAR_TRY(absorb(first, node));
      } else if (!node.outputs.empty()) {
        non_negative_.follow(node);
      }
    }
    return {};
  }
  CalibrationTable take() { return std::move(table_); }

 private:
  /// A QuantizeLinear met before, and the value that stands for what its readers get back.
  struct Absorbed {
    Quantiser quantiser;
    graph::ValueId value = graph::kNoValue;
  };

  /// The node that a DequantizeLinear undoes; none: an integer tensor of the model's own, the host runs it.
  graph::NodeId quantiser_before(const graph::Node& node) const {
    if (node.op_type != "DequantizeLinear" || node.inputs.empty() || node.inputs[0] == graph::kNoValue) {
      return graph::kNoValue;
    }
    const graph::NodeId maker = makers_[static_cast<size_t>(node.inputs[0])];
    const bool found = maker != graph::kNoValue && graph_.nodes[static_cast<size_t>(maker)].op_type == "QuantizeLinear";
    return found ? maker : graph::kNoValue;
  }

  Status absorb(graph::NodeId id, graph::Node& back) {
    const graph::Node& first = graph_.nodes[static_cast<size_t>(id)];
    MEDLAR_ASSIGN(const Quantiser undone, read_quantiser(graph_, back));
    auto met = met_.find(id);
    if (met == met_.end()) {
      MEDLAR_ASSIGN(const Quantiser quantise, read_quantiser(graph_, first));
      met = met_.emplace(id, Absorbed{quantise, settle(first, quantise, back)}).first;
    }
    const Quantiser& done = met->second.quantiser;
    if (!same(done, undone)) {
      return fail(Code::kUnsupported, "nodes '{}' and '{}' disagree: scale {} and {}, zero point {} and {}", first.name, back.name,
                  done.scale, undone.scale, done.zero, undone.zero);
    }
    const graph::ValueId result = back.outputs[0];
    if (result == met->second.value) {
      return {};
    }
    non_negative_.mark(result, non_negative_(met->second.value));
    if (is_output(graph_, result)) {
      make_identity(back, met->second.value);  // goes, and its result's name is the producer's from then on
      table_.ranges[graph_.value(result).name] = table_.ranges.at(graph_.value(met->second.value).name);
    } else {
      replace_uses(graph_, result, met->second.value);
    }
    return {};
  }

  /// The pair becomes a range of what it reads, or a Clip with a range of its own. The model's inputs are clipped where they
  /// become integers.
  graph::ValueId settle(const graph::Node& first, const Quantiser& quantise, graph::Node& back) {
    const TensorRange range = range_of(quantise);
    const bool from_zero = range.scale == 0.0f && range.min == 0.0f;
    graph::ValueId value = first.inputs[0];
    const bool input = std::find(graph_.inputs.begin(), graph_.inputs.end(), value) != graph_.inputs.end();
    if (from_zero && !input && !non_negative_(value)) {
      make_clip(graph_, back, value, range.max);
      value = back.outputs[0];
    }
    non_negative_.mark(value, from_zero || non_negative_(value));
    table_.ranges[graph_.value(value).name] = range;
    return value;
  }

  graph::Graph& graph_;
  std::vector<graph::NodeId> makers_;
  NonNegative non_negative_;
  std::map<graph::NodeId, Absorbed> met_;
  CalibrationTable table_;
};

}  // namespace

Result<CalibrationTable> absorb_qdq(graph::Graph& graph) {
  MEDLAR_TRY(expand_qlinear(graph));
  const bool constants = fold_quantised_constants(graph);
  Absorber absorber(graph);
  MEDLAR_TRY(absorber.run());
  CalibrationTable table = absorber.take();
  if (constants || !table.ranges.empty()) {
    graph::remove_dead(graph);
  }
  return table;
}

}  // namespace medlar::compiler
