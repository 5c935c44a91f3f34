// SPDX-License-Identifier: Apache-2.0
// Nodes that cost the DLA nothing of their own: the SDP computes them while the layer before them is written.
#pragma once

#include <vector>

#include "graph/graph.hpp"

namespace medlar::compiler {

/// For each node the convolution with which it rides, or kNoValue: it is pointwise, all its tensors come out of that one
/// convolution (through other riders or not), and one value alone leaves the family, so that nothing in between is
/// written. An estimate made before fusion.
std::vector<graph::NodeId> rides_with(const graph::Graph& graph);

}  // namespace medlar::compiler
