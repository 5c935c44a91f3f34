// SPDX-License-Identifier: Apache-2.0
// Shape rules of operators that select or make elements: Slice, Gather, Shape, Range, OneHot, NonMaxSuppression, ...
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "graph/shape_context.hpp"

#include <fmt/ranges.h>

namespace medlar::graph {
namespace {

struct SliceArguments {
  std::optional<std::vector<int64_t>> starts, ends, axes, steps;
};

/// Attributes before opset 10, inputs since. An omitted list of axes or steps has its default already.
Result<SliceArguments> slice_arguments(const ShapeContext& context) {
  SliceArguments out;
  if (context.opset() < 10) {
    MEDLAR_ASSIGN(out.starts, context.attrs("starts", {}));
    MEDLAR_ASSIGN(out.ends, context.attrs("ends", {}));
    if (context.has_attr("axes")) {
      MEDLAR_ASSIGN(out.axes, context.attrs("axes", {}));
    }
  } else {
    out.starts = context.all_ints(1);
    out.ends = context.all_ints(2);
    out.axes = context.all_ints(3);
    out.steps = context.all_ints(4);
  }
  const auto counted = context.ints(1);
  const size_t count = out.starts ? out.starts->size() : counted ? counted->size() : 0;
  const bool by_input = context.opset() >= 10;
  if (!out.axes && !(by_input && context.has_input(3))) {
    out.axes.emplace(count);
    for (size_t i = 0; i < count; ++i) {
      (*out.axes)[i] = static_cast<int64_t>(i);
    }
  }
  if (!out.steps && !(by_input && context.has_input(4))) {
    out.steps.emplace(count, 1);
  }
  return out;
}

Status slice(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  if (x == nullptr) {
    return {};
  }
  MEDLAR_ASSIGN(const SliceArguments arguments, slice_arguments(context));
  if (!arguments.axes) {
    return context.set_shape(0, Shape(x->size(), kUnknownDim));
  }
  MEDLAR_ASSIGN(const auto axes, context.axes(*arguments.axes, x->size()));
  const bool known = arguments.starts && arguments.ends && arguments.steps;
  if (known && (arguments.starts->size() != axes.size() || arguments.ends->size() != axes.size() ||
                arguments.steps->size() != axes.size())) {
    return context.error("{} starts, {} ends and {} steps for {} axes", arguments.starts->size(),
                         arguments.ends->size(), arguments.steps->size(), axes.size());
  }
  Shape out = *x;
  for (size_t i = 0; i < axes.size(); ++i) {
    int64_t& dim = out[axes[i]];
    if (!known || dim == kUnknownDim) {
      dim = kUnknownDim;
      continue;
    }
    if ((*arguments.steps)[i] == 0) {
      return context.error("a step of 0");
    }
    dim = slice_range(dim, (*arguments.starts)[i], (*arguments.ends)[i], (*arguments.steps)[i]).count;
  }
  return context.set_shape(0, std::move(out));
}

Status gather(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  const Shape* indices = context.shape(1);
  if (x == nullptr || indices == nullptr) {
    return {};
  }
  MEDLAR_ASSIGN(const int64_t listed, context.attr("axis", 0));
  MEDLAR_ASSIGN(const size_t axis, context.axis(listed, x->size()));
  const auto at = x->begin() + static_cast<std::ptrdiff_t>(axis);
  Shape out(x->begin(), at);
  out.insert(out.end(), indices->begin(), indices->end());
  out.insert(out.end(), at + 1, x->end());
  return context.set_shape(0, std::move(out));
}

Status gather_elements(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* indices = context.shape(1);
  return indices == nullptr ? Status{} : context.set_shape(0, *indices);
}

Status gather_nd(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  const Shape* indices = context.shape(1);
  if (x == nullptr || indices == nullptr || indices->empty() || indices->back() == kUnknownDim) {
    return {};
  }
  MEDLAR_ASSIGN(const int64_t batch, context.attr("batch_dims", 0));
  const int64_t depth = indices->back();
  const auto rank = static_cast<int64_t>(x->size());
  if (batch < 0 || depth < 0 || batch > rank || depth > rank - batch) {
    return context.error("indices of depth {} after {} batch dimensions exceed rank {}", depth, batch, rank);
  }
  Shape out(indices->begin(), indices->end() - 1);
  out.insert(out.end(), x->begin() + batch + depth, x->end());
  return context.set_shape(0, std::move(out));
}

Status shape_of(ShapeContext& context) {
  context.set_type(0, DataType::kInt64);
  const Shape* x = context.shape(0);
  if (x == nullptr) {
    return {};
  }
  const auto rank = static_cast<int64_t>(x->size());
  MEDLAR_ASSIGN(const int64_t start, context.attr("start", 0));
  MEDLAR_ASSIGN(const int64_t end, context.attr("end", rank));
  return context.set_shape(0, {slice_range(rank, start, end, 1).count});
}

Status size_of(ShapeContext& context) {
  return context.set(0, DataType::kInt64, {});
}

Status constant_of_shape(ShapeContext& context) {
  DataType type = DataType::kFloat32;
  if (const auto found = context.node().attributes.find("value"); found != context.node().attributes.end()) {
    const Tensor* tensor = std::get_if<Tensor>(&found->second);
    if (tensor == nullptr) {
      return context.error("attribute value must be a tensor");
    }
    type = tensor->type;
  }
  context.set_type(0, type);
  const auto dims = context.ints(0);
  if (!dims) {
    return {};
  }
  Shape out;
  for (const auto& dim : *dims) {
    out.push_back(dim.value_or(kUnknownDim));
    if (dim && *dim < 0) {
      return context.error("a dimension of {}", *dim);
    }
  }
  return context.set_shape(0, std::move(out));
}

std::optional<double> scalar(const ShapeContext& context, size_t i) {
  if (const auto ints = context.all_ints(i); ints && ints->size() == 1) {
    return static_cast<double>((*ints)[0]);
  }
  const Tensor* tensor = context.constant(i);
  const auto values = tensor == nullptr ? std::nullopt : to_doubles(*tensor);
  return values && values->size() == 1 ? std::optional((*values)[0]) : std::nullopt;
}

Status range(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const auto start = scalar(context, 0);
  const auto limit = scalar(context, 1);
  const auto delta = scalar(context, 2);
  if (!start || !limit || !delta) {
    return context.set_shape(0, {kUnknownDim});
  }
  const double count = std::ceil((*limit - *start) / *delta);
  if (*delta == 0 || !(count < 9.0e15)) {
    return context.error("from {} to {} by {} is no range", *start, *limit, *delta);
  }
  return context.set_shape(0, {count > 0 ? static_cast<int64_t>(count) : 0});
}

Status one_hot(ShapeContext& context) {
  context.set_type(0, context.type(2));
  const Shape* indices = context.shape(0);
  if (indices == nullptr) {
    return {};
  }
  MEDLAR_ASSIGN(const int64_t listed, context.attr("axis", -1));
  MEDLAR_ASSIGN(const size_t axis, context.axis(listed, indices->size() + 1));
  const auto depth = scalar(context, 1);
  const bool valid = depth && *depth >= 0 && *depth < 9.0e15;
  Shape out = *indices;
  out.insert(out.begin() + static_cast<std::ptrdiff_t>(axis), valid ? static_cast<int64_t>(*depth) : kUnknownDim);
  return context.set_shape(0, std::move(out));
}

Status eye_like(ShapeContext& context) {
  MEDLAR_TRY(same_as_first(context));
  MEDLAR_ASSIGN(const int64_t wanted, context.attr("dtype", static_cast<int64_t>(context.type(0))));
  const bool known = wanted > 0 && wanted <= static_cast<int64_t>(DataType::kInt4);
  context.set_type(0, known ? static_cast<DataType>(wanted) : DataType::kUndefined);
  return {};
}

Status non_zero(ShapeContext& context) {
  context.set_type(0, DataType::kInt64);
  const Shape* x = context.shape(0);
  return x == nullptr ? Status{} : context.set_shape(0, {static_cast<int64_t>(x->size()), kUnknownDim});
}

Status compress(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  if (!context.has_attr("axis")) {
    return context.set_shape(0, {kUnknownDim});
  }
  if (x == nullptr) {
    return {};
  }
  MEDLAR_ASSIGN(const int64_t listed, context.attr("axis", 0));
  MEDLAR_ASSIGN(const size_t axis, context.axis(listed, x->size()));
  Shape out = *x;
  out[axis] = kUnknownDim;
  return context.set_shape(0, std::move(out));
}

Status non_max_suppression(ShapeContext& context) {
  return context.set(0, DataType::kInt64, {kUnknownDim, 3});
}

constexpr std::array kRules = {
    ShapeRuleEntry{"Slice", slice},
    ShapeRuleEntry{"Gather", gather},
    ShapeRuleEntry{"GatherElements", gather_elements},
    ShapeRuleEntry{"GatherND", gather_nd},
    ShapeRuleEntry{"Shape", shape_of},
    ShapeRuleEntry{"Size", size_of},
    ShapeRuleEntry{"ConstantOfShape", constant_of_shape},
    ShapeRuleEntry{"Range", range},
    ShapeRuleEntry{"OneHot", one_hot},
    ShapeRuleEntry{"EyeLike", eye_like},
    ShapeRuleEntry{"NonZero", non_zero},
    ShapeRuleEntry{"Compress", compress},
    ShapeRuleEntry{"NonMaxSuppression", non_max_suppression},
};

}  // namespace

std::span<const ShapeRuleEntry> index_shape_rules() {
  return kRules;
}

}  // namespace medlar::graph
