// SPDX-License-Identifier: Apache-2.0
#include "graph/shape_inference.hpp"

#include <algorithm>
#include <limits>

#include "base/checked.hpp"
#include "graph/shape_context.hpp"

#include <fmt/ranges.h>

namespace medlar::graph {
namespace {

constexpr int64_t kNewestOpset = 21;

ShapeRule find_rule(std::string_view op_type) {
  for (const auto table : {elementwise_shape_rules(), conv_shape_rules(), resize_shape_rules(), matrix_shape_rules(),
                           layout_shape_rules(), index_shape_rules(), reduce_shape_rules(),
                           recurrent_shape_rules()}) {
    const auto found =
        std::find_if(table.begin(), table.end(), [&](const ShapeRuleEntry& e) { return e.op_type == op_type; });
    if (found != table.end()) {
      return found->rule;
    }
  }
  return nullptr;
}

bool holds_ints(DataType type) {
  return type == DataType::kInt64 || type == DataType::kInt32 || type == DataType::kBool;
}

}  // namespace

const Shape* ShapeContext::shape(size_t i) const {
  if (!has_input(i)) {
    return nullptr;
  }
  const Value& value = graph_.value(node_.inputs[i]);
  return value.shape ? &*value.shape : nullptr;
}

DataType ShapeContext::type(size_t i) const {
  return has_input(i) ? graph_.value(node_.inputs[i]).type : DataType::kUndefined;
}

const Tensor* ShapeContext::constant(size_t i) const {
  return has_input(i) ? graph_.value(node_.inputs[i]).data.get() : nullptr;
}

std::optional<PartialInts> ShapeContext::ints(size_t i) const {
  if (!has_input(i)) {
    return std::nullopt;
  }
  if (const Tensor* tensor = constant(i)) {
    const bool small = element_count(tensor->shape).value_or(0) <= kMaxKnownInts;
    const auto values = small && !is_floating(tensor->type) ? to_ints(*tensor) : std::nullopt;
    return values ? std::optional(PartialInts(values->begin(), values->end())) : std::nullopt;
  }
  if (const auto found = known_.find(node_.inputs[i]); found != known_.end()) {
    return found->second;
  }
  const Shape* dims = shape(i);
  const bool counted = dims != nullptr && dims->size() == 1 && (*dims)[0] >= 0 && (*dims)[0] <= kMaxKnownInts;
  return counted ? std::optional(PartialInts(static_cast<size_t>((*dims)[0]))) : std::nullopt;
}

std::optional<std::vector<int64_t>> ShapeContext::all_ints(size_t i) const {
  const auto partial = ints(i);
  if (!partial || std::find(partial->begin(), partial->end(), std::nullopt) != partial->end()) {
    return std::nullopt;
  }
  std::vector<int64_t> out;
  for (const auto& value : *partial) {
    out.push_back(*value);
  }
  return out;
}

void ShapeContext::set_type(size_t o, DataType type) {
  if (has_output(o) && type != DataType::kUndefined) {
    graph_.value(node_.outputs[o]).type = type;
  }
}

Status ShapeContext::set_shape(size_t o, Shape shape) {
  if (!has_output(o)) {
    return {};
  }
  Value& value = graph_.value(node_.outputs[o]);
  for (size_t i = 0; value.shape && value.shape->size() == shape.size() && i < shape.size(); ++i) {
    shape[i] = shape[i] == kUnknownDim ? (*value.shape)[i] : shape[i];
  }
  const bool open = std::find(shape.begin(), shape.end(), kUnknownDim) != shape.end();
  if (!open && !element_count(shape)) {
    return error("output {} would be [{}]: a dimension is negative or the size overflows", value.name,
                 fmt::join(shape, ","));
  }
  value.shape = std::move(shape);
  return {};
}

Status ShapeContext::set(size_t o, DataType type, Shape shape) {
  set_type(o, type);
  return set_shape(o, std::move(shape));
}

const Shape* ShapeContext::output_shape(size_t o) const {
  if (!has_output(o)) {
    return nullptr;
  }
  const Value& value = graph_.value(node_.outputs[o]);
  return value.shape ? &*value.shape : nullptr;
}

DataType ShapeContext::output_type(size_t o) const {
  return has_output(o) ? graph_.value(node_.outputs[o]).type : DataType::kUndefined;
}

void ShapeContext::set_ints(size_t o, PartialInts values) {
  if (has_output(o) && holds_ints(graph_.value(node_.outputs[o]).type)) {
    known_[node_.outputs[o]] = std::move(values);
  }
}

Result<size_t> ShapeContext::axis(int64_t value, size_t rank) const {
  const auto signed_rank = static_cast<int64_t>(rank);
  if (value < -signed_rank || value >= signed_rank) {
    return error("axis {} lies outside of a tensor of rank {}", value, rank);
  }
  return static_cast<size_t>(value < 0 ? value + signed_rank : value);
}

Result<std::vector<size_t>> ShapeContext::axes(const std::vector<int64_t>& values, size_t rank) const {
  std::vector<size_t> out;
  for (const int64_t value : values) {
    MEDLAR_ASSIGN(const size_t one, axis(value, rank));
    if (std::find(out.begin(), out.end(), one) != out.end()) {
      return error("axis {} is given twice", value);
    }
    out.push_back(one);
  }
  return out;
}

Result<Shape> broadcast(const ShapeContext& context, const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t da = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t db = i < b.size() ? b[b.size() - 1 - i] : 1;
    int64_t& dim = out[out.size() - 1 - i];
    if (da == db || db == 1) {
      dim = da;
    } else if (da == 1 || da == kUnknownDim) {
      dim = db;
    } else if (db == kUnknownDim) {
      dim = da;
    } else {
      return context.error("[{}] and [{}] do not broadcast", fmt::join(a, ","), fmt::join(b, ","));
    }
  }
  return out;
}

