// SPDX-License-Identifier: Apache-2.0
// Pixels moved to channels in front of a convolution.
#pragma once

#include "graph/graph.hpp"

namespace medlar::compiler {

/// A Conv over SpaceToDepth, or over a Concat of strided Slices (a Focus stem), is one Conv of a larger
/// kernel and stride over the source. Not for channel counts that the convolution core reads in part only,
/// since it would read them for every pixel.
bool fold_space_to_depth(graph::Graph& graph);

}  // namespace medlar::compiler
