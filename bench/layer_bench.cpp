// SPDX-License-Identifier: Apache-2.0
// Layers of ResNet-50, MobileNetV2 and YOLOv5s on the chip, registers to memory, beside ONNX Runtime's INT8 convolution
// on the same core in the same run; repetitions of all benchmarks are interleaved. Ends with a table of ratios, from the
// fastest repetition of each: to ONNX Runtime, to this machine's peak of INT8 and 16-bit products, and to NVIDIA's C-model.
// MEDLAR_BENCH_THREADS: default 1. Benchmark's own flags work (--benchmark_filter=resnet50). With more threads ONNX Runtime's own
// spin for a while after each of its runs and take the chip's cores: measure the chip alone then, '/(int8|int16|fp16)'.
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/hash.hpp"
#include "base/parallel.hpp"
#include "bench/layer_program.hpp"
#include "chip/chip_target.hpp"
#include "graph/text.hpp"
#include "host/session.hpp"
#include "import/onnx_export.hpp"

namespace medlar::bench {
namespace {

int threads() {
  const char* wanted = std::getenv("MEDLAR_BENCH_THREADS");
  return wanted != nullptr ? std::atoi(wanted) : 1;
}

void report_rate(benchmark::State& state, double macs) {
  state.counters["GMAC/s"] = benchmark::Counter(macs * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

/// `kept` holds chip and memory from one repetition to the next.
void run_chip(benchmark::State& state, const Layer& layer, hw::Precision precision, std::unique_ptr<LayerRun>& kept) {
  if (!kept) {
    kept = std::make_unique<LayerRun>(layer, precision);
  }
  for (auto _ : state) {
    if (const Status done = kept->run(); !done) {
      state.SkipWithError(done.error().to_string().c_str());
      return;
    }
  }
  report_rate(state, layer.macs());
}

/// Bytes of a constant with their place in a graph's text.
std::string constant(ByteBuffer bytes, graph::ConstantPool& pool) {
  const uint64_t hash = hash64(bytes);
  pool[hash] = std::move(bytes);
  return fmt::format("#{:016x}", hash);
}

/// One quantised convolution with channels last, as ONNX Runtime runs the inside of a quantised network: unsigned
/// activations, signed weights with a scale a kernel, requantised by the same operator.
Result<host::Session> make_session(const Layer& layer) {
  std::mt19937 random(1);
  const uint32_t depth = layer.depthwise ? 1 : layer.c;
  ByteBuffer weights(size_t{layer.k} * depth * layer.kernel * layer.kernel);
  for (uint8_t& byte : weights) {
    byte = static_cast<uint8_t>(random());
  }
  const std::vector<float> scales(layer.k, 0.01f);
  const ByteView scale_bytes = as_bytes_view(scales);
  graph::ConstantPool pool;
  const std::string text = fmt::format(
      "graph \"layer\" {{\"\": 13, \"com.microsoft\": 1}}\n"
      "input %x : uint8[1,{size},{size},{c}]\n"
      "%w = const : int8[{k},{depth},{kernel},{kernel}] {weights}\n%s = const : float32[{k}] {scales}\n"
      "%b = const : int32[{k}] {bias}\n%xs = const : float32[] [0.02]\n%xz = const : uint8[] [128]\n"
      "%wz = const : int8[] [0]\n%ys = const : float32[] [0.5]\n"
      "%y = \"com.microsoft\"::QLinearConv(%x, %xs, %xz, %w, %s, %wz, %ys, %xz, %b) {{channels_last=1, "
      "kernel_shape=[{kernel},{kernel}], pads=[{pad},{pad},{pad},{pad}], strides=[{stride},{stride}], group={group}}} "
      ": uint8[1,{out},{out},{k}]\noutput %y\n",
      fmt::arg("size", layer.size), fmt::arg("c", layer.c), fmt::arg("k", layer.k), fmt::arg("depth", depth),
      fmt::arg("kernel", layer.kernel), fmt::arg("weights", constant(std::move(weights), pool)),
      fmt::arg("scales", constant({scale_bytes.begin(), scale_bytes.end()}, pool)),
      fmt::arg("bias", constant(ByteBuffer(size_t{layer.k} * 4), pool)), fmt::arg("pad", layer.pad()),
      fmt::arg("stride", layer.stride), fmt::arg("group", layer.depthwise ? layer.c : 1), fmt::arg("out", layer.out()));
  MEDLAR_ASSIGN(const graph::Graph graph, graph::parse(text, pool));
  MEDLAR_ASSIGN(const ByteBuffer model, import::export_onnx(graph));
  return host::Session::create(model, layer.name, {.provider = host::Provider::kCpu, .threads = threads()});
}

/// ONNX Runtime's session with buffers of ours, so that nothing is allocated or copied.
struct OrtRun {
  explicit OrtRun(const Layer& layer)
      : session(make_session(layer)), in(size_t{layer.size} * layer.size * layer.c, 131), out(size_t{layer.out()} * layer.out() * layer.k) {
    inputs["x"] = {.type = graph::DataType::kUint8, .shape = {1, layer.size, layer.size, layer.c}, .bytes = in};
    outputs["y"] = {.type = graph::DataType::kUint8, .shape = {1, layer.out(), layer.out(), layer.k}, .bytes = out};
  }
  Result<host::Session> session;
  std::vector<uint8_t> in, out;
  std::map<std::string, host::TensorRef> inputs, outputs;
};

void run_ort(benchmark::State& state, const Layer& layer, std::unique_ptr<OrtRun>& kept) {
  if (!kept) {
    kept = std::make_unique<OrtRun>(layer);
  }
  if (!kept->session) {
    state.SkipWithError(kept->session.error().to_string().c_str());
    return;
  }
  for (auto _ : state) {
    if (const Status done = kept->session->run_in_place(kept->inputs, kept->outputs); !done) {
      state.SkipWithError(done.error().to_string().c_str());
      return;
    }
  }
  report_rate(state, layer.macs());
}

/// The inner product alone, on operands that stay in the first cache.
void run_peak(benchmark::State& state, bool bytes) {
  const chip::DotTarget& target = (*chip::find_chip_target())->dot;
  constexpr uint32_t kSteps = 64;
  constexpr int kPixels = 6;
  std::vector<uint8_t> data(kPixels * kSteps * 4, 1);
  std::vector<uint8_t> weights(chip::kDotMaxBlocks * kSteps * chip::kDotStepBytes, 1);
  std::vector<int32_t> start(chip::kDotMaxBlocks * chip::kDotLanes);
  std::vector<int32_t> out(chip::kDotMaxPixels * chip::kDotMaxBlocks * chip::kDotLanes);
  chip::DotTile tile{.pixel_count = kPixels, .block_count = chip::kDotMaxBlocks, .weights = weights.data(),
                     .block_bytes = kSteps * chip::kDotStepBytes, .rows = 1, .taps = 1, .steps = kSteps,
                     .start = start.data(), .out_step = chip::kDotMaxBlocks * chip::kDotLanes};
  for (int block = 0; block < chip::kDotMaxBlocks; ++block) {
    tile.out[block] = out.data() + block * chip::kDotLanes;
  }
  for (int p = 0; p < kPixels; ++p) {
    tile.pixels[p] = data.data() + p * kSteps * 4;
  }
  const bool in_bytes = bytes && target.has_bytes;
  for (auto _ : state) {
    in_bytes ? target.bytes(tile) : target.words(tile);
    benchmark::ClobberMemory();
  }
  report_rate(state, double{kPixels} * chip::kDotMaxBlocks * chip::kDotLanes * kSteps * (in_bytes ? 4 : 2));
}

/// Prints as usual and keeps the best rate of every benchmark.
class Rates final : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      const auto rate = run.counters.find("GMAC/s");
      if (run.run_type == Run::RT_Iteration && rate != run.counters.end()) {
        double& best = best_[run.run_name.function_name];
        best = std::max(best, static_cast<double>(rate->second));
      }
    }
  }
  double best(const std::string& name) const {
    const auto found = best_.find(name);
    return found == best_.end() ? 0 : found->second;
  }

