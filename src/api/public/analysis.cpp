// SPDX-License-Identifier: Apache-2.0
#include "medlar/analysis.hpp"

#include "api/public/errors.hpp"
#include "api/public/log.hpp"
#include "api/scenario.hpp"
#include "sched/report.hpp"

namespace medlar {

std::string simulateScenario(const std::string& file, Logger& logger, uint64_t frames) {
  const api::ScenarioFile scenario = door::take(api::ScenarioFile::load(file, door::sink_to(logger)));
  const api::ScenarioOutcome result = door::take(scenario.run({.execute = false, .max_frames = frames, .timeline_spans = 0, .search = {}}));
  const sched::Scenario& ran = result.search != nullptr ? result.search->scenario : scenario.scenario();
  return sched::metrics_to_json(ran, result.outcome.metrics, result.search.get());
}

}  // namespace medlar
