// SPDX-License-Identifier: Apache-2.0
// What a scenario must be before it can run.
#include "sched/simulator.hpp"

#include <algorithm>

namespace medlar::sched {
namespace {

Status check_step(const Scenario& scenario, const StreamSpec& stream, size_t index) {
  const Step& step = stream.pipeline[index];
  const std::string where = fmt::format("stream '{}', step '{}'", stream.name, step.name);
  if (step.mappings.empty()) {
    return fail(Code::kInvalidArgument, "{}: no mapping onto engines", where);
  }
  for (const Mapping& mapping : step.mappings) {
    if (mapping.segments.empty()) {
      return fail(Code::kInvalidArgument, "{}: mapping '{}' has no segment", where, mapping.name);
    }
    for (const Segment& segment : mapping.segments) {
      if (segment.engine >= scenario.engines.size() || !(segment.cost.seconds >= 0) ||
          !(segment.cost.dram_bytes >= 0)) {
        return fail(Code::kInvalidArgument, "{}: segment '{}': engine {} of {}, {} s, {} bytes", where,
                    segment.name, segment.engine, scenario.engines.size(), segment.cost.seconds,
                    segment.cost.dram_bytes);
      }
    }
  }
  const bool ordered =
      std::all_of(step.after.begin(), step.after.end(), [&](size_t before) { return before < index; });
  return ordered ? Status() : fail(Code::kInvalidArgument, "{}: comes after a step behind it", where);
}

Status check_stream(const Scenario& scenario, size_t index) {
  const StreamSpec& stream = scenario.streams[index];
  const Arrivals& arrivals = stream.arrivals;
  const auto bad = [&](std::string_view what) {
    return Status(fail(Code::kInvalidArgument, "stream '{}': {}", stream.name, what));
  };
  if (stream.pipeline.empty()) {
    return bad("its pipeline is empty");
  }
  if (arrivals.kind != Arrivals::Kind::kTriggered && stream.frames == 0 && scenario.duration == kNever) {
    return bad("neither the stream has a number of frames nor the scenario a duration");
  }
  if ((arrivals.kind == Arrivals::Kind::kPeriodic && arrivals.period <= 0) ||
      (arrivals.kind == Arrivals::Kind::kPoisson && !(arrivals.rate > 0)) ||
      (arrivals.kind == Arrivals::Kind::kConcurrent && arrivals.concurrent == 0)) {
    return bad("its arrivals need a period, a rate or a number above 0");
  }
  if (arrivals.kind == Arrivals::Kind::kTriggered &&
      (arrivals.source >= scenario.streams.size() || arrivals.source == index || arrivals.every == 0 ||
       !(arrivals.probability >= 0 && arrivals.probability <= 1))) {
    return bad(
        "it is triggered by another stream, every 1 or more of its frames, with a probability of 0 to 1");
  }
  for (size_t i = 0; i < stream.pipeline.size(); ++i) {
    MEDLAR_TRY(check_step(scenario, stream, i));
  }
  return {};
}

}  // namespace

Status check(const Scenario& scenario) {
  if (scenario.streams.empty() || scenario.engines.empty() || !(scenario.dram_bytes_per_second > 0)) {
    return fail(Code::kInvalidArgument, "scenario '{}': {} streams, {} engines, {} bytes/s of DRAM",
                scenario.name, scenario.streams.size(), scenario.engines.size(),
                scenario.dram_bytes_per_second);
  }
  for (size_t i = 0; i < scenario.streams.size(); ++i) {
    // A circle of triggers would never end.
    size_t at = i;
    for (size_t hops = 0; scenario.streams[at].arrivals.kind == Arrivals::Kind::kTriggered; ++hops) {
      if (hops > scenario.streams.size()) {
        return fail(Code::kInvalidArgument, "stream '{}' is triggered by itself in a circle",
                    scenario.streams[i].name);
      }
      at = std::min(scenario.streams[at].arrivals.source, scenario.streams.size() - 1);
    }
    MEDLAR_TRY(check_stream(scenario, i));
  }
  return {};
}

}  // namespace medlar::sched
