// SPDX-License-Identifier: Apache-2.0
#include "api/costs.hpp"

#include <cmath>

#include "timing/estimate.hpp"
#include "timing/host_model.hpp"

namespace medlar::api {
namespace {

using graph::Graph;
using graph::Node;

constexpr double kMicrosecond = 1e-6;

/// 1xCxHxW, 1xCxL or 1xC; nothing for other shapes.
std::optional<hw::Dims> dims_of(const graph::Value& value) {
  if (!value.shape || value.shape->size() < 2 || value.shape->size() > 4) {
    return std::nullopt;
  }
  std::array<uint32_t, 3> sizes{1, 1, 1};  // C, H, W
  for (size_t i = 1; i < value.shape->size(); ++i) {
    const int64_t size = (*value.shape)[i];
    if (size < 1 || size > INT32_MAX) {
      return std::nullopt;
    }
    sizes[value.shape->size() == 3 && i == 2 ? 2 : i - 1] = static_cast<uint32_t>(size);
  }
  return hw::Dims{sizes[2], sizes[1], sizes[0]};
}

timing::LayerShape::Kind kind_of(const Node& node) {
  using Kind = timing::LayerShape::Kind;
  if (graph::is_product(node)) {
    return Kind::kConv;
  }
  if (node.op_type.find("Pool") != std::string::npos || node.op_type.starts_with("Reduce")) {
    return Kind::kPool;
  }
  if (node.op_type == "LRN") {
    return Kind::kLrn;
  }
  return node.op_type == "Concat" || node.op_type == "Slice" || node.op_type == "Split" ? Kind::kCopy : Kind::kElementwise;
}

/// Pixels of at most four components become the chip's image input: a row of the kernel is folded into channels.
void fold_image(timing::LayerShape& layer) {
  constexpr uint32_t kComponents = 4;
  if (layer.input.c > kComponents) {
    return;
  }
  layer.image_bytes = uint64_t{layer.input.w} * layer.input.h * kComponents * hw::bytes_per_element(layer.precision);
  layer.input = {layer.output.w, layer.output.h, kComponents * layer.kernel_w};
  layer.kernel_w = 1;
}

void fill_kernel(const Graph& graph, const Node& node, timing::LayerShape& layer) {
  const auto kernel = node.inputs.size() > 1 && node.inputs[1] != graph::kNoValue ? dims_of(graph.value(node.inputs[1])) : std::nullopt;
  if (!kernel || !node.op_type.starts_with("Conv")) {
    return;
  }
  layer.kernel_w = kernel->w;
  layer.kernel_h = kernel->h;
  layer.groups = static_cast<uint32_t>(std::max<int64_t>(1, graph::int_attribute(node, "group", 1).value_or(1)));
  if (node.op_type == "Conv") {
    fold_image(layer);
  }
}

/// The node as one operation of the DLA on its own; the compiler knows which nodes fusion will spare.
double dla_seconds(const hw::DeviceProfile& device, hw::Precision precision, const Graph& graph, const Node& node) {
  if (node.inputs.empty() || node.outputs.empty() || node.inputs[0] == graph::kNoValue || node.outputs[0] == graph::kNoValue) {
    return 0.0;
  }
  const auto in = dims_of(graph.value(node.inputs[0]));
  const auto out = dims_of(graph.value(node.outputs[0]));
  if (!in || !out) {
    return 0.0;
  }
  timing::LayerShape layer{.kind = kind_of(node), .precision = precision, .input = *in, .output = *out};
  if (layer.kind == timing::LayerShape::Kind::kConv) {
    fill_kernel(graph, node, layer);
  }
  for (size_t i = 1; i < node.inputs.size() && layer.kind == timing::LayerShape::Kind::kElementwise; ++i) {
    layer.operands += node.inputs[i] != graph::kNoValue && !graph.value(node.inputs[i]).is_constant() ? 1 : 0;
  }
  return timing::estimate(layer, device).seconds(timing::machine_of(device));
}

double host_seconds(const hw::DeviceProfile& device, timing::HostEngine engine, const Graph& graph, const Node& node) {
  const auto work = timing::host_work_of(graph, node, timing::HostPrecision::kFp32);
  const double seconds = work ? timing::host_seconds(device, engine, *work) : 0.0;
  return std::isfinite(seconds) ? seconds : 0.0;
}

}  // namespace

compiler::Engine host_engine(const hw::DeviceProfile& device) {
  const bool gpu = timing::has_engine(device, device.mode(), timing::HostEngine::kGpu);
  return gpu ? compiler::Engine::kGpu : compiler::Engine::kCpu;
}

compiler::PartitionCosts partition_costs(const hw::DeviceProfile& device, hw::Precision precision, compiler::Placing placing) {
  compiler::PartitionCosts costs{.placing = placing, .max_loadables = device.max_loadables};
  costs.has_gpu = host_engine(device) == compiler::Engine::kGpu;
  if (device.transition.typical_us != 0) {
    costs.transition_seconds = device.transition.typical_us * kMicrosecond;
    costs.transitions_modelled = true;
  }
  costs.seconds = [device = &device, precision](const Graph& graph, const Node& node, compiler::Engine engine) {
    switch (engine) {
      case compiler::Engine::kDla: return dla_seconds(*device, precision, graph, node);
      case compiler::Engine::kGpu: return host_seconds(*device, timing::HostEngine::kGpu, graph, node);
      case compiler::Engine::kCpu: break;
    }
    return host_seconds(*device, timing::HostEngine::kCpu, graph, node);
  };
  return costs;
}

}  // namespace medlar::api
