// SPDX-License-Identifier: Apache-2.0
#include "compiler/simplify/spread_pixels.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "compiler/simplify/rewrite.hpp"

namespace medlar::compiler {
namespace {

using graph::Shape;
using graph::ValueId;

bool is_elementwise(const graph::Node& node) {
  constexpr std::array<std::string_view, 6> kNames = {"Add", "Sub", "Mul", "Div", "Max", "Min"};
  return node.domain.empty() && node.inputs.size() == 2 && std::find(kNames.begin(), kNames.end(), node.op_type) != kNames.end();
}

bool fills(const graph::Graph& graph, const graph::Node& node) {
  if (is_op(node, "Upsample") || is_op(node, "Expand")) {
    return true;
  }
  // Cropping may leave the image, where a number of its own counts.
  const auto mode = graph::string_attribute(node, "coordinate_transformation_mode", "half_pixel");
  return is_op(node, "Resize") && mode && *mode != "tf_crop_and_resize" && graph.value(node.outputs[0]).shape.has_value();
}

bool is_computed(const graph::Graph& graph, ValueId id) {
  return graph.value(id).type == graph::DataType::kFloat32 && !graph.value(id).is_constant();
}

Replacement pixel(graph::Graph& g, const graph::Node& node) {
  const auto in = node.inputs.empty() ? std::nullopt : known_shape(g, node.inputs[0]);
  const auto out = known_shape(g, node.outputs[0]);
  const bool pixel = in && out && in->size() == 4 && out->size() == 4 && (*in)[0] == (*out)[0] && (*in)[1] == (*out)[1] &&
                     (*in)[2] * (*in)[3] == 1 && (*out)[2] * (*out)[3] > 1;
  if (!pixel || !fills(g, node) || !is_computed(g, node.inputs[0])) {
    return std::nullopt;
  }
  const Shape zeros = {1, (*out)[1], (*out)[2], (*out)[3]};
  Builder builder(g, node);
  const auto count = static_cast<size_t>(*graph::element_count(zeros));
  builder.finish("Add", {builder.floats("zeros", zeros, std::vector<float>(count, 0.0f)), node.inputs[0]});
  return builder.take();
}

/// `value`, of size 1 on the axis, as `count` copies.
ValueId repeated(Builder& builder, std::string_view part, ValueId value, Shape& shape, size_t axis, int64_t count) {
  const std::map<std::string, graph::Attribute> along = {{"axis", static_cast<int64_t>(axis)}};
  std::vector<ValueId> parts;
  for (int64_t size = 1; size <= count; size *= 2) {
    if ((count & size) != 0) {
      parts.push_back(value);
    }
    if (size * 2 <= count) {
      shape[axis] = size * 2;
      value = builder.add(fmt::format("{}{}", part, size * 2), "Concat", {value, value}, shape, along);
    }
  }
  shape[axis] = count;
  return parts.size() == 1 ? parts[0] : builder.add(part, "Concat", parts, shape, along);
}

/// Whether exactly one of rows and columns is missing.
bool is_line(const Shape& in, const Shape& out) {
  return in.size() == 4 && out.size() == 4 && in[0] == out[0] && (in[1] == out[1] || in[1] == 1) &&
         ((in[2] == out[2] && in[3] == 1 && in[2] > 1 && out[3] > 1) || (in[3] == out[3] && in[2] == 1 && in[3] > 1 && out[2] > 1));
}

ValueId spread_line(Builder& builder, std::string_view part, ValueId value, Shape shape, const Shape& out) {
  const size_t axis = shape[3] == 1 && out[3] > 1 ? 3 : 2;
  return repeated(builder, part, value, shape, axis, out[axis]);
}

Replacement lines_of_operand(graph::Graph& g, const graph::Node& node) {
  const auto out = is_elementwise(node) ? known_shape(g, node.outputs[0]) : std::nullopt;
  if (!out || g.value(node.outputs[0]).type != graph::DataType::kFloat32) {
    return std::nullopt;
  }
  Builder builder(g, node);
  std::vector<ValueId> inputs = node.inputs;
  for (size_t side = 0; side < 2; ++side) {
    const auto in = known_shape(g, inputs[side]);
    if (in && is_line(*in, *out) && is_computed(g, inputs[side])) {
      inputs[side] = spread_line(builder, fmt::format("lines{}", side), inputs[side], *in, *out);
    }
  }
  if (inputs == node.inputs) {
    return std::nullopt;
  }
  builder.finish(node.op_type, inputs, node.attributes);
  return builder.take();
}

Replacement expansion(graph::Graph& g, const graph::Node& node) {
  const auto in = is_op(node, "Expand") ? known_shape(g, node.inputs[0]) : std::nullopt;
  const auto out = known_shape(g, node.outputs[0]);
  if (!in || !out || !is_computed(g, node.inputs[0])) {
    return std::nullopt;
  }
  Builder builder(g, node);
  if (*in == *out) {
    builder.finish("Identity", {node.inputs[0]});
    return builder.take();
  }
  if (is_line(*in, *out) && (*in)[1] == (*out)[1]) {
    builder.finish("Identity", {spread_line(builder, "lines", node.inputs[0], *in, *out)});
    return builder.take();
  }
  const bool channel = in->size() == 4 && out->size() == 4 && (*in)[0] == (*out)[0] && (*in)[1] == 1 && (*in)[2] == (*out)[2] && (*in)[3] == (*out)[3];
  if (!channel) {
    return std::nullopt;
  }
  builder.finish("Conv", {node.inputs[0], builder.floats("ones", {(*out)[1], 1, 1, 1}, std::vector<float>(static_cast<size_t>((*out)[1]), 1.0f))});
  return builder.take();
}

/// Takes operands from in front of an Expand where the other operand has the result's shape.
bool skip_expansions(graph::Graph& graph) {
  const std::vector<graph::NodeId> makers = graph::producers(graph);
  return replace_nodes(graph, [&](graph::Graph& g, const graph::Node& node) -> Replacement {
    const auto out = is_elementwise(node) ? known_shape(g, node.outputs[0]) : std::nullopt;
    for (size_t side = 0; out && side < 2; ++side) {
      const graph::NodeId maker = makers[static_cast<size_t>(node.inputs[side])];
      const graph::Node* expand = maker == graph::kNoValue ? nullptr : &g.nodes[static_cast<size_t>(maker)];
      const bool skips = expand != nullptr && is_op(*expand, "Expand") && known_shape(g, node.inputs[1 - side]) == out;
      const auto source = skips ? known_shape(g, expand->inputs[0]) : std::nullopt;
      if (source && source->size() == out->size()) {
        Builder builder(g, node);
        std::vector<ValueId> inputs = node.inputs;
        inputs[side] = expand->inputs[0];
        builder.finish(node.op_type, inputs, node.attributes);
        return builder.take();
      }
    }
    return std::nullopt;
  });
}

}  // namespace

bool spread_pixels(graph::Graph& graph) {
  bool changed = skip_expansions(graph);
  for (const auto rule : {pixel, expansion, lines_of_operand}) {
    changed = replace_nodes(graph, rule) || changed;
  }
  return changed;
}

}  // namespace medlar::compiler
