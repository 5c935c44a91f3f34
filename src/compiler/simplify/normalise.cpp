// SPDX-License-Identifier: Apache-2.0
// Normalisations as convolutions, pooling and products.
#include "compiler/simplify/normalise.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "compiler/simplify/rewrite.hpp"

namespace medlar::compiler {
namespace {

using graph::Shape;
using graph::ValueId;
using Perm = std::vector<int64_t>;

/// Share of a square that is stored, where a convolution or a pooling takes their mean, and of that mean; the root of the latter.
constexpr float kSquareOfChannel = 1.0f / 64.0f;
constexpr float kSquareInSpace = 1.0f / 16.0f;
constexpr float kVariance = 1.0f / 4.0f;
constexpr float kDeviation = 1.0f / 2.0f;

/// Over the channels of each position, or over space and the channels of a group.
struct Normalisation {
  ValueId source = graph::kNoValue;
  Shape shape;         ///< Channels first.
  bool space = false;  ///< Over space, too.
  int64_t groups = 1;  ///< Of channels that share a mean.
  float epsilon = 0.0f;
  std::vector<float> scale, bias;  ///< A number a channel; empty: none.

  int64_t channels() const { return shape[1]; }
  Shape statistics() const {
    Shape result(shape.size(), 1);
    result[0] = shape[0];
    if (space) {
      result[1] = channels();
    } else {
      std::copy(shape.begin() + 2, shape.end(), result.begin() + 2);
    }
    return result;
  }
};

std::vector<float> times(std::vector<float> values, float factor) {
  for (float& value : values) {
    value *= factor;
  }
  return values;
}

/// 1x1 convolution that averages the channels of each group: one number for all, or one for each channel of a group.
ValueId over_channels(Builder& builder, std::string_view part, const Normalisation& n, ValueId value, float factor, float bias) {
  const int64_t together = n.channels() / n.groups;
  const int64_t kernels = n.space ? n.channels() : 1;
  Shape kernel(n.shape.size(), 1);
  kernel[0] = kernels;
  kernel[1] = together;
  const std::vector<float> weights(static_cast<size_t>(kernels * together), factor / static_cast<float>(together));
  const std::string name(part);
  std::vector<ValueId> inputs = {value, builder.floats(name + "_weights", kernel, weights)};
  if (bias != 0.0f) {
    inputs.push_back(builder.floats(name + "_bias", {kernels}, std::vector<float>(static_cast<size_t>(kernels), bias)));
  }
  return builder.add(part, "Conv", inputs, n.statistics(), {{"group", n.groups}});
}

/// factor * mean + bias
ValueId mean_of(Builder& builder, std::string_view part, const Normalisation& n, ValueId value, float factor, float bias) {
  const std::string name(part);
  if (n.space) {
    value = builder.add(name + "_space", "GlobalAveragePool", {value}, n.statistics());
  }
  if (!n.space || n.groups != n.channels()) {
    return over_channels(builder, part, n, value, factor, bias);
  }
  if (factor != 1.0f) {
    value = builder.add(name + "_whole", "Mul", {value, builder.floats(name + "_factor", {1}, {factor})}, n.statistics());
  }
  return bias == 0.0f ? value : builder.add(part, "Add", {value, builder.floats(name + "_bias", {1}, {bias})}, n.statistics());
}

/// The reciprocal of the deviation times the scale, a number a channel: for each position, or for all.
ValueId factor_of(Builder& builder, const Normalisation& n, ValueId variance) {
  const std::vector<float> ones(static_cast<size_t>(n.channels()), 1.0f);
  const std::vector<float> scale = times(n.scale.empty() ? ones : n.scale, kDeviation);
  const ValueId inverse = builder.add("inverse", "Pow", {variance, builder.floats("exponent", {1}, {-0.5f})}, n.statistics());
  Shape constant(n.shape.size(), 1);
  constant[n.space ? 1 : 0] = n.channels();
  return builder.add("factor", n.space ? "Mul" : "Conv", {inverse, builder.floats("scale", constant, scale)},
                     n.space ? n.statistics() : n.shape);
}

/// With channels first; `last` is whether the node's own output is that.
ValueId emit(Builder& builder, const Normalisation& n, bool last) {
  const ValueId mean = mean_of(builder, "mean", n, n.source, 1.0f, 0.0f);
  const ValueId centred = builder.add("centred", "Sub", {n.source, mean}, n.shape);
  const ValueId square = builder.add("square", "Mul", {centred, centred}, n.shape);
  const float part = n.space ? kSquareInSpace : kSquareOfChannel;
  const ValueId share = builder.add("share", "Mul", {square, builder.floats("share_factor", {1}, {part})}, n.shape);
  const ValueId variance = mean_of(builder, "variance", n, share, kVariance / part, kVariance * n.epsilon);
  std::vector<ValueId> operands = {centred, factor_of(builder, n, variance)};
  const bool shifts = !n.bias.empty();
  if (shifts) {
    Shape constant(n.shape.size(), 1);
    constant[1] = n.channels();
    operands = {builder.add("scaled", "Mul", operands, n.shape), builder.floats("bias", constant, n.bias)};
  }
  const std::string_view op = shifts ? "Add" : "Mul";
  if (!last) {
    return builder.add("normalised", op, operands, n.shape);
  }
  builder.finish(op, operands);
  return graph::kNoValue;
}

std::optional<std::vector<float>> float_list(const graph::Graph& graph, const graph::Node& node, size_t index) {
  if (index >= node.inputs.size() || node.inputs[index] == graph::kNoValue) {
    return std::vector<float>{};
  }
  const graph::Value& value = graph.value(node.inputs[index]);
  const auto numbers = value.is_constant() ? graph::to_doubles(*value.data) : std::nullopt;
  return numbers ? std::optional(std::vector<float>(numbers->begin(), numbers->end())) : std::nullopt;
}

/// Perm that moves the last axis to the channels' place, and the one that moves it back.
struct LastAxis {
  Perm first, back;
};

std::optional<LastAxis> last_axis(size_t rank) {
  switch (rank) {
    case 3: return LastAxis{{0, 2, 1}, {0, 2, 1}};
    case 4: return LastAxis{{0, 3, 1, 2}, {0, 2, 3, 1}};
    default: return std::nullopt;
  }
}

class Normaliser {
 public:
  explicit Normaliser(graph::Graph& graph) : graph_(graph), makers_(graph::producers(graph)) {}

