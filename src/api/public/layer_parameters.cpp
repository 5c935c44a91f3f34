// SPDX-License-Identifier: Apache-2.0
// Parameters of layers by name: one table of names and types for each kind.
#include "api/public/errors.hpp"
#include "api/public/network_state.hpp"
#include "api/public/types.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/ranges.h>

namespace medlar {
namespace door {

std::vector<ParameterSpec> parameter_specs(LayerType type) {
  switch (type) {
    case LayerType::kConvolution:
    case LayerType::kDeconvolution:
      return {{"num_output_maps", 'i'}, {"kernel_size", 'd'},  {"stride", 'd'},     {"pre_padding", 'd'},
              {"post_padding", 'd'},    {"padding_mode", 'i'}, {"num_groups", 'i'}, {"dilation", 'd'},
              {"kernel", 'w'},          {"bias", 'w'}};
    case LayerType::kPooling:
      return {{"type", 'i'},
              {"window_size", 'd'},
              {"stride", 'd'},
              {"pre_padding", 'd'},
              {"post_padding", 'd'},
              {"padding_mode", 'i'},
              {"average_count_excludes_padding", 'i'},
              {"blend_factor", 'f'}};
    case LayerType::kActivation:
      return {{"type", 'i'}, {"alpha", 'f'}, {"beta", 'f'}};
    case LayerType::kElementwise:
    case LayerType::kUnary:
      return {{"op", 'i'}};
    case LayerType::kScale:
      return {{"mode", 'i'}, {"shift", 'w'}, {"scale", 'w'}, {"power", 'w'}, {"channel_axis", 'i'}};
    case LayerType::kSoftmax:
      return {{"axes", 'i'}};
    case LayerType::kConcatenation:
    case LayerType::kGather:
    case LayerType::kQuantize:
    case LayerType::kDequantize:
      return {{"axis", 'i'}};
    case LayerType::kConstant:
      return {{"weights", 'w'}, {"shape", 'd'}};
    case LayerType::kShuffle:
      return {{"first_transpose", 'd'},
              {"reshape_dims", 'd'},
              {"second_transpose", 'd'},
              {"zero_is_placeholder", 'i'}};
    case LayerType::kReduce:
      return {{"op", 'i'}, {"axes", 'i'}, {"keep_dims", 'i'}};
    case LayerType::kMatrixMultiply:
      return {{"op0", 'i'}, {"op1", 'i'}};
    case LayerType::kSlice:
      return {{"start", 'd'}, {"shape", 'd'}, {"stride", 'd'}, {"mode", 'i'}, {"fill", 'f'}};
    case LayerType::kResize:
      return {{"shape", 'd'},
              {"scales", 'w'},
              {"resize_mode", 'i'},
              {"coordinate_transformation", 'i'},
              {"nearest_rounding", 'i'}};
    case LayerType::kLrn:
      return {{"window_size", 'i'}, {"alpha", 'f'}, {"beta", 'f'}, {"k", 'f'}};
    case LayerType::kTopk:
      return {{"op", 'i'}, {"k", 'i'}, {"axes", 'i'}};
    case LayerType::kCast:
      return {{"to_type", 'i'}};
    case LayerType::kPadding:
      return {{"pre_padding", 'd'}, {"post_padding", 'd'}};
    default:
      return {};
  }
}

}  // namespace door

namespace {

char spec_of(const LayerState& layer, std::string_view name) {
  std::vector<std::string_view> names;
  for (const door::ParameterSpec& spec : door::parameter_specs(layer.type)) {
    if (spec.name == name) {
      return spec.type;
    }
    names.push_back(spec.name);
  }
  door::raise(ErrorCode::kNotFound, "layer '{}' has no parameter '{}': it has [{}]", layer.name, name,
              fmt::join(names, ", "));
}

const Parameter& find(const LayerState& layer, std::string_view name) {
  spec_of(layer, name);
  const auto at = layer.parameters.find(name);
  if (at == layer.parameters.end()) {
    door::raise(ErrorCode::kNotFound, "layer '{}': its parameter '{}' is not set", layer.name, name);
  }
  return at->second;
}

template <typename T>
const T& typed(const LayerState& layer, std::string_view name, const char* what) {
  const T* value = std::get_if<T>(&find(layer, name));
  if (value == nullptr) {
    door::raise(ErrorCode::kInvalidArgument, "layer '{}': parameter '{}' holds no {}", layer.name, name,
                what);
  }
  return *value;
}

void store(LayerState& layer, std::string_view name, char type, Parameter value) {
  if (spec_of(layer, name) != type) {
    door::raise(ErrorCode::kInvalidArgument, "layer '{}': parameter '{}' is of another type", layer.name,
                name);
  }
  if (layer.original && !door::fully_described(layer)) {
    door::raise(ErrorCode::kUnsupported,
                "layer '{}' was read from an ONNX {} node: its parameters stay as they are", layer.name,
                layer.original->op_type);
  }
  layer.parameters.insert_or_assign(std::string(name), std::move(value));
  layer.changed = true;
  layer.network->touch();
}

}  // namespace

std::vector<std::string> Layer::parameterNames() const {
  std::vector<std::string> names;
  for (const door::ParameterSpec& spec : door::parameter_specs(state_->type)) {
    names.emplace_back(spec.name);
  }
  return names;
}

int64_t Layer::getInt(std::string_view name) const {
  return typed<int64_t>(*state_, name, "integer");
}

double Layer::getFloat(std::string_view name) const {
  return typed<double>(*state_, name, "number");
}

Dims Layer::getDims(std::string_view name) const {
  return typed<Dims>(*state_, name, "dimensions");
}

OwnedWeights Layer::getWeights(std::string_view name) const {
  const Constant& data = typed<Constant>(*state_, name, "weights");
  OwnedWeights out{.type = door::public_type(data->type),
                   .dims = data->shape,
                   .bytes = std::vector<std::byte>(data->bytes.size())};
  if (!out.bytes.empty()) {
    std::memcpy(out.bytes.data(), data->bytes.data(), out.bytes.size());
  }
  return out;
}

Layer& Layer::setInt(std::string_view name, int64_t value) {
  store(*state_, name, 'i', value);
  return *this;
}

Layer& Layer::setFloat(std::string_view name, double value) {
  store(*state_, name, 'f', value);
  return *this;
}

Layer& Layer::setDims(std::string_view name, const Dims& value) {
  store(*state_, name, 'd', value);
  return *this;
}

Layer& Layer::setWeights(std::string_view name, const Weights& value) {
  store(*state_, name, 'w', door::constant_of(value, {value.count}, name));
  return *this;
}

}  // namespace medlar
