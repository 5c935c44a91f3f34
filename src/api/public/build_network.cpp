// SPDX-License-Identifier: Apache-2.0
// From a network and its config to an engine.
#include "api/costs.hpp"
#include "api/inspect.hpp"
#include "api/public/calibration_source.hpp"
#include "api/public/config_state.hpp"
#include "api/public/errors.hpp"
#include "api/public/log.hpp"
#include "api/public/network_state.hpp"
#include "api/public/placement.hpp"
#include "api/public/pools.hpp"
#include "compiler/compile.hpp"
#include "compiler/quantise/qdq.hpp"
#include "compiler/reasons.hpp"
#include "engine/engine.hpp"
#include "graph/fold.hpp"
#include "graph/shape_inference.hpp"
#include "host/evaluator.hpp"

#include <algorithm>
#include <cstring>
#include <set>

#include <fmt/ranges.h>

namespace medlar::door {
namespace {

hw::Precision precision_of(const BuilderConfig::State& config) {
  return config.has(BuilderFlag::kInt8) ? hw::Precision::kInt8 : hw::Precision::kFp16;
}

/// Shapes of all inputs: the profile's, and 1 for a batch that nobody names.
std::map<std::string, graph::Shape> input_shapes(const NetworkState& network,
                                                 const BuilderConfig::State& config, Logger& logger) {
  std::map<std::string, graph::Shape> shapes;
  const std::map<std::string, Dims> wished =
      config.profiles.empty() ? std::map<std::string, Dims>() : config.profiles[0].shapes();
  for (const auto& [name, dims] : wished) {
    const Tensor* tensor = network.find_tensor(name);
    if (tensor == nullptr || !tensor->isInput()) {
      raise(ErrorCode::kNotFound, "optimisation profile: the network has no input '{}'", name);
    }
  }
  for (const Tensor* input : network.inputs) {
    Dims dims = input->dims();
    const auto wish = wished.find(input->name());
    if (wish != wished.end()) {
      const bool fits = wish->second.size() == dims.size() &&
                        std::equal(dims.begin(), dims.end(), wish->second.begin(),
                                   [](int64_t a, int64_t b) { return a < 0 || a == b; });
      if (!fits) {
        raise(ErrorCode::kInvalidArgument, "optimisation profile: input '{}' is [{}], the profile says [{}]",
              input->name(), fmt::join(dims, ","), fmt::join(wish->second, ","));
      }
      dims = wish->second;
    } else if (!dims.empty() && dims[0] < 0) {
      dims[0] = 1;
      log(logger, LogLevel::kWarning,
          fmt::format("input '{}': its batch is open and no profile names it: it becomes 1", input->name()));
    }
    if (std::any_of(dims.begin(), dims.end(), [](int64_t d) { return d < 0; })) {
      raise(ErrorCode::kInvalidArgument,
            "input '{}' is [{}]: an optimisation profile (min = opt = max) has to name its open dimensions",
            input->name(), fmt::join(dims, ","));
    }
    shapes[input->name()] = dims;
  }
  return shapes;
}

/// The network's graph; that of the file itself where nothing was changed.
Lowered graph_of(const NetworkState& network, const std::map<std::string, graph::Shape>& shapes) {
  if (network.outputs.empty()) {
    raise(ErrorCode::kInvalidArgument, "network '{}' has no output: mark one", network.name);
  }
  if (network.reimport && !network.touched) {
    Lowered lowered{take(network.reimport(shapes)), {}};
    for (const auto& layer : network.layers) {
      lowered.nodes[layer.get()] = {layer->name()};
    }
    return lowered;
  }
  Lowered lowered = lower(network, shapes);
  take(graph::infer_shapes(lowered.graph));
  return lowered;
}

bool obeys(const BuilderConfig::State& config) {
  return config.has(BuilderFlag::kObeyPrecisionConstraints) || config.has(BuilderFlag::kStrictTypes);
}

/// FP32 exists on the host alone: a layer that is asked to compute in it leaves the DLA.
bool wants_float32(const Layer& layer) {
  return layer.type() != LayerType::kConstant && layer.precision() == DataType::kFloat32;
}

/// Nodes of an INT8 build that are asked to stay in FP16. Throws or warns, as the flags say, where that is
/// not possible.
std::set<std::string> half_nodes(const NetworkState& network, const Lowered& lowered,
                                 const BuilderConfig::State& config, const hw::HwConfig& hardware,
                                 Logger& logger) {
  const bool int8 = config.has(BuilderFlag::kInt8);
  std::set<std::string> half;
  for (const auto& layer : network.layers) {
    const auto nodes = lowered.nodes.find(layer.get());
    const bool asks_half = layer->precision() == DataType::kFloat16 && int8;
    const bool asks_int8 = layer->precision() == DataType::kInt8 && !int8;
    if (nodes == lowered.nodes.end() || (!asks_half && !asks_int8)) {
      continue;
    }
    if (asks_half && hardware.supports(hw::Precision::kFp16)) {
      half.insert(nodes->second.begin(), nodes->second.end());
      continue;
    }
    const std::string message =
        fmt::format("layer '{}': precision {} is not possible in a build for {}{}", layer->name(),
                    dataTypeName(*layer->precision()), int8 ? "INT8" : "FP16",
                    asks_half ? " on a device without FP16" : "");
    if (obeys(config)) {
      raise(ErrorCode::kUnsupported, message);
    }
    log(logger, LogLevel::kWarning, message + "; it keeps the build's");
  }
  return half;
}

/// Parameters that a program may set and that nothing here looks at.
void log_idle_parameters(const NetworkState& network, Logger& logger) {
  for (const auto& layer : network.layers) {
    const bool chosen = layer->type() == LayerType::kNormalization &&
                        layer->getInt("compute_precision") != static_cast<int64_t>(DataType::kFloat32);
    if (chosen) {
      log(logger, LogLevel::kInfo, fmt::format("layer '{}': compute_precision has no effect: a normalisation computes in its build's precision, "
                                               "in FP32 off the DLA", layer->name()));
    }
  }
}

/// A node's name as a rule. A star in it stands for anything, so it may speak of no other node.
std::string pattern_of(const std::string& node, const graph::Graph& graph) {
  const compiler::EngineRule rule{node, compiler::Engine::kDla};
  const auto meant = [&](const graph::Node& other) {
    return other.name == node || !compiler::matches(rule, other.name);
  };
  const bool stars = std::count(node.begin(), node.end(), '*') > 1;
  if (stars ||
      (node.find('*') != std::string::npos && !std::all_of(graph.nodes.begin(), graph.nodes.end(), meant))) {
    raise(ErrorCode::kUnsupported,
          "layer '{}': its name, with a star, cannot be told from others'; rename it", node);
  }
  return node;
}

/// Rules for what runs elsewhere and, without fallback, for what has to run on the DLA.
std::vector<compiler::EngineRule> rules_of(const NetworkState& network, const Lowered& lowered,
                                           const BuilderConfig::State& config) {
  const bool reduced = config.has(BuilderFlag::kInt8) || config.has(BuilderFlag::kFp16);
  const bool fallback = config.has(BuilderFlag::kGpuFallback);
  const compiler::Engine host = api::host_engine(profile_of(config.device));
  std::vector<compiler::EngineRule> rules;
  for (const auto& layer : network.layers) {
    const auto nodes = lowered.nodes.find(layer.get());
    if (nodes == lowered.nodes.end()) {
      continue;
    }
    const auto wish = config.devices.find(layer.get());
    const DeviceType type = wish == config.devices.end() ? config.default_device : wish->second;
    if (type == DeviceType::kDla && !reduced && !fallback) {
      raise(ErrorCode::kInvalidArgument,
            "layer '{}' is to run on the DLA, which computes in FP16 and INT8: set one of those flags, or "
            "GPU_FALLBACK",
            layer->name());
    }
    const bool elsewhere = type == DeviceType::kGpu || !reduced || wants_float32(*layer);
    for (const std::string& node : nodes->second) {
      if (elsewhere || !fallback) {
        rules.push_back({.pattern = pattern_of(node, lowered.graph),
                         .engine = elsewhere ? host : compiler::Engine::kDla,
                         .firm = wish != config.devices.end()});
      }
    }
  }
  return rules;
}

/// Without fallback, every layer that is to run on the DLA has to be there; folded ones run nowhere.
void check_fallback(const BuilderConfig::State& config, const std::vector<compiler::EngineRule>& rules,
                    const compiler::Plan& plan) {
  if (config.has(BuilderFlag::kGpuFallback)) {
    return;
  }
  std::set<std::string_view> wanted;
  for (const compiler::EngineRule& rule : rules) {
    if (rule.engine == compiler::Engine::kDla) {
      wanted.insert(rule.pattern);
    }
  }
  std::string list;
  for (const compiler::Placement& p : plan.placements) {
    if (wanted.contains(p.node) && p.segment >= 0 && p.engine != compiler::Engine::kDla) {
      list += fmt::format("\n  {} ({}): {} {}", p.node, p.op_type, p.reason_code, p.reason);
    }
  }
  if (!list.empty()) {
    raise(ErrorCode::kUnsupported,
          "layers are to run on the DLA, which cannot run them, and GPU_FALLBACK is not set:{}", list);
  }
}

void log_placements(const engine::Engine& engine, Logger& logger) {
  const std::string text = api::placement_summary(engine);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    log(logger, LogLevel::kInfo, std::string_view(text).substr(at, end - at));
    at = end + 1;
  }
}

}  // namespace

