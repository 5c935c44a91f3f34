// SPDX-License-Identifier: Apache-2.0
#include "sched/report.hpp"

#include <nlohmann/json.hpp>

namespace medlar::sched {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kPercent = 100;

Json stream_json(const StreamMetrics& m) {
  return {{"name", m.name},
          {"arrived", m.arrived},
          {"completed", m.completed},
          {"dropped", m.dropped},
          {"missed_deadlines", m.missed},
          {"throughput_fps", m.throughput},
          {"latency_ms",
           {{"mean", m.mean_ms},
            {"min", m.min_ms},
            {"p50", m.p50_ms},
            {"p90", m.p90_ms},
            {"p95", m.p95_ms},
            {"p99", m.p99_ms},
            {"max", m.max_ms}}},
          {"waiting_ms", m.waiting_ms},
          {"transitions", m.transitions},
          {"transition_ms", m.transition_ms}};
}

Json engine_json(const EngineMetrics& m) {
  return {{"name", m.name},
          {"kind", kind_name(m.kind)},
          {"servers", m.servers},
          {"segments", m.segments},
          {"utilisation", m.utilisation},
          {"busy_seconds", m.busy_seconds},
          {"waiting_for_dram_seconds", m.stretched_seconds},
          {"seconds",
           {{"working", m.working_seconds},
            {"idle", m.idle_seconds},
            {"gated", m.gated_seconds},
            {"waking", m.waking_seconds}}},
          {"dram_bytes", m.dram_bytes},
          {"joules", {{"static", m.static_joules}, {"dynamic", m.dynamic_joules}}},
          {"watts", m.watts}};
}

Json assignment_json(const Assignment& assignment) {
  double throughput = 0;
  for (const StreamMetrics& stream : assignment.metrics.streams) {
    throughput += stream.throughput;
  }
  return {{"name", assignment.name},
          {"mappings", assignment.mappings},
          {"score", assignment.score},
          {"throughput_fps", throughput},
          {"joules_per_frame", assignment.metrics.joules_per_frame}};
}

double mean_latency(const Metrics& metrics) {
  double frames = 0, latency = 0;
  for (const StreamMetrics& stream : metrics.streams) {
    frames += static_cast<double>(stream.completed);
    latency += stream.mean_ms * static_cast<double>(stream.completed);
  }
  return frames == 0 ? 0 : latency / frames;
}

}  // namespace

std::string metrics_to_json(const Scenario& scenario, const Metrics& m, const SearchResult* search) {
  Json streams = Json::array(), engines = Json::array();
  for (const StreamMetrics& stream : m.streams) {
    streams.push_back(stream_json(stream));
  }
  for (const EngineMetrics& engine : m.engines) {
    engines.push_back(engine_json(engine));
  }
  Json json{
      {"scenario", scenario.name},
      {"device", scenario.device->name},
      {"mode", scenario.mode->name},
      {"label", "modelled"},
      {"seconds", m.seconds},
      {"streams", std::move(streams)},
      {"engines", std::move(engines)},
      {"dram", {{"bytes", m.dram_bytes}, {"utilisation", m.dram_utilisation}, {"joules", m.dram_joules}}},
      {"base_joules", m.base_joules},
      {"joules", m.joules},
      {"watts", m.watts},
      {"joules_per_frame", m.joules_per_frame}};
  if (search != nullptr) {
    Json assignments = Json::array();
    for (const Assignment& assignment : search->assignments) {
      assignments.push_back(assignment_json(assignment));
    }
    json["search"] = {{"objective", objective_name(scenario.objective)},
                      {"evaluated", search->evaluated},
                      {"assignments", std::move(assignments)}};
  }
  return json.dump(2) + "\n";
}

std::string metrics_to_text(const Scenario& scenario, const Metrics& m) {
  std::string text = fmt::format("{}\n{} {}, {:.3f} s of modelled time\n\n", scenario.name,
                                 scenario.device->name, scenario.mode->name, m.seconds);
  text +=
      fmt::format("{:<16} {:>8} {:>8} {:>7} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "stream", "frames",
                  "done", "dropped", "missed", "fps", "mean ms", "p50 ms", "p95 ms", "p99 ms", "max ms");
  for (const StreamMetrics& s : m.streams) {
    text +=
        fmt::format("{:<16} {:>8} {:>8} {:>7} {:>7} {:>9.2f} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.3f}\n",
                    s.name, s.arrived, s.completed, s.dropped, s.missed, s.throughput, s.mean_ms, s.p50_ms,
                    s.p95_ms, s.p99_ms, s.max_ms);
  }
  text += fmt::format("\n{:<16} {:>8} {:>7} {:>7} {:>7} {:>10} {:>9} {:>9} {:>9}\n", "engine", "segments",
                      "busy %", "idle %", "gated %", "DRAM MB", "static J", "work J", "watts");
  for (const EngineMetrics& e : m.engines) {
    const double all = m.seconds == 0 ? 1 : m.seconds;
    text += fmt::format("{:<16} {:>8} {:>7.1f} {:>7.1f} {:>7.1f} {:>10.1f} {:>9.3f} {:>9.3f} {:>9.3f}\n",
                        e.name, e.segments, kPercent * e.utilisation, kPercent * e.idle_seconds / all,
                        kPercent * e.gated_seconds / all, e.dram_bytes / 1e6, e.static_joules,
                        e.dynamic_joules, e.watts);
  }
  text += fmt::format(
      "\nDRAM {:.1f} % of its bandwidth, {:.3f} J; module {:.3f} W, {:.3f} J, {:.2f} mJ a frame (modelled)\n",
      kPercent * m.dram_utilisation, m.dram_joules, m.watts, m.joules, 1e3 * m.joules_per_frame);
  return text;
}

std::string search_to_text(const SearchResult& search) {
  std::string text =
      fmt::format("{:<12} {:>9} {:>9} {:>10}  {}\n", "assignment", "fps", "mean ms", "mJ/frame", "mapping");
  for (const Assignment& assignment : search.assignments) {
    double throughput = 0;
    for (const StreamMetrics& stream : assignment.metrics.streams) {
      throughput += stream.throughput;
    }
    text += fmt::format("{:<12} {:>9.2f} {:>9.3f} {:>10.2f}  {}\n", assignment.name, throughput,
                        mean_latency(assignment.metrics), 1e3 * assignment.metrics.joules_per_frame,
                        fmt::join(assignment.mappings, "; "));
  }
  return text + fmt::format("{} candidates simulated for {}\n\n", search.evaluated,
                            objective_name(search.scenario.objective));
}

}  // namespace medlar::sched
