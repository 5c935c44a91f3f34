// SPDX-License-Identifier: Apache-2.0
// The firmware's scheduler, reduced to what matters for order: two register groups an engine, events, dependency counts.
// Explores in which orders engines may complete, and checks that memory is never touched too early.
#pragma once

#include <string>

#include "back_checker.hpp"

namespace medlar::compiler::test {

struct Exploration {
  uint64_t states = 0;
  std::string violation;  ///< Empty: every operation ran, after everything that it conflicts with.
};

/// All interleavings, up to `max_states` distinct states.
Exploration explore_all(const Decoded& decoded, uint64_t max_states);

/// `runs` random interleavings.
Exploration explore_random(const Decoded& decoded, int runs);

}  // namespace medlar::compiler::test
