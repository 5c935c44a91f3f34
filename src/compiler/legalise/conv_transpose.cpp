// SPDX-License-Identifier: Apache-2.0
// ConvTranspose. Outputs at one offset within the stride see the same few taps of the kernel, so each of the stride_y *
// stride_x phases is a small convolution; one convolution computes them all, and interleaving puts them in place.
//
//   full[s * y + q] = sum over r with (q - r * d) divisible by s of x[y + (q - r * d) / s] * w[r],  result = full[pad ...]
#include <algorithm>

#include "compiler/legalise/rows.hpp"
#include "hw/limits.hpp"

namespace medlar::compiler {
namespace {

/// One axis.
struct Axis {
  int in = 1, out = 1, kernel = 1, stride = 1, dilation = 1, pad = 0;
  int taps() const { return (kernel - 1) * dilation / stride + 1; }
  /// Positions of every phase that the result needs.
  int phase_size() const { return (pad + out + stride - 1) / stride; }
  /// Tap of the phase convolution that kernel element r feeds in phase q; -1 for none.
  int tap(int r, int q) const {
    const int distance = q - r * dilation;
    return distance % stride != 0 || distance / stride > 0 ? -1 : taps() - 1 + distance / stride;
  }
};

struct Transposed {
  Axis y, x;
  int in_c = 1, out_c = 1, groups = 1;
  int phases() const { return y.stride * x.stride; }
};

Result<int> begin_pad(const graph::Node& node, const Axis& axis, size_t index, size_t spatial) {
  MEDLAR_ASSIGN(const auto pads, graph::ints_attribute(node, "pads", std::vector<int64_t>(2 * spatial, 0)));
  MEDLAR_ASSIGN(const auto mode, graph::string_attribute(node, "auto_pad", "NOTSET"));
  MEDLAR_ASSIGN(const auto extra, graph::ints_attribute(node, "output_padding", std::vector<int64_t>(spatial, 0)));
  MEDLAR_ASSIGN(const auto wanted, graph::ints_attribute(node, "output_shape", {}));
  if (pads.size() != 2 * spatial || extra.size() != spatial) {
    return fail(Code::kCorrupt, "pads or output_padding do not have {} spatial axes", spatial);
  }
  const bool same = mode == "SAME_UPPER" || mode == "SAME_LOWER";
  if (!same && wanted.empty()) {
    return mode == "VALID" ? 0 : static_cast<int>(pads[index]);
  }
  const int64_t full = int64_t{axis.in - 1} * axis.stride + int64_t{axis.kernel - 1} * axis.dilation + 1 + extra[index];
  const int64_t total = std::max<int64_t>(0, full - axis.out);
  // ONNX puts the odd one at the end for SAME_UPPER alone.
  return static_cast<int>(mode == "SAME_UPPER" ? total / 2 : total - total / 2);
}

Result<Axis> read_axis(const graph::Graph& graph, const graph::Node& node, size_t index, size_t spatial) {
  const graph::Shape& in = *graph.value(node.inputs[0]).shape;
  const graph::Shape& out = *graph.value(node.outputs[0]).shape;
  const graph::Tensor& weights = *constant_input(graph, node, 1);
  MEDLAR_ASSIGN(const auto strides, graph::ints_attribute(node, "strides", std::vector<int64_t>(spatial, 1)));
  MEDLAR_ASSIGN(const auto dilations, graph::ints_attribute(node, "dilations", std::vector<int64_t>(spatial, 1)));
  if (strides.size() != spatial || dilations.size() != spatial) {
    return fail(Code::kCorrupt, "strides or dilations do not have {} spatial axes", spatial);
  }
  constexpr int64_t kLargest = 8192;
  for (const int64_t number : {strides[index], dilations[index], weights.shape[index + 2]}) {
    if (number < 1 || number > kLargest) {
      return fail(Code::kCorrupt, "kernel, stride or dilation {} is not in 1..{}", number, kLargest);
    }
  }
  Axis axis{.in = static_cast<int>(in[index + 2]), .out = static_cast<int>(out[index + 2]),
            .kernel = static_cast<int>(weights.shape[index + 2]), .stride = static_cast<int>(strides[index]),
            .dilation = static_cast<int>(dilations[index])};
  MEDLAR_ASSIGN(axis.pad, begin_pad(node, axis, index, spatial));
  return axis;
}

Result<Transposed> read_transposed(const graph::Graph& graph, const graph::Node& node) {
  const graph::Shape& in = *graph.value(node.inputs[0]).shape;
  const graph::Shape& out = *graph.value(node.outputs[0]).shape;
  const graph::Tensor& weights = *constant_input(graph, node, 1);
  const size_t spatial = in.size() - 2;
  Transposed t;
  MEDLAR_ASSIGN(t.x, read_axis(graph, node, spatial - 1, spatial));
  if (spatial > 1) {
    MEDLAR_ASSIGN(t.y, read_axis(graph, node, 0, spatial));
  }
  MEDLAR_ASSIGN(const int64_t groups, graph::int_attribute(node, "group", 1));
  if (groups < 1 || weights.shape[0] != in[1] || in[1] % groups != 0 || weights.shape[1] * groups != out[1]) {
    return fail(Code::kCorrupt, "{} groups do not fit {} input and {} output channels", groups, in[1], out[1]);
  }
  t.in_c = static_cast<int>(in[1]);
  t.out_c = static_cast<int>(out[1]);
  t.groups = static_cast<int>(groups);
  return t;
}

/// Channels of one phase: whole atoms, unless there is only one phase.
int phase_channels(const Question& question, const graph::Node& node, const Transposed& t) {
  return t.phases() == 1 ? t.out_c : channels_in_atoms(question, node, t.out_c);
}

/// The convolution that computes all phases.
struct PhaseWindow {
  Window window;
  int border_y = 0, border_x = 0;  ///< Zero taps around the kernel, see widen_window().
};

PhaseWindow phase_window(const Transposed& t) {
  PhaseWindow result;
  Window& w = result.window;
  w.kernel_h = t.y.taps();
  w.kernel_w = t.x.taps();
  w.pad_top = t.y.taps() - 1;
  w.pad_left = t.x.taps() - 1;
  w.pad_bottom = std::max(0, t.y.phase_size() - t.y.in);
  w.pad_right = std::max(0, t.x.phase_size() - t.x.in);
  const Border border = widen_window(w);
  result.border_y = border.rows;
  result.border_x = border.columns;
  return result;
}

/// K x C x R x S of the phase convolution.
std::vector<float> phase_weights(const Transposed& t, const PhaseWindow& phase, int channels, const std::vector<double>& given) {
  const Window& w = phase.window;
  const int kernels = channels * t.phases();
  const int out_group = t.out_c / t.groups;
  std::vector<float> weights(static_cast<size_t>(kernels) * static_cast<size_t>(t.in_c) *
                             static_cast<size_t>(w.kernel_h) * static_cast<size_t>(w.kernel_w), 0.0f);
  const auto place = [&](int c, int k, int r, int s, float value) {
    const int out = c / (t.in_c / t.groups) * out_group + k;
    for (int qy = 0; qy < t.y.stride; ++qy) {
      for (int qx = 0; qx < t.x.stride; ++qx) {
        const int y = t.y.tap(r, qy);
        const int x = t.x.tap(s, qx);
        if (y >= 0 && x >= 0) {
          const int kernel = (qy * t.x.stride + qx) * channels + out;
          const size_t row = (static_cast<size_t>(kernel) * static_cast<size_t>(t.in_c) + static_cast<size_t>(c)) *
                                 static_cast<size_t>(w.kernel_h) + static_cast<size_t>(y + phase.border_y);
          weights[row * static_cast<size_t>(w.kernel_w) + static_cast<size_t>(x + phase.border_x)] = value;
        }
      }
    }
  };
  const int taps = t.y.kernel * t.x.kernel;
  for (size_t i = 0; i < given.size(); ++i) {
    const int plane = static_cast<int>(i) / taps;
    place(plane / out_group, plane % out_group, static_cast<int>(i) % taps / t.x.kernel, static_cast<int>(i) % t.x.kernel,
          static_cast<float>(given[i]));
  }
  return weights;
}

/// Bias of every kernel of the phase convolution.
std::vector<float> phase_bias(const Transposed& t, int channels, const std::vector<double>& bias) {
  std::vector<float> all(static_cast<size_t>(channels) * static_cast<size_t>(t.phases()), 0.0f);
  for (size_t i = 0; i < all.size(); ++i) {
    const size_t k = i % static_cast<size_t>(channels);
    all[i] = k < bias.size() ? static_cast<float>(bias[k]) : 0.0f;
  }
  return all;
}

}  // namespace

Verdict check_conv_transpose(const Question& question, const graph::Node& node) {
  const graph::Tensor* weights = constant_input(question.graph, node, 1);
  const graph::Value* bias = input_value(question.graph, node, 2);
  if (weights == nullptr || (bias != nullptr && !bias->is_constant())) {
    return Refusal{Reason::kNotConstant, "weights or bias are computed at run time", ""};
  }
  const size_t rank = question.graph.value(node.inputs[0]).shape->size();
  if (weights->shape.size() != rank || rank < 3) {
    return Refusal{Reason::kRank, fmt::format("weights have rank {}", weights->shape.size()), ""};
  }
  const auto t = read_transposed(question.graph, node);
  if (!t) {
    return Refusal{Reason::kAttribute, t.error().message, ""};
  }
  const hw::Range range = hw::kLimits.rubik.deconv_stride;
  for (const int stride : {t->y.stride, t->x.stride}) {
    if (!range.contains(static_cast<uint64_t>(stride))) {
      return Refusal{Reason::kStride, fmt::format("stride is {}, possible are {} to {}", stride, range.min, range.max), ""};
    }
  }
  const int64_t channels = int64_t{phase_channels(question, node, *t)} * t->phases();
  const int64_t height = int64_t{t->y.phase_size()} * t->y.stride;
  const int64_t width = int64_t{t->x.phase_size()} * t->x.stride;
  for (const int64_t size : {channels, height, width}) {
    if (!hw::kLimits.cube.dimension.contains(static_cast<uint64_t>(size))) {
      return Refusal{Reason::kCubeSize, fmt::format("{} phases of {} channels, {}x{} in all, limit {}", t->phases(),
                                                    phase_channels(question, node, *t), width, height,
                                                    hw::kLimits.cube.dimension.max), ""};
    }
  }
  return check_conv_window(question, phase_window(*t).window, t->in_c);
}

Status lower_conv_transpose(Lowering& lowering, const graph::Node& node) {
  const graph::Graph& graph = lowering.question.graph;
  MEDLAR_ASSIGN(const Transposed t, read_transposed(graph, node));
  const auto weights = graph::to_doubles(*constant_input(graph, node, 1));
  const graph::Tensor* bias = constant_input(graph, node, 2);
  const auto addends = bias == nullptr ? std::optional(std::vector<double>{}) : graph::to_doubles(*bias);
  if (!weights || !addends) {
    return fail(Code::kCorrupt, "{}: weights or bias are not numbers", node.name);
  }
  const graph::Value& out = graph.value(node.outputs[0]);
  const int channels = phase_channels(lowering.question, node, t);
  const PhaseWindow phase = phase_window(t);
  const Window& w = phase.window;
  const Cube phases{.w = t.x.phase_size(), .h = t.y.phase_size(), .c = channels * t.phases()};
  const Cube full{.w = phases.w * t.x.stride, .h = phases.h * t.y.stride, .c = t.out_c};
  const TensorId src = source_tensor(lowering, node.inputs[0]);
  const bool exact = full == cube_of(*out.shape);
  const TensorId whole = exact ? result_tensor(lowering, node.outputs[0], full)
                               : inner_tensor(lowering, node.name + "/full", out.name, full);
  const TensorId between = t.phases() == 1 ? whole : inner_tensor(lowering, node.name + "/phases", out.name, phases);
  Layer& conv = add_part(lowering, node, "", src, between);
  conv.body = ConvLayer{.k = phases.c, .c = t.in_c, .r = w.kernel_h, .s = w.kernel_w,
                        .weights = phase_weights(t, phase, channels, *weights),
                        .pad_left = w.pad_left, .pad_right = w.pad_right, .pad_top = w.pad_top, .pad_bottom = w.pad_bottom};
  if (bias != nullptr) {
    conv.steps.push_back({.kind = StepKind::kAffine, .mul = {}, .add = phase_bias(t, channels, *addends)});
  }
  if (t.phases() > 1) {
    add_part(lowering, node, "interleave", between, whole).body =
        InterleaveLayer{{.stride_x = t.x.stride, .stride_y = t.y.stride}};
  }
  if (!exact) {
    lowering.tensors[{node.outputs[0], lowering.item}] =
        window_tensor(lowering, whole, {.x = t.x.pad, .y = t.y.pad, .c = 0}, cube_of(*out.shape));
  }
  return {};
}

}  // namespace medlar::compiler
