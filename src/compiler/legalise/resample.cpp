// SPDX-License-Identifier: Apache-2.0
// Sampling positions of ONNX's Resize.
#include "compiler/legalise/resample.hpp"

#include <algorithm>
#include <cmath>

#include "compiler/legalise/shapes.hpp"

namespace medlar::compiler {
namespace {

struct ResizeForm {
  std::string mode, coordinates, nearest;
};

struct ResizeAxis {
  int64_t in = 1, out = 1;
  double scale = 1.0;
};

/// Attributes and the scales of all axes.
Result<ResizeForm> read_form(const graph::Graph& graph, const graph::Node& node) {
  ResizeForm form;
  const auto opset = graph.opsets.find("");
  const bool old = node.op_type == "Upsample" || (opset != graph.opsets.end() && opset->second < 11);
  MEDLAR_ASSIGN(form.mode, graph::string_attribute(node, "mode", "nearest"));
  MEDLAR_ASSIGN(form.coordinates, graph::string_attribute(node, "coordinate_transformation_mode", old ? "asymmetric" : "half_pixel"));
  MEDLAR_ASSIGN(form.nearest, graph::string_attribute(node, "nearest_mode", old ? "floor" : "round_prefer_floor"));
  MEDLAR_ASSIGN(const int64_t antialias, graph::int_attribute(node, "antialias", 0));
  MEDLAR_ASSIGN(const std::string policy, graph::string_attribute(node, "keep_aspect_ratio_policy", "stretch"));
  form.mode = form.mode == "bilinear" ? "linear" : form.mode;
  if (form.mode != "nearest" && form.mode != "linear") {
    return fail(Code::kUnsupported, "mode is {}, possible are nearest and linear", form.mode);
  }
  if (antialias != 0 || policy != "stretch" || form.coordinates == "tf_crop_and_resize") {
    return fail(Code::kUnsupported, "antialias {}, aspect ratio {}, coordinates {}", antialias, policy, form.coordinates);
  }
  return form;
}

/// Scale of each axis of the tensor; derived from the sizes where the node gives those.
Result<std::vector<ResizeAxis>> read_axes(const graph::Graph& graph, const graph::Node& node) {
  const graph::Shape& in = *graph.value(node.inputs[0]).shape;
  const graph::Shape& out = *graph.value(node.outputs[0]).shape;
  std::vector<ResizeAxis> axes(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    axes[i] = {in[i], out[i], static_cast<double>(out[i]) / static_cast<double>(in[i])};
  }
  const bool old = node.op_type == "Upsample" || node.inputs.size() == 2;
  const size_t index = old ? 1 : 2;
  const graph::Tensor* constant = constant_input(graph, node, index);
  std::vector<double> scales;
  if (constant != nullptr) {
    scales = graph::to_doubles(*constant).value_or(std::vector<double>{});
  } else if (node.op_type == "Upsample") {
    MEDLAR_ASSIGN(const std::vector<float> given, graph::floats_attribute(node, "scales", {}));
    scales.assign(given.begin(), given.end());
  } else if (input_value(graph, node, index) != nullptr) {
    return fail(Code::kUnsupported, "scales are computed at run time");
  }
  MEDLAR_ASSIGN(const std::vector<int64_t> chosen, graph::ints_attribute(node, "axes", {}));
  for (size_t i = 0; i < scales.size(); ++i) {
    int64_t axis = chosen.empty() ? static_cast<int64_t>(i) : (i < chosen.size() ? chosen[i] : -1);
    axis = axis < 0 ? axis + static_cast<int64_t>(in.size()) : axis;
    if (axis < 0 || axis >= static_cast<int64_t>(in.size())) {
      return fail(Code::kCorrupt, "a scale for axis {} of a tensor of rank {}", axis, in.size());
    }
    axes[static_cast<size_t>(axis)].scale = scales[i];
  }
  return axes;
}

double position(const ResizeForm& form, const ResizeAxis& axis, int64_t o) {
  const auto at = static_cast<double>(o);
  const auto in = static_cast<double>(axis.in);
  const auto out = static_cast<double>(axis.out);
  if (form.coordinates == "asymmetric") {
    return at / axis.scale;
  }
  if (form.coordinates == "align_corners") {
    return axis.out == 1 ? 0.0 : at * (in - 1.0) / (out - 1.0);
  }
  if (form.coordinates == "pytorch_half_pixel" && axis.out == 1) {
    return 0.0;
  }
  const double half = (at + 0.5) / axis.scale - 0.5;
  return form.coordinates == "half_pixel_symmetric" ? in / 2.0 * (1.0 - out / (axis.scale * in)) + half : half;
}

double rounded(const std::string& mode, double x) {
  if (mode == "floor") {
    return std::floor(x);
  }
  if (mode == "ceil") {
    return std::ceil(x);
  }
  return mode == "round_prefer_ceil" ? std::floor(x + 0.5) : std::ceil(x - 0.5);
}

/// Taps of one output, relative to source element `base`; positions beyond the ends are left there.
std::vector<Tap> taps_at(const ResizeForm& form, const ResizeAxis& axis, int64_t o, int64_t base) {
  constexpr double kNothing = 1e-6;
  const double x = position(form, axis, o);
  if (form.mode == "nearest") {
    return {{static_cast<int>(rounded(form.nearest, x) - static_cast<double>(base)), 1.0}};
  }
  const double low = std::floor(x + kNothing);
  const double share = std::max(0.0, x - low);
  const int offset = static_cast<int>(low - static_cast<double>(base));
  return share < kNothing ? std::vector<Tap>{{offset, 1.0}} : std::vector<Tap>{{offset, 1.0 - share}, {offset + 1, share}};
}

bool same_taps(const std::vector<Tap>& a, const std::vector<Tap>& b) {
  constexpr double kSame = 1e-5;
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Tap& left, const Tap& right) {
    return left.offset == right.offset && std::fabs(left.weight - right.weight) < kSame;
  });
}

