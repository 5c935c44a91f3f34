// SPDX-License-Identifier: Apache-2.0
// Normalisations whose statistics come from the input: over channels, over space, or over both.
//
//   LayerNormalization behind a Transpose to channels last,        d = x - mean(x)
//   or its parts (ReduceMean, Sub, Mul, ReduceMean, Add,     ->    y = d * (mean(d * d) + epsilon)^-1/2 * scale + bias
//   Sqrt, Div); InstanceNormalization, GroupNormalization
//
// Means over channels are 1x1 convolutions, those over space GlobalAveragePool. Squares are stored as 1/64 of their value (1/16
// over space) and their mean as 1/4 of it, so that FP16 holds standard deviations from 1/128 to 511.
#pragma once

#include "graph/graph.hpp"

namespace medlar::compiler {

bool normalise(graph::Graph& graph);

}  // namespace medlar::compiler
