// SPDX-License-Identifier: Apache-2.0
#include <chrono>

#include "api/build.hpp"
#include "base/files.hpp"
#include "compiler/partition/engine_rules.hpp"
#include "import/onnx_import.hpp"
#include "measure.hpp"
#include "output.hpp"

namespace medlar::trtexec {
namespace {

constexpr double kMebi = 1024.0 * 1024.0;

/// --memPoolSize; TensorRT's other pools mean nothing to this compiler.
api::MemoryPools pools_of(const Options& options) {
  api::MemoryPools pools;
  const auto set = [&](const char* name, uint64_t& bytes) {
    const auto given = options.pools.find(name);
    bytes = given == options.pools.end() ? bytes : static_cast<uint64_t>(given->second * kMebi);
  };
  set("dlaSRAM", pools.managed_sram);
  set("dlaLocalDRAM", pools.local_dram);
  set("dlaGlobalDRAM", pools.global_dram);
  return pools;
}

/// One DLA segment and nothing else.
Status check_standalone(const engine::Engine& engine) {
  if (engine.plan.segments.size() != 1 || engine.plan.segments[0].engine != compiler::Engine::kDla) {
    return fail(Code::kUnsupported, "--buildDLAStandalone: the network becomes {} segments, a standalone loadable is one on the DLA",
                engine.plan.segments.size());
  }
  return {};  // the compiler has checked the formats
}

/// The formats in the compiler's words.
Result<std::vector<compiler::IoFormat>> formats_of(const std::vector<IoFormat>& formats) {
  std::vector<std::string> texts;
  for (const IoFormat& format : formats) {
    texts.push_back(format.type + ":" + format.format);
  }
  return compiler::parse_io_formats(fmt::format("{}", fmt::join(texts, ",")));
}

}  // namespace

Result<engine::Engine> build_engine(const Options& options) {
  const bool int8 = options.int8 || (options.best && !options.calib.empty());
  api::BuildRequest request;
  request.model = options.onnx;
  request.device = options.device;
  request.precision = int8 ? hw::Precision::kInt8 : hw::Precision::kFp16;
  request.calibration = int8 ? options.calib : std::string();
  request.assume_ranges = true;
  request.log = log_lines(options.verbose);
  request.allow_fallback = options.allow_gpu_fallback || options.dla_core < 0;
  request.pools = pools_of(options);
  MEDLAR_ASSIGN(request.shapes, import::parse_shapes(options.shapes));
  if (options.dla_core < 0) {
    request.engines.push_back({.pattern = "*", .engine = compiler::Engine::kGpu, .firm = false});
  }
  if (!options.layer_device_types.empty()) {
    MEDLAR_ASSIGN(const auto rules, compiler::parse_engine_rules(options.layer_device_types));
    request.engines.insert(request.engines.end(), rules.begin(), rules.end());
  }
  MEDLAR_ASSIGN(request.layer_precisions, api::parse_layer_precisions(options.layer_precisions));
  MEDLAR_ASSIGN(request.input_formats, formats_of(options.input_formats));
  MEDLAR_ASSIGN(request.output_formats, formats_of(options.output_formats));
  MEDLAR_ASSIGN(engine::Engine engine, api::build(request));
  if (options.standalone) {
    MEDLAR_TRY(check_standalone(engine));
  }
  return engine;
}

Result<engine::Engine> load_engine(const Options& options, double& deserialise_ms) {
  MEDLAR_ASSIGN(const ByteBuffer bytes, read_file(options.load_engine));
  const auto start = std::chrono::steady_clock::now();
  MEDLAR_ASSIGN(engine::Engine engine, engine::deserialize(bytes, options.load_engine));
  deserialise_ms = 1e3 * std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!options.device.empty()) {
    MEDLAR_ASSIGN(const hw::DeviceProfile* device, hw::find_device(options.device));
    MEDLAR_TRY(engine::check_device(engine, *device, options.load_engine));
  }
  return engine;
}

}  // namespace medlar::trtexec
