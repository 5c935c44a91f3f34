// SPDX-License-Identifier: Apache-2.0
// `medlar stats`: a line an interval, in tegrastats' manner, over a scenario or an inference loop. Everything
// on a line is modelled except where it says host.
#include "api/profile.hpp"
#include "api/scenario.hpp"
#include "commands.hpp"
#include "model_options.hpp"
#include "runtime/execution_context.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace medlar::tools {
namespace {

struct Options {
  ModelOptions model;
  std::string mode;
  uint64_t interval_ms = 1000, count = 10;
  bool realtime = false;
};

constexpr double kMega = 1e6;

/// What one interval looked like.
struct Line {
  double used_mb = 0, dram_mb = 0;
  double emc_percent = 0, emc_gbs = 0;
  std::vector<std::string> engines;
  double watts = 0;
  std::string tail;
};

void print(double at_seconds, const Line& line) {
  fmt::print("{:8.3f} s RAM {:.1f}/{:.0f}MB EMC {:.0f}%@{:.1f}GB/s {} VDD_IN {:.0f}mW{}\n", at_seconds,
             line.used_mb, line.dram_mb, line.emc_percent, line.emc_gbs, fmt::join(line.engines, " "),
             1e3 * line.watts, line.tail);
  std::fflush(stdout);
}

std::string clock_of(const hw::PowerMode& mode, sched::EngineKind kind) {
  const uint64_t hz = kind == sched::EngineKind::kDla   ? mode.dla_hz
                      : kind == sched::EngineKind::kGpu ? mode.gpu_hz
                                                        : mode.cpu_hz;
  return fmt::format("{:.0f}MHz", static_cast<double>(hz) / kMega);
}

/// Work of the timeline inside [from, to), in proportion.
struct Window {
  std::vector<double> busy;
  std::vector<double> joules;
  std::vector<double> gated;  ///< Seconds without power.
  double dram_bytes = 0;
};

/// Seconds of [from, to) in which the engine's power is off: before its first work, and from `gate_after`
/// behind any work to the next.
double gated_seconds(const sched::EngineSpec& spec, size_t engine, const std::vector<sched::Span>& timeline,
                     sched::Time from, sched::Time to) {
  if (spec.gate_after == sched::kNever) {
    return 0;
  }
  sched::Time gated = 0, off_since = 0;
  const auto add = [&](sched::Time begin, sched::Time end) {
    gated += std::max<sched::Time>(0, std::min(to, end) - std::max(from, begin));
  };
  for (const sched::Span& span : timeline) {  // an engine's spans are in order
    if (span.engine == engine && span.kind != sched::Span::Kind::kTransition) {
      add(off_since, span.start);
      off_since = std::max(off_since, span.end + spec.gate_after);
    }
  }
  add(off_since, to);
  return sched::to_seconds(gated);
}

Window window_of(const sched::Scenario& scenario, const std::vector<sched::Span>& timeline, sched::Time from,
                 sched::Time to) {
  const std::vector<double> none(scenario.engines.size());
  Window window{none, none, none, 0};
  for (size_t i = 0; i < scenario.engines.size(); ++i) {
    window.gated[i] = gated_seconds(scenario.engines[i], i, timeline, from, to);
  }
  for (const sched::Span& span : timeline) {
    const sched::Time overlap = std::min(to, span.end) - std::max(from, span.start);
    if (span.kind != sched::Span::Kind::kWork || overlap <= 0) {
      continue;
    }
    const double part = static_cast<double>(overlap) / static_cast<double>(span.end - span.start);
    window.busy[span.engine] += sched::to_seconds(overlap);
    window.joules[span.engine] += part * span.joules;
    window.dram_bytes += part * span.dram_bytes;
  }
  return window;
}

Line line_of(const sched::Scenario& scenario, const Window& window, double seconds) {
  Line line;
  line.used_mb = sched::memory_in_use(scenario) / kMega;
  line.dram_mb = static_cast<double>(scenario.device->dram_bytes) / kMega;
  line.emc_percent =
      100 * window.dram_bytes / (seconds * static_cast<double>(scenario.mode->dram_bytes_per_second));
  line.emc_gbs = static_cast<double>(scenario.mode->dram_bytes_per_second) / 1e9;
  line.watts = scenario.base_watts + window.dram_bytes * scenario.dram_joules_per_byte / seconds;
  for (size_t i = 0; i < scenario.engines.size(); ++i) {
    const sched::EngineSpec& engine = scenario.engines[i];
    const double busy = window.busy[i] / (seconds * engine.servers);
    const bool gated = busy == 0 && window.gated[i] > 0;
    const double off = window.gated[i] / seconds;
    const double watts =
        off * engine.gated_watts + (1 - off) * engine.idle_watts + window.joules[i] / seconds;
    line.watts += watts;
    line.engines.push_back(gated ? fmt::format("{} off", engine.name)
                                 : fmt::format("{} {:.0f}%@{} {:.0f}mW", engine.name, 100 * busy,
                                               clock_of(*scenario.mode, engine.kind), 1e3 * watts));
  }
  return line;
}

Status scenario_stats(const Options& options) {
  MEDLAR_ASSIGN(const api::ScenarioFile file,
                api::ScenarioFile::load(options.model.file, terminal_log(false)));
  constexpr size_t kSpans = 2'000'000;
  MEDLAR_ASSIGN(const api::ScenarioOutcome result,
                file.run({.execute = false, .max_frames = 0, .timeline_spans = kSpans, .search = {}}));
  const sched::Scenario& scenario = result.search != nullptr ? result.search->scenario : file.scenario();
  const sched::Time step = sched::to_time(static_cast<double>(options.interval_ms) / 1e3);
  const sched::Time end = sched::to_time(result.outcome.metrics.seconds);
  for (sched::Time at = 0;
       at < end && (options.count == 0 || at / step < static_cast<sched::Time>(options.count)); at += step) {
    const sched::Time until = std::min(at + step, end);
    if (options.realtime) {
      std::this_thread::sleep_for(std::chrono::nanoseconds(until - at));
    }
    print(sched::to_seconds(until), line_of(scenario, window_of(scenario, result.outcome.timeline, at, until),
                                            sched::to_seconds(until - at)));
  }
  return {};
}

/// An engine's profile as the load of a scenario's engines: one inference after the other.
Line loop_line(const sched::Scenario& scenario, const profile::EngineProfile& profile, uint32_t core) {
  const std::vector<double> none(scenario.engines.size());
  Window window{none, none, none, 0};
  const double seconds = profile.total_ms / 1e3;
  for (const profile::SegmentProfile& segment : profile.segments) {
    for (size_t i = 0; i < scenario.engines.size(); ++i) {
      const bool dla = segment.engine == compiler::Engine::kDla && i == core;
      const bool gpu =
          segment.engine == compiler::Engine::kGpu && scenario.engines[i].kind == sched::EngineKind::kGpu;
      const bool cpu =
          segment.engine == compiler::Engine::kCpu && scenario.engines[i].kind == sched::EngineKind::kCpu;
      if (dla || gpu || cpu) {
        const double seconds_on = (segment.submit_ms + segment.ms) / 1e3;
        window.busy[i] += seconds_on;
        window.joules[i] += std::max(0.0, segment.joules - scenario.engines[i].idle_watts * seconds_on);
      }
    }
    window.dram_bytes += static_cast<double>(segment.dram_bytes);
  }
  return line_of(scenario, window, seconds);
}

Status engine_stats(const Options& options) {
  MEDLAR_ASSIGN(const engine::Engine engine, open_engine(options.model));
  MEDLAR_ASSIGN(
      const api::Profiled profiled,
      api::profile_engine(engine, options.model.file, {.mode = options.mode, .engine = {}, .inputs = {}}));
  MEDLAR_ASSIGN(const auto module,
                api::Module::boot(engine.device, {.mode = options.mode, .log = null_log_sink()}));
  MEDLAR_ASSIGN(const auto loaded, module->load(engine, options.model.file));
  MEDLAR_ASSIGN(const auto context, runtime::ExecutionContext::create(loaded));
  MEDLAR_ASSIGN(const auto inputs, api::complete_inputs(engine, {}));
  Line line = loop_line(sched::scenario_for(module->device(), module->mode()), profiled.profile, 0);
  line.used_mb += static_cast<double>(loaded->device_bytes() + context->device_bytes()) / kMega;
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t i = 0; options.count == 0 || i < options.count; ++i) {
    const auto until = start + std::chrono::milliseconds(options.interval_ms * (i + 1));
    uint64_t done = 0;
    do {
      MEDLAR_TRY(context->run(inputs));
      ++done;
    } while (std::chrono::steady_clock::now() < until);
    line.tail = fmt::format(" | {:.1f} inferences/s modelled; host: {} done in this interval",
                            1e3 / profiled.profile.total_ms, done);
    print(static_cast<double>((i + 1) * options.interval_ms) / 1e3, line);
  }
  return {};
}

Status run_stats(const Options& options) {
  const std::string extension = std::filesystem::path(options.model.file).extension().string();
  return extension == ".yaml" || extension == ".yml" ? scenario_stats(options) : engine_stats(options);
}

}  // namespace

Action add_stats(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "stats", "Print clocks, load, memory and watts every interval, as tegrastats does (modelled)");
  const auto options = std::make_shared<Options>();
  add_model_options(*command, options->model);
  command->get_option("model")->description("Scenario (.yaml), X.engine or ONNX model");
  command->add_option("--mode", options->mode, "Power mode of the module (engines and models)");
  command->add_option("--interval", options->interval_ms, "Milliseconds between lines")
      ->check(CLI::Range(1, 3'600'000));
  command->add_option("--count", options->count, "Lines to print; 0: a scenario to its end, a loop for ever");
  command->add_flag("--realtime", options->realtime, "Scenarios: a modelled second takes a second");
  return [options] { return run_stats(*options); };
}

}  // namespace medlar::tools
