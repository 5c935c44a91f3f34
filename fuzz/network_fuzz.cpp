// SPDX-License-Identifier: Apache-2.0
// Networks of a fuzzer's choices through the whole compiler, for several chips in both precisions: an error,
// or a plan whose loadables read back and verify.
#include "compiler/compile.hpp"
#include "fuzz/random_network.hpp"
#include "hw/device.hpp"
#include "loadable/loadable.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace medlar;
  constexpr size_t kMostBytes = 512;
  constexpr std::string_view kConfigs[] = {"nv_full", "nv_small", "nv_large", "nv_full"};
  fuzz::Input input(data, std::min(size, kMostBytes));
  const uint32_t chip = input.choose(4);
  compiler::CompileOptions options{.config = *hw::find_config(kConfigs[chip])};
  options.precision = chip == 0 ? hw::Precision::kFp16 : hw::Precision::kInt8;
  options.emit.images = input.choose(2) == 0;
  graph::Graph graph = fuzz::RandomNetwork(input).make();
  if (graph.outputs.empty()) {
    return 0;
  }
  graph::remove_dead(graph);
  fuzz::require(graph::verify(graph).has_value());
  const compiler::CalibrationTable table = compiler::assumed_ranges(graph);
  const auto plan = compiler::compile(graph, options, &table);
  if (!plan) {
    fuzz::require(plan.error().code != Code::kInternal);
    return 0;
  }
  for (const compiler::Segment& segment : plan->segments) {
    if (segment.engine == compiler::Engine::kDla) {
      const auto file = loadable::read(segment.payload, segment.name);
      fuzz::require(file && loadable::verify(*file).has_value());
    }
  }
  return 0;
}
