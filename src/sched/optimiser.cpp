// SPDX-License-Identifier: Apache-2.0
#include "sched/optimiser.hpp"

#include <algorithm>
#include <map>

namespace medlar::sched {
namespace {

/// What a searched step may become.
struct Choice {
  Policy policy = Policy::kFixed;
  std::vector<Mapping> mappings;
};

/// Where a searched step stands in the scenario.
struct Place {
  size_t stream = 0;
  size_t step = 0;
  std::vector<Choice> choices;
};

Step& step_at(Scenario& scenario, const Place& place) {
  return scenario.streams[place.stream].pipeline[place.step];
}

void set(Scenario& scenario, const Place& place, const Choice& choice) {
  Step& step = step_at(scenario, place);
  step.policy = choice.policy;
  step.mappings = choice.mappings;
}

double alone_seconds(const Scenario& scenario, const Mapping& mapping) {
  double seconds = 0;
  for (size_t i = 0; i < mapping.segments.size(); ++i) {
    seconds += mapping.segments[i].cost.seconds;
    seconds += i > 0 ? scenario.transition.seconds(mapping.segments[i - 1].out_bytes) : 0;
  }
  return seconds;
}

/// The busiest engine's share of one frame: what bounds the throughput.
double bottleneck_seconds(const Mapping& mapping) {
  std::map<size_t, double> load;
  for (const Segment& segment : mapping.segments) {
    load[segment.engine] += segment.cost.seconds;
  }
  double most = 0;
  for (const auto& [engine, seconds] : load) {
    most = std::max(most, seconds);
  }
  return most;
}

double joules(const Mapping& mapping) {
  double sum = 0;
  for (const Segment& segment : mapping.segments) {
    sum += segment.cost.joules;
  }
  return sum;
}

/// The mappings that are among the best `keep` by one of the three measures, in the order of enumeration.
std::vector<Mapping> prune(const Scenario& scenario, const std::vector<Mapping>& all, size_t keep) {
  std::vector<bool> kept(all.size(), false);
  const auto mark = [&](const std::function<double(const Mapping&)>& measure) {
    std::vector<std::pair<double, size_t>> ranking;
    for (size_t i = 0; i < all.size(); ++i) {
      ranking.emplace_back(measure(all[i]), i);
    }
    std::sort(ranking.begin(), ranking.end());
    for (size_t i = 0; i < std::min(keep, ranking.size()); ++i) {
      kept[ranking[i].second] = true;
    }
  };
  mark([&](const Mapping& mapping) { return alone_seconds(scenario, mapping); });
  mark(bottleneck_seconds);
  mark(joules);
  std::vector<Mapping> result;
  for (size_t i = 0; i < all.size(); ++i) {
    if (kept[i] || all[i].segments.size() == 1) {
      result.push_back(all[i]);
    }
  }
  return result;
}

/// Single mappings, then patterns that take whole-engine mappings in turn, then the least loaded of those.
std::vector<Choice> make_choices(const std::vector<Mapping>& mappings) {
  std::vector<Choice> choices;
  std::vector<Mapping> whole;
  for (const Mapping& mapping : mappings) {
    choices.push_back({Policy::kFixed, {mapping}});
    if (mapping.segments.size() == 1) {
      whole.push_back(mapping);
    }
  }
  constexpr size_t kLongestRun = 4;
  for (size_t a = 0; a < whole.size(); ++a) {
    for (size_t b = 0; b < whole.size(); ++b) {
      for (size_t run = 1; a != b && run <= kLongestRun; ++run) {
        if (run == 1 && a > b) {
          continue;  // the same pattern the other way round
        }
        std::vector<Mapping> pattern(run, whole[a]);
        pattern.push_back(whole[b]);
        choices.push_back({Policy::kAlternate, std::move(pattern)});
      }
    }
  }
  if (whole.size() > 1) {
    choices.push_back({Policy::kLeastLoaded, whole});
  }
  return choices;
}

Result<std::vector<Place>> find_places(const Scenario& scenario, const SearchOptions& options) {
  std::vector<Place> places;
  for (size_t s = 0; s < scenario.streams.size(); ++s) {
    for (size_t p = 0; p < scenario.streams[s].pipeline.size(); ++p) {
      const Step& step = scenario.streams[s].pipeline[p];
      if (step.policy != Policy::kOptimise) {
        continue;
      }
      const std::vector<Mapping> all =
          all_mappings(scenario, scenario.models[step.model], step.engines, options.max_transitions);
      if (all.empty()) {
        MEDLAR_TRY(map_first(scenario, scenario.models[step.model], step.engines));
        return fail(Code::kUnsupported,
                    "stream '{}', step '{}': no mapping with at most {} changes of engine",
                    scenario.streams[s].name, step.name, options.max_transitions);
      }
      places.push_back({s, p, make_choices(prune(scenario, all, options.keep))});
    }
  }
  return places;
}

std::string describe(const Scenario& scenario, const Place& place) {
  const Step& step = scenario.streams[place.stream].pipeline[place.step];
  std::string text = fmt::format("{}/{}: ", scenario.streams[place.stream].name, step.name);
  for (size_t i = 0; i < step.mappings.size(); ++i) {
    text += (i > 0 ? ", " : "") + step.mappings[i].name;
    for (size_t k = 1; k < step.mappings[i].segments.size(); ++k) {
      text += fmt::format(" | {} on {}", step.mappings[i].segments[k].name,
                          scenario.engines[step.mappings[i].segments[k].engine].name);
    }
  }
  return step.mappings.size() > 1 ? text + fmt::format(" ({})", policy_name(step.policy)) : text;
}

class Search {
 public:
  Search(const Scenario& scenario, const SearchOptions& options, std::vector<Place> places)
      : original_(scenario), options_(options), places_(std::move(places)) {}

