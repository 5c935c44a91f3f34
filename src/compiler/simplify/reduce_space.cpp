// SPDX-License-Identifier: Apache-2.0
// Reductions.
#include "compiler/simplify/reduce_space.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "compiler/simplify/rewrite.hpp"

namespace medlar::compiler {
namespace {

using graph::Shape;
using graph::ValueId;

struct Reduction {
  std::string kind;  ///< "Mean", "Sum", "Max", ...
  std::set<size_t> axes;
  bool keeps = true;
};

std::optional<Reduction> read_reduction(const graph::Graph& graph, const graph::Node& node, size_t rank) {
  if (!node.op_type.starts_with("Reduce")) {
    return std::nullopt;
  }
  const auto axes = input_ints(graph, node, 1, "axes");
  const auto keeps = graph::int_attribute(node, "keepdims", 1);
  const auto empty = graph::int_attribute(node, "noop_with_empty_axes", 0);
  if (!axes || !keeps || !empty || axes->empty()) {
    return std::nullopt;
  }
  Reduction reduction{.kind = node.op_type.substr(6), .axes = {}, .keeps = *keeps != 0};
  for (const int64_t axis : *axes) {
    const int64_t positive = axis < 0 ? axis + static_cast<int64_t>(rank) : axis;
    if (positive < 1 || positive >= static_cast<int64_t>(rank)) {
      return std::nullopt;
    }
    reduction.axes.insert(static_cast<size_t>(positive));
  }
  return reduction;
}

Shape reduced(const Shape& shape, const Reduction& reduction) {
  Shape result = shape;
  for (const size_t axis : reduction.axes) {
    result[axis] = 1;
  }
  return result;
}

int64_t count_of(const Shape& shape, const Reduction& reduction) {
  int64_t count = 1;
  for (const size_t axis : reduction.axes) {
    count *= shape[axis];
  }
  return count;
}

/// Values that the pooling, or whatever stands for the reduction, reads.
struct Source {
  ValueId value;
  Shape shape;
};

ValueId pool(Builder& builder, const Source& source, const Reduction& reduction, bool maximum) {
  const Shape out = reduced(source.shape, reduction);
  if (reduction.axes.size() + 2 == source.shape.size()) {
    return builder.add("pool", maximum ? "GlobalMaxPool" : "GlobalAveragePool", {source.value}, out);
  }
  std::vector<int64_t> kernel;
  for (size_t axis = 2; axis < source.shape.size(); ++axis) {
    kernel.push_back(reduction.axes.contains(axis) ? source.shape[axis] : 1);
  }
  return builder.add("pool", maximum ? "MaxPool" : "AveragePool", {source.value}, out, {{"kernel_shape", kernel}});
}

ValueId times(Builder& builder, std::string_view part, ValueId value, const Shape& shape, float factor) {
  return builder.add(part, "Mul", {value, builder.floats(std::string(part) + "_factor", {1}, {factor})}, shape);
}

ValueId over_channels(Builder& builder, const Source& source, const Reduction& reduction, float weight) {
  const int64_t channels = source.shape[1];
  Shape kernel(source.shape.size(), 1);
  kernel[1] = channels;
  const ValueId weights = builder.floats("weights", kernel, std::vector<float>(static_cast<size_t>(channels), weight));
  return builder.add("channels", "Conv", {source.value, weights}, reduced(source.shape, reduction));
}

/// Mean or sum.
ValueId average(Builder& builder, const Source& source, const Reduction& reduction, bool sum) {
  const int64_t count = count_of(source.shape, reduction);
  if (reduction.axes.contains(1)) {
    return over_channels(builder, source, reduction, sum ? 1.0f : 1.0f / static_cast<float>(count));
  }
  const ValueId mean = pool(builder, source, reduction, false);
  return sum ? times(builder, "sum", mean, reduced(source.shape, reduction), static_cast<float>(count)) : mean;
}

/// The maximum over channels: of one half and the other, which may overlap, until one is left.
ValueId channel_maximum(Builder& builder, Source source) {
  Shape& shape = source.shape;
  while (shape[1] > 1) {
    int64_t half = 1;
    while (half * 2 < shape[1]) {
      half *= 2;
    }
    const int64_t all = shape[1];
    shape[1] = half;
    const auto channels = [&](std::string_view part, int64_t from, int64_t to) {
      const std::string name = fmt::format("{}{}", part, half);
      return builder.add(name, "Slice",
                         {source.value, builder.ints(name + "_from", {from}), builder.ints(name + "_to", {to}), builder.ints(name + "_axis", {1})}, shape);
    };
    const ValueId low = channels("low", 0, half);
    source.value = builder.add(fmt::format("maximum{}", half), "Max", {low, channels("high", all - half, all)}, shape);
  }
  return source.value;
}

/// Or the minimum.
ValueId channel_extreme(Builder& builder, const Source& source, bool maximum) {
  if (maximum) {
    return channel_maximum(builder, source);
  }
  Shape out = source.shape;
  out[1] = 1;
  const ValueId negative = builder.add("negative", "Neg", {source.value}, source.shape);
  return builder.add("positive", "Neg", {channel_maximum(builder, {negative, source.shape})}, out);
}

/// The value that holds the reduction with its axes kept; nothing for kinds that have no such form.
std::optional<ValueId> reduce(Builder& builder, const Source& source, const Reduction& reduction) {
  const Shape out = reduced(source.shape, reduction);
  const std::string& kind = reduction.kind;
  const bool channels = reduction.axes.contains(1);
  if (kind == "Mean" || kind == "Sum") {
    return average(builder, source, reduction, kind == "Sum");
  }
  if (kind == "L1") {
    const ValueId magnitude = builder.add("abs", "Abs", {source.value}, source.shape);
    return average(builder, {magnitude, source.shape}, reduction, true);
  }
  if (kind == "SumSquare" || kind == "L2") {
    const ValueId square = builder.add("square", "Mul", {source.value, source.value}, source.shape);
    const ValueId sum = average(builder, {square, source.shape}, reduction, true);
    return kind == "L2" ? builder.add("root", "Sqrt", {sum}, out) : sum;
  }
  if (kind == "LogSum") {
    return builder.add("log", "Log", {average(builder, source, reduction, true)}, out);
  }
  if ((kind == "Max" || kind == "Min") && channels && source.shape.size() == 4 && source.shape[1] > 1) {
    return channel_extreme(builder, source, kind == "Max");
  }
  if (kind == "Max" && !channels) {
    return pool(builder, source, reduction, true);
  }
  if (kind == "Min" && !channels) {
    const ValueId negative = builder.add("negative", "Neg", {source.value}, source.shape);
    return builder.add("positive", "Neg", {pool(builder, {negative, source.shape}, reduction, true)}, out);
  }
  return std::nullopt;
}

bool fits(const Shape& shape, const Reduction& reduction) {
  const bool channels = reduction.axes.contains(1);
  return (shape.size() == 3 || shape.size() == 4) && (!channels || reduction.axes.size() == 1);
}

Replacement rule(graph::Graph& graph, const graph::Node& node) {
  const auto shape = node.inputs.empty() ? std::nullopt : known_shape(graph, node.inputs[0]);
  const auto reduction = shape ? read_reduction(graph, node, shape->size()) : std::nullopt;
  const bool floating = shape && graph.value(node.inputs[0]).type == graph::DataType::kFloat32;
  if (!floating || !reduction || !fits(*shape, *reduction)) {
    return std::nullopt;
  }
  Builder builder(graph, node);
  const auto result = reduce(builder, {node.inputs[0], *shape}, *reduction);
  if (!result) {
    return std::nullopt;
  }
  std::vector<graph::Node> nodes = builder.take();
  if (reduction->keeps) {
    nodes.back().outputs = {node.outputs[0]};
    return nodes;
  }
  Shape out = *shape;
  for (auto axis = reduction->axes.rbegin(); axis != reduction->axes.rend(); ++axis) {
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(*axis));
  }
  Builder last(graph, node);
  last.finish("Reshape", {*result, last.ints("shape", out)});
  nodes.push_back(last.take().back());
  return nodes;
}

}  // namespace

bool reduce_space(graph::Graph& graph) { return replace_nodes(graph, rule); }

}  // namespace medlar::compiler
