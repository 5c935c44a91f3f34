// SPDX-License-Identifier: Apache-2.0
// What one inference did: where each segment ran, and what became of every tensor between two engines.
#pragma once

#include "compiler/plan.hpp"
#include "host/session.hpp"

#include <string>
#include <vector>

namespace medlar::runtime {

/// What happens to a tensor on its way from one engine, or the caller, to the next.
enum class HandOver : uint8_t {
  kInPlace,    ///< The same pages: nothing moves.
  kConverted,  ///< Layout or type differ: read once, written once.
  kCopied,     ///< The same bytes in another place.
};
std::string_view hand_over_name(HandOver hand_over);

struct TensorMove {
  std::string tensor;
  HandOver how = HandOver::kInPlace;
  uint64_t bytes = 0;  ///< Written; 0 in place.
  std::string why;     ///< Empty in place; else what differs, e.g. "float16 cube to float32 rows".
};

/// What one segment of a run was.
struct SegmentRun {
  int segment = 0;  ///< -1: delivery of the model's outputs.
  compiler::Engine engine = compiler::Engine::kCpu;
  uint32_t core = 0;                               ///< DLA: which.
  host::Provider provider = host::Provider::kCpu;  ///< Host segments: what ran them on this computer.
  double host_seconds = 0;                         ///< Time that this computer took.
  std::vector<uint64_t>
      serials;  ///< DLA: task numbers on the core, as the driver's log and observer name them.
  std::vector<TensorMove> moves;  ///< Every tensor that crossed into this segment, and how.
};

struct RunReport {
  std::vector<SegmentRun> segments;

  uint64_t count(HandOver how) const {
    uint64_t total = 0;
    for (const SegmentRun& run : segments) {
      for (const TensorMove& move : run.moves) {
        total += move.how == how ? 1 : 0;
      }
    }
    return total;
  }
};

}  // namespace medlar::runtime
