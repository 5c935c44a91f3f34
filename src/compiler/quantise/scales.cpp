// SPDX-License-Identifier: Apache-2.0
// Scale assignment over groups of tensors that share one.
#include "compiler/quantise/scales.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

namespace medlar::compiler {
namespace {

/// Disjoint sets by smallest member.
class Groups {
 public:
  explicit Groups(size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), size_t{0}); }

  size_t find(TensorId id) const {
    auto at = static_cast<size_t>(id);
    while (parent_[at] != at) {
      at = parent_[at];
    }
    return at;
  }
  void join(TensorId a, TensorId b) {
    const size_t low = std::min(find(a), find(b));
    const size_t high = std::max(find(a), find(b));
    parent_[high] = low;
  }

 private:
  std::vector<size_t> parent_;
};

Groups groups_of(const LayerGraph& graph) {
  Groups groups(graph.tensors.size());
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    if (graph.tensors[i].view_of != kNoTensor) {
      groups.join(static_cast<TensorId>(i), graph.tensors[i].view_of);
    }
  }
  for (const Layer& layer : graph.layers) {
    if (std::holds_alternative<PoolLayer>(layer.body) || std::holds_alternative<InterleaveLayer>(layer.body)) {
      groups.join(layer.src, layer.dst);
    }
  }
  return groups;
}

/// Tensors that an operation touches: fusion leaves others behind.
std::vector<bool> used_tensors(const LayerGraph& graph) {
  std::vector<bool> used(graph.tensors.size());
  const auto mark = [&](TensorId id) {
    if (id != kNoTensor) {
      used[static_cast<size_t>(id)] = true;
    }
  };
  for (const Layer& layer : graph.layers) {
    mark(layer.src);
    mark(layer.dst);
    for (const Step& step : layer.steps) {
      mark(step.operand);
    }
  }
  return used;
}

/// Name of the first layer that writes or reads it.
std::string_view layer_that_touches(const LayerGraph& graph, TensorId tensor) {
  const auto writer = std::find_if(graph.layers.begin(), graph.layers.end(),
                                   [&](const Layer& layer) { return layer.dst == tensor; });
  const auto reader = std::find_if(graph.layers.begin(), graph.layers.end(),
                                   [&](const Layer& layer) { return layer.src == tensor; });
  const auto found = writer != graph.layers.end() ? writer : reader;
  return found != graph.layers.end() ? std::string_view(found->name) : std::string_view("operand");
}

/// Least and largest value that a group of tensors must hold.
struct Span {
  double low = 0.0, high = 0.0;
};

Span span_of(const TensorRange& range) {
  const double reach = magnitude(range);
  if (range.scale > 0.0f) {
    return {-reach, reach};  // given: taken as it is
  }
  return {std::max(-reach, static_cast<double>(range.min)), std::min(reach, static_cast<double>(range.max))};
}

/// A sum behind a convolution takes the operand's zero point back in the bias, unless something comes in between.
bool sum_takes_zero(const Layer& layer, const Step& sum) {
  if (!std::holds_alternative<ConvLayer>(layer.body) || sum.kind != StepKind::kAddTensor) {
    return false;
  }
  for (const Step& step : layer.steps) {
    if (&step == &sum) {
      return true;
    }
    if (step.kind != StepKind::kAffine || !step.mul.empty()) {
      return false;
    }
  }
  return false;
}

/// Marks the groups that must be symmetric.
std::vector<bool> symmetric_groups(const LayerGraph& graph, const Groups& groups, const CalibrationTable& table) {
  std::vector<bool> symmetric(graph.tensors.size(), false);
  const auto mark = [&](TensorId id) { symmetric[groups.find(id)] = true; };
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    const auto range = table.ranges.find(graph.tensors[i].range);
    const bool fixed = graph.tensors[i].role == TensorRole::kConstant;
    if (fixed || (range != table.ranges.end() && range->second.scale > 0.0f)) {
      mark(static_cast<TensorId>(i));
    }
  }
  for (const Layer& layer : graph.layers) {
    const bool known = std::holds_alternative<ConvLayer>(layer.body) || std::holds_alternative<SdpLayer>(layer.body) ||
                       std::holds_alternative<PoolLayer>(layer.body) || std::holds_alternative<InterleaveLayer>(layer.body);
    if (!known) {
      mark(layer.src);
      mark(layer.dst);
    }
    for (const Step& step : layer.steps) {
      if (step.operand != kNoTensor && !sum_takes_zero(layer, step)) {
        mark(step.operand);
      }
      if (step.kind == StepKind::kMulTensor) {
        mark(layer.src);
      }
    }
  }
  return symmetric;
}

