// SPDX-License-Identifier: Apache-2.0
#include "profile/timeline.hpp"

#include <nlohmann/json.hpp>

namespace medlar::profile {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMicroseconds = 1e3;  // in a millisecond: the format counts in microseconds

/// Events and named tracks of one process.
class Trace {
 public:
  explicit Trace(const std::string& process) {
    events_.push_back({{"name", "process_name"}, {"ph", "M"}, {"pid", kPid}, {"args", {{"name", process}}}});
  }

  /// The track of that name; made on first use, in the order of use.
  int track(const std::string& name) {
    for (size_t i = 0; i < tracks_.size(); ++i) {
      if (tracks_[i] == name) {
        return static_cast<int>(i) + 1;
      }
    }
    tracks_.push_back(name);
    const int id = static_cast<int>(tracks_.size());
    events_.push_back(
        {{"name", "thread_name"}, {"ph", "M"}, {"pid", kPid}, {"tid", id}, {"args", {{"name", name}}}});
    events_.push_back({{"name", "thread_sort_index"},
                       {"ph", "M"},
                       {"pid", kPid},
                       {"tid", id},
                       {"args", {{"sort_index", id}}}});
    return id;
  }
  void span(const std::string& track_name, const std::string& name, double start_us, double duration_us,
            Json args) {
    const int id = track(track_name);
    events_.push_back({{"name", name},
                       {"cat", track_name},
                       {"ph", "X"},
                       {"ts", start_us},
                       {"dur", duration_us},
                       {"pid", kPid},
                       {"tid", id},
                       {"args", std::move(args)}});
  }
  void instant(const std::string& track_name, const std::string& name, double at_us) {
    const int id = track(track_name);
    events_.push_back({{"name", name},
                       {"cat", track_name},
                       {"ph", "i"},
                       {"ts", at_us},
                       {"pid", kPid},
                       {"tid", id},
                       {"s", "t"}});
  }
  void counter(const std::string& name, double at_us, double value) {
    events_.push_back(
        {{"name", name}, {"ph", "C"}, {"ts", at_us}, {"pid", kPid}, {"args", {{"value", value}}}});
  }
  std::string finish() {
    return Json{{"displayTimeUnit", "ms"},
                {"otherData", {{"clock", "modelled"}}},
                {"traceEvents", std::move(events_)}}
               .dump(1) +
           "\n";
  }

 private:
  static constexpr int kPid = 1;
  std::vector<std::string> tracks_;
  Json events_ = Json::array();
};

/// "CONV+SDP" to its units.
std::vector<std::string> units_of(const std::string& text) {
  std::vector<std::string> units;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('+', at), text.size());
    units.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return units;
}

void add_dla_layer(Trace& trace, const LayerProfile& layer) {
  const Json args{{"onnx", layer.origins},
                  {"macs", layer.macs},
                  {"mac_utilisation", layer.utilisation},
                  {"dram_bytes", layer.dram_bytes},
                  {"sram_bytes", layer.sram_bytes},
                  {"bound", layer.bound}};
  const double start = layer.start_ms * kMicroseconds, length = layer.ms * kMicroseconds;
  for (const std::string& unit : units_of(layer.unit)) {
    trace.span("DLA " + unit, layer.name, start, length, args);
  }
  if (layer.dram_bytes > 0) {
    trace.span("DLA DMA", layer.name, start, length,
               {{"dram_bytes", layer.dram_bytes}, {"load_us", layer.load_ms * kMicroseconds}});
    trace.counter("DRAM GB/s", start, length == 0 ? 0 : static_cast<double>(layer.dram_bytes) / length / 1e3);
  }
}

}  // namespace

std::string inference_timeline(const EngineProfile& profile) {
  Trace trace(fmt::format("{} on {} {} (modelled)", profile.model, profile.device, profile.mode));
  for (const char* unit : {"CONV", "SDP", "PDP", "CDP", "RUBIK", "BDMA", "DMA"}) {
    trace.track(std::string("DLA ") + unit);
  }
  for (const char* name : {"GPU", "CPU", "Fences", "Transitions"}) {
    trace.track(name);
  }
  for (const SegmentProfile& segment : profile.segments) {
    if (segment.transition_ms > 0) {
      trace.span("Transitions", "to " + segment.name,
                 (segment.start_ms - segment.transition_ms) * kMicroseconds,
                 segment.transition_ms * kMicroseconds, {{"engine", compiler::engine_name(segment.engine)}});
    }
    trace.instant("Fences", segment.name + " done", (segment.start_ms + segment.ms) * kMicroseconds);
  }
  for (const LayerProfile& layer : profile.layers) {
    if (layer.engine == compiler::Engine::kDla) {
      add_dla_layer(trace, layer);
      continue;
    }
    trace.span(layer.engine == compiler::Engine::kGpu ? "GPU" : "CPU", layer.name,
               layer.start_ms * kMicroseconds, layer.ms * kMicroseconds,
               {{"operator", layer.unit}, {"macs", layer.macs}, {"bound", layer.bound}});
  }
  trace.counter("DRAM GB/s", profile.total_ms * kMicroseconds, 0);
  return trace.finish();
}

std::string scenario_timeline(const sched::Scenario& scenario, const sched::Outcome& outcome) {
  constexpr double kNanosecondsInMicrosecond = 1e3;
  Trace trace(
      fmt::format("{} on {} {} (modelled)", scenario.name, scenario.device->name, scenario.mode->name));
  const auto server_track = [&](const sched::Span& span) {
    const sched::EngineSpec& engine = scenario.engines[span.engine];
    return engine.servers == 1 ? engine.name : fmt::format("{}.{}", engine.name, span.server);
  };
  for (const sched::Span& span : outcome.timeline) {
    const double start = static_cast<double>(span.start) / kNanosecondsInMicrosecond;
    const double length = static_cast<double>(span.end - span.start) / kNanosecondsInMicrosecond;
    if (span.kind == sched::Span::Kind::kWake) {
      trace.span("Wake-ups", scenario.engines[span.engine].name, start, length, Json::object());
      continue;
    }
    const sched::StreamSpec& stream = scenario.streams[span.stream];
    const Json args{
        {"stream", stream.name}, {"frame", span.frame}, {"step", stream.pipeline[span.step].name}};
    const bool work = span.kind == sched::Span::Kind::kWork;
    trace.span(work ? server_track(span) : "Transitions",
               fmt::format("{} #{} {}", stream.name, span.frame, span.name), start, length, args);
  }
  return trace.finish();
}

}  // namespace medlar::profile
