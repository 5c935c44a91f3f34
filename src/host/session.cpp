// SPDX-License-Identifier: Apache-2.0
#include "host/session.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <memory>

#include <onnxruntime_cxx_api.h>

namespace medlar::host {
namespace {

/// One environment a process, as ONNX Runtime asks for; it logs errors only. It lives until the process ends: what it
/// tears down at exit (the CUDA provider's library) may be gone by then.
Ort::Env& environment() {
  static Ort::Env& env = *new Ort::Env(ORT_LOGGING_LEVEL_FATAL, "medlar");
  return env;
}

tl::unexpected<Error> ort_error(const std::string& name, const Ort::Exception& error) {
  const Code code = error.GetOrtErrorCode() == ORT_NOT_IMPLEMENTED ? Code::kUnsupported : Code::kCorrupt;
  return fail(code, "{}: ONNX Runtime: {}", name, error.what());
}

/// ONNX Runtime numbers element types as ONNX does (ONNXTensorElementDataType and TensorProto.DataType
/// agree).
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
  return Ort::Value::CreateTensor(memory, const_cast<uint8_t*>(data), size, shape.data(), shape.size(),
                                  to_ort(type));
}

/// Texts are copied: ONNX Runtime owns them.
Ort::Value wrap_strings(const TensorRef& ref) {
  Ort::AllocatorWithDefaultOptions allocator;
  Ort::Value value = Ort::Value::CreateTensor(allocator, ref.shape.data(), ref.shape.size(), to_ort(ref.type));
  std::vector<const char*> texts;
  for (const std::string& text : ref.strings) {
    texts.push_back(text.c_str());
  }
  value.FillStringTensor(texts.data(), texts.size());
  return value;
}

Ort::Value wrap(const TensorRef& ref) {
  return ref.type == graph::DataType::kString ? wrap_strings(ref)
                                              : wrap(ref.shape, ref.type, ref.bytes.data(), ref.bytes.size());
}

std::vector<std::string> unwrap_strings(const Ort::Value& value, size_t count) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < count; ++i) {
    texts.push_back(value.GetStringTensorElement(i));
  }
  return texts;
}

Result<graph::Tensor> unwrap(const Ort::Value& value, const std::string& name) {
  if (!value.IsTensor()) {
    return fail(Code::kUnsupported, "output '{}' is no tensor", name);
  }
  const auto info = value.GetTensorTypeAndShapeInfo();
  graph::Tensor tensor{static_cast<graph::DataType>(info.GetElementType()), info.GetShape(), {}, {}};
  const int element = graph::element_bytes(tensor.type);
  if (tensor.type == graph::DataType::kString) {
    tensor.strings = unwrap_strings(value, info.GetElementCount());
    return tensor;
  }
  if (element == 0) {
    return fail(Code::kUnsupported, "output '{}' holds {}", name, graph::data_type_name(tensor.type));
  }
  const auto* data = static_cast<const uint8_t*>(value.GetTensorRawData());
  tensor.bytes.assign(data, data + info.GetElementCount() * static_cast<size_t>(element));
  return tensor;
}

}  // namespace

struct RunToken::State {
  Ort::RunOptions options;
  std::atomic<bool> cancelled{false};
};

RunToken::RunToken() : state_(std::make_unique<State>()) {}
RunToken::~RunToken() = default;

void RunToken::cancel() {
  state_->cancelled = true;
  state_->options.SetTerminate();
}

bool RunToken::cancelled() const {
  return state_->cancelled;
}

std::string_view provider_name(Provider provider) {
  switch (provider) {
    case Provider::kAuto:
      return "automatic";
    case Provider::kCpu:
      return "CPU";
    case Provider::kCuda:
      return "CUDA";
  }
  return "";
}

std::vector<std::string> available_providers() {
  return Ort::GetAvailableProviders();
}