  Replacement operator()(const graph::Node& node) const {
    const auto shape = node.inputs.empty() ? std::nullopt : known_shape(graph_, node.inputs[0]);
    if (!shape || graph_.value(node.outputs[0]).type != graph::DataType::kFloat32) {
      return std::nullopt;
    }
    if (is_op(node, "LayerNormalization")) {
      return layer(node, *shape);
    }
    if (is_op(node, "InstanceNormalization")) {
      return instance(node, *shape);
    }
    if (is_op(node, "GroupNormalization")) {
      return group(node, *shape);
    }
    if (is_op(node, "Reshape")) {
      return reshaped_instance(node);
    }
    return is_op(node, "Div") || is_op(node, "Mul") ? parts(node) : std::nullopt;
  }

 private:
  const graph::Node* maker_of(ValueId id, std::string_view op_type) const {
    const bool known = id != graph::kNoValue && static_cast<size_t>(id) < makers_.size();
    const graph::NodeId maker = known ? makers_[static_cast<size_t>(id)] : graph::kNoValue;
    const graph::Node* node = maker == graph::kNoValue ? nullptr : &graph_.nodes[static_cast<size_t>(maker)];
    return node != nullptr && is_op(*node, op_type) ? node : nullptr;
  }

  bool behind_transpose(ValueId id, const Perm& perm) const {
    const graph::Node* maker = maker_of(id, "Transpose");
    const auto own = maker == nullptr ? tl::unexpected(Error{}) : graph::ints_attribute(*maker, "perm", {});
    return own && *own == perm;
  }

  /// Over the last axis of what a Transpose has moved there, with a Transpose on either side for cancel_transposes() to join.
  Replacement channels_last(const graph::Node& node, Normalisation n) const {
    const auto perms = last_axis(n.shape.size());
    if (!perms || !behind_transpose(n.source, perms->back)) {
      return std::nullopt;
    }
    Builder builder(graph_, node);
    n.shape = permuted(n.shape, perms->first);
    n.source = builder.add("channels_first", "Transpose", {n.source}, n.shape, {{"perm", perms->first}});
    const ValueId result = emit(builder, n, false);
    builder.finish("Transpose", {result}, {{"perm", perms->back}});
    return builder.take();
  }

  Replacement channels_first(const graph::Node& node, const Normalisation& n) const {
    Builder builder(graph_, node);
    emit(builder, n, true);
    return builder.take();
  }