  Result<SearchResult> run();

 private:
  Result<double> evaluate(const Scenario& scenario) {
    ++evaluated_;
    MEDLAR_ASSIGN(const Outcome outcome,
                  simulate(scenario, {.timeline_spans = 0, .max_frames = options_.frames, .on_step = {}}));
    return score(outcome.metrics, scenario.objective);
  }
  Result<Assignment> assess(std::string name, const Scenario& scenario) const;
  Result<Scenario> descend(Scenario scenario);
  std::vector<std::pair<std::string, Scenario>> usual_ways() const;
  Choice whole_engine(const Place& place, const std::vector<EngineKind>& wishes, size_t turn) const;

  const Scenario& original_;
  const SearchOptions& options_;
  std::vector<Place> places_;
  uint64_t evaluated_ = 0;
};

/// The mapping on the first wish that the step allows and that can run it alone; else the step's first
/// choice.
Choice Search::whole_engine(const Place& place, const std::vector<EngineKind>& wishes, size_t turn) const {
  for (const EngineKind wish : wishes) {
    std::vector<const Choice*> able;
    for (const Choice& choice : place.choices) {
      if (choice.policy == Policy::kFixed && choice.mappings[0].segments.size() == 1 &&
          original_.engines[choice.mappings[0].segments[0].engine].kind == wish) {
        able.push_back(&choice);
      }
    }
    if (!able.empty()) {
      return *able[turn % able.size()];
    }
  }
  return place.choices.front();
}

std::vector<std::pair<std::string, Scenario>> Search::usual_ways() const {
  Scenario gpu = original_, dla = original_, naive = original_;
  for (size_t i = 0; i < places_.size(); ++i) {
    const Choice on_gpu = whole_engine(places_[i], {EngineKind::kGpu, EngineKind::kDla, EngineKind::kCpu}, i);
    const Choice on_dla = whole_engine(places_[i], {EngineKind::kDla, EngineKind::kGpu, EngineKind::kCpu}, i);
    set(gpu, places_[i], on_gpu);
    set(dla, places_[i], on_dla);
    if (places_.size() == 1) {  // one model: frames in turn
      set(naive, places_[i], {Policy::kAlternate, {on_dla.mappings[0], on_gpu.mappings[0]}});
    } else {
      set(naive, places_[i], i % 2 == 0 ? on_dla : on_gpu);
    }
  }
  return {{"gpu-only", std::move(gpu)}, {"dla-only", std::move(dla)}, {"naive", std::move(naive)}};
}

Result<Scenario> Search::descend(Scenario scenario) {
  MEDLAR_ASSIGN(double best, evaluate(scenario));
  for (size_t round = 0; round < options_.rounds; ++round) {
    bool improved = false;
    for (const Place& place : places_) {
      const Step before = step_at(scenario, place);
      Choice chosen{before.policy, before.mappings};
      for (const Choice& choice : place.choices) {
        set(scenario, place, choice);
        MEDLAR_ASSIGN(const double candidate, evaluate(scenario));
        if (candidate < best) {
          best = candidate;
          chosen = choice;
          improved = true;
        }
      }
      set(scenario, place, chosen);
    }
    if (!improved) {
      break;
    }
  }
  return scenario;
}

Result<Assignment> Search::assess(std::string name, const Scenario& scenario) const {
  MEDLAR_ASSIGN(Outcome outcome, simulate(scenario));
  Assignment assignment{std::move(name), {}, std::move(outcome.metrics), 0};
  assignment.score = score(assignment.metrics, scenario.objective);
  for (const Place& place : places_) {
    assignment.mappings.push_back(describe(scenario, place));
  }
  return assignment;
}

Result<SearchResult> Search::run() {
  SearchResult result;
  std::vector<std::pair<std::string, Scenario>> candidates = usual_ways();
  for (auto& [name, scenario] : candidates) {
    MEDLAR_ASSIGN(Assignment assignment, assess(name, scenario));
    result.assignments.push_back(std::move(assignment));
  }
  const size_t usual = candidates.size();
  for (size_t i = 0; i < usual; ++i) {
    MEDLAR_ASSIGN(Scenario found, descend(candidates[i].second));
    candidates.emplace_back("optimised", std::move(found));
  }
  // The short runs of the search can mislead: the full scenario decides, and the usual ways take part.
  std::optional<Assignment> best;
  for (auto& [name, scenario] : candidates) {
    MEDLAR_ASSIGN(Assignment assignment, assess("optimised", scenario));
    if (!best || assignment.score < best->score) {
      best = std::move(assignment);
      result.scenario = std::move(scenario);
    }
  }
  result.assignments.push_back(*std::move(best));
  result.evaluated = evaluated_;
  return result;
}

}  // namespace

double score(const Metrics& metrics, Objective objective) {
  constexpr double kPenalty = 1e6;
  double frames = 0, latency = 0, throughput = 0, arrived = 0, failed = 0;
  for (const StreamMetrics& stream : metrics.streams) {
    frames += static_cast<double>(stream.completed);
    latency += stream.mean_ms * static_cast<double>(stream.completed);
    throughput += stream.throughput;
    arrived += static_cast<double>(stream.arrived);
    failed += static_cast<double>(stream.dropped + stream.missed);
  }
  const double penalty = arrived == 0 ? 0 : kPenalty * failed / arrived;
  switch (objective) {
    case Objective::kLatency:
      return penalty + (frames == 0 ? 0 : latency / frames);
    case Objective::kThroughput:
      return penalty - throughput;
    case Objective::kEnergy:
      return penalty + metrics.joules_per_frame;
  }
  return 0;
}

std::vector<Mapping> all_mappings(const Scenario& scenario, const ModelSpec& model,
                                  const std::vector<size_t>& engines, size_t max_transitions) {
  std::vector<Mapping> mappings;
  std::vector<size_t> chosen;
  const std::function<void(size_t)> extend = [&](size_t changes) {
    if (chosen.size() == model.layers.size()) {
      mappings.push_back(map_groups(scenario, model, chosen));
      return;
    }
    const LayerGroup& group = model.layers[chosen.size()];
    for (const size_t engine : engines) {
      const bool change = !chosen.empty() && chosen.back() != engine;
      if (!group.cost[static_cast<size_t>(scenario.engines[engine].kind)] ||
          (change && changes == max_transitions)) {
        continue;
      }
      chosen.push_back(engine);
      extend(changes + (change ? 1 : 0));
      chosen.pop_back();
    }
  };
  extend(0);
  return mappings;
}

Result<SearchResult> optimise(const Scenario& scenario, const SearchOptions& options) {
  MEDLAR_ASSIGN(std::vector<Place> places, find_places(scenario, options));
  if (places.empty()) {
    return fail(Code::kInvalidArgument, "scenario '{}': no step has the policy optimise", scenario.name);
  }
  return Search(scenario, options, std::move(places)).run();
}

}  // namespace medlar::sched
