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
namespace {

std::vector<ParameterSpec> rarer_specs(LayerType type) {
  switch (type) {
    case LayerType::kNormalization:
      return {{"axes", 'i'}, {"epsilon", 'f'}, {"num_groups", 'i'}, {"compute_precision", 'i'}};
    case LayerType::kEinsum:
      return {{"equation", 's'}};
    case LayerType::kGridSample:
      return {{"interpolation_mode", 'i'}, {"align_corners", 'i'}, {"sample_mode", 'i'}};
    case LayerType::kCumulative:
      return {{"op", 'i'}, {"exclusive", 'i'}, {"reverse", 'i'}};
    case LayerType::kNms:
      return {{"bounding_box_format", 'i'}, {"topk_box_limit", 'i'}};
    case LayerType::kReverseSequence:
      return {{"batch_axis", 'i'}, {"sequence_axis", 'i'}};
    case LayerType::kFill:
      return {{"shape", 'd'}, {"op", 'i'}, {"alpha", 'f'}, {"beta", 'f'}, {"to_type", 'i'}};
    case LayerType::kAssertion:
      return {{"message", 's'}};
    default:
      return {};
  }
}

}  // namespace

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
    case LayerType::kOneHot:
    case LayerType::kQuantize:
    case LayerType::kDequantize:
      return {{"axis", 'i'}};
    case LayerType::kGather:
      return {{"axis", 'i'}, {"mode", 'i'}, {"num_elementwise_dims", 'i'}};
    case LayerType::kScatter:
      return {{"axis", 'i'}, {"mode", 'i'}};
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
    case LayerType::kShape:
      return {{"to_type", 'i'}};
    case LayerType::kPadding:
      return {{"pre_padding", 'd'}, {"post_padding", 'd'}};
    default:
      return rarer_specs(type);
  }
}

size_t max_inputs(LayerType type) {
  switch (type) {
    case LayerType::kSlice:
    case LayerType::kNms:
      return 5;  // start, size, stride, fill; scores, boxes, the two thresholds
    case LayerType::kConvolution:
    case LayerType::kDeconvolution:
    case LayerType::kFill:
      return 3;
    case LayerType::kShuffle:
    case LayerType::kResize:
    case LayerType::kTopk:
      return 2;
    default:
      return 0;  // those that it was made with
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

const std::string& Layer::getString(std::string_view name) const {
  return typed<std::string>(*state_, name, "text");
}

Layer& Layer::setString(std::string_view name, std::string_view value) {
  store(*state_, name, 's', std::string(value));
  return *this;
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
