// SPDX-License-Identifier: Apache-2.0
// Which pixel of the source each channel holds, then the convolution's weights at those pixels.
#include "compiler/simplify/fold_space_to_depth.hpp"

#include "compiler/simplify/rewrite.hpp"
#include "hw/limits.hpp"

#include <algorithm>

namespace medlar::compiler {
namespace {

using graph::Shape;
using graph::ValueId;

/// A channel of a value: source[channel, step_y * y + row, step_x * x + column].
struct Pick {
  int64_t channel = 0, row = 0, column = 0;
};

struct Sampling {
  ValueId source = graph::kNoValue;
  int64_t step_y = 1, step_x = 1;
  std::vector<Pick> picks;
  std::vector<std::string> origins;  ///< Of the nodes that moved the pixels.
};

class Sampler {
 public:
  explicit Sampler(const graph::Graph& graph) : graph_(graph), makers_(graph::producers(graph)) {}

  std::optional<Sampling> of(ValueId id, int depth = 4) const {
    const auto shape = known_shape(graph_, id);
    if (!shape || shape->size() != 4) {
      return std::nullopt;
    }
    const graph::NodeId maker = makers_[static_cast<size_t>(id)];
    const graph::Node* node =
        maker == graph::kNoValue || depth == 0 ? nullptr : &graph_.nodes[static_cast<size_t>(maker)];
    std::optional<Sampling> sampling;
    if (node != nullptr && is_op(*node, "Slice")) {
      sampling = of_slice(*node, depth);
    } else if (node != nullptr && is_op(*node, "Concat")) {
      sampling = of_concat(*node, depth);
    } else if (node != nullptr && is_op(*node, "SpaceToDepth")) {
      sampling = of_blocks(*node, depth);
    }
    if (!sampling) {
      sampling = whole(id, (*shape)[1]);
    } else {
      sampling->origins.insert(sampling->origins.end(), node->origins.begin(), node->origins.end());
    }
    return sampling;
  }

 private:
  static Sampling whole(ValueId id, int64_t channels) {
    Sampling sampling{.source = id, .picks = {}, .origins = {}};
    for (int64_t c = 0; c < channels; ++c) {
      sampling.picks.push_back({c, 0, 0});
    }
    return sampling;
  }

  /// Every `step`-th row and column from a start, to the end.
  std::optional<Sampling> of_slice(const graph::Node& node, int depth) const {
    const auto shape = known_shape(graph_, node.inputs[0]);
    const auto starts = input_ints(graph_, node, 1, "starts");
    const auto ends = input_ints(graph_, node, 2, "ends");
    const auto axes = input_ints(graph_, node, 3, "axes");
    const auto steps = input_ints(graph_, node, 4, "steps");
    if (!shape || !starts || !ends || !axes || !steps || axes->size() != starts->size() ||
        ends->size() != starts->size() || steps->size() != starts->size()) {
      return std::nullopt;
    }
    auto sampling = of(node.inputs[0], depth - 1);
    for (size_t i = 0; sampling && i < axes->size(); ++i) {
      const int64_t axis = (*axes)[i] < 0 ? (*axes)[i] + 4 : (*axes)[i];
      const int64_t start = (*starts)[i];
      if ((axis != 2 && axis != 3) || (*steps)[i] < 1 || start < 0 || start >= (*steps)[i] ||
          (*ends)[i] < (*shape)[static_cast<size_t>(axis)]) {
        return std::nullopt;
      }
      int64_t& step = axis == 2 ? sampling->step_y : sampling->step_x;
      for (Pick& pick : sampling->picks) {
        (axis == 2 ? pick.row : pick.column) += start * step;
      }
      step *= (*steps)[i];
    }
    return sampling;
  }

  std::optional<Sampling> of_concat(const graph::Node& node, int depth) const {
    const auto axis = graph::int_attribute(node, "axis", 0);
    if (!axis || (*axis != 1 && *axis != -3)) {
      return std::nullopt;
    }
    std::optional<Sampling> all;
    for (const ValueId input : node.inputs) {
      const auto part = of(input, depth - 1);
      const bool alike = part && (!all || (part->source == all->source && part->step_y == all->step_y &&
                                           part->step_x == all->step_x));
      if (!alike) {
        return std::nullopt;
      }
      if (!all) {
        all = part;
        continue;
      }
      all->picks.insert(all->picks.end(), part->picks.begin(), part->picks.end());
      all->origins.insert(all->origins.end(), part->origins.begin(), part->origins.end());
    }
    return all;
  }

  std::optional<Sampling> of_blocks(const graph::Node& node, int depth) const {
    const auto block = graph::int_attribute(node, "blocksize", 0);
    auto inner = block && *block > 0 ? of(node.inputs[0], depth - 1) : std::nullopt;
    if (!inner) {
      return std::nullopt;
    }
    Sampling result = *inner;
    result.picks.clear();
    for (int64_t y = 0; y < *block; ++y) {
      for (int64_t x = 0; x < *block; ++x) {
        for (const Pick& pick : inner->picks) {
          result.picks.push_back(
              {pick.channel, pick.row + y * inner->step_y, pick.column + x * inner->step_x});
        }
      }
    }
    result.step_y *= *block;
    result.step_x *= *block;
    return result;
  }

