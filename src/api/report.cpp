// SPDX-License-Identifier: Apache-2.0
#include "api/report.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/placement_table.hpp"
#include "api/source_model.hpp"
#include "hw/device.hpp"
#include "import/onnx_import.hpp"

namespace medlar::api {

namespace {

using report::Origin;

std::vector<report::Layer> placed_layers(const compiler::Plan& plan) {
  std::vector<report::Layer> layers;
  for (const compiler::Placement& p : plan.placements) {
    layers.push_back({.name = p.node, .op_type = p.op_type, .engine = engine_label(p), .precision = p.precision,
                      .reason_code = p.reason_code, .reason = p.reason, .macs = p.macs});
  }
  return layers;
}

/// What an operation takes is told of one of its nodes: the one with the most multiply-accumulates.
void add_operations(const std::vector<profile::LayerProfile>& operations, std::vector<report::Layer>& layers) {
  std::map<std::string, size_t> index;
  for (size_t i = 0; i < layers.size(); ++i) {
    index.emplace(layers[i].name, i);
  }
  for (const profile::LayerProfile& op : operations) {
    report::Layer* main = nullptr;
    for (const std::string& origin : op.origins) {
      const auto found = index.find(origin);
      if (found != index.end() && (main == nullptr || layers[found->second].macs > main->macs)) {
        main = &layers[found->second];
      }
    }
    if (main == nullptr) {
      continue;
    }
    if (op.ms >= main->modelled_ms) {
      main->bound = op.bound;
      main->utilisation = op.utilisation;
    }
    main->modelled_ms += op.ms;
    main->dram_bytes += op.dram_bytes;
    main->sram_bytes += op.sram_bytes;
    main->energy_mj += op.joules * 1e3;
  }
}

std::string track_of(compiler::Engine engine) {
  return engine == compiler::Engine::kDla ? "DLA" : engine == compiler::Engine::kGpu ? "GPU" : "CPU";
}

std::vector<report::Span> timeline_of(const profile::EngineProfile& p) {
  std::vector<report::Span> spans;
  for (const profile::SegmentProfile& segment : p.segments) {
    if (segment.transition_ms > 0) {
      spans.push_back({"transition", "to " + segment.name, (segment.start_ms - segment.transition_ms) * 1e3, segment.transition_ms * 1e3});
    }
  }
  for (const profile::LayerProfile& layer : p.layers) {
    spans.push_back({track_of(layer.engine), layer.name, layer.start_ms * 1e3, layer.ms * 1e3});
  }
  return spans;
}

std::vector<report::MemorySample> memory_of(const compiler::Plan& plan, const profile::EngineProfile& p) {
  report::MemorySample sample;
  for (const compiler::Segment& segment : plan.segments) {
    sample.weights += segment.memory.weights;
    sample.inputs += segment.memory.input;
    sample.outputs += segment.memory.output;
  }
  std::vector<report::MemorySample> samples;
  for (size_t i = 0; i < p.segments.size() && i < plan.segments.size(); ++i) {
    sample.at_us = p.segments[i].start_ms * 1e3;
    sample.intermediates = plan.segments[i].memory.intermediate;
    samples.push_back(sample);
    sample.at_us += p.segments[i].ms * 1e3;
    samples.push_back(sample);
  }
  return samples;
}

/// Empty when the model is gone, has changed or has other nodes than the plan.
std::vector<report::Edge> edges_of(const engine::Engine& engine) {
  const auto source = find_source_model(engine, engine.source);
  if (!source) {
    return {};
  }
  const auto graph = import::import_onnx(source->path, {.keep_open = true});
  if (!graph || graph->nodes.size() != engine.plan.placements.size()) {
    return {};
  }
  std::vector<report::Edge> edges;
  std::map<graph::ValueId, size_t> producer;
  for (size_t i = 0; i < graph->nodes.size(); ++i) {
    for (const graph::ValueId id : graph->nodes[i].inputs) {
      if (const auto found = producer.find(id); found != producer.end()) {
        edges.push_back({found->second, i});
      }
    }
    for (const graph::ValueId id : graph->nodes[i].outputs) {
      producer.emplace(id, i);
    }
  }
  return edges;
}

std::vector<report::Figure> figures_of(const engine::Engine& engine, const profile::EngineProfile& p) {
  std::vector<report::Figure> figures = {
      {"Latency", fmt::format("{:.3f} ms", p.total_ms), Origin::kModelled},
      {"DLA busy", fmt::format("{:.3f} ms", p.dla_ms), Origin::kModelled},
      {"MAC array in use", fmt::format("{:.1f} %", p.utilisation * 100), Origin::kModelled},
      {"Energy", fmt::format("{:.3f} mJ", p.joules * 1e3), Origin::kModelled},
      {"DRAM traffic", fmt::format("{:.2f} MiB", static_cast<double>(p.dram_bytes) / 1048576.0), Origin::kModelled},
      {"MACs on the DLA", fmt::format("{:.1f} %", count_placements(engine).dla_percent()), Origin::kCounted},
      {"Transitions", fmt::format("{}", p.transitions), Origin::kCounted}};
  if (p.host_ms > 0) {
    figures.push_back({"Host time of the simulation", fmt::format("{:.0f} ms", p.host_ms), Origin::kMeasured});
  }
  return figures;
}

}  // namespace

Result<report::ReportData> placement_data(const engine::Engine& engine) {
  MEDLAR_ASSIGN(const hw::DeviceProfile* device, hw::find_device(engine.device));
  return report::ReportData{.model = engine.model, .device = engine.device, .device_label = std::string(hw::label_name(device->label)),
                            .device_note = std::string(device->note), .precision = engine.precision,
                            .layers = placed_layers(engine.plan), .edges = edges_of(engine)};
}

Result<report::ReportData> report_data(const engine::Engine& engine, const Profiled& profiled) {
  const profile::EngineProfile& p = profiled.profile;
  MEDLAR_ASSIGN(report::ReportData data, placement_data(engine));
  MEDLAR_ASSIGN(const hw::DeviceProfile* device, hw::find_device(engine.device));
  MEDLAR_ASSIGN(const hw::PowerMode* found, device->find_mode(p.mode));
  const hw::PowerMode& mode = *found;
  data.figures = figures_of(engine, p);
  add_operations(p.layers, data.layers);
  data.timeline = timeline_of(p);
  const bool int8 = engine.precision == hw::precision_name(hw::Precision::kInt8);
  data.roofline = report::Roofline{
      .macs_per_second = static_cast<double>(int8 ? device->macs_int8 : device->macs_fp16) * static_cast<double>(mode.dla_hz),
      .dram_bytes_per_second = static_cast<double>(mode.dram_bytes_per_second) * device->dram_efficiency};
  data.memory = memory_of(engine.plan, p);
  for (const profile::Finding& finding : profiled.advice.findings) {
    data.advice.push_back({finding.finding, finding.evidence, finding.cure, finding.gain});
  }
  for (const profile::Recommendation& recommendation : profiled.advice.recommendations) {
    data.advice.push_back({"For " + recommendation.goal + ": " + recommendation.engine, recommendation.why, "", ""});
  }
  return data;
}

Result<std::vector<report::AccuracyRow>> accuracy_rows(std::string_view json, std::string_view name) {
  const auto document = nlohmann::ordered_json::parse(json, nullptr, false);
  if (!document.is_object()) {
    return fail(Code::kCorrupt, "{}: not a JSON object of `medlar accuracy --json`", name);
  }
  std::vector<report::AccuracyRow> rows;
  for (const auto& [key, value] : document.items()) {
    const auto reference = document.find("reference_" + key);
    if (value.is_number() && reference != document.end() && reference->is_number()) {
      rows.push_back({key, fmt::format("{:.2f}", value.get<double>()), fmt::format("{:.2f}", reference->get<double>())});
    }
  }
  if (rows.empty()) {
    return fail(Code::kInvalidArgument, "{}: no figure that has a reference_ twin", name);
  }
  return rows;
}

}  // namespace medlar::api
