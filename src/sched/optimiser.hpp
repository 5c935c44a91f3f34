// SPDX-License-Identifier: Apache-2.0
// Searches how models are best spread over the engines: which layer groups where, knowing transition costs
// and, since every candidate is simulated, contention for engines and DRAM. After HaX-CoNN's problem (layer
// groups to accelerators under shared memory), solved by pruning and descent instead of a solver.
// Deterministic.
#pragma once

#include "sched/simulator.hpp"

namespace medlar::sched {

struct SearchOptions {
  size_t max_transitions = 2;  ///< Changes of engine inside one model.
  uint64_t frames = 120;       ///< Of each stream, simulated for every candidate.
  size_t keep = 24;            ///< Mappings of a step kept by each of latency, bottleneck and energy.
  size_t rounds = 6;           ///< Passes over the steps.
};

/// A whole assignment that was tried: one of the usual ways, or what the search found.
struct Assignment {
  std::string name;                   ///< "gpu-only", "dla-only", "naive", "optimised".
  std::vector<std::string> mappings;  ///< "camera/detect: dla0+gpu".
  Metrics metrics;                    ///< Of the full scenario.
  double score = 0;                   ///< Lower is better; of the full scenario.
};

struct SearchResult {
  Scenario scenario;                    ///< With the mappings that were found.
  std::vector<Assignment> assignments;  ///< Usual ways first, "optimised" last: never worse than any of them.
  uint64_t evaluated = 0;               ///< Candidates simulated.
};

/// Maps every step whose policy is kOptimise. The error names a step that no allowed engine can run.
Result<SearchResult> optimise(const Scenario& scenario, const SearchOptions& options = {});

/// What the search minimises: for latency the mean over all frames in ms, for throughput its negative, for
/// energy joules a frame, each with a penalty for frames that were dropped or late.
double score(const Metrics& metrics, Objective objective);

/// Every mapping of a model onto `engines` with at most `max_transitions` changes of engine.
std::vector<Mapping> all_mappings(const Scenario& scenario, const ModelSpec& model,
                                  const std::vector<size_t>& engines, size_t max_transitions);

}  // namespace medlar::sched
