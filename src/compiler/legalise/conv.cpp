// SPDX-License-Identifier: Apache-2.0
// Conv: direct convolution with any legal kernel, stride, padding, dilation and group count.
#include <algorithm>

#include "compiler/legalise/rows.hpp"
#include "hw/limits.hpp"

namespace medlar::compiler {
namespace {

using hw::kLimits;

Refusal out_of_range(Reason reason, std::string_view what, int value, const hw::Range& range) {
  return Refusal{reason, fmt::format("{} is {}, possible are {} to {}", what, value, range.min, range.max), ""};
}

bool inside(const hw::Range& range, int value) { return value >= 0 && range.contains(static_cast<uint64_t>(value)); }

std::vector<int64_t> kernel_of(const graph::Tensor& weights) {
  return {weights.shape.begin() + 2, weights.shape.end()};
}

struct ConvParts {
  Window window;  ///< Widened, or without the lines that `around` names.
  int groups = 1;
  int extra_x = 0, extra_y = 0;  ///< Zero columns and rows added on each side of the kernel.
  Sides around;                  ///< Zero lines written around the input.
};

/// Zeros in a widened kernel from which on writing lines around the input is worth its operations.
constexpr int64_t kWideBorder = int64_t{1} << 16;

/// The least border that makes `pad` legal.
int border_for(int pad, int kernel, int dilation) {
  int border = 0;
  while (pad + border * dilation >= (kernel + 2 * border - 1) * dilation + 1) {
    ++border;
  }
  return border;
}

std::optional<std::vector<float>> floats_of(const graph::Tensor& tensor) {
  if (tensor.type == graph::DataType::kFloat32) {
    const auto values = tensor.as<float>();
    return std::vector<float>(values.begin(), values.end());
  }
  const auto numbers = graph::to_doubles(tensor);
  return numbers ? std::optional(std::vector<float>(numbers->begin(), numbers->end())) : std::nullopt;
}

/// Weights with the border of zeros.
std::vector<float> widened_weights(std::vector<float> weights, const ConvParts& parts) {
  if (parts.extra_x == 0 && parts.extra_y == 0) {
    return weights;
  }
  const auto rows = static_cast<size_t>(parts.window.kernel_h);
  const auto columns = static_cast<size_t>(parts.window.kernel_w);
  const auto old_rows = rows - 2 * static_cast<size_t>(parts.extra_y);
  const auto old_columns = columns - 2 * static_cast<size_t>(parts.extra_x);
  const size_t planes = weights.size() / (old_rows * old_columns);
  std::vector<float> result(planes * rows * columns, 0.0f);
  for (size_t i = 0; i < weights.size(); ++i) {
    const size_t column = i % old_columns + static_cast<size_t>(parts.extra_x);
    const size_t row = i / old_columns % old_rows + static_cast<size_t>(parts.extra_y);
    const size_t plane = i / (old_columns * old_rows);
    result[(plane * rows + row) * columns + column] = weights[i];
  }
  return result;
}

/// Lines by which `pad` exceeds what a kernel of this span may have.
int beyond(int pad, int kernel, int dilation) { return std::max(0, pad - (kernel - 1) * dilation); }

/// Takes the lines that no legal padding covers out of the window.
Sides take_illegal_lines(Window& w) {
  const Sides sides{.top = beyond(w.pad_top, w.kernel_h, w.dilation_y),
                    .left = beyond(w.pad_left, w.kernel_w, w.dilation_x),
                    .bottom = beyond(w.pad_bottom, w.kernel_h, w.dilation_y),
                    .right = beyond(w.pad_right, w.kernel_w, w.dilation_x)};
  w.pad_top -= sides.top;
  w.pad_left -= sides.left;
  w.pad_bottom -= sides.bottom;
  w.pad_right -= sides.right;
  return sides;
}

/// Makes the padding legal, by a wider kernel or by lines around the input.
void settle_padding(ConvParts& parts, int64_t planes) {
  Window widened = parts.window;
  const Border border = widen_window(widened);
  const int64_t taps = int64_t{parts.window.kernel_w} * parts.window.kernel_h;
  const bool legal = inside(kLimits.conv.kernel, widened.kernel_w) && inside(kLimits.conv.kernel, widened.kernel_h);
  if (!legal || planes * (int64_t{widened.kernel_w} * widened.kernel_h - taps) >= kWideBorder) {
    parts.around = take_illegal_lines(parts.window);
    return;
  }
  parts.window = widened;
  parts.extra_x = border.columns;
  parts.extra_y = border.rows;
}

Result<ConvParts> read_conv(const graph::Graph& graph, const graph::Node& node, const graph::Tensor& weights) {
  const graph::Shape& in = *graph.value(node.inputs[0]).shape;
  const graph::Shape& out = *graph.value(node.outputs[0]).shape;
  MEDLAR_ASSIGN(const Window window, read_window(node, in, out, kernel_of(weights)));
  MEDLAR_ASSIGN(const int64_t groups, graph::int_attribute(node, "group", 1));
  if (groups < 1 || groups > in[1] || in[1] % groups != 0 || weights.shape[0] % groups != 0 ||
      weights.shape[1] != in[1] / groups || weights.shape[0] != out[1]) {
    return fail(Code::kCorrupt, "{}: {} groups do not fit {} input and {} output channels", node.name, groups, in[1],
                out[1]);
  }
  ConvParts parts{.window = window, .groups = static_cast<int>(groups), .around = {}};
  settle_padding(parts, weights.shape[0] * weights.shape[1]);
  return parts;
}

}  // namespace

Border widen_window(Window& w) {
  const Border border{.columns = border_for(std::max(w.pad_left, w.pad_right), w.kernel_w, w.dilation_x),
                      .rows = border_for(std::max(w.pad_top, w.pad_bottom), w.kernel_h, w.dilation_y)};
  w.kernel_w += 2 * border.columns;
  w.kernel_h += 2 * border.rows;
  w.pad_left += border.columns * w.dilation_x;
  w.pad_right += border.columns * w.dilation_x;
  w.pad_top += border.rows * w.dilation_y;
  w.pad_bottom += border.rows * w.dilation_y;
  return border;
}

Verdict check_conv_window(const Question& question, const Window& window, int channels) {
  const hw::ConvLimits& limits = kLimits.conv;
  for (const int kernel : {window.kernel_w, window.kernel_h}) {
    if (!inside(limits.kernel, kernel)) {
      return out_of_range(Reason::kKernelSize, "kernel", kernel, limits.kernel);
    }
  }
  for (const int stride : {window.stride_x, window.stride_y}) {
    if (!inside(limits.stride, stride)) {
      return out_of_range(Reason::kStride, "stride", stride, limits.stride);
    }
  }
  for (const int dilation : {window.dilation_x, window.dilation_y}) {
    if (!inside(limits.dilation, dilation)) {
      return out_of_range(Reason::kDilation, "dilation", dilation, limits.dilation);
    }
  }
  const int span_x = (window.kernel_w - 1) * window.dilation_x + 1;
  const int span_y = (window.kernel_h - 1) * window.dilation_y + 1;
  const struct { std::string_view name; int value; hw::Range range; int span; } pads[] = {
      {"left padding", window.pad_left, limits.pad_left, span_x},
      {"right padding", window.pad_right, limits.pad_right, span_x},
      {"top padding", window.pad_top, limits.pad_top, span_y},
      {"bottom padding", window.pad_bottom, limits.pad_bottom, span_y}};
  for (const auto& pad : pads) {
    if (!inside(pad.range, pad.value)) {
      return out_of_range(Reason::kPadding, pad.name, pad.value, pad.range);
    }
    if (limits.pad_below_kernel && pad.value >= pad.span) {
      return Refusal{Reason::kPadding,
                     fmt::format("{} is {}, has to be below the kernel's {}", pad.name, pad.value, pad.span), ""};
    }
  }
  const int64_t bytes = int64_t{channels} * window.kernel_w * window.kernel_h *
                        static_cast<int64_t>(hw::bytes_per_element(question.precision));
  if (!limits.bytes_per_kernel.contains(static_cast<uint64_t>(bytes))) {
    return Refusal{Reason::kKernelSize,
                   fmt::format("one kernel has {} bytes, limit {}", bytes, limits.bytes_per_kernel.max), ""};
  }
  return std::nullopt;
}

Verdict check_conv(const Question& question, const graph::Node& node) {
  const graph::Tensor* weights = constant_input(question.graph, node, 1);
  if (weights == nullptr) {
    return Refusal{Reason::kNotConstant, "weights are computed at run time", ""};
  }
  const graph::Value* bias = input_value(question.graph, node, 2);
  if (bias != nullptr && !bias->is_constant()) {
    return Refusal{Reason::kNotConstant, "bias is computed at run time", ""};
  }
  if (weights->shape.size() != question.graph.value(node.inputs[0]).shape->size() || weights->shape.size() < 3) {
    return Refusal{Reason::kRank, fmt::format("weights have rank {}", weights->shape.size()), ""};
  }
  const auto parts = read_conv(question.graph, node, *weights);
  if (!parts) {
    return Refusal{Reason::kAttribute, parts.error().message, ""};
  }
  return check_conv_window(question, parts->window, static_cast<int>(weights->shape[1]));
}

Status lower_conv(Lowering& lowering, const graph::Node& node) {
  const graph::Graph& graph = lowering.question.graph;
  const graph::Tensor& weights = *constant_input(graph, node, 1);
  MEDLAR_ASSIGN(const ConvParts parts, read_conv(graph, node, weights));
  auto numbers = floats_of(weights);
  if (!numbers) {
    return fail(Code::kCorrupt, "{}: weights are not numbers", node.name);
  }
  const Window& window = parts.window;
  const TensorId src = padded(lowering, node, source_tensor(lowering, node.inputs[0]), parts.around, Lines::kZeros);
  const int channels = lowering.layers.tensor(src).c;
  Layer& layer = add_layer(lowering, node, src, cube_of(*graph.value(node.outputs[0]).shape));
  layer.body = ConvLayer{.k = static_cast<int>(weights.shape[0]), .c = channels, .r = window.kernel_h,
                         .s = window.kernel_w, .groups = parts.groups,
                         .weights = widened_weights(std::move(*numbers), parts),
                         .stride_x = window.stride_x, .stride_y = window.stride_y,
                         .dilation_x = window.dilation_x, .dilation_y = window.dilation_y,
                         .pad_left = window.pad_left, .pad_right = window.pad_right,
                         .pad_top = window.pad_top, .pad_bottom = window.pad_bottom};
  if (const graph::Tensor* bias = constant_input(graph, node, 2); bias != nullptr) {
    const auto values = graph::to_doubles(*bias);
    if (!values || values->size() != static_cast<size_t>(weights.shape[0])) {
      return fail(Code::kCorrupt, "{}: bias does not have {} numbers", node.name, weights.shape[0]);
    }
    layer.steps.push_back({.kind = StepKind::kAffine, .mul = {}, .add = {values->begin(), values->end()},
                           .operand = kNoTensor, .value = graph.value(node.outputs[0]).name});
  }
  return {};
}

}  // namespace medlar::compiler
