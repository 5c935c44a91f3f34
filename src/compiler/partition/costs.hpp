// SPDX-License-Identifier: Apache-2.0
// What the partition weighs: modelled seconds of nodes and of transitions, filled in by the composition root.
#pragma once

#include <cstdint>
#include <functional>

#include "compiler/plan.hpp"
#include "graph/graph.hpp"

namespace medlar::compiler {

/// What a node that the DLA can run is worth there.
enum class Placing : uint8_t {
  kPreferDla,  ///< It stays there unless leaving saves transitions that cost more than the node does elsewhere.
  kFastest,    ///< It goes wherever the modelled sum is least.
};

struct PartitionCosts {
  bool has_gpu = false;
  Placing placing = Placing::kPreferDla;
  /// Modelled seconds of one node on an engine that can run it; empty: nothing is known, and only transitions count.
  std::function<double(const graph::Graph&, const graph::Node&, Engine)> seconds = {};
  /// Of handing over from one engine to another. The default outweighs every node: fewest transitions first.
  double transition_seconds = 1.0;
  bool transitions_modelled = false;  ///< transition_seconds is the device's, not the default.
  uint32_t max_loadables = 16;  ///< DLA segments of one engine.
};

}  // namespace medlar::compiler
