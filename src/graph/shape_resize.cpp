// SPDX-License-Identifier: Apache-2.0
// Shape rules of operators that change the resolution: Resize, Upsample, DepthToSpace, GridSample.
#include <array>
#include <cmath>
#include <limits>

#include "graph/shape_context.hpp"

namespace medlar::graph {
namespace {

/// dim * scale in float32, rounded down (or to nearest): nullopt when that is no sensible size.
std::optional<int64_t> scaled(int64_t dim, double scale, bool nearest = false) {
  if (dim == kUnknownDim) {
    return kUnknownDim;
  }
  const auto exact = static_cast<float>(dim) * static_cast<float>(scale);
  const float size = nearest ? std::floor(exact + 0.5f) : std::floor(exact);
  if (!(size >= 0) || size >= 9.0e18f) {
    return std::nullopt;
  }
  return static_cast<int64_t>(size);
}

Status scale_axes(ShapeContext& context, Shape shape, const std::vector<size_t>& axes,
                  const std::vector<double>& scales) {
  if (scales.size() != axes.size()) {
    return context.error("{} scales for {} dimensions", scales.size(), axes.size());
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto dim = scaled(shape[axes[i]], scales[i]);
    if (!dim) {
      return context.error("scale {} of dimension {} is no valid size", scales[i], axes[i]);
    }
    shape[axes[i]] = *dim;
  }
  return context.set_shape(0, std::move(shape));
}

/// keep_aspect_ratio_policy: one scale for all axes, the smallest or largest that reaches `sizes`.
Status keep_aspect(const ShapeContext& context, Shape& shape, const std::vector<size_t>& axes,
                   const std::vector<int64_t>& sizes, bool smallest) {
  double scale = smallest ? std::numeric_limits<double>::infinity() : 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t dim = shape[axes[i]];
    if (dim <= 0) {
      return context.error("keep_aspect_ratio_policy needs known dimensions");
    }
    const double one = static_cast<double>(sizes[i]) / static_cast<double>(dim);
    scale = smallest ? std::min(scale, one) : std::max(scale, one);
  }
  for (const size_t axis : axes) {
    const auto dim = scaled(shape[axis], scale, true);
    if (!dim) {
      return context.error("scale {} of dimension {} is no valid size", scale, axis);
    }
    shape[axis] = *dim;
  }
  return {};
}

Status resize_to(ShapeContext& context, Shape shape, const std::vector<size_t>& axes,
                 const std::vector<int64_t>& sizes) {
  if (sizes.size() != axes.size()) {
    return context.error("{} sizes for {} dimensions", sizes.size(), axes.size());
  }
  MEDLAR_ASSIGN(const std::string policy, string_attribute(context.node(), "keep_aspect_ratio_policy", "stretch"));
  if (policy != "stretch") {
    MEDLAR_TRY(keep_aspect(context, shape, axes, sizes, policy == "not_larger"));
    return context.set_shape(0, std::move(shape));
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    shape[axes[i]] = sizes[i];
  }
  return context.set_shape(0, std::move(shape));
}

/// tf_crop_and_resize first cuts out the region of interest (input 1: all starts, then all ends).
Status crop(const ShapeContext& context, const std::vector<size_t>& axes, std::vector<double>& scales) {
  const Tensor* tensor = context.constant(1);
  const auto roi = tensor == nullptr ? std::nullopt : to_doubles(*tensor);
  if (!roi || roi->size() != 2 * axes.size()) {
    return context.error("tf_crop_and_resize needs a constant region of {} numbers", 2 * axes.size());
  }
  for (size_t i = 0; i < scales.size() && i < axes.size(); ++i) {
    scales[i] *= (*roi)[i + axes.size()] - (*roi)[i];
  }
  return {};
}

bool is_given(const ShapeContext& context, size_t i) {
  const Shape* shape = context.shape(i);
  return context.has_input(i) && !(shape != nullptr && shape->size() == 1 && (*shape)[0] == 0);
}

Status resize(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  if (x == nullptr) {
    return {};
  }
  std::vector<int64_t> all(x->size());
  for (size_t i = 0; i < all.size(); ++i) {
    all[i] = static_cast<int64_t>(i);
  }
  MEDLAR_ASSIGN(const auto listed, context.attrs("axes", all));
  MEDLAR_ASSIGN(const auto axes, context.axes(listed, x->size()));
  const size_t scales_at = context.opset() >= 11 ? 2 : 1;
  if (is_given(context, 3)) {
    const auto sizes = context.all_ints(3);
    return sizes ? resize_to(context, *x, axes, *sizes) : context.set_shape(0, Shape(x->size(), kUnknownDim));
  }
  if (!is_given(context, scales_at)) {
    return context.error("it has neither scales nor sizes");
  }
  const Tensor* tensor = context.constant(scales_at);
  auto scales = tensor == nullptr ? std::nullopt : to_doubles(*tensor);
  if (!scales) {
    return context.set_shape(0, Shape(x->size(), kUnknownDim));
  }
  MEDLAR_ASSIGN(const std::string mode,
                string_attribute(context.node(), "coordinate_transformation_mode", "half_pixel"));
  if (mode == "tf_crop_and_resize") {
    MEDLAR_TRY(crop(context, axes, *scales));
  }
  return scale_axes(context, *x, axes, *scales);
}

Status upsample(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  if (x == nullptr) {
    return {};
  }
  std::vector<size_t> axes(x->size());
  for (size_t i = 0; i < axes.size(); ++i) {
    axes[i] = i;
  }
  if (context.opset() < 9) {
    MEDLAR_ASSIGN(const auto scales, floats_attribute(context.node(), "scales", {}));
    return scale_axes(context, *x, axes, {scales.begin(), scales.end()});
  }
  const Tensor* tensor = context.constant(1);
  const auto scales = tensor == nullptr ? std::nullopt : to_doubles(*tensor);
  return scales ? scale_axes(context, *x, axes, *scales) : context.set_shape(0, Shape(x->size(), kUnknownDim));
}

/// Moves a factor of blocksize^2 between channels and the two spatial dimensions.
Status blocks(ShapeContext& context, bool to_space) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  if (x == nullptr) {
    return {};
  }
  MEDLAR_ASSIGN(const int64_t block, context.attr("blocksize", 0));
  if (x->size() != 4 || block < 1 || block > 65536) {
    return context.error("its input has rank {} and blocksize is {}; must be 4, and 1 to 65536", x->size(), block);
  }
  Shape out = *x;
  const std::array<int64_t, 4> factor = {1, block * block, block, block};
  for (size_t i = 1; i < 4; ++i) {
    if (out[i] == kUnknownDim) {
      continue;
    }
    const bool divide = (i == 1) == to_space;
    if (divide && out[i] % factor[i] != 0) {
      return context.error("dimension {} is {}, no multiple of {}", i, out[i], factor[i]);
    }
    const auto dim = divide ? std::optional(out[i] / factor[i]) : multiply_dims(out[i], factor[i]);
    if (!dim) {
      return context.error("dimension {} overflows", i);
    }
    out[i] = *dim;
  }
  return context.set_shape(0, std::move(out));
}

Status depth_to_space(ShapeContext& context) {
  return blocks(context, true);
}

Status space_to_depth(ShapeContext& context) {
  return blocks(context, false);
}

Status grid_sample(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  const Shape* grid = context.shape(1);
  if (x == nullptr || grid == nullptr || x->size() != grid->size() || x->size() < 3) {
    return {};
  }
  Shape out = {(*x)[0], (*x)[1]};
  out.insert(out.end(), grid->begin() + 1, grid->end() - 1);
  return context.set_shape(0, std::move(out));
}

constexpr std::array kRules = {
    ShapeRuleEntry{"Resize", resize},
    ShapeRuleEntry{"Upsample", upsample},
    ShapeRuleEntry{"DepthToSpace", depth_to_space},
    ShapeRuleEntry{"SpaceToDepth", space_to_depth},
    ShapeRuleEntry{"GridSample", grid_sample},
};

}  // namespace

std::span<const ShapeRuleEntry> resize_shape_rules() {
  return kRules;
}

}  // namespace medlar::graph
