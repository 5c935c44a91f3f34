// SPDX-License-Identifier: Apache-2.0
// Reductions: over rows and columns they become pooling, over channels a convolution with equal weights,
// or the maximum of halves.
//
//   ReduceMean(x, {2, 3})  ->  GlobalAveragePool(x)        ReduceSum(x, {1})     ->  Conv(x, ones)
//   ReduceMax(x, {2})      ->  MaxPool(x, H x 1)           ReduceL2(x, {2, 3})   ->  Sqrt(ReduceSum(Mul(x, x), {2, 3}))
#pragma once

#include "graph/graph.hpp"

namespace medlar::compiler {

bool reduce_space(graph::Graph& graph);

}  // namespace medlar::compiler
