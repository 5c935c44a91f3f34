// SPDX-License-Identifier: Apache-2.0
// Engines as JSON, in the words of TensorRT's engine inspector.
#include "api/inspect.hpp"

#include "api/public/errors.hpp"
#include "api/public/runtime_state.hpp"
#include "api/public/types.hpp"

#include <nlohmann/json.hpp>

namespace medlar::door {
namespace {

using Json = nlohmann::ordered_json;

/// As TensorRT writes types.
const char* format_name(DataType type) {
  switch (type) {
    case DataType::kFloat32:
      return "FP32";
    case DataType::kFloat16:
      return "FP16";
    case DataType::kInt8:
      return "INT8";
    case DataType::kInt32:
      return "INT32";
    case DataType::kInt64:
      return "INT64";
    case DataType::kUint8:
      return "UINT8";
    case DataType::kBool:
      return "BOOL";
    default:
      return dataTypeName(type);
  }
}

/// A tensor in the words of TensorRT's inspector.
Json tensor_json(const compiler::Plan& plan, const std::string& name) {
  Json json{{"Name", name},
            {"Location", "Device"},
            {"Dimensions", Json::array()},
            {"Format/Datatype", "Row major linear"}};
  for (const compiler::BoundaryTensor& tensor : plan.tensors) {
    if (tensor.name == name) {
      json["Dimensions"] = tensor.shape;
      json["Format/Datatype"] = std::string("Row major linear ") + format_name(public_type(tensor.type));
    }
  }
  return json;
}

Json tensors_json(const compiler::Plan& plan, const std::vector<std::string>& names) {
  Json list = Json::array();
  for (const std::string& name : names) {
    list.push_back(tensor_json(plan, name));
  }
  return list;
}

/// Layers as they run: each hardware operation of the DLA, each segment of the host. What passes between the
/// operations of a segment is the DLA's own; the first has the segment's inputs, the last its outputs.
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
      layers.push_back({{"Name", segment.name},
                        {"LayerType", "Host"},
                        {"Device", compiler::engine_name(segment.engine)},
                        {"Segment", s},
                        {"Inputs", tensors_json(plan, segment.inputs)},
                        {"Outputs", tensors_json(plan, segment.outputs)},
                        {"OnnxNodes", nodes}});
      continue;
    }
    const size_t first = layers.size();
    for (const compiler::HwOpInfo& op : plan.hw_ops) {
      if (op.segment == static_cast<int>(s)) {
        layers.push_back({{"Name", op.name},
                          {"LayerType", op.kind},
                          {"Device", "dla"},
                          {"Segment", s},
                          {"Inputs", Json::array()},
                          {"Outputs", Json::array()},
                          {"OnnxNodes", op.origins},
                          {"Macs", op.macs}});
      }
    }
    if (layers.size() > first) {
      layers[first]["Inputs"] = tensors_json(plan, segment.inputs);
      layers.back()["Outputs"] = tensors_json(plan, segment.outputs);
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
  const Json json{{"Layers", layers_json(engine.engine.plan)},
                  {"Bindings", bindings},
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
