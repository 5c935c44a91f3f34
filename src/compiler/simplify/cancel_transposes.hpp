// SPDX-License-Identifier: Apache-2.0
// Transposes that undo each other, that do nothing, or that only move dimensions of size 1.
//
//   Transpose(Transpose(x, p), q)        ->  Transpose(x, p o q), or x when that is the identity
//   Transpose(x : 1x1x4x8, {0, 2, 1, 3}) ->  Reshape(x, 1x4x1x8)
#pragma once

#include <cstdint>

#include "graph/graph.hpp"

namespace medlar::compiler {

/// What becomes of a Transpose that only moves dimensions of size 1: others may yet sink past it, or meet it.
enum class Renames : uint8_t { kReshape, kStay };
bool cancel_transposes(graph::Graph& graph, Renames renames = Renames::kReshape);

}  // namespace medlar::compiler
