// SPDX-License-Identifier: Apache-2.0
// One pixel that fills an image.
#pragma once

#include "graph/graph.hpp"

namespace medlar::compiler {

/// Resize, Upsample or Expand of a 1x1 image: all its pixels are that one. As a sum with a constant of zeros it is one
/// elementwise operation, or joins one.
bool spread_pixels(graph::Graph& graph);

}  // namespace medlar::compiler
