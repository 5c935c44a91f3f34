// SPDX-License-Identifier: Apache-2.0
// Writes an allocated, ordered program as an NVDLA loadable.
#pragma once

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "compiler/back/dependencies.hpp"
#include "compiler/back/machine.hpp"
#include "compiler/plan.hpp"

namespace medlar::compiler::back {

/// Buffer order is bind order: inputs and outputs are numbered in the order of program.buffers.
Result<ByteBuffer> write_loadable(const Program& program, const DependencyGraph& dependencies,
                                  const MemoryUse& memory);

}  // namespace medlar::compiler::back
