// SPDX-License-Identifier: Apache-2.0
// Shape rules of convolutions and pools.
#include <array>

#include "base/checked.hpp"
#include "graph/shape_window.hpp"

#include <fmt/ranges.h>

namespace medlar::graph {
namespace {

bool differ(int64_t a, int64_t b) {
  return a != kUnknownDim && b != kUnknownDim && a != b;
}

Status check_conv(const ShapeContext& context, const Shape& x, const Shape& w) {
  if (x.size() < 3 || w.size() != x.size()) {
    return context.error("its input has rank {} and its weights rank {}; both must be equal and at least 3", x.size(),
                         w.size());
  }
  return {};
}

/// Conv and its integer forms: the weights are input `weights`.
Status convolution(ShapeContext& context, size_t weights) {
  const Shape* x = context.shape(0);
  const Shape* w = context.shape(weights);
  if (x == nullptr || w == nullptr) {
    return {};
  }
  MEDLAR_TRY(check_conv(context, *x, *w));
  MEDLAR_ASSIGN(const int64_t group, context.attr("group", 1));
  const auto channels = group < 1 ? std::nullopt : multiply_dims((*w)[1], group);
  if (!channels || differ(*channels, (*x)[1])) {
    return context.error("its input has {} channels, its weights [{}] with group {} need another number", (*x)[1],
                         fmt::join(*w, ","), group);
  }
  if ((*w)[0] >= 0 && (*w)[0] % group != 0) {
    return context.error("{} output channels do not divide into {} groups", (*w)[0], group);
  }
  const size_t spatial = x->size() - 2;
  MEDLAR_ASSIGN(const Window window, read_window(context, spatial, {w->begin() + 2, w->end()}));
  Shape out = {(*x)[0], (*w)[0]};
  for (size_t i = 0; i < spatial; ++i) {
    MEDLAR_ASSIGN(const int64_t dim, window_output(context, window, i, (*x)[i + 2]));
    out.push_back(dim);
  }
  return context.set_shape(0, std::move(out));
}

Status conv(ShapeContext& context) {
  context.set_type(0, context.type(0));
  return convolution(context, 1);
}

Status conv_integer(ShapeContext& context) {
  context.set_type(0, DataType::kInt32);
  return convolution(context, 1);
}

Status qlinear_conv(ShapeContext& context) {
  context.set_type(0, context.type(7));
  return convolution(context, 3);
}

/// Output size of one spatial dimension of ConvTranspose (ONNX: the inverse of Conv's padding arithmetic).
Result<int64_t> transposed_output(const ShapeContext& context, const Window& window, size_t i, int64_t input,
                                  int64_t extra) {
  if (input == kUnknownDim) {
    return kUnknownDim;
  }
  const auto strided = checked_mul(input, window.strides[i]);
  if (!strided) {
    return context.error("an output dimension overflows");
  }
  if (window.auto_pad == AutoPad::kSameUpper || window.auto_pad == AutoPad::kSameLower) {
    return *strided;
  }
  const bool padded = window.auto_pad == AutoPad::kNotSet;
  const int64_t pads = padded ? window.pads[i] + window.pads[i + window.kernel.size()] : 0;
  const int64_t extent = (window.kernel[i] - 1) * window.dilations[i] + 1;
  const auto out = checked_add(*strided, extent + extra - pads - window.strides[i]);
  if (!out || *out < 0) {
    return context.error("its pads of {} leave nothing of dimension {}", pads, i);
  }
  return *out;
}

Status conv_transpose(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  const Shape* w = context.shape(1);
  if (x == nullptr || w == nullptr) {
    return {};
  }
  MEDLAR_TRY(check_conv(context, *x, *w));
  MEDLAR_ASSIGN(const int64_t group, context.attr("group", 1));
  const auto channels = group < 1 ? std::nullopt : multiply_dims((*w)[1], group);
  if (!channels || differ((*x)[1], (*w)[0])) {
    return context.error("its input has {} channels, its weights are [{}] with group {}", (*x)[1], fmt::join(*w, ","),
                         group);
  }
  const size_t spatial = x->size() - 2;
  MEDLAR_ASSIGN(const Window window, read_window(context, spatial, {w->begin() + 2, w->end()}));
  MEDLAR_ASSIGN(const auto extra, context.attrs("output_padding", std::vector<int64_t>(spatial, 0)));
  MEDLAR_ASSIGN(const auto given, context.attrs("output_shape", {}));
  if (extra.size() != spatial || (!given.empty() && given.size() < spatial)) {
    return context.error("output_padding or output_shape does not fit {} spatial dimensions", spatial);
  }
  Shape out = {(*x)[0], *channels};
  for (size_t i = 0; i < spatial; ++i) {
    if (!given.empty()) {
      out.push_back(given[given.size() - spatial + i]);
      continue;
    }
    if (extra[i] < 0 || extra[i] > window.strides[i] + window.dilations[i]) {
      return context.error("output_padding {} is negative or not below stride and dilation", extra[i]);
    }
    MEDLAR_ASSIGN(const int64_t dim, transposed_output(context, window, i, (*x)[i + 2], extra[i]));
    out.push_back(dim);
  }
  return context.set_shape(0, std::move(out));
}

Status pool(ShapeContext& context) {
  context.set_type(0, context.type(0));
  context.set_type(1, DataType::kInt64);
  const Shape* x = context.shape(0);
  if (x == nullptr) {
    return {};
  }
  if (x->size() < 3) {
    return context.error("its input has rank {}, must be at least 3", x->size());
  }
  const size_t spatial = x->size() - 2;
  MEDLAR_ASSIGN(const Window window, read_window(context, spatial, {}));
  Shape out = {(*x)[0], (*x)[1]};
  for (size_t i = 0; i < spatial; ++i) {
    MEDLAR_ASSIGN(const int64_t dim, window_output(context, window, i, (*x)[i + 2]));
    out.push_back(dim);
  }
  MEDLAR_TRY(context.set_shape(0, out));
  return context.set_shape(1, std::move(out));
}

Status global_pool(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  if (x == nullptr || x->size() < 2) {
    return {};
  }
  Shape out(x->size(), 1);
  out[0] = (*x)[0];
  out[1] = (*x)[1];
  return context.set_shape(0, std::move(out));
}

Status max_unpool(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  if (const auto given = context.all_ints(2)) {
    return context.set_shape(0, *given);
  }
  if (x == nullptr || x->size() < 3 || context.has_input(2)) {
    return {};
  }
  const size_t spatial = x->size() - 2;
  MEDLAR_ASSIGN(const Window window, read_window(context, spatial, {}));
  Shape out = {(*x)[0], (*x)[1]};
  for (size_t i = 0; i < spatial; ++i) {
    MEDLAR_ASSIGN(const int64_t dim, transposed_output(context, window, i, (*x)[i + 2], 0));
    out.push_back(dim);
  }
  return context.set_shape(0, std::move(out));
}

/// RoiAlign and MaxRoiPool: one output for each region.
Status roi(ShapeContext& context, int64_t height, int64_t width) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  const Shape* rois = context.shape(1);
  if (x == nullptr || rois == nullptr || x->size() != 4 || rois->size() != 2) {
    return {};
  }
  return context.set_shape(0, {(*rois)[0], (*x)[1], height, width});
}

Status roi_align(ShapeContext& context) {
  MEDLAR_ASSIGN(const int64_t height, context.attr("output_height", 1));
  MEDLAR_ASSIGN(const int64_t width, context.attr("output_width", 1));
  return roi(context, height, width);
}

Status max_roi_pool(ShapeContext& context) {
  MEDLAR_ASSIGN(const auto size, context.attrs("pooled_shape", {}));
  if (size.size() != 2) {
    return context.error("attribute pooled_shape must have 2 elements");
  }
  return roi(context, size[0], size[1]);
}

constexpr std::array kRules = {
    ShapeRuleEntry{"Conv", conv},
    ShapeRuleEntry{"ConvInteger", conv_integer},
    ShapeRuleEntry{"QLinearConv", qlinear_conv},
    ShapeRuleEntry{"DeformConv", conv},
    ShapeRuleEntry{"ConvTranspose", conv_transpose},
    ShapeRuleEntry{"MaxPool", pool},
    ShapeRuleEntry{"AveragePool", pool},
    ShapeRuleEntry{"LpPool", pool},
    ShapeRuleEntry{"GlobalAveragePool", global_pool},
    ShapeRuleEntry{"GlobalMaxPool", global_pool},
    ShapeRuleEntry{"GlobalLpPool", global_pool},
    ShapeRuleEntry{"MaxUnpool", max_unpool},
    ShapeRuleEntry{"RoiAlign", roi_align},
    ShapeRuleEntry{"MaxRoiPool", max_roi_pool},
};

}  // namespace

std::span<const ShapeRuleEntry> conv_shape_rules() {
  return kRules;
}

}  // namespace medlar::graph
