// SPDX-License-Identifier: Apache-2.0
#include "compiler/quantise/qlinear.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "compiler/simplify/rewrite.hpp"
#include "graph/shape_inference.hpp"

namespace medlar::compiler {
namespace {

using graph::ValueId;
using Attributes = std::map<std::string, graph::Attribute>;

constexpr std::string_view kOnnxRuntime = "com.microsoft";
constexpr size_t kTriple = 3;  ///< An operand is a tensor, its scale and its zero point.

/// One operator on integers: `operands` triples, then perhaps a bias, then scale and zero point of the result.
struct Form {
  std::string_view op_type, domain, real;
  size_t operands = 1;
  size_t bias = 0;         ///< Index of the int32 bias; 0: none.
  size_t result = kTriple; ///< Index of the result's scale.
};

constexpr std::array kForms = {
    Form{"QLinearConv", "", "Conv", 2, 8, 6},
    Form{"QLinearMatMul", "", "MatMul", 2, 0, 6},
    Form{"QGemm", kOnnxRuntime, "Gemm", 2, 6, 7},
    Form{"QLinearAdd", kOnnxRuntime, "Add", 2, 0, 6},
    Form{"QLinearMul", kOnnxRuntime, "Mul", 2, 0, 6},
    Form{"QLinearSigmoid", kOnnxRuntime, "Sigmoid", 1, 0, 3},
    Form{"QLinearLeakyRelu", kOnnxRuntime, "LeakyRelu", 1, 0, 3},
    Form{"QLinearAveragePool", kOnnxRuntime, "AveragePool", 1, 0, 3},
    Form{"QLinearGlobalAveragePool", kOnnxRuntime, "GlobalAveragePool", 1, 0, 3},
};
constexpr std::array<std::string_view, 6> kSelecting = {"MaxPool", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"};

/// Scale and zero point of a tensor of integers.
struct Steps {
  ValueId scale = graph::kNoValue, zero = graph::kNoValue;
};

ValueId input_at(const graph::Node& node, size_t index) {
  return index < node.inputs.size() ? node.inputs[index] : graph::kNoValue;
}

/// Builds the nodes that stand for one operator.
class Expansion {
 public:
  Expansion(graph::Graph& graph, const graph::Node& node) : graph_(graph), node_(node), builder_(graph, node) {}

  ValueId dequantise(std::string_view part, ValueId tensor, Steps steps, std::optional<int64_t> axis = {}) {
    std::vector<ValueId> inputs = {tensor, steps.scale};
    if (steps.zero != graph::kNoValue) {
      inputs.push_back(steps.zero);
    }
    return add(part, "DequantizeLinear", std::move(inputs), axis ? Attributes{{"axis", *axis}} : Attributes{});
  }

  ValueId add(std::string_view part, std::string_view op_type, std::vector<ValueId> inputs, Attributes attributes) {
    const ValueId id = builder_.add(part, op_type, std::move(inputs), {}, std::move(attributes));
    graph_.value(id).type = graph::DataType::kFloat32;
    graph_.value(id).shape = std::nullopt;
    return id;
  }

  /// The bias is an integer of the product of both operands' steps.
  std::optional<ValueId> bias(ValueId id, ValueId left, ValueId right) {
    const auto numbers = [&](ValueId of) { return graph_.value(of).is_constant() ? graph::to_doubles(*graph_.value(of).data) : std::nullopt; };
    const auto stored = numbers(id);
    const auto a = numbers(left);
    const auto b = numbers(right);
    if (!stored || !a || !b || a->size() != 1 || b->empty() || (b->size() != 1 && b->size() != stored->size())) {
      return std::nullopt;
    }
    std::vector<float> values;
    for (size_t i = 0; i < stored->size(); ++i) {
      values.push_back(static_cast<float>((*stored)[i] * (*a)[0] * (*b)[b->size() == 1 ? 0 : i]));
    }
    return builder_.floats("bias", graph_.value(id).data->shape, values);
  }

  std::vector<graph::Node> finish(ValueId real, Steps steps) {
    std::vector<ValueId> inputs = {real, steps.scale};
    if (steps.zero != graph::kNoValue) {
      inputs.push_back(steps.zero);
    }
    builder_.finish("QuantizeLinear", std::move(inputs));
    return builder_.take();
  }

  /// Where the second operand's scales lie when there are several: kernels of Conv, columns of a product.
  std::optional<int64_t> axis_of(const Form& form, ValueId scale) const {
    const auto& shape = graph_.value(scale).shape;
    if (!shape || graph::element_count(*shape).value_or(1) == 1) {
      return std::nullopt;
    }
    const bool rows = form.real == "Conv" || graph::int_attribute(node_, "transB", 0).value_or(0) != 0;
    return rows ? 0 : 1;
  }

 private:
  graph::Graph& graph_;
  const graph::Node& node_;
  Builder builder_;
};

class Expander {
 public:
  explicit Expander(graph::Graph& graph) : graph_(graph) {}

  /// The nodes instead of one; nodes come in the graph's order.
  Replacement expand(const graph::Node& node) {
    if (node.op_type == "QuantizeLinear" && node.domain.empty() && node.inputs.size() > 1) {
      steps_[node.outputs[0]] = {input_at(node, 1), input_at(node, 2)};
      return std::nullopt;
    }
    const auto form = std::find_if(kForms.begin(), kForms.end(), [&](const Form& f) { return f.op_type == node.op_type && f.domain == node.domain; });
    if (form != kForms.end()) {
      return by_form(*form, node);
    }
    if (node.op_type == "QLinearConcat" && node.domain == kOnnxRuntime) {
      return concatenation(node);
    }
    const bool selects = node.domain.empty() && node.outputs.size() == 1 &&
                         std::find(kSelecting.begin(), kSelecting.end(), node.op_type) != kSelecting.end();
    return selects && steps_.contains(input_at(node, 0)) ? selection(node) : std::nullopt;
  }

 private:
  bool is_constant(Steps steps) const {
    return steps.scale != graph::kNoValue && graph_.value(steps.scale).is_constant() &&
           (steps.zero == graph::kNoValue || graph_.value(steps.zero).is_constant());
  }

  Replacement by_form(const Form& form, const graph::Node& node) {
    const Steps out{input_at(node, form.result), input_at(node, form.result + 1)};
    if (!is_constant(out) || graph::int_attribute(node, "channels_last", 0) != 0) {
      return std::nullopt;
    }
    Expansion expansion(graph_, node);
    std::vector<ValueId> inputs;
    for (size_t i = 0; i < form.operands; ++i) {
      const Steps steps{input_at(node, kTriple * i + 1), input_at(node, kTriple * i + 2)};
      if (!is_constant(steps)) {
        return std::nullopt;
      }
      const auto axis = i == 1 ? expansion.axis_of(form, steps.scale) : std::nullopt;
      inputs.push_back(expansion.dequantise("operand", input_at(node, kTriple * i), steps, axis));
    }
    if (form.bias != 0 && input_at(node, form.bias) != graph::kNoValue) {
      const auto bias = expansion.bias(input_at(node, form.bias), input_at(node, 1), input_at(node, kTriple + 1));
      if (!bias) {
        return std::nullopt;
      }
      inputs.push_back(*bias);
    }
    Attributes attributes = node.attributes;
    attributes.erase("channels_last");
    return finish(expansion, node, expansion.add("real", form.real, std::move(inputs), std::move(attributes)), out);
  }

  /// Result's scale and zero point first, then triples.
  Replacement concatenation(const graph::Node& node) {
    Expansion expansion(graph_, node);
    std::vector<ValueId> parts;
    for (size_t i = 2; i + kTriple <= node.inputs.size(); i += kTriple) {
      if (!is_constant({node.inputs[i + 1], node.inputs[i + 2]})) {
        return std::nullopt;
      }
      parts.push_back(expansion.dequantise("part", node.inputs[i], {node.inputs[i + 1], node.inputs[i + 2]}));
    }
    return finish(expansion, node, expansion.add("real", "Concat", std::move(parts), node.attributes), {input_at(node, 0), input_at(node, 1)});
  }

  /// Values keep their steps.
  Replacement selection(const graph::Node& node) {
    const Steps steps = steps_.at(node.inputs[0]);
    Expansion expansion(graph_, node);
    std::vector<ValueId> inputs = node.inputs;
    inputs[0] = expansion.dequantise("operand", node.inputs[0], steps);
    return finish(expansion, node, expansion.add("real", node.op_type, std::move(inputs), node.attributes), steps);
  }

  Replacement finish(Expansion& expansion, const graph::Node& node, ValueId real, Steps steps) {
    steps_[node.outputs[0]] = steps;
    return expansion.finish(real, steps);
  }

  graph::Graph& graph_;
  std::map<ValueId, Steps> steps_;
};

}  // namespace

Status expand_qlinear(graph::Graph& graph) {
  Expander expander(graph);
  const bool changed = replace_nodes(graph, [&](graph::Graph&, const graph::Node& node) { return expander.expand(node); }, Domains::kAll);
  return changed ? graph::infer_shapes(graph) : Status();
}

}  // namespace medlar::compiler
