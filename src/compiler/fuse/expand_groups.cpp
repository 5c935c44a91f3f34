// SPDX-License-Identifier: Apache-2.0
// Grouped convolution by channel windows.
#include "compiler/fuse/expand_groups.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace medlar::compiler {
namespace {

struct Part {
  int first_group = 0, groups = 1;
};

/// Dense K x C weights of a run of groups: block diagonal.
ConvLayer dense_part(const ConvLayer& conv, const Part& part) {
  const int c_group = conv.c / conv.groups;
  const int k_group = conv.k / conv.groups;
  const int taps = conv.r * conv.s;
  ConvLayer dense = conv;
  dense.groups = 1;
  dense.c = c_group * part.groups;
  dense.k = k_group * part.groups;
  dense.weights.assign(static_cast<size_t>(dense.k) * static_cast<size_t>(dense.c) * static_cast<size_t>(taps), 0.0f);
  const auto block = static_cast<std::ptrdiff_t>(c_group) * taps;
  for (int k = 0; k < dense.k; ++k) {
    const auto from = conv.weights.begin() + (static_cast<std::ptrdiff_t>(part.first_group) * k_group + k) * block;
    const auto to = dense.weights.begin() + static_cast<std::ptrdiff_t>(k) * dense.c * taps + (k / k_group) * block;
    std::copy(from, from + block, to);
  }
  return dense;
}

TensorId channel_window(LayerGraph& graph, TensorId id, int first, int count) {
  const LayerTensor whole = graph.tensor(id);
  if (count == whole.c) {
    return id;
  }
  LayerTensor window = whole;
  window.role = TensorRole::kIntermediate;
  window.name = fmt::format("{}[{}:{}]", whole.name, first, first + count);
  window.c = count;
  window.view_of = whole.view_of == kNoTensor ? id : whole.view_of;
  window.view_c = whole.view_c + first;
  graph.tensors.push_back(std::move(window));
  return static_cast<TensorId>(graph.tensors.size() - 1);
}

void cut(std::vector<float>& values, int first, int count) {
  if (values.size() > 1) {
    values = {values.begin() + first, values.begin() + first + count};
  }
}

Layer cut_layer(LayerGraph& graph, const Layer& layer, const Part& part) {
  const auto& conv = std::get<ConvLayer>(layer.body);
  const int c_group = conv.c / conv.groups;
  const int k_group = conv.k / conv.groups;
  const int first = part.first_group * k_group;
  const int count = part.groups * k_group;
  Layer result{.name = layer.name, .origins = layer.origins, .src = layer.src, .dst = layer.dst,
               .body = dense_part(conv, part), .steps = layer.steps};
  if (part.groups != conv.groups) {
    result.name = fmt::format("{}[{}:{}]", layer.name, first, first + count);
  }
  result.src = channel_window(graph, layer.src, part.first_group * c_group, part.groups * c_group);
  result.dst = channel_window(graph, layer.dst, first, count);
  for (Step& step : result.steps) {
    cut(step.mul, first, count);
    cut(step.add, first, count);
    if (step.operand != kNoTensor) {
      step.operand = channel_window(graph, step.operand, first, count);
    }
  }
  return result;
}

}  // namespace

int groups_per_part(const ConvLayer& conv, int channels_per_atom) {
  const int c_group = conv.c / conv.groups;
  const int k_group = conv.k / conv.groups;
  for (int groups = 1; groups < conv.groups; ++groups) {
    if (groups * c_group % channels_per_atom == 0 && groups * k_group % channels_per_atom == 0) {
      return groups;
    }
  }
  return conv.groups;
}

void expand_groups(LayerGraph& graph, int channels_per_atom, int widest) {
  std::vector<Layer> layers;
  for (Layer& layer : graph.layers) {
    const auto* conv = std::get_if<ConvLayer>(&layer.body);
    if (conv == nullptr || conv->groups == 1) {
      layers.push_back(std::move(layer));
      continue;
    }
    int step = groups_per_part(*conv, channels_per_atom);
    const int wide = 2 * step * std::max(conv->c, conv->k) / conv->groups;
    step *= 2 * step <= conv->groups && wide <= widest ? 2 : 1;
    for (int group = 0; group < conv->groups; group += step) {
      layers.push_back(cut_layer(graph, layer, {.first_group = group, .groups = std::min(step, conv->groups - group)}));
    }
  }
  graph.layers = std::move(layers);
}

}  // namespace medlar::compiler
