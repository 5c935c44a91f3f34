// SPDX-License-Identifier: Apache-2.0
// Slice and channel Pad as 1x1 convolutions whose weights are 0 or 1: exact in every precision, and fused like any
// other convolution. Offsets and cropped ends become windows of the source tensor.
#include <algorithm>

#include "compiler/legalise/rows.hpp"
#include "hw/limits.hpp"

namespace medlar::compiler {
namespace {

struct AxisRange {
  int64_t start = 0, step = 1, count = 1;
};

/// Per ONNX axis of the source.
using Ranges = std::vector<AxisRange>;

Result<std::vector<int64_t>> list_of(const graph::Graph& graph, const graph::Node& node, size_t index,
                                     std::string_view attribute) {
  if (const graph::Tensor* constant = constant_input(graph, node, index); constant != nullptr) {
    if (auto numbers = graph::to_ints(*constant)) {
      return *numbers;
    }
  }
  if (input_value(graph, node, index) != nullptr) {
    return fail(Code::kUnsupported, "{} are computed at run time", attribute);
  }
  return graph::ints_attribute(node, attribute, {});
}

Result<Ranges> read_slice(const graph::Graph& graph, const graph::Node& node) {
  const graph::Shape& in = *graph.value(node.inputs[0]).shape;
  const graph::Shape& out = *graph.value(node.outputs[0]).shape;
  MEDLAR_ASSIGN(const std::vector<int64_t> starts, list_of(graph, node, 1, "starts"));
  MEDLAR_ASSIGN(std::vector<int64_t> axes, list_of(graph, node, 3, "axes"));
  MEDLAR_ASSIGN(std::vector<int64_t> steps, list_of(graph, node, 4, "steps"));
  for (size_t i = axes.size(); i < starts.size(); ++i) {
    axes.push_back(static_cast<int64_t>(i));
  }
  steps.resize(starts.size(), 1);
  Ranges ranges(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    ranges[i].count = out[i];
  }
  for (size_t i = 0; i < starts.size(); ++i) {
    const int64_t axis = axes[i] < 0 ? axes[i] + static_cast<int64_t>(in.size()) : axes[i];
    if (axis < 0 || axis >= static_cast<int64_t>(in.size())) {
      return fail(Code::kCorrupt, "axis {} of a tensor of rank {}", axes[i], in.size());
    }
    const int64_t dim = in[static_cast<size_t>(axis)];
    AxisRange& range = ranges[static_cast<size_t>(axis)];
    range.start = std::clamp<int64_t>(starts[i] < 0 ? starts[i] + dim : starts[i], 0, dim);
    range.step = steps[i];
    if (range.step < 1) {
      return fail(Code::kUnsupported, "step is {}, smallest is 1", range.step);
    }
    if (range.start + (range.count - 1) * range.step >= dim) {
      return fail(Code::kCorrupt, "slice of axis {} leaves the tensor", axis);
    }
  }
  return ranges;
}

/// Rows or columns of a cube; rank 2 has neither.
AxisRange spatial(const Ranges& ranges, size_t from_end) {
  return ranges.size() < 2 + from_end ? AxisRange{} : ranges[ranges.size() - from_end];
}

/// A window of `src` that starts at (x, y) and is w x h; the tensor itself when it is just that.
TensorId window_of(LayerGraph& layers, TensorId src, int x, int y, const Cube& size) {
  const LayerTensor whole = layers.tensor(src);
  if (x == 0 && y == 0 && whole.w == size.w && whole.h == size.h) {
    return src;
  }
  LayerTensor window{.name = whole.name, .range = whole.range, .w = size.w, .h = size.h, .c = whole.c};
  window.view_of = whole.view_of == kNoTensor ? src : whole.view_of;
  window.view_x = whole.view_x + x;
  window.view_y = whole.view_y + y;
  window.view_c = whole.view_c;
  layers.tensors.push_back(std::move(window));
  return static_cast<TensorId>(layers.tensors.size() - 1);
}

/// Kernel k copies channel pick(k), or nothing when that is negative.
template <typename Pick>
ConvLayer selection(int kernels, int channels, const Pick& pick) {
  ConvLayer conv{.k = kernels, .c = channels};
  conv.weights.assign(static_cast<size_t>(kernels) * static_cast<size_t>(channels), 0.0f);
  for (int k = 0; k < kernels; ++k) {
    if (const int64_t c = pick(k); c >= 0 && c < channels) {
      conv.weights[static_cast<size_t>(k) * static_cast<size_t>(channels) + static_cast<size_t>(c)] = 1.0f;
    }
  }
  return conv;
}

Result<std::vector<int64_t>> read_pads(const graph::Graph& graph, const graph::Node& node) {
  MEDLAR_ASSIGN(std::vector<int64_t> pads, list_of(graph, node, 1, "pads"));
  const size_t rank = graph.value(node.inputs[0]).shape->size();
  if (input_value(graph, node, 3) != nullptr) {
    return fail(Code::kUnsupported, "the axes input is used");
  }
  if (pads.size() != 2 * rank) {
    return fail(Code::kCorrupt, "{} pads for rank {}", pads.size(), rank);
  }
  return pads;
}

}  // namespace

Verdict check_slice(const Question& question, const graph::Node& node) {
  const auto ranges = read_slice(question.graph, node);
  if (!ranges) {
    return Refusal{Reason::kAttribute, ranges.error().message, ""};
  }
  for (const size_t from_end : {size_t{1}, size_t{2}}) {
    const AxisRange range = spatial(*ranges, from_end);
    if (range.count > 1 && !hw::kLimits.conv.stride.contains(static_cast<uint64_t>(range.step))) {
      return Refusal{Reason::kStride, fmt::format("step is {}, limit {}", range.step, hw::kLimits.conv.stride.max), ""};
    }
  }
  return std::nullopt;
}

namespace {

/// One output cut out of the node's first input.
void lower_ranges(Lowering& lowering, const graph::Node& node, const Ranges& ranges) {
  const AxisRange columns = spatial(ranges, 1);
  const AxisRange rows = ranges.size() == 4 ? spatial(ranges, 2) : AxisRange{};
  const AxisRange channels = ranges[1];
  const TensorId whole = source_tensor(lowering, node.inputs[0]);
  const LayerTensor in = lowering.layers.tensor(whole);
  const auto extent = [](const AxisRange& range, int full) {
    // What a stride leaves over at the end may stay: the convolution does not reach it.
    const auto used = static_cast<int>((range.count - 1) * range.step + 1);
    return range.start == 0 && full - used < range.step ? full : used;
  };
  const TensorId src = window_of(lowering.layers, whole, static_cast<int>(columns.start), static_cast<int>(rows.start),
                                 {.w = extent(columns, in.w), .h = extent(rows, in.h), .c = in.c});
  Layer& layer = add_layer(lowering, node, src, cube_of(*lowering.question.graph.value(node.outputs[0]).shape));
  ConvLayer conv = selection(static_cast<int>(channels.count), in.c,
                             [&](int k) { return channels.start + k * channels.step; });
  conv.stride_x = columns.count > 1 ? static_cast<int>(columns.step) : 1;
  conv.stride_y = rows.count > 1 ? static_cast<int>(rows.step) : 1;
  layer.body = std::move(conv);
}

/// Axis of a Split, counted from the front.
Result<size_t> split_axis(const graph::Graph& graph, const graph::Node& node) {
  const auto rank = static_cast<int64_t>(graph.value(node.inputs[0]).shape->size());
  MEDLAR_ASSIGN(const int64_t axis, graph::int_attribute(node, "axis", 0));
  const int64_t from_front = axis < 0 ? axis + rank : axis;
  if (from_front < 1 || from_front >= rank) {
    return fail(Code::kUnsupported, "axis is {}", axis);
  }
  return static_cast<size_t>(from_front);
}

}  // namespace

ConvLayer shifted_channels(int kernels, int channels, int first) {
  return selection(kernels, channels, [&](int k) { return int64_t{k} - first; });
}

Status lower_slice(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(const Ranges ranges, read_slice(lowering.question.graph, node));
  lower_ranges(lowering, node, ranges);
  return {};
}

Verdict check_split(const Question& question, const graph::Node& node) {
  const auto axis = split_axis(question.graph, node);
  if (!axis) {
    return Refusal{Reason::kAxis, axis.error().message, ""};
  }
  for (const graph::ValueId id : node.outputs) {
    if (id == graph::kNoValue) {
      return Refusal{Reason::kAttribute, "an output is omitted", ""};
    }
    if (Verdict verdict = check_cube(question.graph.value(id))) {
      return verdict;
    }
  }
  return std::nullopt;
}

Status lower_split(Lowering& lowering, const graph::Node& node) {
  const graph::Graph& graph = lowering.question.graph;
  MEDLAR_ASSIGN(const size_t axis, split_axis(graph, node));
  int64_t start = 0;
  for (const graph::ValueId id : node.outputs) {
    const graph::Shape& out = *graph.value(id).shape;
    Ranges ranges(out.size());
    for (size_t i = 0; i < out.size(); ++i) {
      ranges[i].count = out[i];
    }
    ranges[axis].start = start;
    start += out[axis];
    graph::Node part = node;
    part.outputs = {id};
    part.name = fmt::format("{}/{}", node.name, graph.value(id).name);
    lower_ranges(lowering, part, ranges);
  }
  return {};
}

Verdict check_pad(const Question& question, const graph::Node& node) {
  const auto mode = graph::string_attribute(node, "mode", "constant");
  if (!mode || *mode != "constant") {
    return Refusal{Reason::kPadMode, mode ? *mode : mode.error().message, ""};
  }
  const graph::Value* fill = input_value(question.graph, node, 2);
  const auto attribute = graph::float_attribute(node, "value", 0.0f);
  const auto values = fill != nullptr && fill->is_constant() ? graph::to_doubles(*fill->data) : std::nullopt;
  if ((fill != nullptr && (!values || values->size() != 1 || (*values)[0] != 0.0)) || !attribute || *attribute != 0.0f) {
    return Refusal{Reason::kPadMode, "the fill value is not the constant 0", ""};
  }
  const auto pads = read_pads(question.graph, node);
  if (!pads) {
    return Refusal{Reason::kAttribute, pads.error().message, ""};
  }
  const size_t rank = pads->size() / 2;
  for (size_t i = 0; i < pads->size(); ++i) {
    if ((*pads)[i] != 0 && i % rank != 1) {
      return Refusal{Reason::kPadding, "rows or columns are padded and no convolution or pooling takes it over", ""};
    }
  }
  return std::nullopt;
}

Status lower_pad(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(const std::vector<int64_t> pads, read_pads(lowering.question.graph, node));
  const TensorId src = source_tensor(lowering, node.inputs[0]);
  const int channels = lowering.layers.tensor(src).c;
  const Cube out = cube_of(*lowering.question.graph.value(node.outputs[0]).shape);
  Layer& layer = add_layer(lowering, node, src, out);
  layer.body = shifted_channels(out.c, channels, static_cast<int>(pads[1]));
  return {};
}

}  // namespace medlar::compiler
