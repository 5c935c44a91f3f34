// SPDX-License-Identifier: Apache-2.0
// Composition of channel selections.
#include "compiler/fuse/compose_selection.hpp"

#include <algorithm>

#include "compiler/fuse/readers.hpp"
#include "hw/limits.hpp"

namespace medlar::compiler {
namespace {

bool is_pointwise(const ConvLayer& conv) {
  return conv.r == 1 && conv.s == 1 && conv.groups == 1 && conv.pad_left == 0 && conv.pad_right == 0 &&
         conv.pad_top == 0 && conv.pad_bottom == 0;
}

bool stride_fits(int a, int b) { return hw::kLimits.conv.stride.contains(static_cast<uint64_t>(a) * static_cast<uint64_t>(b)); }

}  // namespace

bool is_selection(const ConvLayer& conv) {
  if (!is_pointwise(conv)) {
    return false;
  }
  const auto channels = static_cast<size_t>(conv.c);
  for (size_t k = 0; k < static_cast<size_t>(conv.k); ++k) {
    int ones = 0;
    for (size_t c = 0; c < channels; ++c) {
      const float weight = conv.weights[k * channels + c];
      if (weight != 0.0f && weight != 1.0f) {
        return false;
      }
      ones += weight == 1.0f ? 1 : 0;
    }
    if (ones > 1) {
      return false;
    }
  }
  return true;
}

bool can_compose(const LayerGraph& graph, size_t first, size_t second) {
  const auto* a = std::get_if<ConvLayer>(&graph.layers[first].body);
  const auto* b = std::get_if<ConvLayer>(&graph.layers[second].body);
  if (a == nullptr || b == nullptr || graph.layers[second].src != graph.layers[first].dst ||
      !graph.layers[first].steps.empty() || !only_reader(graph, graph.layers[first].dst)) {
    return false;
  }
  return is_selection(*a) && is_selection(*b) && stride_fits(a->stride_x, b->stride_x) &&
         stride_fits(a->stride_y, b->stride_y);
}

void compose(LayerGraph& graph, size_t first, size_t second) {
  Layer& from = graph.layers[first];
  Layer& to = graph.layers[second];
  const ConvLayer a = std::get<ConvLayer>(from.body);
  ConvLayer& b = std::get<ConvLayer>(to.body);
  std::vector<float> product(static_cast<size_t>(b.k) * static_cast<size_t>(a.c), 0.0f);
  for (int k = 0; k < b.k; ++k) {
    for (int m = 0; m < b.c; ++m) {
      if (b.weights[static_cast<size_t>(k) * static_cast<size_t>(b.c) + static_cast<size_t>(m)] == 0.0f) {
        continue;
      }
      const auto row = a.weights.begin() + static_cast<std::ptrdiff_t>(m) * a.c;
      std::copy(row, row + a.c, product.begin() + static_cast<std::ptrdiff_t>(k) * a.c);
    }
  }
  b.weights = std::move(product);
  b.c = a.c;
  b.stride_x *= a.stride_x;
  b.stride_y *= a.stride_y;
  to.src = from.src;
  to.name = from.name;
  to.origins.insert(to.origins.begin(), from.origins.begin(), from.origins.end());
  graph.layers.erase(graph.layers.begin() + static_cast<std::ptrdiff_t>(first));
}

void compose_selections(LayerGraph& graph) {
  for (size_t i = 0; i < graph.layers.size();) {
    const auto maker = maker_of(graph, graph.layers[i].src);
    if (maker && can_compose(graph, *maker, i)) {
      compose(graph, *maker, i);
      --i;
    } else {
      ++i;
    }
  }
}

}  // namespace medlar::compiler