/// Zero point and scale so that `high` is exactly 127 and `low` is inside.
std::pair<float, int> shifted(const Span& span) {
  const double step = (span.high - span.low) / 255.0;
  int zero = static_cast<int>(std::clamp(std::round(-128.0 - span.low / step), -128.0, 126.0));
  while (zero < 126 && -span.low * (127 - zero) > span.high * (128 + zero) * (1.0 + 1e-5)) {
    ++zero;
  }
  return {static_cast<float>(span.high / (127 - zero)), zero};
}

/// What a zero point must gain in resolution to be worth it.
constexpr double kWorthwhile = 1.1;

void set_scale(const Span& span, bool symmetric, float& scale, int& zero) {
  const double reach = std::max(-span.low, span.high);
  scale = reach > 0.0 ? static_cast<float>(reach / 127.0) : 1.0f;
  zero = 0;
  if (!symmetric && span.high > 0.0 && reach / 127.0 > kWorthwhile * (span.high - span.low) / 255.0) {
    std::tie(scale, zero) = shifted(span);
  }
}

/// Upper bounds that saturation does, by tensor; 0: none.
std::vector<double> upper_bounds(const LayerGraph& graph) {
  std::vector<double> bounds(graph.tensors.size(), 0.0);
  for (const Layer& layer : graph.layers) {
    if (!layer.steps.empty() && layer.steps.back().kind == StepKind::kMin && layer.steps.back().add[0] > 0.0f) {
      bounds[static_cast<size_t>(layer.dst)] = static_cast<double>(layer.steps.back().add[0]);
    }
  }
  return bounds;
}

/// What a tensor must hold: its contents, what the lowering knows, or what calibration saw.
std::optional<Span> reach_of(const LayerGraph& graph, TensorId id, const CalibrationTable& table) {
  const LayerTensor& tensor = graph.tensor(id);
  if (tensor.role == TensorRole::kConstant || tensor.reach > 0.0f) {
    double largest = static_cast<double>(tensor.reach);
    for (const float value : tensor.contents) {
      largest = std::max(largest, std::fabs(static_cast<double>(value)));
    }
    return Span{-largest, largest};
  }
  const auto range = table.ranges.find(tensor.range);
  if (range == table.ranges.end()) {
    return std::nullopt;
  }
  return span_of(range->second);
}

}  // namespace

void round_like_int8(const TensorRange& range, std::span<float> values) {
  float scale = 1.0f;
  int zero = 0;
  set_scale(span_of(range), false, scale, zero);
  for (float& value : values) {
    const float stored = std::nearbyint(value / scale) + static_cast<float>(zero);
    value = (std::clamp(stored, -128.0f, 127.0f) - static_cast<float>(zero)) * scale;
  }
}

double Scales::reach_of(TensorId id) const {
  return static_cast<double>(scale_of(id)) * std::max(127 - zero_of(id), 128 + zero_of(id));
}

Result<Scales> assign_scales(const LayerGraph& graph, const CalibrationTable& table) {
  const size_t count = graph.tensors.size();
  const Groups groups = groups_of(graph);
  const std::vector<bool> used = used_tensors(graph);
  const std::vector<double> bounds = upper_bounds(graph);
  std::vector<Span> spans(count);
  std::vector<bool> ranged(count, false);
  for (size_t i = 0; i < count; ++i) {
    if (!used[i]) {
      continue;
    }
    const std::optional<Span> known = reach_of(graph, static_cast<TensorId>(i), table);
    if (!known) {
      continue;
    }
    Span own = *known;
    own.high = bounds[i] > 0.0 ? std::min(own.high, bounds[i]) : own.high;
    ranged[groups.find(static_cast<TensorId>(i))] = true;
    Span& group = spans[groups.find(static_cast<TensorId>(i))];
    group = {std::min(group.low, own.low), std::max(group.high, own.high)};
  }
  const std::vector<bool> symmetric = symmetric_groups(graph, groups, table);
  Scales scales{std::vector<float>(count, 1.0f), std::vector<int>(count, 0)};
  for (size_t i = 0; i < count; ++i) {
    const size_t group = groups.find(static_cast<TensorId>(i));
    if (used[i] && !ranged[group]) {
      return fail(Code::kNotFound, "{}: no calibrated range of {}; calibrate with this model",
                  layer_that_touches(graph, static_cast<TensorId>(i)), graph.tensors[i].range);
    }
    set_scale(spans[group], symmetric[group], scales.scale[i], scales.zero[i]);
  }
  return scales;
}

}  // namespace medlar::compiler
