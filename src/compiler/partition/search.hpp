// SPDX-License-Identifier: Apache-2.0
// The cheapest way to run a graph on several engines, one at a time: a shortest path over sets of finished nodes.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "compiler/plan.hpp"

namespace medlar::compiler {

inline constexpr size_t kEngines = 3;
/// Cost of a node on an engine that cannot run it.
inline constexpr double kCannot = std::numeric_limits<double>::infinity();

/// Nodes in topological order; each can run on one engine at least.
struct PlacementProblem {
  std::vector<std::array<double, kEngines>> cost;  ///< Of each node on each engine, indexed by Engine.
  std::vector<std::vector<int>> operands;          ///< Nodes whose results each node reads.
  std::array<std::array<double, kEngines>, kEngines> transition{};  ///< From, to.
  int max_dla_segments = std::numeric_limits<int>::max();
  size_t max_states = 20000;  ///< Explored exactly; a beam search takes over beyond.
};

struct PlacementSolution {
  std::vector<Engine> engine;                 ///< One a node.
  std::vector<std::vector<int>> segments;     ///< In execution order, neighbours on different engines.
  double cost = 0.0;                          ///< Nodes and transitions.
  bool exact = true;                          ///< No cheaper solution exists.
};

/// The cheapest assignment and order. Exact wherever the graph has few parallel branches (chains always); otherwise the
/// best that a beam finds, with `exact` false. Deterministic.
PlacementSolution solve(const PlacementProblem& problem);

}  // namespace medlar::compiler
