// SPDX-License-Identifier: Apache-2.0
// Engines as JSON, in the words of TensorRT's engine inspector.
#include <nlohmann/json.hpp>

#include "api/inspect.hpp"
#include "api/public/errors.hpp"
#include "api/public/runtime_state.hpp"

namespace medlar::door {
namespace {

using Json = nlohmann::ordered_json;

/// Layers as they run: each hardware operation of the DLA, each segment of the host.
Json layers_json(const compiler::Plan& plan) {
  Json layers = Json::array();
  for (size_t s = 0; s < plan.segments.size(); ++s) {
    const compiler::Segment& segment = plan.segments[s];
    if (segment.engine != compiler::Engine::kDla) {
      Json nodes = Json::array();
      for (const compiler::Placement& placement : plan.placements) {
        if (placement.segment == static_cast<int>(s)) {
          nodes.push_back(placement.node);
        }
      }
      layers.push_back({{"Name", segment.name}, {"LayerType", "Host"}, {"Device", compiler::engine_name(segment.engine)},
                        {"Segment", s}, {"Inputs", segment.inputs}, {"Outputs", segment.outputs}, {"OnnxNodes", nodes}});
      continue;
    }
    for (const compiler::HwOpInfo& op : plan.hw_ops) {
      if (op.segment == static_cast<int>(s)) {
        layers.push_back({{"Name", op.name}, {"LayerType", op.kind}, {"Device", "dla"}, {"Segment", s}, {"OnnxNodes", op.origins},
                          {"Macs", op.macs}});
      }
    }
  }
  return layers;
}

}  // namespace

std::string inspect_json(const EngineState& engine) {
  Json bindings = Json::array();
  for (const TensorInfo& tensor : engine.tensors) {
    bindings.push_back(tensor.name);
  }
  const Json json{{"Layers", layers_json(engine.engine.plan)}, {"Bindings", bindings},
                  {"Engine", Json::parse(api::engine_to_json(engine.engine))}};
  return json.dump(2);
}

std::string inspect_layer_json(const EngineState& engine, size_t index) {
  const Json layers = layers_json(engine.engine.plan);
  if (index >= layers.size()) {
    raise(ErrorCode::kOutOfRange, "the engine has {} layers, not one with index {}", layers.size(), index);
  }
  return layers[index].dump(2);
}

std::vector<std::string> layer_names(const EngineState& engine) {
  std::vector<std::string> names;
  for (const Json& layer : layers_json(engine.engine.plan)) {
    names.push_back(layer["Name"]);
  }
  return names;
}

}  // namespace medlar::door
