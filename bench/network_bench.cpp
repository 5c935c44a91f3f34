// SPDX-License-Identifier: Apache-2.0
// Host time of whole inferences on the chip model beside ONNX Runtime, on the same cores in the same run:
//   network_bench --calib SAMPLES [--device nv_full] [--fp16] MODEL.onnx[=QUANTISED.onnx] | X.engine ...
// For each model: the chip (registers to memory, drivers and tensor packing included), ONNX Runtime with the model as it
// is (float32), and with the quantised one where it is given (bench/models.py makes it). Benchmark's own flags work:
// --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true. MEDLAR_BENCH_THREADS: default 1.
#include <cstdlib>
#include <cstring>
#include <optional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "api/build.hpp"
#include "api/inference.hpp"
#include "base/files.hpp"
#include "base/parallel.hpp"
#include "host/session.hpp"

namespace medlar {
namespace {

struct Options {
  std::string device = "nv_full", calibration;
  hw::Precision precision = hw::Precision::kInt8;
  std::vector<std::string> models;
  int threads = 1;
};

using Tensors = std::map<std::string, graph::Tensor>;

Tensors random_tensors(const std::vector<sample::InputSpec>& inputs) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  Tensors tensors;
  for (const sample::InputSpec& input : inputs) {
    int64_t count = 1;
    for (const int64_t extent : input.shape) {
      count *= extent;
    }
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) {
      value = uniform(random);
    }
    tensors[input.name] = graph::make_tensor(graph::DataType::kFloat32, input.shape, values);
  }
  return tensors;
}

Result<api::Inference> make_inference(const Options& options, const std::string& model) {
  if (model.ends_with(".engine")) {
    MEDLAR_ASSIGN(const ByteBuffer bytes, read_file(model));
    MEDLAR_ASSIGN(engine::Engine engine, engine::deserialize(bytes, model));
    return api::Inference::create(std::move(engine), "", model);
  }
  api::BuildRequest request;
  request.model = model;
  request.device = options.device;
  request.precision = options.precision;
  request.calibration = options.calibration;
  MEDLAR_ASSIGN(engine::Engine engine, api::build(request));
  return api::Inference::create(std::move(engine), "", model);
}

/// `kept` holds the inference from one call to the next: building takes longer than running.
void run_chip(benchmark::State& state, const Options& options, const std::string& model,
              std::optional<Result<api::Inference>>& kept) {
  if (!kept) {
    kept.emplace(make_inference(options, model));
  }
  Result<api::Inference>& inference = *kept;
  if (!inference) {
    state.SkipWithError(inference.error().to_string().c_str());
    return;
  }
  const Tensors inputs = random_tensors(inference->inputs());
  for (auto _ : state) {
    const auto result = inference->run(inputs);
    if (!result) {
      state.SkipWithError(result.error().to_string().c_str());
      break;
    }
  }
}

Result<host::Session> make_session(const Options& options, const std::string& model) {
  MEDLAR_ASSIGN(const ByteBuffer bytes, read_file(model));
  return host::Session::create(bytes, model, {.provider = host::Provider::kCpu, .threads = options.threads});
}

void run_ort(benchmark::State& state, const Options& options, const std::string& model) {
  const auto session = make_session(options, model);
  if (!session) {
    state.SkipWithError(session.error().to_string().c_str());
    return;
  }
  std::vector<sample::InputSpec> specs;
  for (const host::TensorInfo& input : session->inputs()) {
    specs.push_back({input.name, input.type, input.shape});
    for (int64_t& extent : specs.back().shape) {
      extent = extent < 0 ? 1 : extent;
    }
  }
  const Tensors inputs = random_tensors(specs);
  std::map<std::string, const graph::Tensor*> pointers;
  for (const auto& [name, tensor] : inputs) {
    pointers[name] = &tensor;
  }
  for (auto _ : state) {
    const auto result = session->run(pointers);
    if (!result) {
      state.SkipWithError(result.error().to_string().c_str());
      break;
    }
  }
}

template <typename Run>
void add(const std::string& name, Run run) {
  benchmark::RegisterBenchmark(name.c_str(), run)->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime();
}

void register_model(const Options& options, const std::string& argument) {
  const size_t equals = argument.find('=');
  const std::string model = argument.substr(0, equals);
  const std::string stem = std::filesystem::path(model).stem().string();
  const auto kept = std::make_shared<std::optional<Result<api::Inference>>>();
  add(stem + "/chip", [&options, model, kept](benchmark::State& s) { run_chip(s, options, model, *kept); });
  if (model.ends_with(".engine")) {
    return;
  }
  add(stem + "/onnxruntime_fp32", [&options, model](benchmark::State& s) { run_ort(s, options, model); });
  if (equals != std::string::npos) {
    const std::string quantised = argument.substr(equals + 1);
    add(stem + "/onnxruntime_int8", [&options, quantised](benchmark::State& s) { run_ort(s, options, quantised); });
  }
}

int parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if ((argument == "--device" || argument == "--calib") && i + 1 < argc) {
      (argument == "--device" ? options.device : options.calibration) = argv[++i];
    } else if (argument == "--fp16") {
      options.precision = hw::Precision::kFp16;
    } else if (argument.starts_with("--")) {
      fmt::print(stderr, "network_bench: unknown flag {}\n", argument);
      return 2;
    } else {
      options.models.push_back(argument);
    }
  }
  return 0;
}

}  // namespace
}  // namespace medlar

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  medlar::Options options;
  const char* threads = std::getenv("MEDLAR_BENCH_THREADS");
  options.threads = threads != nullptr ? std::atoi(threads) : 1;
  medlar::set_parallel_threads(options.threads);
  if (const int wrong = medlar::parse(argc, argv, options); wrong != 0) {
    return wrong;
  }
  for (const std::string& model : options.models) {
    medlar::register_model(options, model);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
