// SPDX-License-Identifier: Apache-2.0
// Large strides and kernels, one axis at a time.
#include "compiler/simplify/split_convs.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "compiler/simplify/rewrite.hpp"
#include "hw/limits.hpp"

namespace medlar::compiler {
namespace {

using graph::Shape;
using graph::ValueId;

constexpr int64_t kMaxKernel = hw::kLimits.conv.kernel.max;
constexpr int64_t kMaxStride = hw::kLimits.conv.stride.max;

/// A Conv with everything about it as numbers.
struct ConvForm {
  ValueId source = graph::kNoValue, bias = graph::kNoValue;
  Shape in, out, kernel;  ///< `kernel`: K x C/group x spatial.
  std::vector<double> weights;
  std::vector<int64_t> strides, dilations, begins, ends;
  int64_t group = 1;
  size_t spatial() const { return kernel.size() - 2; }
};

/// Padding as stated or implied by auto_pad; the end is what the output needs.
bool read_pads(const graph::Node& node, ConvForm& conv) {
  const size_t spatial = conv.spatial();
  const auto pads = graph::ints_attribute(node, "pads", std::vector<int64_t>(2 * spatial, 0));
  const auto mode = graph::string_attribute(node, "auto_pad", "NOTSET");
  if (!pads || !mode || pads->size() != 2 * spatial) {
    return false;
  }
  for (size_t i = 0; i < spatial; ++i) {
    const int64_t span = (conv.kernel[i + 2] - 1) * conv.dilations[i] + 1;
    const int64_t total = std::max<int64_t>(0, (conv.out[i + 2] - 1) * conv.strides[i] + span - conv.in[i + 2]);
    int64_t begin = *mode == "NOTSET" ? (*pads)[i] : 0;
    begin = *mode == "SAME_UPPER" ? total / 2 : (*mode == "SAME_LOWER" ? total - total / 2 : begin);
    conv.begins.push_back(begin);
    conv.ends.push_back(std::max<int64_t>(0, (conv.out[i + 2] - 1) * conv.strides[i] + span - conv.in[i + 2] - begin));
  }
  return true;
}

std::optional<ConvForm> read_conv(const graph::Graph& graph, const graph::Node& node) {
  if (!is_op(node, "Conv") || node.inputs.size() < 2 || !graph.value(node.inputs[1]).is_constant()) {
    return std::nullopt;
  }
  ConvForm conv;
  conv.source = node.inputs[0];
  conv.bias = node.inputs.size() > 2 ? node.inputs[2] : graph::kNoValue;
  const auto in = known_shape(graph, node.inputs[0]);
  const auto out = known_shape(graph, node.outputs[0]);
  conv.kernel = graph.value(node.inputs[1]).data->shape;
  const auto weights = graph::to_doubles(*graph.value(node.inputs[1]).data);
  if (!in || !out || !weights || conv.kernel.size() < 3 || in->size() != conv.kernel.size() || out->size() != in->size() ||
      graph.value(node.inputs[0]).type != graph::DataType::kFloat32) {
    return std::nullopt;
  }
  conv.in = *in;
  conv.out = *out;
  conv.weights = *weights;
  const auto strides = graph::ints_attribute(node, "strides", std::vector<int64_t>(conv.spatial(), 1));
  const auto dilations = graph::ints_attribute(node, "dilations", std::vector<int64_t>(conv.spatial(), 1));
  const auto group = graph::int_attribute(node, "group", 1);
  if (!strides || !dilations || !group || strides->size() != conv.spatial() || dilations->size() != conv.spatial() ||
      *std::min_element(strides->begin(), strides->end()) < 1 || *std::min_element(dilations->begin(), dilations->end()) < 1) {
    return std::nullopt;
  }
  conv.strides = *strides;
  conv.dilations = *dilations;
  conv.group = *group;
  return read_pads(node, conv) ? std::optional(std::move(conv)) : std::nullopt;
}

std::map<std::string, graph::Attribute> attributes_of(const ConvForm& conv) {
  std::vector<int64_t> pads = conv.begins;
  pads.insert(pads.end(), conv.ends.begin(), conv.ends.end());
  return {{"strides", conv.strides}, {"dilations", conv.dilations}, {"pads", pads}, {"group", conv.group}};
}

/// Copies weights from the old form to the new one: at(k, c, tap of the axis) of the new from the old, other axes alike.
template <typename Pick>
std::vector<float> picked_weights(const ConvForm& conv, size_t axis, const Shape& kernel, const Pick& pick) {
  int64_t outer = 1;
  int64_t inner = 1;
  for (size_t i = 2; i < axis + 2; ++i) {
    outer *= kernel[i];
  }
  for (size_t i = axis + 3; i < kernel.size(); ++i) {
    inner *= kernel[i];
  }
  const int64_t taps = kernel[axis + 2];
  const int64_t old_taps = conv.kernel[axis + 2];
  std::vector<float> weights;
  weights.reserve(static_cast<size_t>(kernel[0] * kernel[1] * outer * taps * inner));
  for (int64_t k = 0; k < kernel[0]; ++k) {
    for (int64_t c = 0; c < kernel[1]; ++c) {
      for (int64_t o = 0; o < outer; ++o) {
        for (int64_t t = 0; t < taps; ++t) {
          for (int64_t i = 0; i < inner; ++i) {
            const auto [from_c, from_t] = pick(c, t);
            const bool inside = from_t < old_taps;
            const int64_t at = (((k * conv.kernel[1] + from_c) * outer + o) * old_taps + from_t) * inner + i;
            weights.push_back(inside ? static_cast<float>(conv.weights[static_cast<size_t>(at)]) : 0.0f);
          }
        }
      }
    }
  }
  return weights;
}

/// Largest divisor of `stride` that one convolution can stride by.
int64_t divisor_of(int64_t stride) {
  int64_t best = 1;
  for (int64_t d = 2; d <= kMaxStride; ++d) {
    best = stride % d == 0 ? d : best;
  }
  return best;
}

/// Pads the axis to whole blocks of d, then one depthwise convolution moves the pixels of a block to d channels.
ValueId blocks_to_channels(Builder& builder, const ConvForm& conv, size_t axis, int64_t d, int64_t blocks) {
  const size_t rank = conv.in.size();
  std::vector<int64_t> pads(2 * rank, 0);
  pads[axis + 2] = conv.begins[axis];
  pads[rank + axis + 2] = std::max<int64_t>(0, blocks * d - conv.in[axis + 2] - conv.begins[axis]);
  Shape padded = conv.in;
  padded[axis + 2] += pads[axis + 2] + pads[rank + axis + 2];
  ValueId source = conv.source;
  if (padded != conv.in) {
    source = builder.add("padded", "Pad", {source, builder.ints("pads", pads)}, padded);
  }
  const int64_t channels = conv.in[1];
  Shape kernel(rank, 1);
  kernel[0] = channels * d;
  kernel[axis + 2] = d;
  std::vector<float> weights(static_cast<size_t>(channels * d * d), 0.0f);
  for (int64_t k = 0; k < channels * d; ++k) {
    weights[static_cast<size_t>(k * d + k % d)] = 1.0f;
  }
  std::vector<int64_t> strides(conv.spatial(), 1);
  strides[axis] = d;
  Shape shape = padded;
  shape[1] = channels * d;
  shape[axis + 2] = padded[axis + 2] / d;
  return builder.add("blocks", "Conv", {source, builder.floats("picks", kernel, weights)}, shape,
                     {{"strides", strides}, {"group", channels}});
}

Replacement split_stride(graph::Graph& graph, const graph::Node& node, const ConvForm& conv, size_t axis) {
  const int64_t d = divisor_of(conv.strides[axis]);
  if (d == 1 || conv.dilations[axis] != 1 || conv.in[1] * d > hw::kLimits.cube.dimension.max) {
    return std::nullopt;
  }
  ConvForm next = conv;
  next.strides[axis] = conv.strides[axis] / d;
  next.kernel[1] = conv.kernel[1] * d;
  next.kernel[axis + 2] = (conv.kernel[axis + 2] + d - 1) / d;
  next.begins[axis] = 0;
  next.ends[axis] = 0;
  const int64_t blocks = (conv.out[axis + 2] - 1) * next.strides[axis] + next.kernel[axis + 2];
  Builder builder(graph, node);
  const ValueId source = blocks_to_channels(builder, conv, axis, d, blocks);
  const auto weights = picked_weights(conv, axis, next.kernel,
                                      [&](int64_t c, int64_t t) { return std::pair{c / d, t * d + c % d}; });
  std::vector<ValueId> inputs = {source, builder.floats("weights", next.kernel, weights)};
  if (conv.bias != graph::kNoValue) {
    inputs.push_back(conv.bias);
  }
  builder.finish("Conv", inputs, attributes_of(next));
  return builder.take();
}

/// The part of the source that taps [first, first + taps) see, and the convolution over it.
ValueId piece(Builder& builder, const ConvForm& conv, size_t axis, int64_t first, int64_t taps) {
  ConvForm part = conv;
  part.kernel[axis + 2] = taps;
  const int64_t begin = conv.begins[axis] - first * conv.dilations[axis];  // negative: skips so many pixels
  const int64_t reach = (conv.out[axis + 2] - 1) * conv.strides[axis] + (taps - 1) * conv.dilations[axis] + 1;
  const int64_t start = std::max<int64_t>(0, -begin);
  const int64_t stop = std::clamp<int64_t>(reach - begin, start + 1, conv.in[axis + 2]);
  const std::string name = fmt::format("taps{}", first);
  part.begins[axis] = std::max<int64_t>(0, begin);
  part.ends[axis] = std::max<int64_t>(0, reach - begin - conv.in[axis + 2]);
  if (start > 0 || stop < conv.in[axis + 2]) {
    Shape shape = conv.in;
    shape[axis + 2] = stop - start;
    part.source = builder.add(name + "_source", "Slice",
                              {conv.source, builder.ints(name + "_starts", {start}), builder.ints(name + "_ends", {stop}),
                               builder.ints(name + "_axes", {static_cast<int64_t>(axis + 2)})}, shape);
  }
  const auto weights =
      picked_weights(conv, axis, part.kernel, [&](int64_t c, int64_t t) { return std::pair{c, first + t}; });
  std::vector<ValueId> inputs = {part.source, builder.floats(name + "_weights", part.kernel, weights)};
  if (first == 0 && conv.bias != graph::kNoValue) {
    inputs.push_back(conv.bias);
  }
  return builder.add(name, "Conv", inputs, conv.out, attributes_of(part));
}

Replacement split_kernel(graph::Graph& graph, const graph::Node& node, const ConvForm& conv, size_t axis) {
  const int64_t kernel = conv.kernel[axis + 2];
  constexpr int64_t kMostPieces = 16;
  if (kernel > kMaxKernel * kMostPieces) {
    return std::nullopt;
  }
  Builder builder(graph, node);
  ValueId sum = graph::kNoValue;
  for (int64_t first = 0; first < kernel; first += kMaxKernel) {
    const ValueId part = piece(builder, conv, axis, first, std::min(kMaxKernel, kernel - first));
    if (sum == graph::kNoValue) {
      sum = part;
    } else if (first + kMaxKernel >= kernel) {
      builder.finish("Add", {sum, part});
    } else {
      sum = builder.add(fmt::format("sum{}", first), "Add", {sum, part}, conv.out);
    }
  }
  return builder.take();
}

/// A quick look, before weights are converted.
bool is_oversized(const graph::Graph& graph, const graph::Node& node) {
  if (!is_op(node, "Conv") || node.inputs.size() < 2 || node.inputs[1] == graph::kNoValue || !graph.value(node.inputs[1]).is_constant()) {
    return false;
  }
  const Shape& kernel = graph.value(node.inputs[1]).data->shape;
  const auto strides = graph::ints_attribute(node, "strides", {});
  return std::any_of(kernel.begin() + std::min<std::ptrdiff_t>(2, std::ssize(kernel)), kernel.end(), [](int64_t k) { return k > kMaxKernel; }) ||
         (strides && std::any_of(strides->begin(), strides->end(), [](int64_t s) { return s > kMaxStride; }));
}

Replacement rule(graph::Graph& graph, const graph::Node& node) {
  const auto conv = is_oversized(graph, node) ? read_conv(graph, node) : std::nullopt;
  for (size_t axis = 0; conv && axis < conv->spatial(); ++axis) {
    const bool wide = conv->kernel[axis + 2] > kMaxKernel;
    if (conv->strides[axis] > kMaxStride || (wide && conv->strides[axis] > 1 && conv->dilations[axis] == 1)) {
      if (auto split = split_stride(graph, node, *conv, axis)) {
        return split;
      }
    }
    if (wide) {
      return split_kernel(graph, node, *conv, axis);
    }
  }
  return std::nullopt;
}

}  // namespace

bool split_convs(graph::Graph& graph) {
  constexpr int kMostRounds = 8;  // each divides a stride or cuts a kernel to the limit
  bool changed = false;
  for (int round = 0; round < kMostRounds; ++round) {
    if (!replace_nodes(graph, rule)) {
      break;
    }
    changed = true;
  }
  return changed;
}

}  // namespace medlar::compiler
