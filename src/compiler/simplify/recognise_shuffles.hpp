// SPDX-License-Identifier: Apache-2.0
// Reshape, Transpose, Reshape that stand for one movement of data, and Gather of channels.
//
//   [1, g, n, H, W] -> {0, 2, 1, 3, 4}           channel shuffle: a 1x1 convolution with 0/1 weights
//   [1, b, b, C, H, W] -> {0, 3, 4, 1, 5, 2}     DepthToSpace DCR
//   [1, C, b, b, H, W] -> {0, 1, 4, 2, 5, 3}     DepthToSpace CRD
//   [1, C, H, b, W, b] -> {0, 3, 5, 1, 2, 4}     SpaceToDepth
//   [1, C, H, b, W, b] -> {0, 1, 3, 5, 2, 4}     SpaceToDepth with the channel slowest: a convolution of stride b
#pragma once

#include "graph/graph.hpp"

namespace medlar::compiler {

bool recognise_shuffles(graph::Graph& graph);

}  // namespace medlar::compiler