  const graph::Graph& graph_;
  std::vector<graph::NodeId> makers_;
};

/// Whole blocks of the source, so that the padding of blocks is that of pixels.
bool whole_blocks(const graph::Graph& graph, const Sampling& sampling, const Shape& moved) {
  const Shape& source = *graph.value(sampling.source).shape;
  return source[2] == moved[2] * sampling.step_y && source[3] == moved[3] * sampling.step_x &&
         std::all_of(sampling.picks.begin(), sampling.picks.end(), [&](const Pick& pick) {
           return pick.row < sampling.step_y && pick.column < sampling.step_x;
         });
}

/// Few channels are read as pixels of an image; many fill the core.
bool worthwhile(int64_t channels) {
  constexpr int64_t kPixel = 4;
  constexpr int64_t kFull = 32;
  return channels <= kPixel || channels >= kFull;
}

graph::Tensor spread_weights(const graph::Tensor& old, const Sampling& sampling, int64_t channels) {
  const Shape& k = old.shape;
  const Shape shape = {k[0], channels, k[2] * sampling.step_y, k[3] * sampling.step_x};
  const std::vector<double> from = *graph::to_doubles(old);
  std::vector<float> to(static_cast<size_t>(shape[0] * shape[1] * shape[2] * shape[3]), 0.0f);
  size_t at = 0;
  for (int64_t kernel = 0; kernel < k[0]; ++kernel) {
    for (const Pick& pick : sampling.picks) {
      for (int64_t r = 0; r < k[2]; ++r) {
        for (int64_t s = 0; s < k[3]; ++s) {
          const int64_t row = r * sampling.step_y + pick.row;
          const int64_t column = s * sampling.step_x + pick.column;
          to[static_cast<size_t>(((kernel * channels + pick.channel) * shape[2] + row) * shape[3] +
                                 column)] += static_cast<float>(from[at++]);
        }
      }
    }
  }
  return graph::make_tensor(graph::DataType::kFloat32, shape, to);
}

struct Geometry {
  std::vector<int64_t> strides, pads;
};

/// Stride and padding over the source, where the convolution core has them.
std::optional<Geometry> geometry_of(const graph::Node& conv, const Shape& kernel, const Sampling& sampling) {
  const auto strides = graph::ints_attribute(conv, "strides", {1, 1});
  const auto pads = graph::ints_attribute(conv, "pads", {0, 0, 0, 0});
  const auto dilations = graph::ints_attribute(conv, "dilations", {1, 1});
  const auto group = graph::int_attribute(conv, "group", 1);
  const auto mode = graph::string_attribute(conv, "auto_pad", "NOTSET");
  const bool plain = strides && pads && strides->size() == 2 && pads->size() == 4 && dilations &&
                     *dilations == std::vector<int64_t>{1, 1} && group && *group == 1 && mode &&
                     *mode == "NOTSET";
  if (!plain) {
    return std::nullopt;
  }
  Geometry geometry{.strides = {(*strides)[0] * sampling.step_y, (*strides)[1] * sampling.step_x},
                    .pads = {(*pads)[0] * sampling.step_y, (*pads)[1] * sampling.step_x,
                             (*pads)[2] * sampling.step_y, (*pads)[3] * sampling.step_x}};
  const auto& limits = hw::kLimits.conv;
  const bool fits = std::max(geometry.strides[0], geometry.strides[1]) <= limits.stride.max &&
                    std::max(kernel[2] * sampling.step_y, kernel[3] * sampling.step_x) <= limits.kernel.max;
  return fits ? std::optional(std::move(geometry)) : std::nullopt;
}

}  // namespace

bool fold_space_to_depth(graph::Graph& graph) {
  const Sampler sampler(graph);
  const auto readers = graph::consumers(graph);
  return replace_nodes(graph, [&](graph::Graph& g, const graph::Node& node) -> Replacement {
    const bool constant = is_op(node, "Conv") && node.inputs.size() >= 2 &&
                          g.value(node.inputs[1]).is_constant() &&
                          g.value(node.inputs[1]).type == graph::DataType::kFloat32 &&
                          g.value(node.inputs[1]).data->shape.size() == 4;
    if (!constant || readers[static_cast<size_t>(node.inputs[0])].size() != 1) {
      return std::nullopt;
    }
    const auto sampling = sampler.of(node.inputs[0]);
    const graph::Tensor& weights = *g.value(node.inputs[1]).data;
    const bool moves = sampling && sampling->step_y * sampling->step_x > 1 &&
                       weights.shape[1] == static_cast<int64_t>(sampling->picks.size());
    const auto geometry = moves ? geometry_of(node, weights.shape, *sampling) : std::nullopt;
    if (!geometry || !whole_blocks(g, *sampling, *g.value(node.inputs[0]).shape)) {
      return std::nullopt;
    }
    const int64_t channels = (*g.value(sampling->source).shape)[1];
    if (!worthwhile(channels)) {
      return std::nullopt;
    }
    graph::Tensor spread = spread_weights(weights, *sampling, channels);
    const std::vector<int64_t> kernel = {spread.shape[2], spread.shape[3]};
    Builder builder(g, node);
    std::vector<ValueId> inputs = {sampling->source, builder.constant("pixels", std::move(spread))};
    inputs.insert(inputs.end(), node.inputs.begin() + 2, node.inputs.end());
    builder.finish("Conv", std::move(inputs),
                   {{"kernel_shape", kernel}, {"strides", geometry->strides}, {"pads", geometry->pads}});
    std::vector<graph::Node> nodes = builder.take();
    for (const std::string& origin : sampling->origins) {
      if (std::find(nodes[0].origins.begin(), nodes[0].origins.end(), origin) == nodes[0].origins.end()) {
        nodes[0].origins.push_back(origin);
      }
    }
    return nodes;
  });
}

}  // namespace medlar::compiler
