// SPDX-License-Identifier: Apache-2.0
// The dependency graph of a task in the firmware's terms: which operation waits for which event of which other one.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/status.hpp"
#include "compiler/back/machine.hpp"

namespace medlar::compiler::back {

struct DependencyGraph {
  std::vector<hw::CommonOpDesc> nodes;             ///< One per operation, same order.
  std::array<int16_t, NVDLA_OP_COUNT> op_heads{};  ///< First operation of each engine's queue, -1 none.
};

/// Needs allocated buffers: operations that touch overlapping memory, at least one of them writing, keep their order.
/// The proof is in tests/compiler/back_schedule_test.cpp, which runs the firmware's scheduler in every interleaving.
Result<DependencyGraph> build_dependencies(const Program& program);

}  // namespace medlar::compiler::back
