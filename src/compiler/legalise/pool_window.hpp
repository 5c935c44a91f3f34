// SPDX-License-Identifier: Apache-2.0
// Pooling windows: what the PDP can slide, and how larger, padded or excluding ones become several of those.
#pragma once

#include <vector>

#include "compiler/legalise/shapes.hpp"

namespace medlar::compiler {

/// What keeps a window off the PDP.
Verdict check_pdp(const Window& window);

/// Windows that the PDP can do, one after the other, with the same maximum as `window` of stride 1 front stages. Padding
/// never wins, and a window that begins in the padding shares its elements with the first one inside, so cutting is exact.
std::vector<Window> max_stages(Window window);

/// Windows without overlap that reduce w x h to something that fits one window of at most `largest` on each axis; the
/// last is that window. Incomplete blocks are padded at the end.
std::vector<Window> global_stages(int w, int h, int largest);

/// Windows without overlap or padding, of at most `largest` on each axis, that reduce w x h to one element; empty where a
/// size has a larger prime factor.
std::vector<Window> even_stages(int w, int h, int largest);

/// Outputs of one axis that share one divisor: `count` outputs from `first`, whose windows of `kernel` elements begin at
/// `start` (negative: in the padding) and follow each other by the axis' stride.
struct AxisRegion {
  int first = 0, count = 0, start = 0, kernel = 0;
};

/// One axis of an average.
struct AverageAxis {
  int in = 0, out = 0, kernel = 1, stride = 1;
  int pad_begin = 0, pad_end = 0;  ///< As given, not as the output size implies.
  bool counts_padding = false;
};

std::vector<AxisRegion> average_regions(const AverageAxis& axis);

}  // namespace medlar::compiler
