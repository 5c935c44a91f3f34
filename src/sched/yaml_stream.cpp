// SPDX-License-Identifier: Apache-2.0
// Streams of a scenario file: arrivals and pipelines.
#include "sched/yaml_parts.hpp"

#include <algorithm>

namespace medlar::sched {
namespace {

Result<size_t> find_stream(YamlMap& map, const Scenario& scenario, const std::string& name) {
  for (size_t i = 0; i < scenario.streams.size(); ++i) {
    if (scenario.streams[i].name == name) {
      return i;
    }
  }
  return map.error(fmt::format("no stream above is called '{}'", name));
}

/// Exactly one of every, fps, poisson, concurrent, after.
Status read_arrivals(YamlMap& map, const Scenario& scenario, Arrivals& arrivals) {
  int kinds = 0;
  for (const char* key : {"every", "fps", "poisson", "concurrent", "after"}) {
    kinds += map.has(key) ? 1 : 0;
  }
  if (kinds != 1) {
    return map.error("wants exactly one of every, fps, poisson, concurrent and after");
  }
  if (map.has("every") || map.has("fps")) {
    arrivals.kind = Arrivals::Kind::kPeriodic;
    const bool rate = map.has("fps");
    MEDLAR_ASSIGN(const double value,
                  map.quantity(rate ? "fps" : "every", rate ? Unit::kRate : Unit::kSeconds));
    if (value <= 0) {
      return map.error("the period must be above 0");
    }
    arrivals.period = to_time(rate ? 1 / value : value);
  } else if (map.has("poisson")) {
    arrivals.kind = Arrivals::Kind::kPoisson;
    MEDLAR_ASSIGN(arrivals.rate, map.quantity("poisson", Unit::kRate));
  } else if (map.has("concurrent")) {
    arrivals.kind = Arrivals::Kind::kConcurrent;
    MEDLAR_ASSIGN(const uint64_t count, map.count_or("concurrent", 1));
    arrivals.concurrent = static_cast<uint32_t>(std::min<uint64_t>(count, 1u << 20));
  } else {
    arrivals.kind = Arrivals::Kind::kTriggered;
    MEDLAR_ASSIGN(const std::string source, map.text("after"));
    MEDLAR_ASSIGN(arrivals.source, find_stream(map, scenario, source));
    MEDLAR_ASSIGN(arrivals.every, map.count_or("each", 1));
    MEDLAR_ASSIGN(arrivals.probability, map.quantity_or("probability", Unit::kNumber, 1));
  }
  return {};
}

Result<Policy> read_policy(YamlMap& map, size_t engines) {
  MEDLAR_ASSIGN(const std::string text, map.text_or("policy", engines > 1 ? "" : "fixed"));
  for (const Policy policy : {Policy::kFixed, Policy::kAlternate, Policy::kLeastLoaded, Policy::kOptimise}) {
    if (text == policy_name(policy)) {
      if (policy == Policy::kFixed && engines > 1) {
        return map.error("policy fixed wants one engine in 'on'");
      }
      return policy;
    }
  }
  if (text.empty()) {
    return map.error(fmt::format(
        "{} engines in 'on': say with policy how frames choose: alternate, least-loaded or optimise",
        engines));
  }
  return map.error(fmt::format("'policy': '{}' is none of fixed, alternate, least-loaded, optimise", text));
}

/// Engines by name; "dla", "gpu", "cpu" stand for all of the kind.
Status read_on(YamlMap& map, const Scenario& scenario, Step& step) {
  MEDLAR_ASSIGN(const std::vector<std::string> names, map.texts("on"));
  for (const std::string& name : names) {
    const size_t before = step.engines.size();
    for (size_t i = 0; i < scenario.engines.size(); ++i) {
      if (scenario.engines[i].name == name || kind_name(scenario.engines[i].kind) == name) {
        step.engines.push_back(i);
      }
    }
    if (step.engines.size() == before) {
      std::string known;
      for (const EngineSpec& engine : scenario.engines) {
        known += (known.empty() ? "" : ", ") + engine.name;
      }
      return map.error(
          fmt::format("'on': {} has no engine '{}': it has {}", scenario.device->name, name, known));
    }
  }
  return {};
}

Status read_after(YamlMap& map, const StreamSpec& stream, Step& step) {
  if (!map.has("after")) {
    if (!stream.pipeline.empty()) {
      step.after.push_back(stream.pipeline.size() - 1);
    }
    return {};
  }
  MEDLAR_ASSIGN(const std::vector<std::string> names, map.texts("after"));
  for (const std::string& name : names) {
    const auto at = std::find_if(stream.pipeline.begin(), stream.pipeline.end(),
                                 [&](const Step& other) { return other.name == name; });
    if (at == stream.pipeline.end()) {
      return map.error(fmt::format("'after': no step above is called '{}'", name));
    }
    step.after.push_back(static_cast<size_t>(at - stream.pipeline.begin()));
  }
  return {};
}

Status read_work(YamlMap& map, Scenario& scenario, Step& step) {
  if (!map.has("model")) {
    MEDLAR_ASSIGN(LayerGroup group, read_group(map, step.name, scenario));
    step.model = scenario.models.size();
    scenario.models.push_back({step.name, {std::move(group)}});
    return {};
  }
  MEDLAR_ASSIGN(const std::string name, map.text("model"));
  for (size_t i = 0; i < scenario.models.size(); ++i) {
    if (scenario.models[i].name == name) {
      step.model = i;
      return {};
    }
  }
  return map.error(fmt::format("no model is called '{}'", name));
}

Result<Step> read_step(YamlMap& map, Scenario& scenario, const StreamSpec& stream) {
  Step step;
  MEDLAR_ASSIGN(step.name, map.text("name"));
  MEDLAR_TRY(read_work(map, scenario, step));
  MEDLAR_TRY(read_after(map, stream, step));
  MEDLAR_TRY(read_on(map, scenario, step));
  if (step.engines.empty()) {  // the engines that it has a time for
    const LayerGroup& first = scenario.models[step.model].layers.front();
    for (size_t i = 0; i < scenario.engines.size(); ++i) {
      if (first.cost[static_cast<size_t>(scenario.engines[i].kind)]) {
        step.engines.push_back(i);
      }
    }
  }
  MEDLAR_ASSIGN(step.policy, read_policy(map, step.engines.size()));
  MEDLAR_TRY(map.done());
  return step;
}

Result<StreamSpec> read_stream(YamlMap& map, Scenario& scenario) {
  StreamSpec stream;
  MEDLAR_ASSIGN(stream.name, map.text("name"));
  MEDLAR_TRY(read_arrivals(map, scenario, stream.arrivals));
  MEDLAR_ASSIGN(const double start, map.quantity_or("start", Unit::kSeconds, 0));
  stream.start = to_time(start);
  MEDLAR_ASSIGN(stream.frames, map.count_or("frames", 0));
  MEDLAR_ASSIGN(const uint64_t priority, map.count_or("priority", 0));
  stream.priority = static_cast<int>(std::min<uint64_t>(priority, 1000));
  if (map.has("deadline")) {
    MEDLAR_ASSIGN(const double deadline, map.quantity("deadline", Unit::kSeconds));
    stream.deadline = to_time(deadline);
  }
  MEDLAR_ASSIGN(stream.in_flight, map.count_or("in_flight", 0));
  MEDLAR_ASSIGN(const std::string drop, map.text_or("drop", "newest"));
  if (drop != "newest" && drop != "oldest") {
    return map.error(fmt::format("'drop': '{}' is none of newest, oldest", drop));
  }
  stream.drop = drop == "oldest" ? Drop::kOldest : Drop::kNewest;
  MEDLAR_ASSIGN(std::vector<YamlMap> steps, map.list("pipeline"));
  for (YamlMap& item : steps) {
    MEDLAR_ASSIGN(Step step, read_step(item, scenario, stream));
    stream.pipeline.push_back(std::move(step));
  }
  MEDLAR_TRY(map.done());
  return stream;
}

}  // namespace

Status read_streams(YamlMap& root, Scenario& scenario) {
  MEDLAR_ASSIGN(std::vector<YamlMap> streams, root.list("streams"));
  for (YamlMap& map : streams) {
    MEDLAR_ASSIGN(StreamSpec stream, read_stream(map, scenario));
    scenario.streams.push_back(std::move(stream));
  }
  return {};
}

}  // namespace medlar::sched
