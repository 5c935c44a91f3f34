// SPDX-License-Identifier: Apache-2.0
// Places of the network graph's nodes: a row for every step from the inputs, a column for every branch.
#pragma once

#include "report/report.hpp"

#include <span>
#include <vector>

namespace medlar::report {

struct Place {
  int row = 0;        ///< Longest path from a layer without predecessors.
  double column = 0;  ///< Branches of a row side by side, centred on 0.
};

/// One place a layer. Edges that point backwards (there are none in an ONNX graph) are left out of account.
std::vector<Place> lay_out(size_t layers, std::span<const Edge> edges);

}  // namespace medlar::report
