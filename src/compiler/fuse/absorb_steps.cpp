// SPDX-License-Identifier: Apache-2.0
// Fusion of elementwise layers into convolutions and other elementwise layers.
#include "compiler/fuse/absorb_steps.hpp"

#include <utility>

#include "compiler/fuse/fold_affine.hpp"
#include "compiler/fuse/readers.hpp"
#include "compiler/fuse/stages.hpp"

namespace medlar::compiler {
namespace {

std::vector<Step> joined_steps(const Layer& maker, const Layer& reader) {
  std::vector<Step> steps = maker.steps;
  steps.insert(steps.end(), reader.steps.begin(), reader.steps.end());
  merge_affines(steps);
  return steps;
}

bool fits(const Layer& maker, std::vector<Step> steps, const FusionTarget& target) {
  const bool conv = std::holds_alternative<ConvLayer>(maker.body);
  if (conv && !steps.empty() && steps[0].kind == StepKind::kAffine) {
    steps[0].mul.clear();  // fold_scale will put it into the weights
    if (steps[0].add.empty()) {
      steps.erase(steps.begin());
    }
  }
  return plan_stages({.steps = steps, .from_conv = conv, .precision = target.precision, .config = &target.config})
      .has_value();
}

/// Sum, product, maximum or minimum of two tensors of one size, as the first step.
bool commutes(const Layer& layer) {
  return std::holds_alternative<SdpLayer>(layer.body) && !layer.steps.empty() && layer.steps[0].operand != kNoTensor &&
         !layer.steps[0].spread;
}

void swap_operands(Layer& layer) { std::swap(layer.src, layer.steps[0].operand); }

/// Tries one layer with its source as it is, then with swapped operands. The maker that runs later is tried first: its
/// partner is then certain to be there.
bool absorb_at(LayerGraph& graph, size_t reader, const FusionTarget& target) {
  Layer& layer = graph.layers[reader];
  if (!std::holds_alternative<SdpLayer>(layer.body)) {
    return false;
  }
  if (commutes(layer)) {
    const auto first = maker_of(graph, layer.src);
    const auto second = maker_of(graph, layer.steps[0].operand);
    if (second && (!first || *second > *first)) {
      swap_operands(layer);
    }
  }
  for (int attempt = 0; attempt < (commutes(layer) ? 2 : 1); ++attempt) {
    const auto maker = maker_of(graph, layer.src);
    if (maker && can_absorb(graph, *maker, reader, target)) {
      absorb(graph, *maker, reader);
      return true;
    }
    if (commutes(layer)) {
      swap_operands(layer);
    }
  }
  return false;
}

}  // namespace

bool can_absorb(const LayerGraph& graph, size_t maker, size_t reader, const FusionTarget& target) {
  const Layer& from = graph.layers[maker];
  const Layer& to = graph.layers[reader];
  const bool has_sdp = std::holds_alternative<ConvLayer>(from.body) || std::holds_alternative<SdpLayer>(from.body);
  if (!has_sdp || !std::holds_alternative<SdpLayer>(to.body) || maker >= reader) {
    return false;
  }
  const Layer merged{.name = "", .origins = {}, .src = from.src, .dst = to.dst, .body = SdpLayer{},
                     .steps = joined_steps(from, to)};
  return only_reader(graph, from.dst) && !reads_own_storage(graph, merged) && fits(from, merged.steps, target);
}

void absorb(LayerGraph& graph, size_t maker, size_t reader) {
  Layer& from = graph.layers[maker];
  Layer& to = graph.layers[reader];
  to.steps = joined_steps(from, to);
  to.origins.insert(to.origins.begin(), from.origins.begin(), from.origins.end());
  to.name = from.name;
  to.src = from.src;
  to.body = std::move(from.body);
  if (auto* conv = std::get_if<ConvLayer>(&to.body); conv != nullptr && can_fold_scale(*conv, to.steps)) {
    fold_scale(*conv, to.steps);
  }
  graph.layers.erase(graph.layers.begin() + static_cast<std::ptrdiff_t>(maker));
}

void absorb_steps(LayerGraph& graph, const FusionTarget& target) {
  for (size_t i = 0; i < graph.layers.size();) {
    // After a merge the layers behind have moved up by one, and the merged layer may join its own maker.
    i = absorb_at(graph, i, target) ? i - 1 : i + 1;
  }
}

}  // namespace medlar::compiler
