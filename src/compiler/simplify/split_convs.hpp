// SPDX-License-Identifier: Apache-2.0
// Convolutions beyond the chip's limits. A stride over 8 is halved (or divided by more) by moving neighbouring pixels to
// channels first; a kernel over 32 becomes the sum of shorter ones.
//
//   Conv(x, w) {strides=[16]}   ->  Conv(Conv(Pad(x), 0/1) {strides=[8]}, w') {strides=[2]}
//   Conv(x, w : 1x1x51)         ->  Add(Conv(x, w[0:32]), Conv(Slice(x), w[32:51]))
#pragma once

#include "graph/graph.hpp"

namespace medlar::compiler {

bool split_convs(graph::Graph& graph);

}  // namespace medlar::compiler
