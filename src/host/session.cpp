// SPDX-License-Identifier: Apache-2.0
#include "host/session.hpp"

#include <onnxruntime_cxx_api.h>

namespace medlar::host {
namespace {

/// One environment a process, as ONNX Runtime asks for; it logs errors only.
Ort::Env& environment() {
  static Ort::Env env(ORT_LOGGING_LEVEL_FATAL, "medlar");
  return env;
}

tl::unexpected<Error> ort_error(const std::string& name, const Ort::Exception& error) {
  const Code code = error.GetOrtErrorCode() == ORT_NOT_IMPLEMENTED ? Code::kUnsupported : Code::kCorrupt;
  return fail(code, "{}: ONNX Runtime: {}", name, error.what());
}

/// ONNX Runtime numbers element types as ONNX does (ONNXTensorElementDataType and TensorProto.DataType agree).
ONNXTensorElementDataType to_ort(graph::DataType type) {
  return static_cast<ONNXTensorElementDataType>(type);
}

TensorInfo describe(const char* name, const Ort::TypeInfo& type) {
  TensorInfo info{name, graph::DataType::kUndefined, {}};
  if (type.GetONNXType() == ONNX_TYPE_TENSOR) {
    const auto tensor = type.GetTensorTypeAndShapeInfo();
    info.type = static_cast<graph::DataType>(tensor.GetElementType());
    info.shape = tensor.GetShape();
  }
  return info;
}

Ort::Value wrap(const graph::Shape& shape, graph::DataType type, const uint8_t* data, size_t size) {
  static const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  // ONNX Runtime takes a mutable pointer but does not write to inputs.
  return Ort::Value::CreateTensor(memory, const_cast<uint8_t*>(data), size, shape.data(), shape.size(), to_ort(type));
}

Result<graph::Tensor> unwrap(const Ort::Value& value, const std::string& name) {
  if (!value.IsTensor()) {
    return fail(Code::kUnsupported, "output '{}' is no tensor", name);
  }
  const auto info = value.GetTensorTypeAndShapeInfo();
  graph::Tensor tensor{static_cast<graph::DataType>(info.GetElementType()), info.GetShape(), {}, {}};
  const int element = graph::element_bytes(tensor.type);
  if (element == 0) {
    return fail(Code::kUnsupported, "output '{}' holds {}", name, graph::data_type_name(tensor.type));
  }
  const auto* data = static_cast<const uint8_t*>(value.GetTensorRawData());
  tensor.bytes.assign(data, data + info.GetElementCount() * static_cast<size_t>(element));
  return tensor;
}

}  // namespace

struct Session::State {
  std::string name;
  Provider provider = Provider::kCpu;
  Ort::Session session{nullptr};
  std::vector<TensorInfo> inputs, outputs;

  const TensorInfo* find_input(const std::string& wanted) const {
    for (const TensorInfo& info : inputs) {
      if (info.name == wanted) {
        return &info;
      }
    }
    return nullptr;
  }

  Status check_inputs(size_t given) const {
    if (given != inputs.size()) {
      return fail(Code::kInvalidArgument, "{}: {} inputs given, {} wanted", name, given, inputs.size());
    }
    return {};
  }
};

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

const std::vector<TensorInfo>& Session::inputs() const {
  return state_->inputs;
}
const std::vector<TensorInfo>& Session::outputs() const {
  return state_->outputs;
}
Provider Session::provider() const {
  return state_->provider;
}

Result<Session> Session::create(ByteView model, std::string name, const SessionOptions& options) {
  auto state = std::make_unique<State>();
  state->name = std::move(name);
  try {
    Ort::SessionOptions settings;
    settings.SetGraphOptimizationLevel(options.optimise ? ORT_ENABLE_ALL : ORT_DISABLE_ALL);
    settings.SetIntraOpNumThreads(options.threads);
    if (options.provider != Provider::kCpu) {
      try {
        settings.AppendExecutionProvider_CUDA(OrtCUDAProviderOptions{});
        state->provider = Provider::kCuda;
      } catch (const Ort::Exception& error) {
        if (options.provider == Provider::kCuda) {
          return ort_error(state->name, error);
        }
      }
    }
    state->session = Ort::Session(environment(), model.data(), model.size(), settings);
    Ort::AllocatorWithDefaultOptions allocator;
    for (size_t i = 0; i < state->session.GetInputCount(); ++i) {
      state->inputs.push_back(describe(state->session.GetInputNameAllocated(i, allocator).get(),
                                       state->session.GetInputTypeInfo(i)));
    }
    for (size_t i = 0; i < state->session.GetOutputCount(); ++i) {
      state->outputs.push_back(describe(state->session.GetOutputNameAllocated(i, allocator).get(),
                                        state->session.GetOutputTypeInfo(i)));
    }
  } catch (const Ort::Exception& error) {
    return ort_error(state->name, error);
  }
  return Session(std::move(state));
}

Result<std::vector<graph::Tensor>> Session::run(const std::map<std::string, const graph::Tensor*>& inputs,
                                                const std::vector<std::string>& wanted) const {
  MEDLAR_TRY(state_->check_inputs(inputs.size()));
  std::vector<const char*> input_names, output_names;
  std::vector<Ort::Value> values;
  for (const auto& [name, tensor] : inputs) {
    if (state_->find_input(name) == nullptr) {
      return fail(Code::kInvalidArgument, "{}: no input is called '{}'", state_->name, name);
    }
    input_names.push_back(name.c_str());
    values.push_back(wrap(tensor->shape, tensor->type, tensor->bytes.data(), tensor->bytes.size()));
  }
  for (const TensorInfo& info : state_->outputs) {
    output_names.push_back(info.name.c_str());
  }
  if (!wanted.empty()) {
    output_names.clear();
    for (const std::string& name : wanted) {
      output_names.push_back(name.c_str());
    }
  }
  try {
    const std::vector<Ort::Value> results = state_->session.Run(Ort::RunOptions{nullptr}, input_names.data(), values.data(),
                                                                values.size(), output_names.data(), output_names.size());
    std::vector<graph::Tensor> tensors;
    for (size_t i = 0; i < results.size(); ++i) {
      MEDLAR_ASSIGN(graph::Tensor tensor, unwrap(results[i], output_names[i]));
      tensors.push_back(std::move(tensor));
    }
    return tensors;
  } catch (const Ort::Exception& error) {
    return ort_error(state_->name, error);
  }
}

Status Session::run_in_place(const std::map<std::string, TensorRef>& inputs,
                             const std::map<std::string, TensorRef>& outputs) const {
  MEDLAR_TRY(state_->check_inputs(inputs.size()));
  std::vector<const char*> input_names, output_names;
  std::vector<Ort::Value> input_values, output_values;
  try {
    for (const auto& [name, ref] : inputs) {
      input_names.push_back(name.c_str());
      input_values.push_back(wrap(ref.shape, ref.type, ref.bytes.data(), ref.bytes.size()));
    }
    for (const auto& [name, ref] : outputs) {
      output_names.push_back(name.c_str());
      output_values.push_back(wrap(ref.shape, ref.type, ref.bytes.data(), ref.bytes.size()));
    }
    Ort::Session& session = state_->session;
    session.Run(Ort::RunOptions{nullptr}, input_names.data(), input_values.data(), input_values.size(), output_names.data(),
                output_values.data(), output_values.size());
    return {};
  } catch (const Ort::Exception& error) {
    return ort_error(state_->name, error);
  }
}

}  // namespace medlar::host