  Replacement layer(const graph::Node& node, const Shape& shape) const {
    const auto rank = static_cast<int64_t>(shape.size());
    const auto axis = graph::int_attribute(node, "axis", -1);
    const auto epsilon = graph::float_attribute(node, "epsilon", 1e-5f);
    const auto scale = float_list(graph_, node, 1);
    const auto bias = float_list(graph_, node, 2);
    const auto channels = static_cast<size_t>(shape.back());
    const bool fits = axis && (*axis == -1 || *axis == rank - 1) && epsilon && scale && bias && scale->size() == channels &&
                      (bias->empty() || bias->size() == channels) &&
                      std::all_of(node.outputs.begin() + 1, node.outputs.end(), [](ValueId id) { return id == graph::kNoValue; });
    if (!fits) {
      return std::nullopt;
    }
    const Normalisation n{.source = node.inputs[0], .shape = shape, .epsilon = *epsilon, .scale = *scale, .bias = *bias};
    return rank == 2 ? list(node, n) : channels_last(node, n);
  }

  /// Rows that are the items of the batch: each is one position.
  Replacement list(const graph::Node& node, Normalisation n) const {
    const bool batch = n.shape[0] == 1 || std::any_of(graph_.inputs.begin(), graph_.inputs.end(), [&](ValueId id) {
                         const auto shape = known_shape(graph_, id);
                         return shape && shape->front() == n.shape[0];
                       });
    if (!batch) {
      return std::nullopt;
    }
    Builder builder(graph_, node);
    const Shape flat = n.shape;
    n.shape = {flat[0], flat[1], 1, 1};
    n.source = builder.add("position", "Reshape", {n.source, builder.ints("position_shape", n.shape)}, n.shape);
    builder.finish("Reshape", {emit(builder, n, false), builder.ints("list_shape", flat)});
    return builder.take();
  }

  Replacement instance(const graph::Node& node, const Shape& shape) const {
    const auto epsilon = graph::float_attribute(node, "epsilon", 1e-5f);
    const auto scale = float_list(graph_, node, 1);
    const auto bias = float_list(graph_, node, 2);
    const bool fits = shape.size() == 4 && epsilon && scale && bias && scale->size() == static_cast<size_t>(shape[1]) &&
                      bias->size() == scale->size();
    if (!fits || grouped_by_reshape(node)) {
      return std::nullopt;
    }
    return channels_first(node, {.source = node.inputs[0], .shape = shape, .space = true, .groups = shape[1], .epsilon = *epsilon,
                                 .scale = *scale, .bias = *bias});
  }

  Replacement group(const graph::Node& node, const Shape& shape) const {
    const auto groups = graph::int_attribute(node, "num_groups", 0);
    const auto epsilon = graph::float_attribute(node, "epsilon", 1e-5f);
    const auto scale = float_list(graph_, node, 1);
    const auto bias = float_list(graph_, node, 2);
    if (shape.size() != 4 || !groups || *groups < 1 || shape[1] % *groups != 0 || !epsilon || !scale || !bias) {
      return std::nullopt;
    }
    auto n = grouped(node.inputs[0], shape, *groups, *epsilon);
    return spread_over_groups(n, *scale, n.scale) && spread_over_groups(n, *bias, n.bias) ? channels_first(node, n) : std::nullopt;
  }

  static Normalisation grouped(ValueId source, const Shape& shape, int64_t groups, float epsilon) {
    return {.source = source, .shape = shape, .space = true, .groups = groups, .epsilon = epsilon, .scale = {}, .bias = {}};
  }

  /// A number a channel from one a channel or one a group.
  static bool spread_over_groups(const Normalisation& n, const std::vector<float>& from, std::vector<float>& to) {
    const auto count = static_cast<int64_t>(from.size());
    if (count != n.channels() && count != n.groups) {
      return false;
    }
    const int64_t each = n.channels() / count;
    for (int64_t c = 0; c < n.channels(); ++c) {
      to.push_back(from[static_cast<size_t>(c / each)]);
    }
    return true;
  }

  /// [1, C, H, W] as [1, groups, more]: how GroupNorm is written with InstanceNormalization.
  bool grouped_by_reshape(const graph::Node& node) const {
    const graph::Node* split = maker_of(node.inputs[0], "Reshape");
    const auto before = split == nullptr ? std::nullopt : known_shape(graph_, split->inputs[0]);
    const auto behind = known_shape(graph_, node.inputs[0]);
    return before && behind && before->size() == 4 && behind->size() >= 3 && (*behind)[0] == (*before)[0] && (*before)[1] % (*behind)[1] == 0;
  }

