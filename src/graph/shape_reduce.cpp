// SPDX-License-Identifier: Apache-2.0
// Shape rules of reductions, ArgMax/ArgMin and TopK.
#include <algorithm>
#include <array>

#include "graph/shape_context.hpp"

namespace medlar::graph {
namespace {

/// Axes moved from attribute to input with opset 13 (ReduceSum) or 18 (the rest).
bool axes_are_input(const ShapeContext& context) {
  return context.opset() >= (context.node().op_type == "ReduceSum" ? 13 : 18);
}

Shape without(const Shape& shape, const std::vector<size_t>& axes, bool keep) {
  Shape out;
  for (size_t i = 0; i < shape.size(); ++i) {
    const bool reduced = std::find(axes.begin(), axes.end(), i) != axes.end();
    if (!reduced) {
      out.push_back(shape[i]);
    } else if (keep) {
      out.push_back(1);
    }
  }
  return out;
}

Status reduce(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  if (x == nullptr) {
    return {};
  }
  MEDLAR_ASSIGN(const int64_t keep, context.attr("keepdims", 1));
  std::vector<int64_t> listed;
  if (!axes_are_input(context)) {
    MEDLAR_ASSIGN(listed, context.attrs("axes", {}));
  } else if (context.has_input(1)) {
    const auto given = context.all_ints(1);
    if (!given) {
      return keep != 0 ? context.set_shape(0, Shape(x->size(), kUnknownDim)) : Status{};
    }
    listed = *given;
  }
  MEDLAR_ASSIGN(const int64_t noop, context.attr("noop_with_empty_axes", 0));
  MEDLAR_ASSIGN(auto axes, context.axes(listed, x->size()));
  if (axes.empty() && noop == 0) {
    for (size_t i = 0; i < x->size(); ++i) {
      axes.push_back(i);
    }
  }
  return context.set_shape(0, without(*x, axes, keep != 0));
}

Status arg_reduce(ShapeContext& context) {
  context.set_type(0, DataType::kInt64);
  const Shape* x = context.shape(0);
  if (x == nullptr) {
    return {};
  }
  MEDLAR_ASSIGN(const int64_t keep, context.attr("keepdims", 1));
  MEDLAR_ASSIGN(const int64_t listed, context.attr("axis", 0));
  MEDLAR_ASSIGN(const size_t axis, context.axis(listed, x->size()));
  return context.set_shape(0, without(*x, {axis}, keep != 0));
}

Status top_k(ShapeContext& context) {
  context.set_type(0, context.type(0));
  context.set_type(1, DataType::kInt64);
  const Shape* x = context.shape(0);
  if (x == nullptr) {
    return {};
  }
  MEDLAR_ASSIGN(const int64_t listed, context.attr("axis", -1));
  MEDLAR_ASSIGN(const size_t axis, context.axis(listed, x->size()));
  Shape out = *x;
  if (context.opset() < 10) {
    MEDLAR_ASSIGN(out[axis], context.attr("k", -2));
  } else {
    const auto k = context.all_ints(1);
    out[axis] = k && k->size() == 1 ? (*k)[0] : kUnknownDim;
  }
  if (out[axis] < kUnknownDim || ((*x)[axis] != kUnknownDim && out[axis] > (*x)[axis])) {
    return context.error("k is {}, the axis has {} elements", out[axis], (*x)[axis]);
  }
  MEDLAR_TRY(context.set_shape(0, out));
  return context.set_shape(1, std::move(out));
}

constexpr std::array kRules = {
    ShapeRuleEntry{"ReduceL1", reduce},        ShapeRuleEntry{"ReduceL2", reduce},
    ShapeRuleEntry{"ReduceLogSum", reduce},    ShapeRuleEntry{"ReduceLogSumExp", reduce},
    ShapeRuleEntry{"ReduceMax", reduce},       ShapeRuleEntry{"ReduceMean", reduce},
    ShapeRuleEntry{"ReduceMin", reduce},       ShapeRuleEntry{"ReduceProd", reduce},
    ShapeRuleEntry{"ReduceSum", reduce},       ShapeRuleEntry{"ReduceSumSquare", reduce},
    ShapeRuleEntry{"ArgMax", arg_reduce},      ShapeRuleEntry{"ArgMin", arg_reduce},
    ShapeRuleEntry{"TopK", top_k},
};

}  // namespace

std::span<const ShapeRuleEntry> reduce_shape_rules() {
  return kRules;
}

}  // namespace medlar::graph