Placed placed_on(compiler::Engine engine) {
  return engine == compiler::Engine::kDla ? Placed::kDla
                                          : (engine == compiler::Engine::kGpu ? Placed::kGpu : Placed::kCpu);
}

LayerPlacement placement_of(const compiler::Placement& p) {
  return {.layer = p.node,
          .placed = p.segment < 0 ? Placed::kFolded : placed_on(p.engine),
          .precision = p.precision,
          .reasonCode = p.reason_code,
          .reason = p.reason};
}

std::vector<LayerPlacement> placements_of(const std::vector<std::string>& names,
                                          const std::vector<compiler::Placement>& placements) {
  std::map<std::string_view, const compiler::Placement*> known;
  for (const compiler::Placement& placement : placements) {
    known.emplace(placement.node, &placement);
  }
  std::vector<LayerPlacement> out;
  for (const std::string& name : names) {
    const auto at = known.find(name);
    out.push_back(at == known.end() ? LayerPlacement{name, Placed::kFolded, {}, {}, {}}
                                    : placement_of(*at->second));
  }
  return out;
}

std::map<const Layer*, LayerPlacement> place_layers(const NetworkState& network,
                                                    const BuilderConfig::State& config) {
  Lowered lowered = graph_of(network, input_shapes(network, config, *config.logger));
  host::OnnxEvaluator evaluator;
  take(graph::fold_constants(lowered.graph, &evaluator));
  const hw::DeviceProfile& device = profile_of(config.device);
  compiler::CompileOptions options{.config = device.config, .precision = precision_of(config)};
  options.costs = api::partition_costs(device, options.precision, compiler::Placing::kPreferDla);
  const auto placements = take(compiler::place(lowered.graph, options));
  std::map<const Layer*, LayerPlacement> answers;
  for (const auto& layer : network.layers) {
    LayerPlacement answer{
        .layer = layer->name(), .placed = Placed::kFolded, .precision = {}, .reasonCode = {}, .reason = {}};
    const auto nodes = lowered.nodes.find(layer.get());
    for (const LayerPlacement& part : placements_of(
             nodes == lowered.nodes.end() ? std::vector<std::string>() : nodes->second, placements)) {
      LayerPlacement whole = part;
      // An island could run there; it is only not worth the transitions on its own.
      if (part.reasonCode == compiler::reason_text(compiler::Reason::kIsland).code) {
        whole = {.layer = part.layer,
                 .placed = Placed::kDla,
                 .precision = std::string(hw::precision_name(options.precision)),
                 .reasonCode = {},
                 .reason = {}};
      }
      if (answer.placed == Placed::kFolded || whole.placed == Placed::kCpu) {
        answer = whole;
        answer.layer = layer->name();
      }
    }
    answers[layer.get()] = answer;
  }
  return answers;
}

