// SPDX-License-Identifier: Apache-2.0
// Shape rules of operators that rearrange elements: Reshape, Transpose, Concat, Split, Expand, Tile, Pad, ...
#include <algorithm>
#include <array>

#include "base/checked.hpp"
#include "graph/shape_context.hpp"

#include <fmt/ranges.h>

namespace medlar::graph {
namespace {

Status overflow(const ShapeContext& context) {
  return context.error("an output dimension overflows");
}

/// Fills in a 0 (copy) of Reshape's target; kUnknownDim where it cannot be known.
Result<Shape> copied_dims(const ShapeContext& context, const PartialInts& target, bool zero_copies) {
  const Shape* x = context.shape(0);
  Shape out;
  for (size_t i = 0; i < target.size(); ++i) {
    const int64_t wanted = target[i].value_or(kUnknownDim);
    if (wanted < -1) {
      return context.error("dimension {} of its shape is {}", i, wanted);
    }
    if (wanted != 0 || !zero_copies) {
      out.push_back(wanted);
    } else if (x == nullptr) {
      out.push_back(kUnknownDim);
    } else if (i < x->size()) {
      out.push_back((*x)[i]);
    } else {
      return context.error("dimension {} of its shape is 0, its input has only {} dimensions", i, x->size());
    }
  }
  return out;
}

/// Computes the one dimension that Reshape leaves open, from the number of elements.
Status solve_open_dim(const ShapeContext& context, Shape& out) {
  const Shape* x = context.shape(0);
  const auto total = x == nullptr ? std::nullopt : element_count(*x);
  const auto open = std::count(out.begin(), out.end(), kUnknownDim);
  if (!total || open > 1) {
    return {};
  }
  const auto at = std::find(out.begin(), out.end(), kUnknownDim);
  Shape rest = out;
  rest.erase(rest.begin() + (at - out.begin()), at == out.end() ? rest.end() : rest.begin() + (at - out.begin()) + 1);
  const auto known = element_count(rest);
  const bool fits = known && (open == 0 ? *known == *total : *known > 0 && *total % *known == 0);
  const bool nothing = open == 1 && known == 0 && *total == 0;
  if (!fits && !nothing) {
    return context.error("{} elements of [{}] do not fill [{}]", *total, fmt::join(*x, ","), fmt::join(out, ","));
  }
  if (open == 1) {
    *at = nothing ? 0 : *total / *known;
  }
  return {};
}

Status reshape(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const auto target = context.ints(1);
  if (!target) {
    return {};
  }
  MEDLAR_ASSIGN(const int64_t allow_zero, context.attr("allowzero", 0));
  if (std::count(target->begin(), target->end(), std::optional<int64_t>(-1)) > 1) {
    return context.error("its shape has more than one -1");
  }
  MEDLAR_ASSIGN(Shape out, copied_dims(context, *target, allow_zero == 0));
  MEDLAR_TRY(solve_open_dim(context, out));
  return context.set_shape(0, std::move(out));
}

std::optional<int64_t> product(Shape::const_iterator begin, Shape::const_iterator end) {
  std::optional<int64_t> out = 1;
  for (auto at = begin; at != end && out; ++at) {
    out = multiply_dims(*out, *at);
  }
  return out;
}

Status flatten(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  if (x == nullptr) {
    return {};
  }
  MEDLAR_ASSIGN(const int64_t listed, context.attr("axis", 1));
  const auto rank = static_cast<int64_t>(x->size());
  if (listed < -rank || listed > rank) {
    return context.error("axis {} lies outside of a tensor of rank {}", listed, rank);
  }
  const auto middle = x->begin() + (listed < 0 ? listed + rank : listed);
  const auto outer = product(x->begin(), middle);
  const auto inner = product(middle, x->end());
  return outer && inner ? context.set_shape(0, {*outer, *inner}) : overflow(context);
}

/// Axes of Squeeze and Unsqueeze: attribute before opset 13, input since. nullopt: not known yet.
Result<std::optional<std::vector<int64_t>>> listed_axes(const ShapeContext& context) {
  if (context.opset() >= 13) {
    return context.has_input(1) ? context.all_ints(1) : std::optional(std::vector<int64_t>{});
  }
  MEDLAR_ASSIGN(auto axes, context.attrs("axes", {}));
  return std::optional(std::move(axes));
}

Status squeeze(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  MEDLAR_ASSIGN(const auto listed, listed_axes(context));
  if (x == nullptr || !listed) {
    return {};
  }
  MEDLAR_ASSIGN(auto axes, context.axes(*listed, x->size()));
  const bool every = context.opset() >= 13 ? !context.has_input(1) : !context.has_attr("axes");
  Shape out;
  for (size_t i = 0; i < x->size(); ++i) {
    const bool named = std::find(axes.begin(), axes.end(), i) != axes.end();
    if (named && (*x)[i] != 1 && (*x)[i] != kUnknownDim) {
      return context.error("dimension {} is {}, only 1 can be squeezed", i, (*x)[i]);
    }
    if (every && (*x)[i] == kUnknownDim) {
      return {};
    }
    if (!named && !(every && (*x)[i] == 1)) {
      out.push_back((*x)[i]);
    }
  }
  return context.set_shape(0, std::move(out));
}

Status unsqueeze(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  MEDLAR_ASSIGN(const auto listed, listed_axes(context));
  if (x == nullptr || !listed) {
    return {};
  }
  MEDLAR_ASSIGN(auto axes, context.axes(*listed, x->size() + listed->size()));
  std::sort(axes.begin(), axes.end());
  Shape out = *x;
  for (const size_t axis : axes) {
    out.insert(out.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  }
  return context.set_shape(0, std::move(out));
}

Status transpose(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  if (x == nullptr) {
    return {};
  }
  std::vector<int64_t> reversed(x->size());
  for (size_t i = 0; i < reversed.size(); ++i) {
    reversed[i] = static_cast<int64_t>(reversed.size() - 1 - i);
  }
  MEDLAR_ASSIGN(const auto listed, context.attrs("perm", reversed));
  MEDLAR_ASSIGN(const auto perm, context.axes(listed, x->size()));
  if (perm.size() != x->size()) {
    return context.error("perm has {} elements, its input rank {}", perm.size(), x->size());
  }
  Shape out;
  for (const size_t from : perm) {
    out.push_back((*x)[from]);
  }
  return context.set_shape(0, std::move(out));
}

Status concat(ShapeContext& context) {
  context.set_type(0, context.type(0));
  MEDLAR_ASSIGN(const int64_t listed, context.attr("axis", 1));
  Shape out;
  size_t axis = 0;
  for (size_t i = 0; i < context.input_count(); ++i) {
    const Shape* x = context.shape(i);
    if (x == nullptr) {
      return {};
    }
    if (i == 0) {
      MEDLAR_ASSIGN(axis, context.axis(listed, x->size()));
      out = *x;
      continue;
    }
    if (x->size() != out.size()) {
      return context.error("input {} has rank {}, input 0 rank {}", i, x->size(), out.size());
    }
    for (size_t d = 0; d < out.size(); ++d) {
      if (d == axis) {
        const bool open = out[d] == kUnknownDim || (*x)[d] == kUnknownDim;
        const auto sum = open ? std::optional(kUnknownDim) : checked_add(out[d], (*x)[d]);
        if (!sum) {
          return overflow(context);
        }
        out[d] = *sum;
      } else if (out[d] == kUnknownDim) {
        out[d] = (*x)[d];
      } else if ((*x)[d] != kUnknownDim && (*x)[d] != out[d]) {
        return context.error("input {} is [{}], which does not join [{}] along axis {}", i, fmt::join(*x, ","),
                             fmt::join(out, ","), axis);
      }
    }
  }
  return context.set_shape(0, std::move(out));
}

/// Sizes of Split's parts: given, or equal (the last one smaller since opset 18). nullopt: not known yet.
Result<std::optional<std::vector<int64_t>>> split_sizes(const ShapeContext& context, int64_t dim) {
  std::optional<std::vector<int64_t>> given;
  if (context.opset() >= 13 && context.has_input(1)) {
    given = context.all_ints(1);
    if (!given) {
      return std::nullopt;
    }
  } else if (context.has_attr("split")) {
    MEDLAR_ASSIGN(given, context.attrs("split", {}));
  }
  if (given) {
    return given;
  }
  const auto parts = static_cast<int64_t>(context.output_count());
  if (dim == kUnknownDim || parts == 0) {
    return std::nullopt;
  }
  const int64_t size = dim / parts + (dim % parts != 0 ? 1 : 0);
  if (size * (parts - 1) > dim || (context.opset() < 18 && dim % parts != 0)) {
    return context.error("{} elements do not split into {} parts", dim, parts);
  }
  std::vector<int64_t> sizes(static_cast<size_t>(parts), size);
  sizes.back() = dim - size * (parts - 1);
  return std::optional(std::move(sizes));
}

Status split(ShapeContext& context) {
  for (size_t o = 0; o < context.output_count(); ++o) {
    context.set_type(o, context.type(0));
  }
  const Shape* x = context.shape(0);
  if (x == nullptr) {
    return {};
  }
  MEDLAR_ASSIGN(const int64_t listed, context.attr("axis", 0));
  MEDLAR_ASSIGN(const size_t axis, context.axis(listed, x->size()));
  MEDLAR_ASSIGN(const auto sizes, split_sizes(context, (*x)[axis]));
  if (sizes && sizes->size() != context.output_count()) {
    return context.error("{} parts for {} outputs", sizes->size(), context.output_count());
  }
  std::optional<int64_t> sum = 0;
  for (size_t o = 0; o < context.output_count(); ++o) {
    Shape out = *x;
    out[axis] = sizes ? (*sizes)[o] : kUnknownDim;
    sum = sizes && sum && out[axis] >= 0 ? checked_add(*sum, out[axis]) : std::nullopt;
    MEDLAR_TRY(context.set_shape(o, std::move(out)));
  }
  if (sizes && (*x)[axis] != kUnknownDim && sum != (*x)[axis]) {
    return context.error("parts of [{}] do not sum up to {}", fmt::join(*sizes, ","), (*x)[axis]);
  }
  return {};
}

Status expand(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  const auto target = context.ints(1);
  if (x == nullptr || !target) {
    return {};
  }
  Shape wanted;
  for (const auto& dim : *target) {
    wanted.push_back(dim.value_or(kUnknownDim));
  }
  MEDLAR_ASSIGN(Shape out, broadcast(context, *x, wanted));
  return context.set_shape(0, std::move(out));
}

Status tile(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  const auto repeats = context.ints(1);
  if (x == nullptr || !repeats) {
    return {};
  }
  if (repeats->size() != x->size()) {
    return context.error("{} repeats for {} dimensions", repeats->size(), x->size());
  }
  Shape out = *x;
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t times = (*repeats)[i].value_or(kUnknownDim);
    const auto dim = multiply_dims(out[i], times);
    if (!dim || times < kUnknownDim) {
      return overflow(context);
    }
    out[i] = *dim;
  }
  return context.set_shape(0, std::move(out));
}

/// Pads of each dimension: attribute before opset 11, input since, for some axes only since 18.
Result<std::optional<std::vector<int64_t>>> pad_amounts(const ShapeContext& context, size_t rank) {
  if (context.opset() < 11) {
    MEDLAR_ASSIGN(auto pads, context.attrs("pads", {}));
    return std::optional(std::move(pads));
  }
  const auto given = context.all_ints(1);
  if (!given || !context.has_input(3)) {
    return given;
  }
  const auto listed = context.all_ints(3);
  if (!listed) {
    return std::nullopt;
  }
  MEDLAR_ASSIGN(const auto axes, context.axes(*listed, rank));
  if (given->size() != 2 * axes.size()) {
    return context.error("{} pads for {} axes", given->size(), axes.size());
  }
  std::vector<int64_t> out(2 * rank, 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    out[axes[i]] = (*given)[i];
    out[axes[i] + rank] = (*given)[i + axes.size()];
  }
  return std::optional(std::move(out));
}

Status pad(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  if (x == nullptr) {
    return {};
  }
  MEDLAR_ASSIGN(const auto pads, pad_amounts(context, x->size()));
  if (!pads) {
    return context.set_shape(0, Shape(x->size(), kUnknownDim));
  }
  if (pads->size() != 2 * x->size()) {
    return context.error("{} pads for {} dimensions", pads->size(), x->size());
  }
  Shape out = *x;
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i] == kUnknownDim) {
      continue;
    }
    const auto both = checked_add((*pads)[i], (*pads)[i + out.size()]);
    const auto dim = both ? checked_add(out[i], *both) : std::nullopt;
    if (!dim || *dim < 0) {
      return context.error("pads [{}] leave dimension {} no valid size", fmt::join(*pads, ","), i);
    }
    out[i] = *dim;
  }
  return context.set_shape(0, std::move(out));
}

constexpr std::array kRules = {
    ShapeRuleEntry{"Reshape", reshape},     ShapeRuleEntry{"Flatten", flatten}, ShapeRuleEntry{"Squeeze", squeeze},
    ShapeRuleEntry{"Unsqueeze", unsqueeze}, ShapeRuleEntry{"Transpose", transpose}, ShapeRuleEntry{"Concat", concat},
    ShapeRuleEntry{"Split", split},         ShapeRuleEntry{"Expand", expand},   ShapeRuleEntry{"Tile", tile},
    ShapeRuleEntry{"Pad", pad},
};

}  // namespace

std::span<const ShapeRuleEntry> layout_shape_rules() {
  return kRules;
}

}  // namespace medlar::graph
