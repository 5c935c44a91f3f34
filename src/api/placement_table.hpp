// SPDX-License-Identifier: Apache-2.0
// The placement table and what follows from it: totals, transitions, memory by class.
#pragma once

#include <array>
#include <string>

#include "engine/engine.hpp"

namespace medlar::api {

struct PlacementCounts {
  size_t all = 0, folded = 0;
  std::array<size_t, 3> nodes{};    ///< By compiler::Engine.
  std::array<uint64_t, 3> macs{};

  uint64_t all_macs() const { return macs[0] + macs[1] + macs[2]; }
  /// Of a model without any multiply-accumulate: 100.
  double dla_percent() const { return all_macs() == 0 ? 100.0 : 100.0 * static_cast<double>(macs[0]) / static_cast<double>(all_macs()); }
};
PlacementCounts count_placements(const engine::Engine& engine);

/// "DLA", "GPU", "CPU" or "folded".
std::string engine_label(const compiler::Placement& placement);

/// All segments together: one pool of intermediate tensors a segment, tensors between segments counted as outputs.
compiler::MemoryUse total_memory(const engine::Engine& engine);

/// One line a node: engine, segment, precision, MACs, bytes, modelled time, operator, name, and why it is not on the DLA.
std::string placement_table(const engine::Engine& engine);
/// "N nodes on the DLA (P % of M MACs), ..."
std::string placement_totals(const engine::Engine& engine);
/// One line a transition.
std::string transition_lines(const engine::Engine& engine);
/// Memory by class and segment.
std::string memory_lines(const engine::Engine& engine);

}  // namespace medlar::api
