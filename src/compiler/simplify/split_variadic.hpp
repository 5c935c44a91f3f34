// SPDX-License-Identifier: Apache-2.0
// Operators that stand for others: n-ary Sum, Mean, Max and Min as chains of two, small powers as products, Swish as a
// product with its gate, a quotient by a smaller tensor as a product.
//
//   Sum(a, b, c) -> Add(Add(a, b), c)     Pow(x, 2) -> Mul(x, x)     Swish(x) {alpha=2} -> Mul(x, Sigmoid(Mul(x, 2)))
//   Div(x : 1x8x4x4, s : 1x8x1x1) -> Mul(x, Reciprocal(s))
#pragma once

#include "graph/graph.hpp"

namespace medlar::compiler {

bool split_variadic(graph::Graph& graph);

}  // namespace medlar::compiler
