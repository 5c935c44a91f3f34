// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/files.hpp"
#include "output.hpp"
#include "sample/npy.hpp"
#include "sample/source.hpp"

namespace medlar::trtexec {
namespace {

using Json = nlohmann::ordered_json;

Status write(const std::string& path, const Json& json) {
  const std::string text = json.dump(1) + "\n";
  return write_file(path, ByteView(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

Json times_json(const Options& options, const Measurement& m) {
  Json list = Json::array();
  double now = 0;
  const double in_flight = static_cast<double>(options.streams);
  for (const double compute : m.compute_ms) {
    const double computing = now + m.h2d_ms, done = computing + compute;
    list.push_back({{"startEnqMs", now}, {"endEnqMs", now}, {"startH2dMs", now}, {"endH2dMs", computing},
                    {"startComputeMs", computing}, {"endComputeMs", done}, {"startD2hMs", done}, {"endD2hMs", done + m.d2h_ms},
                    {"h2dMs", m.h2d_ms}, {"computeMs", compute}, {"d2hMs", m.d2h_ms},
                    {"latencyMs", m.h2d_ms + compute + m.d2h_ms}, {"clock", "modelled"}});
    now += (m.h2d_ms + compute + m.d2h_ms) / in_flight;
  }
  return list;
}

Json profile_json(const Measurement& m) {
  const profile::EngineProfile& p = m.profiled.profile;
  const double count = static_cast<double>(m.compute_ms.size());
  Json list = Json::array({{{"count", m.compute_ms.size()}}});
  const auto add = [&](const std::string& name, double ms) {
    list.push_back({{"name", name}, {"timeMs", ms * count}, {"averageMs", ms}, {"medianMs", ms}, {"percentage", 100 * ms / p.total_ms}});
  };
  for (const profile::LayerProfile& layer : p.layers) {
    add(layer.name, layer.ms);
  }
  if (p.transition_ms > 0) {
    add("transitions between engines", p.transition_ms);
  }
  if (p.submit_ms > 0) {
    add("submissions to the DLA", p.submit_ms);
  }
  return list;
}

Json output_json(const Measurement& m) {
  Json list = Json::array();
  for (const auto& [name, tensor] : m.profiled.outputs) {
    list.push_back({{"name", name}, {"dimensions", fmt::format("{}", fmt::join(tensor.shape, "x"))},
                    {"values", graph::to_doubles(tensor).value_or(std::vector<double>())}});
  }
  return list;
}

Json layer_json(const Options& options, const compiler::HwOpInfo& op) {
  if (options.verbosity != "detailed" && options.verbosity != "verbose") {
    return op.name;
  }
  return {{"Name", op.name}, {"LayerType", op.kind}, {"Device", "DLA"}, {"Segment", op.segment}, {"Origins", op.origins}, {"MACs", op.macs}};
}

Json layer_info_json(const Options& options, const engine::Engine& engine) {
  const bool detailed = options.verbosity == "detailed" || options.verbosity == "verbose";
  Json layers = Json::array(), bindings = Json::array();
  for (const compiler::HwOpInfo& op : engine.plan.hw_ops) {
    layers.push_back(layer_json(options, op));
  }
  for (const compiler::Placement& placement : engine.plan.placements) {
    if (placement.segment < 0 || placement.engine == compiler::Engine::kDla) {
      continue;
    }
    layers.push_back(!detailed ? Json(placement.node)
                               : Json{{"Name", placement.node}, {"LayerType", placement.op_type},
                                      {"Device", placement.engine == compiler::Engine::kGpu ? "GPU" : "CPU"}, {"Segment", placement.segment},
                                      {"Origins", {placement.node}}, {"MACs", placement.macs}, {"Reason", placement.reason}});
  }
  for (const auto* names : {&engine.plan.inputs, &engine.plan.outputs}) {
    for (const std::string& name : *names) {
      bindings.push_back(name);
    }
  }
  return {{"Layers", options.verbosity == "none" ? Json::array() : std::move(layers)}, {"Bindings", std::move(bindings)}};
}

Status dump_raw(const Measurement& m) {
  for (const auto* tensors : {&m.inputs, &m.profiled.outputs}) {
    for (const auto& [name, tensor] : *tensors) {
      const std::string file = fmt::format("{}.{}.{}.raw", sample::file_name_of_tensor(name), fmt::join(tensor.shape, "."), graph::data_type_name(tensor.type));
      MEDLAR_TRY(write_file(file, tensor.bytes));
      info("Wrote " + file);
    }
  }
  return {};
}

}  // namespace

void print_layer_info(const Options& options, const engine::Engine& engine) {
  info("Layer Information:");
  const Json json = layer_info_json(options, engine);
  for (const char* heading : {"Layers", "Bindings"}) {  // a line each, as TensorRT's inspector writes them
    fmt::print("{}:\n", heading);
    for (const Json& entry : json[heading]) {
      fmt::print("{}\n", entry.is_string() ? entry.get<std::string>() : entry.dump());
    }
    fmt::print("\n");
  }
}

Status export_layer_info(const Options& options, const engine::Engine& engine) {
  return options.export_layer_info.empty() ? Status() : write(options.export_layer_info, layer_info_json(options, engine));
}

Status export_all(const Options& options, const engine::Engine&, const Measurement& m) {
  if (!options.export_times.empty()) {
    MEDLAR_TRY(write(options.export_times, times_json(options, m)));
  }
  if (!options.export_output.empty()) {
    MEDLAR_TRY(write(options.export_output, output_json(m)));
  }
  if (!options.export_profile.empty()) {
    MEDLAR_TRY(write(options.export_profile, profile_json(m)));
  }
  return options.dump_raw ? dump_raw(m) : Status();
}

}  // namespace medlar::trtexec
