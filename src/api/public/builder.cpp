// SPDX-License-Identifier: Apache-2.0
#include "medlar/builder.hpp"

#include "api/build.hpp"
#include "api/costs.hpp"
#include "api/public/config_state.hpp"
#include "api/public/errors.hpp"
#include "api/public/log.hpp"
#include "api/public/network_state.hpp"
#include "api/public/placement.hpp"
#include "compiler/compile.hpp"
#include "graph/fold.hpp"
#include "host/evaluator.hpp"
#include "import/onnx_import.hpp"

#include <cstring>

namespace medlar {
namespace {

/// Runs `build`; a progress callback that said stop ends it as Cancelled.
template <typename Build>
auto stoppable(const Build& build) {
  try {
    return build();
  } catch (const door::StopBuild&) {
    door::raise(ErrorCode::kCancelled, "the build was stopped by its progress callback");
  }
}

std::vector<std::byte> file_bytes(const engine::Engine& engine) {
  const ByteBuffer bytes = engine::serialize(engine);
  std::vector<std::byte> out(bytes.size());
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

compiler::CalibratorChoice calibrator_of(const std::string& name) {
  if (name.empty()) {
    return {};
  }
  const auto kind = compiler::find_calibrator(name);
  if (!kind) {
    door::raise(ErrorCode::kInvalidArgument,
                "calibrator '{}': there are best, entropy, mse, percentile and max", name);
  }
  return {.kind = *kind};
}

}  // namespace

Builder::Builder(Logger& logger) : logger_(&logger) {}
Builder::~Builder() = default;

std::unique_ptr<NetworkDefinition> Builder::createNetwork() const {
  return std::make_unique<NetworkDefinition>(std::make_unique<NetworkState>());
}

std::unique_ptr<BuilderConfig> Builder::createBuilderConfig() const {
  return std::make_unique<BuilderConfig>(*logger_);
}

std::vector<std::byte> Builder::buildSerializedNetwork(const NetworkDefinition& network,
                                                       const BuilderConfig& config) const {
  return stoppable([&] { return door::build_network(network.state(), config.state(), *logger_); });
}

std::vector<LayerPlacement> Builder::check(const NetworkDefinition& network,
                                           const BuilderConfig& config) const {
  const auto placements = door::place_layers(network.state(), config.state());
  std::vector<LayerPlacement> ordered;
  for (const auto& layer : network.state().layers) {
    ordered.push_back(placements.at(layer.get()));
  }
  return ordered;
}

int Builder::numDLACores() const {
  return static_cast<int>(door::profile_of("").dla_cores);
}

namespace {

api::MemoryPools pools_of(const std::map<MemoryPoolType, std::size_t>& given) {
  api::MemoryPools pools;
  for (const auto& [pool, bytes] : given) {
    switch (pool) {
      case MemoryPoolType::kDlaManagedSram:
        pools.managed_sram = bytes;
        break;
      case MemoryPoolType::kDlaLocalDram:
        pools.local_dram = bytes;
        break;
      case MemoryPoolType::kDlaGlobalDram:
        pools.global_dram = bytes;
        break;
      default:
        door::raise(ErrorCode::kInvalidArgument, "memory pool {} is none of the DLA's",
                    static_cast<int>(pool));
    }
  }
  return pools;
}

}  // namespace

std::vector<std::byte> buildModel(const ModelBuild& request, Logger& logger) {
  return stoppable([&] {
    const api::BuildRequest build{
        .model = request.model,
        .device = std::string(door::profile_of(request.device).name),
        .precision = request.int8 ? hw::Precision::kInt8 : hw::Precision::kFp16,
        .calibration = request.calibration,
        .calibrator = calibrator_of(request.calibrator),
        .shapes = request.shapes,
        .allow_fallback = request.allowFallback,
        .engines = request.layerDevices.empty()
                       ? std::vector<compiler::EngineRule>()
                       : door::take(compiler::parse_engine_rules(request.layerDevices)),
        .pools = pools_of(request.pools),
        .log = door::sink_to(logger),
        .progress = door::progress_sink(request.progress)};
    return file_bytes(door::take(api::build(build)));
  });
}

std::vector<LayerPlacement> checkModel(const ModelBuild& request, Logger& logger) {
  std::vector<std::string> notices;
  graph::Graph graph = door::take(import::import_onnx(request.model, {.shapes = request.shapes}, &notices));
  for (const std::string& notice : notices) {
    door::log(logger, LogLevel::kInfo, notice);
  }
  host::OnnxEvaluator evaluator;
  std::vector<std::string> names;
  for (const graph::Node& node : graph.nodes) {
    names.push_back(node.name);
  }
  door::take(graph::fold_constants(graph, &evaluator));
  const hw::DeviceProfile& device = door::profile_of(request.device);
  compiler::CompileOptions options{.config = device.config,
                                   .precision = request.int8 ? hw::Precision::kInt8 : hw::Precision::kFp16};
  options.costs = api::partition_costs(device, options.precision, compiler::Placing::kPreferDla);
  const auto placements = door::take(compiler::place(graph, options));
  return door::placements_of(names, placements);
}

}  // namespace medlar