 private:
  std::map<std::string, double> best_;
};

/// GMAC/s of NVIDIA's C-model on one core, debug logging compiled out (measured once, on another machine).
constexpr double kCModelInt8 = 0.39, kCModelInt16 = 0.034, kCModelFp16 = 0.009;

void print_table(const Rates& rates) {
  const double peak8 = rates.best("peak/int8");
  const double peak16 = rates.best("peak/words");
  fmt::print("\nGMAC/s, fastest repetition; peak {:.0f} INT8, {:.0f} words (INT16 takes two)\n", peak8, peak16);
  fmt::print("{:<28}{:>8}{:>8}{:>9}{:>9}{:>9}{:>8}{:>9}{:>8}{:>9}\n", "layer", "int8", "ORT", "x ORT", "of peak", "x C-mod",
             "int16", "x C-mod", "fp16", "x C-mod");
  for (const Layer& layer : kLayers) {
    const auto of = [&](const char* what) { return rates.best(std::string(layer.name) + "/" + what); };
    const double ort = of("onnxruntime_int8");
    if (of("int8") + of("int16") + of("fp16") == 0) {
      continue;
    }
    fmt::print("{:<28}{:>8.1f}{:>8.1f}{:>9.2f}{:>8.0f}%{:>9.0f}{:>8.2f}{:>9.0f}{:>8.3f}{:>9.0f}\n", layer.name, of("int8"), ort,
               ort > 0 ? of("int8") / ort : 0, peak8 > 0 ? 100 * of("int8") / peak8 : 0, of("int8") / kCModelInt8, of("int16"),
               of("int16") / kCModelInt16, of("fp16"), of("fp16") / kCModelFp16);
  }
}

template <typename Run>
void add(const std::string& name, Run run) {
  auto* const registered = benchmark::RegisterBenchmark(name.c_str(), run)->Unit(benchmark::kMillisecond);
  if (threads() > 1) {
    registered->UseRealTime();
  }
}

void register_all() {
  add("peak/int8", [](benchmark::State& s) { run_peak(s, true); });
  add("peak/words", [](benchmark::State& s) { run_peak(s, false); });
  for (const Layer& layer : kLayers) {
    const auto ort = std::make_shared<std::unique_ptr<OrtRun>>();
    add(std::string(layer.name) + "/onnxruntime_int8", [&layer, ort](benchmark::State& s) { run_ort(s, layer, *ort); });
    for (const hw::Precision precision : {hw::Precision::kInt8, hw::Precision::kInt16, hw::Precision::kFp16}) {
      const auto kept = std::make_shared<std::unique_ptr<LayerRun>>();
      add(std::string(layer.name) + "/" + std::string(hw::precision_name(precision)),
          [&layer, precision, kept](benchmark::State& s) { run_chip(s, layer, precision, *kept); });
    }
  }
}

}  // namespace
}  // namespace medlar::bench

int main(int argc, char** argv) {
  std::vector<char*> arguments(argv, argv + argc);
  std::string interleave = "--benchmark_enable_random_interleaving=true";
  std::string repeat = "--benchmark_repetitions=5";
  std::string shortly = "--benchmark_min_time=0.02";
  for (std::string* extra : {&interleave, &repeat, &shortly}) {  // defaults; what the user says comes behind
    arguments.insert(arguments.begin() + 1, extra->data());
  }
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) {
    return 1;
  }
  medlar::set_parallel_threads(medlar::bench::threads());
  medlar::bench::register_all();
  medlar::bench::Rates rates;
  benchmark::RunSpecifiedBenchmarks(&rates);
  medlar::bench::print_table(rates);
  return 0;
}
