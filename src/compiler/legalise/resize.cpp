// SPDX-License-Identifier: Apache-2.0
// Resize and Upsample by whole factors. Nearest neighbours repeat pixels; everything else is one depthwise convolution for
// each phase of the pattern, interleaved. Beyond the ends the outermost line counts, so lines are copied there first.
#include "compiler/legalise/resample.hpp"
#include "compiler/legalise/rows.hpp"
#include "hw/limits.hpp"

namespace medlar::compiler {
namespace {

int phase_channels(const Question& question, const graph::Node& node, const ResizePattern& pattern, int channels) {
  return pattern.x.up * pattern.y.up == 1 ? channels : channels_in_atoms(question, node, channels);
}

bool repeats(const ResizePattern& pattern) {
  return pattern.x.down == 1 && pattern.y.down == 1 && pattern.x.is_repeat() && pattern.y.is_repeat();
}

/// Lines that an axis reaches beyond its ends.
struct Overhang {
  int begin = 0, end = 0;
};

Overhang overhang(const AxisPattern& axis, int in) {
  const int blocks = in / axis.down;
  return {.begin = std::max(0, -axis.first()), .end = std::max(0, (blocks - 1) * axis.down + axis.last() - (in - 1))};
}

Window phase_window(const ResizePattern& pattern, size_t row, size_t column) {
  const auto& y = pattern.y.phases[row];
  const auto& x = pattern.x.phases[column];
  return {.kernel_h = y.back().offset - y.front().offset + 1, .kernel_w = x.back().offset - x.front().offset + 1,
          .stride_y = pattern.y.down, .stride_x = pattern.x.down};
}

ConvLayer phase_conv(const ResizePattern& pattern, size_t row, size_t column, int channels) {
  const Window window = phase_window(pattern, row, column);
  const auto& y = pattern.y.phases[row];
  const auto& x = pattern.x.phases[column];
  std::vector<float> kernel(static_cast<size_t>(window.kernel_h) * static_cast<size_t>(window.kernel_w), 0.0f);
  for (const Tap& r : y) {
    for (const Tap& s : x) {
      const int at = (r.offset - y.front().offset) * window.kernel_w + s.offset - x.front().offset;
      kernel[static_cast<size_t>(at)] = static_cast<float>(r.weight * s.weight);
    }
  }
  ConvLayer conv{.k = channels, .c = channels, .r = window.kernel_h, .s = window.kernel_w, .groups = channels,
                 .stride_x = window.stride_x, .stride_y = window.stride_y};
  for (int c = 0; c < channels; ++c) {
    conv.weights.insert(conv.weights.end(), kernel.begin(), kernel.end());
  }
  return conv;
}

/// Phases of the pattern, each into its channels of `dst`. `src` has its overhang.
void lower_phases(Lowering& lowering, const graph::Node& node, const ResizePattern& pattern, TensorId src, TensorId dst) {
  const LayerTensor in = lowering.layers.tensor(src);
  const LayerTensor out = lowering.layers.tensor(dst);
  const int step = phase_channels(lowering.question, node, pattern, in.c);
  const int origin_y = std::max(0, -pattern.y.first());
  const int origin_x = std::max(0, -pattern.x.first());
  for (size_t row = 0; row < pattern.y.phases.size(); ++row) {
    for (size_t column = 0; column < pattern.x.phases.size(); ++column) {
      const size_t phase = row * pattern.x.phases.size() + column;
      const Window window = phase_window(pattern, row, column);
      const Cube reach{.w = (out.w - 1) * window.stride_x + window.kernel_w, .h = (out.h - 1) * window.stride_y + window.kernel_h,
                       .c = in.c};
      const Corner from{.x = origin_x + pattern.x.phases[column].front().offset,
                        .y = origin_y + pattern.y.phases[row].front().offset, .c = 0};
      const Corner to{.x = 0, .y = 0, .c = static_cast<int>(phase) * step};
      Layer& layer = add_part(lowering, node, fmt::format("phase{}", phase), window_tensor(lowering, src, from, reach),
                              window_tensor(lowering, dst, to, {.w = out.w, .h = out.h, .c = in.c}));
      layer.body = phase_conv(pattern, row, column, in.c);
    }
  }
}

}  // namespace

Verdict check_resize(const Question& question, const graph::Node& node) {
  const auto pattern = resize_pattern(question.graph, node);
  if (!pattern) {
    return Refusal{Reason::kAttribute, pattern.error().message, ""};
  }
  if (repeats(*pattern)) {
    return std::nullopt;
  }
  const Cube in = cube_of(*question.graph.value(node.inputs[0]).shape);
  const int64_t channels = int64_t{phase_channels(question, node, *pattern, in.c)} * pattern->x.up * pattern->y.up;
  if (!hw::kLimits.cube.dimension.contains(static_cast<uint64_t>(channels))) {
    return Refusal{Reason::kCubeSize, fmt::format("{} channels in all phases, limit {}", channels, hw::kLimits.cube.dimension.max),
                   ""};
  }
  for (size_t row = 0; row < pattern->y.phases.size(); ++row) {
    for (size_t column = 0; column < pattern->x.phases.size(); ++column) {
      if (Verdict verdict = check_conv_window(question, phase_window(*pattern, row, column), 1)) {
        return verdict;
      }
    }
  }
  return std::nullopt;
}

Status lower_resize(Lowering& lowering, const graph::Node& node) {
  MEDLAR_ASSIGN(const ResizePattern pattern, resize_pattern(lowering.question.graph, node));
  TensorId src = source_tensor(lowering, node.inputs[0]);
  const LayerTensor in = lowering.layers.tensor(src);
  const Cube out = cube_of(*lowering.question.graph.value(node.outputs[0]).shape);
  if (pattern.x.is_identity() && pattern.y.is_identity()) {
    lowering.tensors[{node.outputs[0], lowering.item}] = src;
    return {};
  }
  const InterleaveOp op{.stride_x = pattern.x.up, .stride_y = pattern.y.up, .repeat = repeats(pattern)};
  if (op.repeat) {
    add_layer(lowering, node, src, out).body = InterleaveLayer{op};
    return {};
  }
  const Overhang y = overhang(pattern.y, in.h);
  const Overhang x = overhang(pattern.x, in.w);
  src = padded(lowering, node, src, {.top = y.begin, .left = x.begin, .bottom = y.end, .right = x.end}, Lines::kCopiesOfTheOutermost);
  const TensorId dst = result_tensor(lowering, node.outputs[0], out);
  if (op.stride_x * op.stride_y == 1) {
    lower_phases(lowering, node, pattern, src, dst);
    return {};
  }
  const int channels = phase_channels(lowering.question, node, pattern, in.c) * op.stride_x * op.stride_y;
  const TensorId phases = inner_tensor(lowering, node.name + "/phases", in.range,
                                       {.w = out.w / op.stride_x, .h = out.h / op.stride_y, .c = channels});
  lower_phases(lowering, node, pattern, src, phases);
  add_part(lowering, node, "interleave", phases, dst).body = InterleaveLayer{op};
  return {};
}

}  // namespace medlar::compiler
