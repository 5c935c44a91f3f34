// SPDX-License-Identifier: Apache-2.0
// GlobalAveragePool as two averages, along the rows and then along the columns. INT8 averages are convolutions, which keep a scale of
// their own; a dense one loads as many weights as the plane has pixels for a single output, two load the sum of its sides. Each has a
// range of its own. Not at a network's end.
#pragma once

#include "graph/graph.hpp"

namespace medlar::compiler {

void split_averages(graph::Graph& graph);

}  // namespace medlar::compiler
