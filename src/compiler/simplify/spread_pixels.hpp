// SPDX-License-Identifier: Apache-2.0
// Pixels, lines and channels that fill an image.
#pragma once

#include "graph/graph.hpp"

namespace medlar::compiler {

/// - An operand that was expanded in front of an elementwise operator that spreads it anyway is taken as it was.
/// - Resize, Upsample or Expand of a 1x1 image: all its pixels are that one. As a sum with a constant of zeros it is one
///   elementwise operation, or joins one.
/// - An Expand, or an operand of an elementwise operator, that is one column or one row: copies beside each other, twice as many
///   at a time. One channel becomes all of an Expand by a convolution with ones.
///
///     Mul(x : 1x8x4x6, h : 1x8x4x1)  ->  Mul(x, Concat(hh, hh, hh)), hh = Concat(h, h)
bool spread_pixels(graph::Graph& graph);

}  // namespace medlar::compiler
