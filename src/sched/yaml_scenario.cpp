// SPDX-License-Identifier: Apache-2.0
#include "sched/yaml_scenario.hpp"

#include "sched/yaml_parts.hpp"

#include <algorithm>

namespace medlar::sched {
namespace {

const EngineSpec* first_of(const Scenario& scenario, EngineKind kind) {
  const auto at = std::find_if(scenario.engines.begin(), scenario.engines.end(),
                               [&](const EngineSpec& engine) { return engine.kind == kind; });
  return at == scenario.engines.end() ? nullptr : &*at;
}

Result<Objective> parse_objective(YamlMap& root) {
  MEDLAR_ASSIGN(const std::string text, root.text_or("objective", "latency"));
  for (const Objective objective : {Objective::kLatency, Objective::kThroughput, Objective::kEnergy}) {
    if (text == objective_name(objective)) {
      return objective;
    }
  }
  return root.error(fmt::format("'objective': '{}' is none of latency, throughput, energy", text));
}

Status read_module(YamlMap& root, Scenario& scenario) {
  MEDLAR_ASSIGN(const std::string device_name,
                root.text_or("device", std::string(hw::default_device().name)));
  MEDLAR_ASSIGN(const hw::DeviceProfile* device, hw::find_device(device_name));
  MEDLAR_ASSIGN(const std::string mode_name, root.text_or("mode", std::string(device->mode().name)));
  MEDLAR_ASSIGN(const hw::PowerMode* mode, device->find_mode(mode_name));
  scenario = scenario_for(*device, *mode);
  MEDLAR_ASSIGN(scenario.name, root.text("scenario"));
  MEDLAR_ASSIGN(scenario.seed, root.count_or("seed", scenario.seed));
  MEDLAR_ASSIGN(scenario.base_watts, root.quantity_or("base_watts", Unit::kWatts, 0));
  MEDLAR_ASSIGN(scenario.objective, parse_objective(root));
  if (root.has("duration")) {
    MEDLAR_ASSIGN(const double seconds, root.quantity("duration", Unit::kSeconds));
    scenario.duration = to_time(seconds);
  }
  if (root.has("transition")) {
    MEDLAR_ASSIGN(const double seconds, root.quantity("transition", Unit::kSeconds));
    scenario.transition = {seconds, seconds, seconds};
  }
  if (root.has("dram")) {
    MEDLAR_ASSIGN(YamlMap dram, root.map("dram"));
    MEDLAR_ASSIGN(scenario.dram_bytes_per_second,
                  dram.quantity_or("bandwidth", Unit::kBandwidth, scenario.dram_bytes_per_second));
    constexpr double kGiga = 1e9;
    MEDLAR_ASSIGN(const double energy,
                  dram.quantity_or("energy_per_gb", Unit::kJoules, scenario.dram_joules_per_byte * kGiga));
    scenario.dram_joules_per_byte = energy / kGiga;
    MEDLAR_TRY(dram.done());
  }
  return {};
}

Status read_engine(YamlMap& map, EngineSpec& engine) {
  MEDLAR_ASSIGN(engine.idle_watts, map.quantity_or("idle", Unit::kWatts, engine.idle_watts));
  MEDLAR_ASSIGN(engine.gated_watts, map.quantity_or("gated", Unit::kWatts, engine.gated_watts));
  MEDLAR_ASSIGN(engine.active_watts, map.quantity_or("active", Unit::kWatts, engine.active_watts));
  MEDLAR_ASSIGN(const uint64_t servers, map.count_or("servers", engine.servers));
  engine.servers = static_cast<uint32_t>(servers);
  if (map.has("gate_after")) {
    MEDLAR_ASSIGN(const std::string text, map.text("gate_after"));
    if (text == "never") {
      engine.gate_after = kNever;
    } else {
      MEDLAR_ASSIGN(const double seconds, map.quantity("gate_after", Unit::kSeconds));
      engine.gate_after = to_time(seconds);
    }
  }
  MEDLAR_ASSIGN(const double wake, map.quantity_or("wake", Unit::kSeconds, to_seconds(engine.wake)));
  engine.wake = to_time(wake);
  if (servers == 0 || servers > 1024) {
    return map.error(fmt::format("'servers' is {}, possible are 1 to 1024", servers));
  }
  return map.done();
}

Status read_engines(YamlMap& root, Scenario& scenario) {
  if (!root.has("engines")) {
    return {};
  }
  MEDLAR_ASSIGN(YamlMap engines, root.map("engines"));
  for (EngineSpec& engine : scenario.engines) {
    if (engines.has(engine.name)) {
      MEDLAR_ASSIGN(YamlMap map, engines.map(engine.name));
      MEDLAR_TRY(read_engine(map, engine));
    }
  }
  if (const auto unknown = engines.unread(); !unknown.empty()) {
    std::string names;
    for (const EngineSpec& engine : scenario.engines) {
      names += (names.empty() ? "" : ", ") + engine.name;
    }
    return engines.error(
        fmt::format("{} has no engine '{}': it has {}", scenario.device->name, unknown.front(), names));
  }
  return {};
}

Result<ModelFile> read_file_model(YamlMap& map, const std::string& name,
                                  const std::filesystem::path& folder) {
  ModelFile file{.name = name, .path = {}, .precision = "", .calibration = {}, .shapes = ""};
  const std::string key = map.has("onnx") ? "onnx" : "engine";
  MEDLAR_ASSIGN(const std::string path, map.text(key));
  file.path = folder / path;
  MEDLAR_ASSIGN(file.precision, map.text_or("precision", "fp16"));
  MEDLAR_ASSIGN(const std::string calibration, map.text_or("calibration", ""));
  file.calibration = calibration.empty() ? std::filesystem::path() : folder / calibration;
  MEDLAR_ASSIGN(file.shapes, map.text_or("shapes", ""));
  MEDLAR_TRY(map.done());
  if (file.precision != "fp16" && file.precision != "int8") {
    return map.error(fmt::format("'precision': '{}' is none of fp16, int8", file.precision));
  }
  return file;
}

Result<ModelSpec> read_model(YamlMap& map, const std::string& name, const Scenario& scenario) {
  ModelSpec model{.name = name, .layers = {}};
  MEDLAR_ASSIGN(model.memory_bytes, map.quantity_or("memory", Unit::kBytes, 0));
  if (!map.has("layers")) {
    MEDLAR_ASSIGN(LayerGroup group, read_group(map, name, scenario));
    model.layers.push_back(std::move(group));
    MEDLAR_TRY(map.done());
    return model;
  }
  MEDLAR_ASSIGN(std::vector<YamlMap> layers, map.list("layers"));
  for (YamlMap& layer : layers) {
    MEDLAR_ASSIGN(std::string layer_name, layer.text("name"));
    MEDLAR_ASSIGN(LayerGroup group, read_group(layer, std::move(layer_name), scenario));
    MEDLAR_TRY(layer.done());
    model.layers.push_back(std::move(group));
  }
  if (model.layers.empty()) {
    return map.error("'layers' is empty");
  }
  MEDLAR_TRY(map.done());
  return model;
}

Status read_models(YamlMap& root, const std::filesystem::path& folder, const ModelResolver& resolver,
                   LoadedScenario& loaded) {
  if (!root.has("models")) {
    return {};
  }
  MEDLAR_ASSIGN(YamlMap models, root.map("models"));
  for (const std::string& name : models.unread()) {
    MEDLAR_ASSIGN(YamlMap map, models.map(name));
    if (!map.has("onnx") && !map.has("engine")) {
      MEDLAR_ASSIGN(ModelSpec model, read_model(map, name, loaded.scenario));
      loaded.scenario.models.push_back(std::move(model));
      continue;
    }
    MEDLAR_ASSIGN(ModelFile file, read_file_model(map, name, folder));
    if (!resolver) {
      return map.error(fmt::format("{} is a file, and nothing here can compile it", file.path.string()));
    }
    auto model = resolver(file, loaded.scenario);
    if (!model) {
      return tl::unexpected<Error>(std::move(model).error().in(map.where()));
    }
    model->name = name;
    loaded.scenario.models.push_back(*std::move(model));
    loaded.files.emplace(name, std::move(file));
  }
  return {};
}

Result<LoadedScenario> read_root(const YAML::Node& node, const std::filesystem::path& file,
                                 const ModelResolver& resolver) {
  MEDLAR_ASSIGN(YamlMap root, YamlMap::of(node, "scenario", file.string()));
  LoadedScenario loaded;
  MEDLAR_TRY(read_module(root, loaded.scenario));
  MEDLAR_TRY(read_engines(root, loaded.scenario));
  MEDLAR_TRY(read_models(root, file.parent_path(), resolver, loaded));
  MEDLAR_TRY(read_streams(root, loaded.scenario));
  MEDLAR_TRY(root.done());
  MEDLAR_TRY(expand(loaded.scenario));
  return loaded;
}

}  // namespace

Result<Cost> read_cost(YamlMap& map, const std::string& key, const EngineSpec& engine) {
  const YAML::Node value = map.node(key);
  Cost cost;
  const double above_idle = std::max(0.0, engine.active_watts - engine.idle_watts);
  if (value.IsScalar()) {
    MEDLAR_ASSIGN(cost.seconds, map.quantity(key, Unit::kSeconds));
    cost.joules = above_idle * cost.seconds;
    return cost;
  }
  MEDLAR_ASSIGN(YamlMap parts, map.map(key));
  MEDLAR_ASSIGN(cost.seconds, parts.quantity("time", Unit::kSeconds));
  MEDLAR_ASSIGN(cost.dram_bytes, parts.quantity_or("dram", Unit::kBytes, 0));
  cost.joules = above_idle * cost.seconds;
  if (parts.has("watts")) {
    MEDLAR_ASSIGN(const double watts, parts.quantity("watts", Unit::kWatts));
    if (watts < engine.idle_watts) {
      return parts.error(
          fmt::format("{} W are below {}'s idle power of {} W", watts, engine.name, engine.idle_watts));
    }
    cost.joules = (watts - engine.idle_watts) * cost.seconds;
  } else if (parts.has("energy")) {
    MEDLAR_ASSIGN(cost.joules, parts.quantity("energy", Unit::kJoules));
  }
  MEDLAR_TRY(parts.done());
  return cost;
}

Result<LayerGroup> read_group(YamlMap& map, std::string name, const Scenario& scenario) {
  LayerGroup group{.name = std::move(name), .cost = {}, .out_bytes = 0};
  bool any = false;
  for (const EngineKind kind : {EngineKind::kDla, EngineKind::kGpu, EngineKind::kCpu}) {
    const std::string key(kind_name(kind));
    if (!map.has(key)) {
      continue;
    }
    const EngineSpec* engine = first_of(scenario, kind);
    if (engine == nullptr) {
      return map.error(fmt::format("'{}': {} has none", key, scenario.device->name));
    }
    MEDLAR_ASSIGN(group.cost[static_cast<size_t>(kind)], read_cost(map, key, *engine));
    any = true;
  }
  if (!any) {
    return map.error("no time on any engine: add dla, gpu or cpu");
  }
  MEDLAR_ASSIGN(group.out_bytes, map.quantity_or("out", Unit::kBytes, 0));
  return group;
}

Result<LoadedScenario> parse_scenario(const std::string& yaml, const std::filesystem::path& file,
                                      const ModelResolver& resolver) {
  try {
    return read_root(YAML::Load(yaml), file, resolver);
  } catch (const YAML::Exception& error) {
    return fail(Code::kCorrupt, "{}:{}: {}", file.string(), error.mark.line + 1, error.msg);
  }
}

}  // namespace medlar::sched
