// SPDX-License-Identifier: Apache-2.0
// Simulated scenarios in words: a table for people, JSON for programs. Deterministic.
#pragma once

#include "sched/optimiser.hpp"

#include <string>

namespace medlar::sched {

std::string metrics_to_text(const Scenario& scenario, const Metrics& metrics);
std::string metrics_to_json(const Scenario& scenario, const Metrics& metrics,
                            const SearchResult* search = nullptr);
/// The usual ways beside what the search found.
std::string search_to_text(const SearchResult& search);

}  // namespace medlar::sched
