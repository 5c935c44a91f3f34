// SPDX-License-Identifier: Apache-2.0
// Rule: affine steps in a row become one; a factor right behind a convolution goes into its weights (batch
// normalisation folding).
#pragma once

#include "compiler/layer_graph.hpp"

namespace medlar::compiler {

/// Whether `second` can be merged into `first`.
bool can_merge_affine(const Step& first, const Step& second);
/// x -> (x * m1 + a1) * m2 + a2 as one step.
Step merge_affine(const Step& first, const Step& second);
/// Merges every pair of neighbours.
void merge_affines(std::vector<Step>& steps);

bool can_fold_scale(const ConvLayer& conv, const std::vector<Step>& steps);
/// Multiplies the weights by the first step's factor; drops the step if nothing is left of it.
void fold_scale(ConvLayer& conv, std::vector<Step>& steps);

/// Both rules on every layer.
void fold_affine(LayerGraph& graph);

}  // namespace medlar::compiler