Result<AxisPattern> axis_pattern(const ResizeForm& form, const ResizeAxis& axis, std::string_view name) {
  AxisPattern pattern;
  const bool grows = axis.out >= axis.in && axis.out % axis.in == 0;
  if (!grows && (axis.out > axis.in || axis.in % axis.out != 0)) {
    return fail(Code::kUnsupported, "{} go from {} to {}, possible are whole multiples", name, axis.in, axis.out);
  }
  pattern.up = grows ? static_cast<int>(axis.out / axis.in) : 1;
  pattern.down = grows ? 1 : static_cast<int>(axis.in / axis.out);
  for (int64_t o = 0; o < axis.out; ++o) {
    const std::vector<Tap> taps = taps_at(form, axis, o, o / pattern.up * pattern.down);
    const auto phase = static_cast<size_t>(o % pattern.up);
    if (phase == pattern.phases.size()) {
      pattern.phases.push_back(taps);
    } else if (!same_taps(pattern.phases[phase], taps)) {
      return fail(Code::kUnsupported, "{} do not repeat a pattern ({}, {} to {})", name, form.coordinates, axis.in, axis.out);
    }
  }
  return pattern;
}

}  // namespace

bool AxisPattern::is_repeat() const {
  return std::all_of(phases.begin(), phases.end(),
                     [](const std::vector<Tap>& taps) { return taps.size() == 1 && taps[0].offset == 0; });
}

int AxisPattern::first() const {
  int least = phases[0][0].offset;
  for (const std::vector<Tap>& taps : phases) {
    least = std::min(least, taps.front().offset);
  }
  return least;
}

int AxisPattern::last() const {
  int most = phases[0][0].offset;
  for (const std::vector<Tap>& taps : phases) {
    most = std::max(most, taps.back().offset);
  }
  return most;
}

Result<ResizePattern> resize_pattern(const graph::Graph& graph, const graph::Node& node) {
  MEDLAR_ASSIGN(const ResizeForm form, read_form(graph, node));
  MEDLAR_ASSIGN(const std::vector<ResizeAxis> axes, read_axes(graph, node));
  if (axes.size() < 3 || axes[0].in != axes[0].out || axes[1].in != axes[1].out) {
    return fail(Code::kUnsupported, "batch or channels are resized, or there is no space");
  }
  ResizePattern pattern;
  MEDLAR_ASSIGN(pattern.x, axis_pattern(form, axes.back(), "columns"));
  MEDLAR_ASSIGN(pattern.y, axis_pattern(form, axes.size() > 3 ? axes[2] : ResizeAxis{}, "rows"));
  return pattern;
}

}  // namespace medlar::compiler
