// SPDX-License-Identifier: Apache-2.0
// Follows small integer values through shape arithmetic, so that Reshape, Slice, Expand, ... know their targets.
#include <algorithm>
#include <array>
#include <limits>

#include "base/checked.hpp"
#include "graph/shape_context.hpp"

namespace medlar::graph {
namespace {

using Int = std::optional<int64_t>;
using Values = std::optional<PartialInts>;
using ValueRule = Values (*)(const ShapeContext&);

struct ValueRuleEntry {
  std::string_view op_type;
  ValueRule rule;
};

Values pass_through(const ShapeContext& context) {
  return context.ints(0);
}

Values shape_of(const ShapeContext& context) {
  const Shape* x = context.shape(0);
  if (x == nullptr) {
    return std::nullopt;
  }
  const auto rank = static_cast<int64_t>(x->size());
  const auto start = context.attr("start", 0);
  const auto end = context.attr("end", rank);
  if (!start || !end) {
    return std::nullopt;
  }
  const SliceRange range = slice_range(rank, *start, *end, 1);
  PartialInts out;
  for (int64_t i = 0; i < range.count; ++i) {
    const int64_t dim = (*x)[static_cast<size_t>(range.start + i)];
    out.push_back(dim == kUnknownDim ? Int{} : Int{dim});
  }
  return out;
}

Values size_of(const ShapeContext& context) {
  const Shape* x = context.shape(0);
  const auto count = x == nullptr ? std::nullopt : element_count(*x);
  return count ? Values(PartialInts{*count}) : std::nullopt;
}

Values gather(const ShapeContext& context) {
  const auto data = context.ints(0);
  const auto indices = context.all_ints(1);
  const Shape* x = context.shape(0);
  if (!data || !indices || x == nullptr || x->size() != 1) {
    return std::nullopt;
  }
  PartialInts out;
  const auto size = static_cast<int64_t>(data->size());
  for (const int64_t index : *indices) {
    if (index < -size || index >= size) {
      return std::nullopt;
    }
    out.push_back((*data)[static_cast<size_t>(index < 0 ? index + size : index)]);
  }
  return out;
}

Values concat(const ShapeContext& context) {
  const Shape* shape = context.output_shape(0);
  if (shape == nullptr || shape->size() != 1) {
    return std::nullopt;
  }
  PartialInts out;
  for (size_t i = 0; i < context.input_count(); ++i) {
    const auto part = context.ints(i);
    if (!part) {
      return std::nullopt;
    }
    out.insert(out.end(), part->begin(), part->end());
  }
  return out;
}

/// Walks the elements of an output in order and picks each from a row-major input, by `start` and one stride per
/// output dimension.
PartialInts pick(const PartialInts& data, const Shape& out_shape, int64_t start, const std::vector<int64_t>& strides) {
  PartialInts out;
  std::vector<int64_t> at(out_shape.size(), 0);
  const int64_t count = element_count(out_shape).value_or(0);
  for (int64_t i = 0; i < count; ++i) {
    int64_t from = start;
    for (size_t d = 0; d < at.size(); ++d) {
      from += at[d] * strides[d];
    }
    out.push_back(data[static_cast<size_t>(from)]);
    for (size_t d = at.size(); d-- > 0 && ++at[d] == out_shape[d];) {
      at[d] = 0;
    }
  }
  return out;
}

std::vector<int64_t> row_major_strides(const Shape& shape) {
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;) {
    strides[d - 1] = strides[d] * shape[d];
  }
  return strides;
}

Values transpose(const ShapeContext& context) {
  const auto data = context.ints(0);
  const Shape* x = context.shape(0);
  const Shape* out = context.output_shape(0);
  if (!data || x == nullptr || out == nullptr || data->empty()) {
    return std::nullopt;
  }
  std::vector<int64_t> reversed(x->size());
  for (size_t i = 0; i < reversed.size(); ++i) {
    reversed[i] = static_cast<int64_t>(reversed.size() - 1 - i);
  }
  const auto listed = context.attrs("perm", reversed);
  const auto perm = listed ? context.axes(*listed, x->size()) : Result<std::vector<size_t>>(std::vector<size_t>{});
  if (!perm || perm->size() != out->size()) {
    return std::nullopt;
  }
  const std::vector<int64_t> own = row_major_strides(*x);
  std::vector<int64_t> strides;
  for (const size_t from : *perm) {
    strides.push_back(own[from]);
  }
  return pick(*data, *out, 0, strides);
}

struct SliceInts {
  std::vector<int64_t> starts, ends, axes, steps;
};

/// The four lists of Slice, if known: attributes before opset 10, inputs since.
std::optional<SliceInts> slice_ints(const ShapeContext& context) {
  const bool by_input = context.opset() >= 10;
  const auto list = [&](size_t i, std::string_view name) -> std::optional<std::vector<int64_t>> {
    if (by_input) {
      return context.all_ints(i);
    }
    auto values = context.attrs(name, {});
    return values ? std::optional(std::move(*values)) : std::nullopt;
  };
  const auto starts = list(1, "starts");
  const auto ends = list(2, "ends");
  if (!starts || !ends) {
    return std::nullopt;
  }
  SliceInts out{*starts, *ends, {}, std::vector<int64_t>(starts->size(), 1)};
  for (size_t i = 0; i < starts->size(); ++i) {
    out.axes.push_back(static_cast<int64_t>(i));
  }
  if (by_input ? context.has_input(3) : context.has_attr("axes")) {
    out.axes = list(3, "axes").value_or(std::vector<int64_t>{});
  }
  if (by_input && context.has_input(4)) {
    out.steps = context.all_ints(4).value_or(std::vector<int64_t>{});
  }
  const bool even = out.ends.size() == out.starts.size() && out.axes.size() == out.starts.size() &&
                    out.steps.size() == out.starts.size();
  return even ? std::optional(std::move(out)) : std::nullopt;
}

Values slice(const ShapeContext& context) {
  const auto data = context.ints(0);
  const Shape* x = context.shape(0);
  const Shape* out = context.output_shape(0);
  const auto lists = slice_ints(context);
  if (!data || x == nullptr || out == nullptr || !lists || element_count(*out).value_or(0) == 0) {
    return std::nullopt;
  }
  const auto axes = context.axes(lists->axes, x->size());
  std::vector<int64_t> strides = row_major_strides(*x);
  int64_t start = 0;
  for (size_t i = 0; axes && i < axes->size(); ++i) {
    const size_t axis = (*axes)[i];
    const SliceRange range = slice_range((*x)[axis], lists->starts[i], lists->ends[i], lists->steps[i]);
    start += range.start * strides[axis];
    strides[axis] = range.count > 1 ? strides[axis] * range.step : 0;
  }
  return axes ? Values(pick(*data, *out, start, strides)) : std::nullopt;
}

/// Both operands as long as the result: one of them may be a scalar or have one element.
template <typename Operation>
Values elementwise(const ShapeContext& context, size_t first, Operation operation) {
  const auto a = context.ints(first);
  const auto b = context.ints(first + 1);
  if (!a || !b || a->empty() || b->empty() || (a->size() != b->size() && a->size() != 1 && b->size() != 1)) {
    return std::nullopt;
  }
  PartialInts out(std::max(a->size(), b->size()));
  for (size_t i = 0; i < out.size(); ++i) {
    const Int& x = (*a)[a->size() == 1 ? 0 : i];
    const Int& y = (*b)[b->size() == 1 ? 0 : i];
    out[i] = x && y ? operation(*x, *y) : std::nullopt;
  }
  return out;
}

bool divides(int64_t a, int64_t b) {
  return b != 0 && !(b == -1 && a == std::numeric_limits<int64_t>::min());
}

Int add(int64_t a, int64_t b) {
  return checked_add(a, b);
}

Int subtract(int64_t a, int64_t b) {
  int64_t out = 0;
  return __builtin_sub_overflow(a, b, &out) ? Int{} : Int{out};
}

Int multiply(int64_t a, int64_t b) {
  return checked_mul(a, b);
}

Int divide(int64_t a, int64_t b) {
  return divides(a, b) ? Int{a / b} : Int{};
}

/// Mod with fmod 0: the result has the divisor's sign.
Int modulo(int64_t a, int64_t b) {
  if (!divides(a, b)) {
    return std::nullopt;
  }
  const int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

template <Int (*operation)(int64_t, int64_t)>
Values binary(const ShapeContext& context) {
  return elementwise(context, 0, operation);
}

Int equal(int64_t a, int64_t b) {
  return a == b ? 1 : 0;
}

Int less(int64_t a, int64_t b) {
  return a < b ? 1 : 0;
}

Int greater(int64_t a, int64_t b) {
  return a > b ? 1 : 0;
}

Int both(int64_t a, int64_t b) {
  return a != 0 && b != 0 ? 1 : 0;
}

Int either(int64_t a, int64_t b) {
  return a != 0 || b != 0 ? 1 : 0;
}

template <bool largest>
Values extreme(const ShapeContext& context) {
  if (context.input_count() == 1) {
    return context.ints(0);
  }
  if (context.input_count() != 2) {
    return std::nullopt;
  }
  return elementwise(context, 0, [](int64_t a, int64_t b) { return Int{largest ? std::max(a, b) : std::min(a, b)}; });
}

Values logical_not(const ShapeContext& context) {
  auto values = context.ints(0);
  for (size_t i = 0; values && i < values->size(); ++i) {
    Int& value = (*values)[i];
    value = value ? Int{*value == 0 ? 1 : 0} : Int{};
  }
  return values;
}

Values negate(const ShapeContext& context) {
  auto values = context.ints(0);
  for (size_t i = 0; values && i < values->size(); ++i) {
    Int& value = (*values)[i];
    value = value ? subtract(0, *value) : Int{};
  }
  return values;
}

Values where(const ShapeContext& context) {
  const auto condition = context.ints(0);
  const auto a = context.ints(1);
  const auto b = context.ints(2);
  if (!condition || !a || !b || condition->empty() || a->empty() || b->empty()) {
    return std::nullopt;
  }
  PartialInts out(std::max({condition->size(), a->size(), b->size()}));
  const auto at = [&](const PartialInts& values, size_t i) { return values[values.size() == 1 ? 0 : i]; };
  for (const PartialInts* values : {&*condition, &*a, &*b}) {
    if (values->size() != 1 && values->size() != out.size()) {
      return std::nullopt;
    }
  }
  for (size_t i = 0; i < out.size(); ++i) {
    const Int choice = at(*condition, i);
    out[i] = choice ? at(*choice != 0 ? *a : *b, i) : Int{};
  }
  return out;
}

Values range(const ShapeContext& context) {
  const auto start = context.all_ints(0);
  const auto delta = context.all_ints(2);
  const Shape* shape = context.output_shape(0);
  if (!start || !delta || start->size() != 1 || delta->size() != 1 || shape == nullptr || shape->size() != 1) {
    return std::nullopt;
  }
  PartialInts out;
  for (int64_t i = 0; i < std::min((*shape)[0], kMaxKnownInts + 1); ++i) {
    const auto offset = checked_mul(i, (*delta)[0]);
    out.push_back(offset ? checked_add((*start)[0], *offset) : Int{});
  }
  return out;
}

/// ConstantOfShape and Expand of a single element.
Values filled(const ShapeContext& context, Int value) {
  const Shape* shape = context.output_shape(0);
  const auto count = shape == nullptr ? std::nullopt : element_count(*shape);
  return count && *count <= kMaxKnownInts ? Values(PartialInts(static_cast<size_t>(*count), value)) : std::nullopt;
}

Values constant_of_shape(const ShapeContext& context) {
  const auto found = context.node().attributes.find("value");
  const Tensor* tensor = found == context.node().attributes.end() ? nullptr : std::get_if<Tensor>(&found->second);
  const auto value = tensor == nullptr ? std::nullopt : to_ints(*tensor);
  return value && value->size() == 1 ? filled(context, (*value)[0]) : std::nullopt;
}

Values expand(const ShapeContext& context) {
  const auto data = context.ints(0);
  const Shape* shape = context.output_shape(0);
  if (data && data->size() == 1) {
    return filled(context, (*data)[0]);
  }
  const bool same = data && shape != nullptr && *shape == Shape{static_cast<int64_t>(data->size())};
  return same ? data : std::nullopt;
}

template <Int (*operation)(int64_t, int64_t)>
Values reduce(const ShapeContext& context) {
  const auto values = context.all_ints(0);
  const Shape* x = context.shape(0);
  const Shape* shape = context.output_shape(0);
  const bool whole = shape != nullptr && element_count(*shape) == 1;
  if (!values || values->empty() || x == nullptr || x->size() != 1 || !whole) {
    return std::nullopt;
  }
  Int out = (*values)[0];
  for (size_t i = 1; i < values->size() && out; ++i) {
    out = operation(*out, (*values)[i]);
  }
  return PartialInts{out};
}

constexpr std::array kRules = {
    ValueRuleEntry{"Identity", pass_through},
    ValueRuleEntry{"Cast", pass_through},
    ValueRuleEntry{"Reshape", pass_through},
    ValueRuleEntry{"Flatten", pass_through},
    ValueRuleEntry{"Squeeze", pass_through},
    ValueRuleEntry{"Unsqueeze", pass_through},
    ValueRuleEntry{"Shape", shape_of},
    ValueRuleEntry{"Size", size_of},
    ValueRuleEntry{"Gather", gather},
    ValueRuleEntry{"Concat", concat},
    ValueRuleEntry{"Slice", slice},
    ValueRuleEntry{"Transpose", transpose},
    ValueRuleEntry{"Add", binary<add>},
    ValueRuleEntry{"Sub", binary<subtract>},
    ValueRuleEntry{"Mul", binary<multiply>},
    ValueRuleEntry{"Div", binary<divide>},
    ValueRuleEntry{"Mod", binary<modulo>},
    ValueRuleEntry{"Equal", binary<equal>},
    ValueRuleEntry{"Less", binary<less>},
    ValueRuleEntry{"Greater", binary<greater>},
    ValueRuleEntry{"And", binary<both>},
    ValueRuleEntry{"Or", binary<either>},
    ValueRuleEntry{"Max", extreme<true>},
    ValueRuleEntry{"Min", extreme<false>},
    ValueRuleEntry{"Not", logical_not},
    ValueRuleEntry{"Neg", negate},
    ValueRuleEntry{"Where", where},
    ValueRuleEntry{"Range", range},
    ValueRuleEntry{"ConstantOfShape", constant_of_shape},
    ValueRuleEntry{"Expand", expand},
    ValueRuleEntry{"ReduceProd", reduce<multiply>},
    ValueRuleEntry{"ReduceSum", reduce<add>},
};

/// Split makes several values: each output takes its part of the input.
void propagate_split(ShapeContext& context) {
  const auto data = context.ints(0);
  size_t at = 0;
  for (size_t o = 0; data && o < context.output_count(); ++o) {
    const Shape* shape = context.output_shape(o);
    if (shape == nullptr || shape->size() != 1 || (*shape)[0] < 0 ||
        static_cast<uint64_t>((*shape)[0]) > data->size() - at) {
      return;
    }
    const auto from = data->begin() + static_cast<std::ptrdiff_t>(at);
    context.set_ints(o, PartialInts(from, from + (*shape)[0]));
    at += static_cast<size_t>((*shape)[0]);
  }
}

bool is_float_input(const ShapeContext& context) {
  for (size_t i = 0; i < context.input_count(); ++i) {
    if (is_floating(context.type(i)) || context.type(i) == DataType::kString) {
      return true;
    }
  }
  return false;
}

/// Results that the output's own type would wrap are not worth following.
void forget_wrapped(PartialInts& values, DataType type) {
  for (Int& value : values) {
    if (value && type == DataType::kInt32 && !std::in_range<int32_t>(*value)) {
      value.reset();
    }
    if (value && type == DataType::kBool) {
      value = *value != 0 ? 1 : 0;
    }
  }
}

}  // namespace

void propagate_ints(ShapeContext& context) {
  if (context.node().op_type == "Split") {
    propagate_split(context);
    return;
  }
  const auto found = std::find_if(kRules.begin(), kRules.end(),
                                  [&](const ValueRuleEntry& e) { return e.op_type == context.node().op_type; });
  const bool reads_shape_only = context.node().op_type == "Shape" || context.node().op_type == "Size";
  if (found == kRules.end() || (!reads_shape_only && is_float_input(context))) {
    return;
  }
  const Shape* shape = context.output_shape(0);
  if (shape == nullptr) {
    return;
  }
  auto values = found->rule(context);
  const auto count = element_count(*shape);
  if (!values || !count || *count > kMaxKnownInts || static_cast<size_t>(*count) != values->size()) {
    return;
  }
  forget_wrapped(*values, context.output_type(0));
  context.set_ints(0, std::move(*values));
}

}  // namespace medlar::graph
