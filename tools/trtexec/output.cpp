// SPDX-License-Identifier: Apache-2.0
#include "output.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <numeric>

#include "sched/metrics.hpp"

namespace medlar::trtexec {
namespace {

using compiler::Engine;

constexpr const char* kModelled = "(modelled)";
constexpr const char* kHost = "(host: this computer)";

std::string upper(std::string_view engine) {
  std::string text(engine);
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

void print_row(const Options& options, std::string_view name, std::vector<double> values, const char* label) {
  if (values.empty()) {
    return;
  }
  std::sort(values.begin(), values.end());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  std::string line = fmt::format("{}: min = {:.6g} ms, max = {:.6g} ms, mean = {:.6g} ms, median = {:.6g} ms", name, values.front(),
                                 values.back(), mean, sched::percentile(values, 50));
  for (const double percent : options.percentiles) {
    line += fmt::format(", percentile({:g}%) = {:.6g} ms", percent, sched::percentile(values, percent));
  }
  info(line + " " + label);
}

/// "conv1...fc2": a DLA segment as TensorRT names it, one node for the whole subgraph.
std::string foreign_node(const compiler::Plan& plan, size_t segment) {
  std::string first, last;
  for (const compiler::Placement& placement : plan.placements) {
    if (placement.segment == static_cast<int>(segment)) {
      first = first.empty() ? placement.node : first;
      last = placement.node;
    }
  }
  return fmt::format("{{ForeignNode[{}...{}]}}", first, last);
}

void print_layers_on(const engine::Engine& engine, Engine where) {
  info(fmt::format("---------- Layers Running on {} ----------", upper(compiler::engine_name(where))));
  const char* label = where == Engine::kDla ? "[DlaLayer]" : where == Engine::kGpu ? "[GpuLayer]" : "[CpuLayer]";
  for (size_t i = 0; i < engine.plan.segments.size(); ++i) {
    if (engine.plan.segments[i].engine != where) {
      continue;
    }
    if (where == Engine::kDla) {
      info(fmt::format("{} {}", label, foreign_node(engine.plan, i)));
      continue;
    }
    for (const compiler::Placement& placement : engine.plan.placements) {
      if (placement.segment == static_cast<int>(i)) {
        info(fmt::format("{} {}: {}", label, upper(placement.op_type), placement.node));
      }
    }
  }
}

std::vector<double> added(const std::vector<double>& values, double constant) {
  std::vector<double> sums(values);
  std::for_each(sums.begin(), sums.end(), [&](double& value) { value += constant; });
  return sums;
}

void print_trace(const Options& options, const Measurement& m) {
  info("=== Trace details ===");
  info(fmt::format("Trace averages of {} runs {}:", options.avg_runs, kModelled));
  constexpr size_t kShown = 10;  // a modelled trace repeats itself
  for (size_t at = 0, line = 0; at < m.compute_ms.size() && line < kShown; at += options.avg_runs, ++line) {
    const size_t end = std::min<size_t>(at + options.avg_runs, m.compute_ms.size());
    const double mean = std::accumulate(m.compute_ms.begin() + static_cast<int64_t>(at), m.compute_ms.begin() + static_cast<int64_t>(end), 0.0) /
                        static_cast<double>(end - at);
    info(fmt::format("Average on {} runs - GPU latency: {:.6g} ms - Host latency: {:.6g} ms {}", end - at, mean,
                     mean + m.h2d_ms + m.d2h_ms, kModelled));
  }
}

}  // namespace

namespace {

void print_stamped(char severity, std::string_view line) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char stamp[32] = {};
  std::strftime(stamp, sizeof stamp, "%m/%d/%Y-%H:%M:%S", &local);
  fmt::print("[{}] [{}] {}\n", stamp, severity, line);
}

}  // namespace

void info(std::string_view line) {
  print_stamped('I', line);
}

LogSink log_lines(bool verbose) {
  return [verbose](Severity severity, std::string_view line) {
    constexpr char kLetters[] = {'V', 'I', 'W', 'E'};
    if (severity != Severity::kVerbose || verbose) {
      print_stamped(kLetters[static_cast<size_t>(severity)], line);
    }
  };
}

void print_options(const Options& options, const engine::Engine& engine) {
  info("=== Model Options ===");
  info(fmt::format("Format: {}", options.onnx.empty() ? "engine" : "ONNX"));
  info(fmt::format("Model: {}", options.onnx.empty() ? options.load_engine : options.onnx));
  info("=== Build Options ===");
  info(fmt::format("Precision: {}", upper(engine.precision)));
  info("=== System Options ===");
  info(options.dla_core < 0 ? std::string("DLACore: none") : fmt::format("DLACore: {}{}", options.dla_core, options.allow_gpu_fallback ? "(With GPU fallback)" : ""));
  info("=== Inference Options ===");
  info(fmt::format("Iterations: {}", options.iterations));
  info(fmt::format("Duration: {}s (+ {}ms warm up) {}", options.duration_s, options.warm_up_ms, kModelled));
  info(fmt::format("Inference Streams: {}", options.streams));
  info("=== Device Information ===");
  info(fmt::format("Selected Device: {} (simulated)", engine.device));
}

void print_placement(const Options& options, const engine::Engine& engine) {
  print_layers_on(engine, Engine::kDla);
  print_layers_on(engine, Engine::kGpu);
  const auto on_cpu = [](const compiler::Segment& segment) { return segment.engine == Engine::kCpu; };
  if (std::any_of(engine.plan.segments.begin(), engine.plan.segments.end(), on_cpu)) {
    print_layers_on(engine, Engine::kCpu);
  }
  if (!options.verbose) {
    return;
  }
  for (const compiler::Placement& placement : engine.plan.placements) {
    if (placement.segment >= 0) {
      const bool fallback = placement.engine != Engine::kDla && options.dla_core >= 0;
      info(fmt::format("Layer: {} ... Device: {}{}{}", placement.node, upper(compiler::engine_name(placement.engine)), fallback ? " (fallback)" : "",
                       fallback ? fmt::format(" {}: {}", placement.reason_code, placement.reason) : ""));
    }
  }
}

void print_capability(const engine::Engine& engine) {
  info("=== DLA capability ===");
  for (const compiler::Placement& placement : engine.plan.placements) {
    info(fmt::format("{} {}: {}", placement.op_type, placement.node,
                     placement.segment < 0                       ? "folded away"
                     : placement.engine == Engine::kDla ? "DLA"
                                                                 : fmt::format("not DLA, {}: {}", placement.reason_code, placement.reason)));
  }
}

void print_summary(const Options& options, const Measurement& m) {
  info("Starting inference");
  info(fmt::format("Warmup completed {} queries over {:g} ms {}", m.warm_up, options.warm_up_ms, kModelled));
  info(fmt::format("Timing trace has {} queries over {:.6g} s {}", m.compute_ms.size(), m.seconds, kModelled));
  print_trace(options, m);
  info("=== Performance summary ===");
  info(fmt::format("Throughput: {:.6g} qps {}", m.throughput, kModelled));
  print_row(options, "Latency", added(m.compute_ms, m.h2d_ms + m.d2h_ms), kModelled);
  print_row(options, "Enqueue Time", m.enqueue_ms, kHost);
  print_row(options, "H2D Latency", {m.h2d_ms}, kModelled);
  print_row(options, "GPU Compute Time", m.compute_ms, kModelled);
  print_row(options, "D2H Latency", {m.d2h_ms}, kModelled);
  info(fmt::format("Total Host Walltime: {:.6g} s {}", m.seconds, kModelled));
  info(fmt::format("Total GPU Compute Time: {:.6g} s {}", std::accumulate(m.compute_ms.begin(), m.compute_ms.end(), 0.0) / 1e3, kModelled));
  info(fmt::format("DLA utilization: {:.0f}% {}", 100 * m.dla_utilisation, kModelled));
  print_row(options, "Query Time", m.host_ms, kHost);
  info(fmt::format("{} queries were executed bit by bit in {:.3f} s {}", m.host_ms.size(), m.host_seconds, kHost));
  info(fmt::format("Device memory in use: {:.3f} MiB", static_cast<double>(m.device_bytes) / 1048576.0));
  for (const std::string& note : m.profiled.host_notes) {
    info("Ran on this computer: " + note);
  }
  if (options.verbose) {
    for (const std::string& conversion : m.profiled.conversions) {
      info("Moved between engines: " + conversion);
    }
  }
}

void print_profile(const Options& options, const Measurement& m) {
  const profile::EngineProfile& p = m.profiled.profile;
  if (options.verbose || options.dump_profile) {
    for (const profile::LayerProfile& layer : p.layers) {
      const bool fallback = layer.engine != Engine::kDla && options.dla_core >= 0;
      info(fmt::format("[{}] Layer {}: {:.4g}ms{}", upper(compiler::engine_name(layer.engine)), layer.name, layer.ms, fallback ? " (fallback)" : ""));
    }
    info(fmt::format("Total: {:.4g}ms, {:.4g}ms of it {} transitions {}", p.total_ms, p.transition_ms, p.transitions, kModelled));
    info(fmt::format("DLA utilization: {:.0f}% {}", 100 * p.dla_share(), kModelled));
  }
  if (!options.dump_profile) {
    return;
  }
  const double count = static_cast<double>(m.compute_ms.size());
  info(fmt::format("=== Profile ({} iterations ) === {}", m.compute_ms.size(), kModelled));
  info(fmt::format("{:>12} {:>12} {:>12} {:>9}   {}", "Time(ms)", "Avg.(ms)", "Median(ms)", "Time(%)", "Layer"));
  for (const profile::LayerProfile& layer : p.layers) {
    info(fmt::format("{:>12.2f} {:>12.4f} {:>12.4f} {:>9.1f}   {}", layer.ms * count, layer.ms, layer.ms, 100 * layer.ms / p.total_ms, layer.name));
  }
  for (const auto& [name, ms] : {std::pair("transitions between engines", p.transition_ms), std::pair("submissions to the DLA", p.submit_ms)}) {
    info(fmt::format("{:>12.2f} {:>12.4f} {:>12.4f} {:>9.1f}   {}", ms * count, ms, ms, 100 * ms / p.total_ms, name));
  }
  info(fmt::format("{:>12.2f} {:>12.4f} {:>12.4f} {:>9.1f}   {}", p.total_ms * count, p.total_ms, p.total_ms, 100.0, "Total"));
}

void print_outputs(const Measurement& m) {
  info("Output Tensors:");
  for (const auto& [name, tensor] : m.profiled.outputs) {
    info(fmt::format("{}: ({})", name, fmt::join(tensor.shape, "x")));
    info(fmt::format("{}", fmt::join(graph::to_doubles(tensor).value_or(std::vector<double>()), " ")));
  }
}

}  // namespace medlar::trtexec
