// SPDX-License-Identifier: Apache-2.0
// Gives every tensor of a graph its cube: packed feature layout in a buffer of its own, or a window of another tensor's.
#pragma once

#include "base/status.hpp"
#include "compiler/back/machine.hpp"

namespace medlar::compiler::back {

/// Fills program.cubes and adds a buffer for each tensor that is no view. Needs a checked graph.
Status place_tensors(Program& program);

}  // namespace medlar::compiler::back
