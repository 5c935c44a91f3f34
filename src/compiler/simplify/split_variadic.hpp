// SPDX-License-Identifier: Apache-2.0
// Operators that stand for others: n-ary Sum, Mean, Max and Min as chains of two, small powers as products, Swish as a
// product with its gate.
//
//   Sum(a, b, c) -> Add(Add(a, b), c)     Pow(x, 2) -> Mul(x, x)     Swish(x) {alpha=2} -> Mul(x, Sigmoid(Mul(x, 2)))
#pragma once

#include "graph/graph.hpp"

namespace medlar::compiler {

bool split_variadic(graph::Graph& graph);

}  // namespace medlar::compiler
