// SPDX-License-Identifier: Apache-2.0
// Gemm and MatMul with a constant matrix whose rows are not channels as they stand.
#pragma once

#include "graph/graph.hpp"

namespace medlar::compiler {

/// Makes convolutions of
/// - products of a flattened cube that was transposed before (channels last), that has more than 8192 values, or whose rows or
///   columns are longer than a kernel may be: the kernel covers the cube, in the cube's own order;
/// - products of more than 8192 columns, in parts that are joined behind;
/// - products of many rows (a sequence) that stand behind a Transpose or are large: rows become positions, with a Transpose on
///   either side for cancel_transposes() to join.
bool convolve_products(graph::Graph& graph);

}  // namespace medlar::compiler
