// SPDX-License-Identifier: Apache-2.0
// Speed of the convolution core's arithmetic on layers of ResNet-50, MobileNetV2 and YOLOv5s, in GMAC/s of the
// convolution as the network has it. "roofline" is the inner product alone on operands that stay in the first cache.
// MEDLAR_CHIP_ISA picks the vector unit, MEDLAR_BENCH_THREADS the threads (default 1).
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/checked.hpp"
#include "base/parallel.hpp"
#include "bench/layers.hpp"
#include "chip/conv/compute.hpp"
#include "chip/conv/reference.hpp"
#include "hw/config.hpp"

namespace medlar::chip {
namespace {

using bench::kLayers;
using bench::Layer;

ConvJob make_job(const Layer& layer, hw::Precision precision) {
  const hw::HwConfig& config = *hw::find_config("nv_full").value();
  ConvJob job;
  job.precision = job.in_precision = precision;
  job.machine = {.atomic_c = config.atomic_c,
                 .kernels_per_group = config.kernels_per_group(precision),
                 .channels_per_atom = config.channels_per_atom(precision),
                 .memory_atom = config.memory_atom,
                 .entry_bytes = config.cbuf_entry_bytes,
                 .bank_entries = config.cbuf_bank_entries};
  job.in_w = job.in_h = job.fetch_h = layer.size;
  job.in_c = job.kernel_c = layer.c;
  job.kernels = layer.k;
  job.kernel_w = job.kernel_h = layer.kernel;
  job.stride_x = job.stride_y = layer.stride;
  job.pad_left = job.pad_top = job.pad_right = job.pad_bottom = layer.pad();
  job.out_w = job.out_h = layer.out();
  return job;
}

/// Integers over their whole range; halves like a layer's activations: Gaussian, about one in three zero.
void fill(std::vector<uint8_t>& bytes, hw::Precision precision, bool sparse, std::mt19937& random) {
  if (precision != hw::Precision::kFp16) {
    for (uint8_t& byte : bytes) {
      byte = static_cast<uint8_t>(random());
    }
    return;
  }
  std::normal_distribution<float> normal;
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
    const float value = normal(random);
    const _Float16 half = sparse && value < -0.4f ? _Float16(0) : static_cast<_Float16>(value);
    __builtin_memcpy(&bytes[i], &half, 2);
  }
}

void convolution(benchmark::State& state, const Layer& layer, hw::Precision precision) {
  const ConvJob job = make_job(layer, precision);
  std::mt19937 random(1);
  ConvCube cube{.batches = 1, .h = job.in_h, .w = job.in_w, .c = job.in_c, .pitch = round_up(job.in_c, 4u),
                .element_bytes = job.element_bytes(), .bytes = {}};
  cube.bytes.resize(cube.batch_bytes());
  fill(cube.bytes, precision, true, random);
  std::vector<uint8_t> weights(job.weight_elements() * job.element_bytes());
  fill(weights, precision, false, random);
  AccCube out = make_acc_cube(job);
  ConvScratch scratch;
  for (auto _ : state) {
    ConvCompute compute(job, **find_chip_target(), scratch);
    compute.set_data(cube);
    compute.set_weights({.first = 0, .count = job.kernels}, weights);
    compute.run(0, out);
    benchmark::DoNotOptimize(out.data.data());
  }
  state.counters["GMAC/s"] = benchmark::Counter(layer.macs() * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void roofline(benchmark::State& state, bool bytes) {
  const DotTarget& target = (*find_chip_target())->dot;
  constexpr uint32_t kSteps = 64;
  constexpr int kPixels = 6;
  std::vector<uint8_t> data(kPixels * kSteps * 4, 1);
  std::vector<uint8_t> weights(kDotMaxBlocks * kSteps * kDotLanes * 4, 1);
  std::vector<int32_t> start(kDotMaxBlocks * kDotLanes);
  std::vector<int32_t> out(kDotMaxPixels * kDotMaxBlocks * kDotLanes);
  DotTile tile{.pixel_count = kPixels, .block_count = kDotMaxBlocks, .weights = weights.data(),
               .block_bytes = kSteps * kDotLanes * 4, .rows = 1, .taps = 1, .steps = kSteps,
               .start = start.data(), .out_step = kDotMaxBlocks * kDotLanes};
  for (int block = 0; block < kDotMaxBlocks; ++block) {
    tile.out[block] = out.data() + block * kDotLanes;
  }
  for (int p = 0; p < kPixels; ++p) {
    tile.pixels[p] = data.data() + p * kSteps * 4;
  }
  for (auto _ : state) {
    bytes ? target.bytes(tile) : target.words(tile);
    benchmark::ClobberMemory();
  }
  const double products = double{kPixels} * kDotMaxBlocks * kDotLanes * kSteps * (bytes ? 4 : 2);
  state.counters["GMAC/s"] = benchmark::Counter(products * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void register_all() {
  benchmark::RegisterBenchmark("roofline/int8_products", [](benchmark::State& s) { roofline(s, true); });
  benchmark::RegisterBenchmark("roofline/word_products", [](benchmark::State& s) { roofline(s, false); });
  for (const hw::Precision precision : {hw::Precision::kInt8, hw::Precision::kInt16, hw::Precision::kFp16}) {
    for (const Layer& layer : kLayers) {
      if (layer.depthwise) {
        continue;  // their weights here are dense
      }
      const std::string name = std::string(hw::precision_name(precision)) + "/" + layer.name;
      benchmark::RegisterBenchmark(name.c_str(),
                                   [layer, precision](benchmark::State& s) { convolution(s, layer, precision); })
          ->Unit(benchmark::kMillisecond);
    }
  }
}

}  // namespace
}  // namespace medlar::chip

int main(int argc, char** argv) {
  const char* threads = std::getenv("MEDLAR_BENCH_THREADS");
  medlar::set_parallel_threads(threads != nullptr ? std::atoi(threads) : 1);
  medlar::chip::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
