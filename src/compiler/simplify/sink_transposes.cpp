// SPDX-License-Identifier: Apache-2.0
// Transposes that move behind operators that do not care for the order of dimensions.
#include "compiler/simplify/sink_transposes.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "compiler/simplify/rewrite.hpp"

namespace medlar::compiler {
namespace {

using graph::Shape;
using graph::ValueId;

constexpr std::array<std::string_view, 18> kUnary = {"Relu", "Sigmoid", "Tanh", "Clip", "LeakyRelu", "HardSigmoid", "HardSwish", "Elu", "Mish",
                                                     "Gelu", "Softplus", "Erf", "Exp", "Sqrt", "Neg", "Abs", "Reciprocal", "Identity"};
constexpr std::array<std::string_view, 8> kBinary = {"Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "PRelu"};

template <size_t N>
bool is_one_of(const graph::Node& node, const std::array<std::string_view, N>& names) {
  return node.domain.empty() && std::find(names.begin(), names.end(), node.op_type) != names.end();
}

constexpr std::array<std::string_view, 10> kComputing = {"Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool",
                                                         "GlobalMaxPool", "BatchNormalization", "Concat", "Resize", "DepthToSpace"};

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

/// Whether every dimension is the other's or 1.
bool spreads_to(const Shape& from, const Shape& to) {
  return std::equal(from.begin(), from.end(), to.begin(), to.end(), [](int64_t dim, int64_t whole) { return dim == whole || dim == 1; });
}

/// A Transpose of a value that the DLA may have computed.
struct Transposed {
  ValueId source = graph::kNoValue;
  Shape shape;  ///< Of the source.
  std::vector<int64_t> perm;
};

class Sinker {
 public:
  Sinker(graph::Graph& graph, const std::vector<graph::NodeId>& makers) : graph_(graph), makers_(makers) {}

  Replacement operator()(const graph::Node& node) const {
    if (is_one_of(node, kUnary)) {
      return unary(node);
    }
    if (is_one_of(node, kBinary)) {
      return binary(node);
    }
    if (is_op(node, "Concat")) {
      return concatenation(node);
    }
    return node.op_type.starts_with("Reduce") ? reduction(node) : std::nullopt;
  }

 private:
  std::optional<Transposed> transposed(ValueId id) const {
    const graph::Node* transpose = maker_of(id);
    if (transpose == nullptr || !is_op(*transpose, "Transpose") || is_output(id)) {
      return std::nullopt;
    }
    const graph::Node* above = maker_of(transpose->inputs[0]);
    const bool computed = above != nullptr && (is_one_of(*above, kComputing) || is_one_of(*above, kUnary) || is_one_of(*above, kBinary) ||
                                              above->op_type.starts_with("Reduce"));
    const auto perm = graph::ints_attribute(*transpose, "perm", {});
    const auto shape = known_shape(graph_, transpose->inputs[0]);
    if (!computed || !perm || !shape || perm->size() != shape->size()) {
      return std::nullopt;
    }
    return Transposed{transpose->inputs[0], *shape, *perm};
  }

  const graph::Node* maker_of(ValueId id) const {
    const graph::NodeId maker = id == graph::kNoValue || static_cast<size_t>(id) >= makers_.size() ? graph::kNoValue : makers_[static_cast<size_t>(id)];
    return maker == graph::kNoValue ? nullptr : &graph_.nodes[static_cast<size_t>(maker)];
  }

  bool is_output(ValueId id) const { return std::find(graph_.outputs.begin(), graph_.outputs.end(), id) != graph_.outputs.end(); }

  bool keeps_shape(const graph::Node& node, const Transposed& in) const { return known_shape(graph_, node.outputs[0]) == permuted(in.shape, in.perm); }

  /// The operator in front of the Transpose.
  std::vector<graph::Node> swapped(Builder& builder, const graph::Node& node, std::vector<ValueId> inputs, const Shape& shape,
                                   const std::vector<int64_t>& perm, std::map<std::string, graph::Attribute> attributes) const {
    const ValueId result = builder.add("before", node.op_type, std::move(inputs), shape, std::move(attributes));
    const graph::Value& behind = graph_.value(node.outputs[0]);
    graph_.value(result).rearranges = behind.rearranges.empty() ? behind.name : behind.rearranges;
    builder.finish("Transpose", {result}, {{"perm", perm}});
    return builder.take();
  }

  Replacement unary(const graph::Node& node) const {
    const auto in = transposed(node.inputs[0]);
    if (!in || !keeps_shape(node, *in)) {
      return std::nullopt;
    }
    Builder builder(graph_, node);
    std::vector<ValueId> inputs = node.inputs;
    inputs[0] = in->source;
    return swapped(builder, node, std::move(inputs), in->shape, in->perm, node.attributes);
  }

  /// With a constant, or with another value behind the same Transpose, of the same shape or spread to it, or with one number.
  Replacement binary(const graph::Node& node) const {
    if (node.inputs.size() != 2) {
      return std::nullopt;
    }
    const std::array sides = {transposed(node.inputs[0]), transposed(node.inputs[1])};
    const size_t side = sides[0] && keeps_shape(node, *sides[0]) ? 0 : 1;
    if (!sides[side] || !keeps_shape(node, *sides[side])) {
      return std::nullopt;
    }
    const Transposed& in = *sides[side];
    const auto& other = sides[1 - side];
    if (other && (other->perm != in.perm || !spreads_to(other->shape, in.shape))) {
      return std::nullopt;
    }
    Builder builder(graph_, node);
    std::vector<ValueId> inputs = node.inputs;
    inputs[side] = in.source;
    if (other) {
      inputs[1 - side] = other->source;
    } else if (const graph::Tensor* data = constant_of(inputs[1 - side])) {
      const auto moved = moved_constant(data->shape, in.perm);
      if (!moved) {
        return std::nullopt;
      }
      graph::Tensor constant = *data;
      constant.shape = *moved;
      inputs[1 - side] = builder.constant("constant", std::move(constant));
    } else if (!is_one_number(inputs[1 - side], in.shape.size())) {
      return std::nullopt;
    }
    return swapped(builder, node, std::move(inputs), in.shape, in.perm, node.attributes);
  }

  bool is_one_number(ValueId id, size_t rank) const {
    const auto shape = known_shape(graph_, id);
    return shape == Shape(rank, 1);
  }

  const graph::Tensor* constant_of(ValueId id) const { return id == graph::kNoValue ? nullptr : graph_.value(id).data.get(); }

  Replacement concatenation(const graph::Node& node) const {
    const auto first = transposed(node.inputs[0]);
    const auto axis = graph::int_attribute(node, "axis", 0);
    if (!first || !axis) {
      return std::nullopt;
    }
    const auto rank = static_cast<int64_t>(first->perm.size());
    const int64_t behind = *axis < 0 ? *axis + rank : *axis;
    if (behind < 0 || behind >= rank) {
      return std::nullopt;
    }
    const auto at = static_cast<size_t>(first->perm[static_cast<size_t>(behind)]);
    std::vector<ValueId> inputs;
    Shape shape = first->shape;
    shape[at] = 0;
    for (const ValueId id : node.inputs) {
      const auto in = transposed(id);
      if (!in || in->perm != first->perm) {
        return std::nullopt;
      }
      shape[at] += in->shape[at];
      inputs.push_back(in->source);
    }
    Builder builder(graph_, node);
    return swapped(builder, node, std::move(inputs), shape, first->perm, {{"axis", static_cast<int64_t>(at)}});
  }

  /// Over constant axes. What is left of the Transpose without the axes that go may be none.
  Replacement reduction(const graph::Node& node) const {
    const auto in = transposed(node.inputs[0]);
    const auto axes = in ? input_ints(graph_, node, 1, "axes") : std::nullopt;
    const auto keeps = graph::int_attribute(node, "keepdims", 1);
    if (!axes || axes->empty() || !keeps) {
      return std::nullopt;
    }
    const auto rank = static_cast<int64_t>(in->perm.size());
    std::vector<int64_t> moved;
    Shape shape = in->shape;
    for (const int64_t axis : *axes) {
      const int64_t behind = axis < 0 ? axis + rank : axis;
      if (behind < 0 || behind >= rank) {
        return std::nullopt;
      }
      moved.push_back(in->perm[static_cast<size_t>(behind)]);
      shape[static_cast<size_t>(moved.back())] = 1;
    }
    std::sort(moved.begin(), moved.end());
    Builder builder(graph_, node);
    std::vector<ValueId> inputs = {in->source};
    std::map<std::string, graph::Attribute> attributes = node.attributes;
    if (node.inputs.size() > 1) {
      inputs.push_back(builder.ints("axes", moved));
    } else {
      attributes["axes"] = moved;
    }
    if (*keeps != 0) {
      return swapped(builder, node, std::move(inputs), shape, in->perm, std::move(attributes));
    }
    return reduced(builder, node, std::move(inputs), *in, moved, std::move(attributes));
  }

  /// Without the reduced axes. The others keep their order, or the rule does not apply.
  Replacement reduced(Builder& builder, const graph::Node& node, std::vector<ValueId> inputs, const Transposed& in,
                      const std::vector<int64_t>& gone, std::map<std::string, graph::Attribute> attributes) const {
    std::vector<int64_t> left;
    std::copy_if(in.perm.begin(), in.perm.end(), std::back_inserter(left),
                 [&](int64_t axis) { return std::find(gone.begin(), gone.end(), axis) == gone.end(); });
    if (!std::is_sorted(left.begin(), left.end())) {
      return std::nullopt;
    }
    builder.finish(node.op_type, std::move(inputs), std::move(attributes));
    return builder.take();
  }

  graph::Graph& graph_;
  const std::vector<graph::NodeId>& makers_;
};

}  // namespace

bool sink_transposes(graph::Graph& graph) {
  const std::vector<graph::NodeId> makers = graph::producers(graph);
  return replace_nodes(graph, [&](graph::Graph& g, const graph::Node& node) { return Sinker(g, makers)(node); });
}

}  // namespace medlar::compiler
