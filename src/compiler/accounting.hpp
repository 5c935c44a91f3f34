// SPDX-License-Identifier: Apache-2.0
// Memory of host segments, and the transitions between segments.
#pragma once

#include "compiler/partition/partition.hpp"

namespace medlar::compiler {

/// Constants, boundary tensors and the most bytes of tensors in between that are alive at one node.
MemoryUse host_memory(const graph::Graph& graph, const SegmentNodes& segment);

/// One for each pair of neighbouring segments on different engines.
std::vector<Transition> make_transitions(const Plan& plan, const PartitionCosts& costs);

}  // namespace medlar::compiler
