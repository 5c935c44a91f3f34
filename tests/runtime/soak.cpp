// SPDX-License-Identifier: Apache-2.0
// runtime_soak [COUNT]: COUNT asynchronous inferences (default 100000) over 8 streams, 2 DLA cores and 2 engines on one
// module. Every output is compared with what a single thread computed; device objects must not grow, and the process's
// memory not by more than a bound. Exit code 0: all right.
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <fmt/format.h>
#include <unistd.h>

#include "api/build.hpp"
#include "api/module.hpp"
#include "runtime/stream.hpp"
#include "support/test_data.hpp"

namespace medlar::test {
namespace {

constexpr size_t kStreams = 8, kCores = 2, kModels = 2, kInputs = 4, kSlots = 4;
constexpr const char* kDevice = "orin-nx-16gb";

/// One of the two models on each core, its inputs, and the right answers.
struct Model {
  std::array<std::shared_ptr<const runtime::LoadedEngine>, kCores> loaded;
  std::string input, output;
  std::vector<graph::Tensor> inputs, answers;
};

graph::Tensor picture(const compiler::BoundaryTensor& boundary, size_t seed) {
  graph::Tensor tensor{boundary.type, boundary.shape, {}, {}};
  tensor.bytes.resize(graph::storage_bytes(boundary.type, boundary.shape).value_or(0));
  uint64_t state = seed + 1;
  for (size_t at = 0; at < tensor.bytes.size(); at += sizeof(float)) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    store_le(tensor.bytes.data() + at, static_cast<float>(state >> 40) * 0x1p-24f);
  }
  return tensor;
}

Result<Model> make_model(const std::shared_ptr<api::Module>& module, hw::Precision precision) {
  const std::filesystem::path folder = source_dir() / "models/digits";
  const bool int8 = precision == hw::Precision::kInt8;
  MEDLAR_ASSIGN(const engine::Engine engine,
                api::build({.model = folder / "digits.onnx", .device = kDevice, .precision = precision,
                            .calibration = int8 ? folder / "calibration" : std::filesystem::path()}));
  Model model;
  for (uint32_t core = 0; core < kCores; ++core) {
    MEDLAR_ASSIGN(model.loaded[core], module->load(engine, "digits", {.core = core, .host_threads = 1}));
  }
  model.input = engine.plan.inputs.front();
  model.output = engine.plan.outputs.front();
  MEDLAR_ASSIGN(const auto context, runtime::ExecutionContext::create(model.loaded[0]));
  for (size_t i = 0; i < kInputs; ++i) {
    model.inputs.push_back(picture(*model.loaded[0]->find_tensor(model.input), i));
    MEDLAR_ASSIGN(runtime::TensorMap outputs, context->run({{model.input, model.inputs.back()}}));
    model.answers.push_back(std::move(outputs.at(model.output)));
  }
  return model;
}

/// A stream with contexts and output slots of its own.
struct Lane {
  std::unique_ptr<runtime::Stream> stream;
  std::array<std::shared_ptr<runtime::ExecutionContext>, kModels> contexts;
  std::array<graph::Tensor, kSlots> outputs;
  std::array<std::optional<runtime::Event>, kSlots> events;
  std::array<const graph::Tensor*, kSlots> wanted{};
};

Status check_slot(Lane& lane, size_t slot) {
  if (!lane.events[slot]) {
    return {};
  }
  MEDLAR_TRY(lane.events[slot]->wait());
  lane.events[slot].reset();
  if (!(lane.outputs[slot] == *lane.wanted[slot])) {
    return fail(Code::kFault, "an output differs from the single-threaded one");
  }
  return {};
}

Result<std::vector<Lane>> make_lanes(const std::array<Model, kModels>& models) {
  std::vector<Lane> lanes(kStreams);
  for (size_t i = 0; i < kStreams; ++i) {
    MEDLAR_ASSIGN(lanes[i].stream, runtime::Stream::create({.name = fmt::format("stream {}", i), .depth = kSlots}));
    for (size_t m = 0; m < kModels; ++m) {
      MEDLAR_ASSIGN(lanes[i].contexts[m], runtime::ExecutionContext::create(models[m].loaded[i % kCores]));
    }
  }
  return lanes;
}

Status run_all(uint64_t count, const std::array<Model, kModels>& models, std::vector<Lane>& lanes) {
  for (uint64_t i = 0; i < count; ++i) {
    Lane& lane = lanes[i % kStreams];
    const size_t slot = i / kStreams % kSlots;
    MEDLAR_TRY(check_slot(lane, slot));
    const Model& model = models[i / 3 % kModels];
    const size_t picture_index = i / 5 % kInputs;
    lane.wanted[slot] = &model.answers[picture_index];
    MEDLAR_ASSIGN(lane.events[slot],
                  lane.stream->enqueue(lane.contexts[i / 3 % kModels],
                                       {{model.input, runtime::Binding::input(model.inputs[picture_index])},
                                        {model.output, runtime::Binding::output(lane.outputs[slot])}}));
  }
  for (Lane& lane : lanes) {
    for (size_t slot = 0; slot < kSlots; ++slot) {
      MEDLAR_TRY(check_slot(lane, slot));
    }
    MEDLAR_TRY(lane.stream->synchronize());
  }
  return {};
}

/// Resident memory of this process.
Result<uint64_t> resident_bytes() {
  std::ifstream numbers("/proc/self/statm");
  uint64_t all = 0, resident = 0;
  if (!(numbers >> all >> resident)) {
    return fail(Code::kUnsupported, "/proc/self/statm does not say how much memory is resident");
  }
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// What allocators and thread arenas may still take once everything has run a few hundred times.
constexpr uint64_t kMostGrowth = uint64_t{16} << 20;
/// A sanitizer's shadow and history grow with the addresses that were ever touched: they say nothing about the program.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kGrowthIsOurs = false;
#else
constexpr bool kGrowthIsOurs = true;
#endif

Status soak(uint64_t count) {
  MEDLAR_ASSIGN(const auto module, api::Module::boot(kDevice));
  std::array<Model, kModels> models;
  MEDLAR_ASSIGN(models[0], make_model(module, hw::Precision::kInt8));
  MEDLAR_ASSIGN(models[1], make_model(module, hw::Precision::kFp16));
  MEDLAR_ASSIGN(std::vector<Lane> lanes, make_lanes(models));
  const uint64_t warm = std::min<uint64_t>(count, 1000);
  MEDLAR_TRY(run_all(std::max<uint64_t>(warm, kStreams * kSlots), models, lanes));  // everything is mapped once
  MEDLAR_ASSIGN(const uint64_t resident_before, resident_bytes());
  MEDLAR_ASSIGN(const auto core, module->core(0));
  MEDLAR_ASSIGN(const umd::Counters before, core->counters());
  MEDLAR_TRY(run_all(count, models, lanes));
  MEDLAR_ASSIGN(const umd::Counters after, core->counters());
  if (after.live_buffers != before.live_buffers || after.live_pages != before.live_pages ||
      after.live_fences != before.live_fences || after.live_mappings != before.live_mappings) {
    return fail(Code::kFault, "device objects leak: buffers {} -> {}, pages {} -> {}, fences {} -> {}, mappings {} -> {}",
                before.live_buffers, after.live_buffers, before.live_pages, after.live_pages, before.live_fences,
                after.live_fences, before.live_mappings, after.live_mappings);
  }
  MEDLAR_ASSIGN(const uint64_t resident_after, resident_bytes());
  if (kGrowthIsOurs && resident_after > resident_before + kMostGrowth) {
    return fail(Code::kFault, "the process grew from {} to {} bytes over {} inferences, {} are allowed", resident_before,
                resident_after, count, kMostGrowth);
  }
  fmt::print("resident memory: {} KiB after {} inferences, {} KiB after {} more\n", resident_before / 1024, warm,
             resident_after / 1024, count);
  return {};
}

}  // namespace
}  // namespace medlar::test

int main(int argc, char** argv) {
  constexpr uint64_t kDefault = 100'000;
  const uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : kDefault;
  if (count == 0) {
    fmt::print(stderr, "usage: runtime_soak [COUNT]\n");
    return 2;
  }
  if (const medlar::Status status = medlar::test::soak(count); !status) {
    fmt::print(stderr, "runtime_soak: {}\n", status.error().to_string());
    return 1;
  }
  fmt::print("{} inferences over 8 streams, 2 cores, 2 engines: all outputs right, no device object left over{}\n", count,
             medlar::test::kGrowthIsOurs ? ", no memory grown" : "; memory not judged under a sanitizer");
  return 0;
}
