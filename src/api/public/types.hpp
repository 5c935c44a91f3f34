// SPDX-License-Identifier: Apache-2.0
// Between the API's plain types and the graph's. Private to this folder.
#pragma once

#include "graph/graph.hpp"
#include "medlar/reference.hpp"
#include "medlar/types.hpp"

namespace medlar::door {

/// Throws Unsupported for types that the API cannot name.
DataType public_type(graph::DataType type);
graph::DataType graph_type(DataType type);
/// A copy of the caller's data as a constant of `shape`; throws InvalidArgument when they do not fit.
/// A copy. Throws InvalidArgument naming the input when bytes and dims do not agree.
graph::Tensor tensor_of(const std::string& name, const TensorView& view);
std::shared_ptr<const graph::Tensor> constant_of(const Weights& weights, const graph::Shape& shape,
                                                 std::string_view what);

}  // namespace medlar::door