  Replacement reshaped_instance(const graph::Node& node) const {
    const graph::Node* inner = maker_of(node.inputs[0], "InstanceNormalization");
    if (inner == nullptr || !grouped_by_reshape(*inner)) {
      return std::nullopt;
    }
    const ValueId source = maker_of(inner->inputs[0], "Reshape")->inputs[0];
    const auto shape = known_shape(graph_, source);
    const auto epsilon = graph::float_attribute(*inner, "epsilon", 1e-5f);
    const auto scale = float_list(graph_, *inner, 1);
    const auto bias = float_list(graph_, *inner, 2);
    if (known_shape(graph_, node.outputs[0]) != shape || !epsilon || !scale || !bias) {
      return std::nullopt;
    }
    auto n = grouped(source, *shape, (*known_shape(graph_, inner->inputs[0]))[1], *epsilon);
    if (!spread_over_groups(n, *scale, n.scale) || !spread_over_groups(n, *bias, n.bias)) {
      return std::nullopt;
    }
    auto result = channels_first(node, n);
    for (graph::Node& each : *result) {
      each.origins.insert(each.origins.begin(), inner->origins.begin(), inner->origins.end());
    }
    return result;
  }

  /// The one axis of a mean that keeps it.
  std::optional<int64_t> mean_axis(const graph::Node* node) const {
    const auto shape = node == nullptr ? std::nullopt : known_shape(graph_, node->inputs[0]);
    const auto axes = shape ? input_ints(graph_, *node, 1, "axes") : std::nullopt;
    const auto keeps = axes ? graph::int_attribute(*node, "keepdims", 1) : Result<int64_t>(0);
    if (!axes || axes->size() != 1 || !keeps || *keeps == 0) {
      return std::nullopt;
    }
    return (*axes)[0] < 0 ? (*axes)[0] + static_cast<int64_t>(shape->size()) : (*axes)[0];
  }

  /// x - mean(x): x and the axis.
  struct Centred {
    ValueId source;
    int64_t axis;
    bool operator==(const Centred&) const = default;
  };
  std::optional<Centred> centred(ValueId id) const {
    const graph::Node* sub = maker_of(id, "Sub");
    const graph::Node* mean = sub == nullptr ? nullptr : maker_of(sub->inputs[1], "ReduceMean");
    const auto axis = mean_axis(mean);
    return axis && mean->inputs[0] == sub->inputs[0] ? std::optional(Centred{sub->inputs[0], *axis}) : std::nullopt;
  }

  /// The root of the mean of squares of `values`, plus epsilon.
  std::optional<float> epsilon_of_deviation(ValueId id, const Centred& values) const {
    const graph::Node* root = maker_of(id, "Sqrt");
    const graph::Node* sum = root == nullptr ? nullptr : maker_of(root->inputs[0], "Add");
    for (size_t side = 0; sum != nullptr && side < 2; ++side) {
      const graph::Node* mean = maker_of(sum->inputs[side], "ReduceMean");
      const auto epsilon = float_list(graph_, *sum, 1 - side);
      const graph::Node* square = mean == nullptr ? nullptr : maker_of(mean->inputs[0], "Mul");
      if (square != nullptr && epsilon && epsilon->size() == 1 && mean_axis(mean) == values.axis && centred(square->inputs[0]) == values &&
          centred(square->inputs[1]) == values) {
        return (*epsilon)[0];
      }
    }
    return std::nullopt;
  }

  /// (x - mean) / deviation, or times its reciprocal.
  Replacement parts(const graph::Node& node) const {
    const bool product = is_op(node, "Mul");
    for (size_t side = 0; side < (product ? 2U : 1U); ++side) {
      const auto values = centred(node.inputs[side]);
      ValueId divisor = node.inputs[1 - side];
      if (product) {
        const graph::Node* inverse = maker_of(divisor, "Reciprocal");
        divisor = inverse == nullptr ? graph::kNoValue : inverse->inputs[0];
      }
      const auto epsilon = values ? epsilon_of_deviation(divisor, *values) : std::nullopt;
      const auto shape = epsilon ? known_shape(graph_, values->source) : std::nullopt;
      if (!shape || (shape->size() != 3 && shape->size() != 4)) {
        continue;
      }
      const Normalisation n{.source = values->source, .shape = *shape, .epsilon = *epsilon, .scale = {}, .bias = {}};
      if (values->axis == 1) {
        return channels_first(node, n);
      }
      return values->axis + 1 == static_cast<int64_t>(shape->size()) ? channels_last(node, n) : std::nullopt;
    }
    return std::nullopt;
  }

  graph::Graph& graph_;
  std::vector<graph::NodeId> makers_;
};

}  // namespace

bool normalise(graph::Graph& graph) {
  const Normaliser rule(graph);
  return replace_nodes(graph, [&](graph::Graph&, const graph::Node& node) { return rule(node); });
}

}  // namespace medlar::compiler