std::vector<std::byte> build_network(const NetworkState& network, const BuilderConfig::State& config,
                                     Logger& logger) {
  const hw::DeviceProfile& device = profile_of(config.device);
  const hw::Precision precision = precision_of(config);
  if (!device.config->supports(precision)) {
    raise(ErrorCode::kUnsupported, "{} does not compute in {}", device.name, hw::precision_name(precision));
  }
  if (config.dla_core >= static_cast<int>(device.dla_cores)) {
    raise(ErrorCode::kOutOfRange, "DLA core {}: {} has {}", config.dla_core, device.name, device.dla_cores);
  }
  const Lowered lowered = graph_of(network, input_shapes(network, config, logger));
  graph::Graph graph = lowered.graph;
  host::OnnxEvaluator evaluator;
  take(graph::fold_constants(graph, &evaluator));

  compiler::CompileOptions options{.config = device.config, .precision = precision};
  options.engines = rules_of(network, lowered, config);
  options.user = &lowered.graph;
  limit_memory(config, device, options);
  options.costs = api::partition_costs(device, precision, compiler::Placing::kPreferDla);
  const bool reduced = config.has(BuilderFlag::kInt8) || config.has(BuilderFlag::kFp16);
  const bool all_elsewhere =
      !reduced || (config.default_device == DeviceType::kGpu && config.devices.empty());
  const bool ranges = precision == hw::Precision::kInt8 && !all_elsewhere;
  // Q/DQ pairs state ranges; where nothing runs on the DLA, the host runs them as they are.
  compiler::CalibrationTable table =
      all_elsewhere ? compiler::CalibrationTable() : take(compiler::absorb_qdq(graph));
  log_idle_parameters(network, logger);
  options.fp16_nodes = half_nodes(network, lowered, config, *device.config, logger);
  if (ranges) {
    table = ranges_for(graph, network, config, std::move(table), logger);
  }
  engine::Engine engine;
  engine.model = network.name.empty() ? "network" : network.name;
  engine.device = device.name;
  engine.fingerprint = engine::device_fingerprint(device);
  engine.precision = hw::precision_name(precision);
  engine.plan = take(compiler::compile(graph, options, &table));
  check_fallback(config, options.engines, engine.plan);
  log_placements(engine, logger);
  const ByteBuffer bytes = engine::serialize(engine);
  std::vector<std::byte> out(bytes.size());
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

}  // namespace medlar::door
