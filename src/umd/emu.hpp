// SPDX-License-Identifier: Apache-2.0
// Execution of EMU (CPU) operations of a loadable over bytes in memory. Pure.
#pragma once

#include "base/bytes.hpp"
#include "loadable/emu.hpp"

namespace medlar::umd {

/// The memory of each entry of the task's address list, from that entry's offset on; empty where there is
/// none.
using EmuMemory = std::vector<MutableBytes>;

/// Runs the operations in order. Error kCorrupt: a buffer lies outside its memory or the two shapes differ.
Status run_emu_task(const std::vector<loadable::EmuOp>& ops, const EmuMemory& memory);

}  // namespace medlar::umd
