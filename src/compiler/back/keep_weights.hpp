// SPDX-License-Identifier: Apache-2.0
// Convolutions that follow each other with the same weights, as the tiles of a layer and the groups of an average do, fetch them once:
// the first keeps them in the CBUF, the next reuses them (NVDLA programming guide, CBUF reuse).
#pragma once

#include "compiler/back/machine.hpp"

namespace medlar::compiler::back {

/// The operations have to be in the order in which they will run.
void keep_weights(Program& program);

}  // namespace medlar::compiler::back
