// SPDX-License-Identifier: Apache-2.0
// Affine folding.
#include "compiler/fuse/fold_affine.hpp"

#include <algorithm>

namespace medlar::compiler {
namespace {

float at(const std::vector<float>& values, size_t c, float absent) {
  if (values.empty()) {
    return absent;
  }
  return values[values.size() == 1 ? 0 : c];
}

}  // namespace

bool can_merge_affine(const Step& first, const Step& second) {
  return first.kind == StepKind::kAffine && second.kind == StepKind::kAffine;
}

Step merge_affine(const Step& first, const Step& second) {
  const size_t count = std::max({first.mul.size(), first.add.size(), second.mul.size(), second.add.size()});
  Step merged{.kind = StepKind::kAffine, .value = second.value};
  if (!first.mul.empty() || !second.mul.empty()) {
    for (size_t c = 0; c < count; ++c) {
      merged.mul.push_back(at(first.mul, c, 1.0f) * at(second.mul, c, 1.0f));
    }
  }
  if (!first.add.empty() || !second.add.empty()) {
    for (size_t c = 0; c < count; ++c) {
      merged.add.push_back(at(first.add, c, 0.0f) * at(second.mul, c, 1.0f) + at(second.add, c, 0.0f));
    }
  }
  return merged;
}

void merge_affines(std::vector<Step>& steps) {
  for (size_t i = 0; i + 1 < steps.size();) {
    if (can_merge_affine(steps[i], steps[i + 1])) {
      steps[i] = merge_affine(steps[i], steps[i + 1]);
      steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    } else {
      ++i;
    }
  }
}

bool can_fold_scale(const ConvLayer&, const std::vector<Step>& steps) {
  return !steps.empty() && steps[0].kind == StepKind::kAffine && !steps[0].mul.empty();
}

void fold_scale(ConvLayer& conv, std::vector<Step>& steps) {
  const size_t per_kernel = conv.weights.size() / static_cast<size_t>(conv.k);
  for (size_t i = 0; i < conv.weights.size(); ++i) {
    conv.weights[i] *= at(steps[0].mul, i / per_kernel, 1.0f);
  }
  steps[0].mul.clear();
  if (steps[0].add.empty()) {
    steps.erase(steps.begin());
  }
}

void fold_affine(LayerGraph& graph) {
  for (Layer& layer : graph.layers) {
    merge_affines(layer.steps);
    if (auto* conv = std::get_if<ConvLayer>(&layer.body); conv != nullptr && can_fold_scale(*conv, layer.steps)) {
      fold_scale(*conv, layer.steps);
    }
  }
}

}  // namespace medlar::compiler
