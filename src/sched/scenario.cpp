// SPDX-License-Identifier: Apache-2.0
#include "sched/scenario.hpp"

#include <algorithm>
#include <cmath>

namespace medlar::sched {
namespace {

/// Where neither the profile nor the scenario says more. [assumed], and so labelled in docs: a module's GPU
/// and CPU cluster on and idle, and busy as in the description of the default device (GPU 3 to 6 W).
constexpr double kGpuIdleWatts = 0.5, kGpuActiveWatts = 5.0;
constexpr double kCpuIdleWatts = 0.4, kCpuActiveWatts = 2.5;
constexpr double kDlaIdleWatts = 0.05;
constexpr double kDlaGateSeconds = 5e-3, kDlaWakeSeconds = 100e-6;
/// LPDDR5 with its controller: about 5 pJ a bit. [assumed]
constexpr double kDramJoulesPerByte = 40e-12;
constexpr double kTypicalBytes = 1 << 20;

EngineSpec dla_engine(const hw::DeviceProfile& device, uint32_t core) {
  EngineSpec engine{.name = fmt::format("dla{}", core),
                    .kind = EngineKind::kDla,
                    .servers = 1,
                    .idle_watts = kDlaIdleWatts,
                    .gated_watts = 0,
                    .active_watts = (device.dla_watts_min + device.dla_watts_max) / 2,
                    .gate_after = to_time(kDlaGateSeconds),
                    .wake = to_time(kDlaWakeSeconds)};
  engine.active_watts = std::max(engine.active_watts, engine.idle_watts);
  return engine;
}

}  // namespace

Time to_time(double seconds) {
  return static_cast<Time>(std::llround(seconds * kNanoseconds));
}
double to_seconds(Time time) {
  return static_cast<double>(time) / kNanoseconds;
}

std::string_view kind_name(EngineKind kind) {
  switch (kind) {
    case EngineKind::kDla:
      return "dla";
    case EngineKind::kGpu:
      return "gpu";
    case EngineKind::kCpu:
      return "cpu";
  }
  return "";
}
std::string_view policy_name(Policy policy) {
  switch (policy) {
    case Policy::kFixed:
      return "fixed";
    case Policy::kAlternate:
      return "alternate";
    case Policy::kLeastLoaded:
      return "least-loaded";
    case Policy::kOptimise:
      return "optimise";
  }
  return "";
}
std::string_view objective_name(Objective objective) {
  switch (objective) {
    case Objective::kLatency:
      return "latency";
    case Objective::kThroughput:
      return "throughput";
    case Objective::kEnergy:
      return "energy";
  }
  return "";
}

double Transition::seconds(double bytes) const {
  return std::min(max_seconds, min_seconds + (typical_seconds - min_seconds) * bytes / kTypicalBytes);
}

Scenario scenario_for(const hw::DeviceProfile& device, const hw::PowerMode& mode) {
  constexpr double kMicroseconds = 1e-6;
  Scenario scenario;
  scenario.name = device.name;
  scenario.device = &device;
  scenario.mode = &mode;
  scenario.transition = {device.transition.min_us * kMicroseconds,
                         device.transition.typical_us * kMicroseconds,
                         device.transition.max_us * kMicroseconds};
  // The DLA's share is what its own ports reach; together the engines reach at least what the best of them
  // does alone.
  const double reached = std::max({device.dram_efficiency, device.gpu.dram_share, device.cpu.dram_share});
  scenario.dram_bytes_per_second = static_cast<double>(mode.dram_bytes_per_second) * reached;
  scenario.dram_joules_per_byte = kDramJoulesPerByte;
  for (uint32_t core = 0; core < device.dla_cores; ++core) {
    scenario.engines.push_back(dla_engine(device, core));
  }
  if (mode.gpu_units > 0) {
    scenario.engines.push_back({.name = "gpu",
                                .kind = EngineKind::kGpu,
                                .servers = 1,
                                .idle_watts = kGpuIdleWatts,
                                .gated_watts = 0,
                                .active_watts = kGpuActiveWatts,
                                .gate_after = kNever,
                                .wake = 0});
  }
  scenario.engines.push_back({.name = "cpu",
                              .kind = EngineKind::kCpu,
                              .servers = std::max(1u, mode.cpu_units),
                              .idle_watts = kCpuIdleWatts,
                              .gated_watts = 0,
                              .active_watts = kCpuActiveWatts,
                              .gate_after = kNever,
                              .wake = 0});
  return scenario;
}

Mapping map_groups(const Scenario& scenario, const ModelSpec& model,
                   const std::vector<size_t>& engine_of_group) {
  Mapping mapping;
  for (size_t i = 0; i < model.layers.size(); ++i) {
    const LayerGroup& group = model.layers[i];
    const size_t engine = engine_of_group[i];
    const Cost& cost = *group.cost[static_cast<size_t>(scenario.engines[engine].kind)];
    if (mapping.segments.empty() || mapping.segments.back().engine != engine) {
      mapping.segments.push_back({engine, {}, group.name, 0});
      mapping.name += (mapping.name.empty() ? "" : "+") + scenario.engines[engine].name;
    } else {
      mapping.segments.back().name += " .. " + group.name;
    }
    Segment& segment = mapping.segments.back();
    segment.cost = {segment.cost.seconds + cost.seconds, segment.cost.dram_bytes + cost.dram_bytes,
                    segment.cost.joules + cost.joules};
    segment.out_bytes = group.out_bytes;
  }
  for (Segment& segment : mapping.segments) {
    if (const size_t inner = segment.name.find(" .. "); inner != std::string::npos) {
      segment.name = segment.name.substr(0, inner) + segment.name.substr(segment.name.rfind(" .. "));
    }
  }
  return mapping;
}

Result<Mapping> map_first(const Scenario& scenario, const ModelSpec& model,
                          const std::vector<size_t>& engines) {
  std::vector<size_t> chosen;
  for (const LayerGroup& group : model.layers) {
    const auto able = std::find_if(engines.begin(), engines.end(), [&](size_t engine) {
      return group.cost[static_cast<size_t>(scenario.engines[engine].kind)].has_value();
    });
    if (able == engines.end()) {
      std::string names;
      for (const size_t engine : engines) {
        names += (names.empty() ? "" : ", ") + scenario.engines[engine].name;
      }
      return fail(Code::kUnsupported, "model '{}': none of [{}] can run '{}'", model.name, names, group.name);
    }
    chosen.push_back(*able);
  }
  return map_groups(scenario, model, chosen);
}

namespace {

/// The engine itself first, then what its unsupported groups fall back to: the GPU, else the CPU.
std::vector<size_t> with_fallback(const Scenario& scenario, size_t engine) {
  std::vector<size_t> order{engine};
  for (const EngineKind kind : {EngineKind::kGpu, EngineKind::kCpu}) {
    for (size_t i = 0; i < scenario.engines.size(); ++i) {
      if (scenario.engines[i].kind == kind && i != engine && scenario.engines[engine].kind < kind) {
        order.push_back(i);
      }
    }
  }
  return order;
}

}  // namespace

Status expand(Scenario& scenario) {
  for (StreamSpec& stream : scenario.streams) {
    for (Step& step : stream.pipeline) {
      if (step.policy == Policy::kOptimise || !step.mappings.empty()) {
        continue;
      }
      for (const size_t engine : step.engines) {
        auto mapping = map_first(scenario, scenario.models[step.model], with_fallback(scenario, engine));
        if (!mapping) {
          return tl::unexpected<Error>(
              std::move(mapping).error().in(fmt::format("stream '{}', step '{}'", stream.name, step.name)));
        }
        step.mappings.push_back(*std::move(mapping));
      }
    }
  }
  return {};
}

}  // namespace medlar::sched
