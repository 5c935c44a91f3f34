// SPDX-License-Identifier: Apache-2.0
// A convolution that slides over channels (efficient channel attention).
#pragma once

#include "graph/graph.hpp"

namespace medlar::compiler {

/// Conv of one kernel over a list of numbers that were the channels of one pixel: a 1x1 convolution of that pixel whose weights
/// are a band.
///
///   Conv(Reshape(x : 1xCx1x1, 1x1xC), w : 1x1xk)  ->  Reshape(Conv(x, band of w : CxCx1x1), 1x1xC)
bool band_convs(graph::Graph& graph);

}  // namespace medlar::compiler