namespace {

constexpr std::string_view kCudaProvider = "CUDAExecutionProvider";

/// Why this library cannot use a GPU at all; empty when it can try.
std::string no_cuda_in_library() {
  const std::vector<std::string> providers = available_providers();
  if (std::find(providers.begin(), providers.end(), kCudaProvider) != providers.end()) {
    return "";
  }
  return fmt::format(
      "ONNX Runtime {} has no {}, only [{}]: it needs a GPU build of the library (MEDLAR_ONNXRUNTIME_ROOT)",
      Ort::GetVersionString(), kCudaProvider, fmt::join(providers, ", "));
}

Ort::SessionOptions settings_of(const SessionOptions& options) {
  Ort::SessionOptions settings;
  settings.SetGraphOptimizationLevel(options.optimise ? ORT_ENABLE_ALL : ORT_DISABLE_ALL);
  settings.SetIntraOpNumThreads(options.threads);
  return settings;
}

/// TF32 off: a float32 segment gives what it gives on the CPU, to float32's rounding (TF32 keeps 10 bits of mantissa).
void append_cuda(Ort::SessionOptions& settings) {
  const OrtApi& api = Ort::GetApi();
  OrtCUDAProviderOptionsV2* options = nullptr;
  Ort::ThrowOnError(api.CreateCUDAProviderOptions(&options));
  const std::unique_ptr<OrtCUDAProviderOptionsV2, decltype(api.ReleaseCUDAProviderOptions)> owner(
      options, api.ReleaseCUDAProviderOptions);
  const char* const keys[] = {"use_tf32"};
  const char* const values[] = {"0"};
  Ort::ThrowOnError(api.UpdateCUDAProviderOptions(options, keys, values, std::size(keys)));
  settings.AppendExecutionProvider_CUDA_V2(*options);
}

Ort::Session open_on_cuda(ByteView model, const SessionOptions& options) {
  Ort::Env& env = environment();  // before the provider: it logs through the environment while it is loaded
  Ort::SessionOptions settings = settings_of(options);
  append_cuda(settings);
  return Ort::Session(env, model.data(), model.size(), settings);
}

/// The session on the wanted provider; `note` says what kAuto decided and why. Throws Ort::Exception.
struct Opened {
  Ort::Session session{nullptr};
  Provider provider = Provider::kCpu;
  std::string note = "CPU";
};

Result<Opened> open_session(ByteView model, const std::string& name, const SessionOptions& options) {
  Opened opened;
  if (options.provider != Provider::kCpu) {
    std::string missing = no_cuda_in_library();
    if (missing.empty()) {
      try {
        opened.session = open_on_cuda(model, options);
        opened.provider = Provider::kCuda;
        opened.note = "CUDA";
        return opened;
      } catch (const Ort::Exception& error) {
        missing = error.what();  // no driver, no GPU, no cuDNN: ONNX Runtime names the library
      }
    }
    if (options.provider == Provider::kCuda) {
      return fail(Code::kUnsupported, "{}: the CUDA execution provider was asked for: {}", name, missing);
    }
    opened.note = fmt::format("CPU ({})", missing);
  }
  opened.session = Ort::Session(environment(), model.data(), model.size(), settings_of(options));
  return opened;
}

}  // namespace

struct Session::State {
  std::string name;
  Provider provider = Provider::kCpu;
  std::string note;
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

std::string Session::provider_note() const {
  return state_->note;
}

Result<Session> Session::create(ByteView model, std::string name, const SessionOptions& options) {
  auto state = std::make_unique<State>();
  state->name = std::move(name);
  try {
    MEDLAR_ASSIGN(Opened opened, open_session(model, state->name, options));
    state->session = std::move(opened.session);
    state->provider = opened.provider;
    state->note = std::move(opened.note);
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

namespace {

/// Names and values of one side of a run, as ONNX Runtime takes them.
struct Side {
  std::vector<const char*> names;
  std::vector<Ort::Value> values;

  explicit Side(const std::map<std::string, TensorRef>& refs) {
    for (const auto& [name, ref] : refs) {
      names.push_back(name.c_str());
      values.push_back(wrap(ref));
    }
  }
};

tl::unexpected<Error> run_error(const std::string& name, const Ort::Exception& error, const RunToken* token) {
  if (token != nullptr && token->cancelled()) {
    return fail(Code::kCancelled, "{}: cancelled", name);
  }
  return ort_error(name, error);
}

}  // namespace

Result<std::vector<graph::Tensor>> Session::run(const std::map<std::string, const graph::Tensor*>& inputs,
                                                const std::vector<std::string>& wanted) const {
  std::map<std::string, TensorRef> refs;
  for (const auto& [name, tensor] : inputs) {
    // Inputs are only read.
    auto* data = const_cast<uint8_t*>(tensor->bytes.data());
    refs.emplace(name, TensorRef{tensor->type, tensor->shape, {data, tensor->bytes.size()}, tensor->strings});
  }
  return run_refs(refs, wanted);
}

Result<std::vector<graph::Tensor>> Session::run_refs(const std::map<std::string, TensorRef>& inputs,
                                                     const std::vector<std::string>& wanted,
                                                     const RunToken* token) const {
  MEDLAR_TRY(state_->check_inputs(inputs.size()));
  for (const auto& [name, ref] : inputs) {
    if (state_->find_input(name) == nullptr) {
      return fail(Code::kInvalidArgument, "{}: no input is called '{}'", state_->name, name);
    }
  }
  std::vector<const char*> output_names;
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
    Side in(inputs);
    const Ort::RunOptions none{nullptr};
    const std::vector<Ort::Value> results =
        state_->session.Run(token != nullptr ? token->state_->options : none, in.names.data(),
                            in.values.data(), in.values.size(), output_names.data(), output_names.size());
    std::vector<graph::Tensor> tensors;
    for (size_t i = 0; i < results.size(); ++i) {
      MEDLAR_ASSIGN(graph::Tensor tensor, unwrap(results[i], output_names[i]));
      tensors.push_back(std::move(tensor));
    }
    return tensors;
  } catch (const Ort::Exception& error) {
    return run_error(state_->name, error, token);
  }
}

Status Session::run_in_place(const std::map<std::string, TensorRef>& inputs,
                             const std::map<std::string, TensorRef>& outputs, const RunToken* token) const {
  MEDLAR_TRY(state_->check_inputs(inputs.size()));
  try {
    Side in(inputs);
    Side out(outputs);
    const Ort::RunOptions none{nullptr};
    Ort::Session& session = state_->session;
    session.Run(token != nullptr ? token->state_->options : none, in.names.data(), in.values.data(),
                in.values.size(), out.names.data(), out.values.data(), out.values.size());
    return {};
  } catch (const Ort::Exception& error) {
    return run_error(state_->name, error, token);
  }
}

}  // namespace medlar::host