Status same_as_first(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* shape = context.shape(0);
  return shape == nullptr ? Status{} : context.set_shape(0, *shape);
}

std::optional<int64_t> multiply_dims(int64_t a, int64_t b) {
  if (a == kUnknownDim || b == kUnknownDim) {
    return kUnknownDim;
  }
  return checked_mul(a, b);
}

SliceRange slice_range(int64_t dim, int64_t start, int64_t end, int64_t step) {
  const bool forward = step > 0;
  const int64_t low = forward ? 0 : -1;
  const int64_t high = forward ? dim : dim - 1;
  const auto clamped = [&](int64_t at, int64_t least) {
    at = at < 0 ? at + dim : at;
    return std::clamp(at, least, std::max(least, high));
  };
  const int64_t from = clamped(start, 0);
  // An end below -dim means "past the front" when stepping backwards.
  const int64_t to = end < 0 && end < -dim ? low : clamped(end, low);
  const int64_t distance = forward ? to - from : from - to;
  const auto width = forward ? static_cast<uint64_t>(step) : uint64_t{0} - static_cast<uint64_t>(step);
  if (dim == 0 || distance <= 0) {
    return {.start = from, .step = step, .count = 0};
  }
  return {.start = from, .step = step, .count = static_cast<int64_t>((static_cast<uint64_t>(distance) - 1) / width) + 1};
}

ShapeInference::ShapeInference(Graph& graph) : graph_(graph) {
  const auto found = graph.opsets.find("");
  opset_ = found == graph.opsets.end() ? kNewestOpset : found->second;
}

Status ShapeInference::infer(const Node& node) {
  const ShapeRule rule = node.domain.empty() ? find_rule(node.op_type) : nullptr;
  if (rule == nullptr) {
    return {};
  }
  ShapeContext context(graph_, node, known_, opset_);
  MEDLAR_TRY(rule(context));
  propagate_ints(context);
  return {};
}

std::optional<std::vector<int64_t>> ShapeInference::all_ints(ValueId id) const {
  const auto found = known_.find(id);
  if (found == known_.end() ||
      std::find(found->second.begin(), found->second.end(), std::nullopt) != found->second.end()) {
    return std::nullopt;
  }
  std::vector<int64_t> out;
  for (const auto& value : found->second) {
    out.push_back(*value);
  }
  return out;
}

Status infer_shapes(Graph& graph) {
  ShapeInference inference(graph);
  for (const Node& node : graph.nodes) {
    MEDLAR_TRY(inference.infer(node));
  }
  return {};
}

bool has_shape_rule(std::string_view op_type) {
  return find_rule(op_type) != nullptr;
}

}  // namespace medlar::graph
