// SPDX-License-Identifier: Apache-2.0
#include "sched/scenario.hpp"

#include "timing/energy.hpp"

#include <algorithm>
#include <cmath>

namespace medlar::sched {
namespace {

/// [assumed] When the kernel takes a DLA's power away, and how long it takes to come back.
constexpr double kDlaGateSeconds = 5e-3, kDlaWakeSeconds = 100e-6;
constexpr double kTypicalBytes = 1 << 20;

/// Power as the profile's energy costs have it, the same that profiles of engines count.
EngineSpec engine_spec(const hw::DeviceProfile& device, const hw::PowerMode& mode, std::string name,
                       EngineKind kind) {
  const timing::Engine engine = kind == EngineKind::kDla   ? timing::Engine::kDla
                                : kind == EngineKind::kGpu ? timing::Engine::kGpu
                                                           : timing::Engine::kCpu;
  EngineSpec spec{.name = std::move(name),
                  .kind = kind,
                  .servers = kind == EngineKind::kCpu ? std::max(1u, mode.cpu_units) : 1,
                  .idle_watts = timing::idle_watts(device, mode, engine, timing::Gate::kClockGated),
                  .gated_watts = timing::idle_watts(device, mode, engine, timing::Gate::kPowerGated),
                  .active_watts = timing::typical_watts(device, mode, engine),
                  .gate_after = kNever,
                  .wake = 0};
  if (kind == EngineKind::kDla) {
    spec.gate_after = to_time(kDlaGateSeconds);
    spec.wake = to_time(kDlaWakeSeconds);
  }
  return spec;
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
  scenario.dram_joules_per_byte = timing::dram_joules_per_byte(device);
  for (uint32_t core = 0; core < device.dla_cores; ++core) {
    scenario.engines.push_back(engine_spec(device, mode, fmt::format("dla{}", core), EngineKind::kDla));
  }
  if (mode.gpu_units > 0) {
    scenario.engines.push_back(engine_spec(device, mode, "gpu", EngineKind::kGpu));
  }
  scenario.engines.push_back(engine_spec(device, mode, "cpu", EngineKind::kCpu));
  return scenario;
}

double memory_in_use(const Scenario& scenario) {
  std::vector<bool> used(scenario.models.size(), false);
  for (const StreamSpec& stream : scenario.streams) {
    for (const Step& step : stream.pipeline) {
      used[step.model] = true;
    }
  }
  double bytes = static_cast<double>(scenario.device->os_bytes);
  for (size_t i = 0; i < used.size(); ++i) {
    bytes += used[i] ? scenario.models[i].memory_bytes : 0;
  }
  return bytes;
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
