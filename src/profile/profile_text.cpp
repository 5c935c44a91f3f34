// SPDX-License-Identifier: Apache-2.0
#include "profile/engine_profile.hpp"

#include <nlohmann/json.hpp>

namespace medlar::profile {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kPercent = 100;
constexpr double kMega = 1e6;

double utilisation_percent(const LayerProfile& layer) {
  return kPercent * layer.utilisation;
}

Json layer_json(const LayerProfile& layer) {
  return {{"engine", compiler::engine_name(layer.engine)},
          {"segment", layer.segment},
          {"name", layer.name},
          {"unit", layer.unit},
          {"origins", layer.origins},
          {"start_ms", layer.start_ms},
          {"modelled_ms", layer.ms},
          {"macs", layer.macs},
          {"utilisation", layer.utilisation},
          {"dram_bytes", layer.dram_bytes},
          {"sram_bytes", layer.sram_bytes},
          {"bound", layer.bound},
          {"energy_mj", 1e3 * layer.joules}};
}

Json segment_json(const SegmentProfile& segment) {
  return {{"engine", compiler::engine_name(segment.engine)},
          {"name", segment.name},
          {"transition_ms", segment.transition_ms},
          {"submit_ms", segment.submit_ms},
          {"start_ms", segment.start_ms},
          {"modelled_ms", segment.ms},
          {"dram_bytes", segment.dram_bytes},
          {"energy_mj", 1e3 * segment.joules},
          {"host_ms", segment.host_ms}};
}

}  // namespace

std::string profile_to_json(const EngineProfile& p) {
  Json layers = Json::array(), segments = Json::array();
  for (const LayerProfile& layer : p.layers) {
    layers.push_back(layer_json(layer));
  }
  for (const SegmentProfile& segment : p.segments) {
    segments.push_back(segment_json(segment));
  }
  const Json json{{"model", p.model},
                  {"device", p.device},
                  {"label", p.label},
                  {"mode", p.mode},
                  {"precision", p.precision},
                  {"modelled_ms", p.total_ms},
                  {"dla_ms", p.dla_ms},
                  {"gpu_ms", p.gpu_ms},
                  {"cpu_ms", p.cpu_ms},
                  {"transition_ms", p.transition_ms},
                  {"submit_ms", p.submit_ms},
                  {"transitions", p.transitions},
                  {"dla_share", p.dla_share()},
                  {"mac_utilisation", p.utilisation},
                  {"macs", p.macs},
                  {"dram_bytes", p.dram_bytes},
                  {"sram_bytes", p.sram_bytes},
                  {"energy_mj", 1e3 * p.joules},
                  {"dram_energy_mj", 1e3 * p.dram_joules},
                  {"host_ms", p.host_ms},
                  {"segments", std::move(segments)},
                  {"layers", std::move(layers)}};
  return json.dump(2) + "\n";
}

std::string profile_to_text(const EngineProfile& p) {
  std::string text =
      fmt::format("{} on {} {} in {}: modelled times\n\n", p.model, p.device, p.mode, p.precision);
  text += fmt::format("{:<5} {:<34} {:<12} {:>10} {:>12} {:>6} {:>9} {:>9} {:<7} {:>8}  {}\n", "on", "layer",
                      "unit", "ms", "MACs", "MAC %", "DRAM kB", "SRAM kB", "bound", "mJ", "ONNX nodes");
  int segment = -1;
  for (const LayerProfile& layer : p.layers) {
    if (layer.segment != segment) {
      segment = layer.segment;
      const SegmentProfile& row = p.segments[static_cast<size_t>(segment)];
      if (row.transition_ms > 0) {
        text += fmt::format("{:<5} {:<34} {:<12} {:>10.4f}\n", "-", "transition to " + row.name, "",
                            row.transition_ms);
      }
      if (row.submit_ms > 0) {
        text += fmt::format("{:<5} {:<34} {:<12} {:>10.4f}\n", "-", "submission of " + row.name, "",
                            row.submit_ms);
      }
    }
    text +=
        fmt::format("{:<5} {:<34} {:<12} {:>10.4f} {:>12} {:>6.1f} {:>9.1f} {:>9.1f} {:<7} {:>8.4f}  {}\n",
                    compiler::engine_name(layer.engine), layer.name.substr(0, 34), layer.unit.substr(0, 12),
                    layer.ms, layer.macs, utilisation_percent(layer),
                    static_cast<double>(layer.dram_bytes) / 1e3, static_cast<double>(layer.sram_bytes) / 1e3,
                    layer.bound, 1e3 * layer.joules, fmt::join(layer.origins, " "));
  }
  text += fmt::format(
      "\nModelled: {:.4f} ms an inference: DLA {:.4f}, GPU {:.4f}, CPU {:.4f}, {} transitions {:.4f}, "
      "submissions {:.4f}\n",
      p.total_ms, p.dla_ms, p.gpu_ms, p.cpu_ms, p.transitions, p.transition_ms, p.submit_ms);
  text += fmt::format(
      "DLA works {:.1f} % of the time and reaches {:.1f} % of its multiply-accumulates meanwhile\n",
      kPercent * p.dla_share(), kPercent * p.utilisation);
  text += fmt::format("{:.1f} MB of DRAM and {:.1f} MB of SRAM traffic, {:.3f} mJ ({:.3f} of them DRAM)\n",
                      static_cast<double>(p.dram_bytes) / kMega, static_cast<double>(p.sram_bytes) / kMega,
                      1e3 * p.joules, 1e3 * p.dram_joules);
  if (p.host_ms > 0) {
    text += fmt::format("Host: this computer took {:.1f} ms\n", p.host_ms);
  }
  return text;
}

}  // namespace medlar::profile
