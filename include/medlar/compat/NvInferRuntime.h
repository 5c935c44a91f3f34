// SPDX-License-Identifier: Apache-2.0
// TensorRT's runtime names: IRuntime, ICudaEngine, IExecutionContext and what they need. Bindings (TensorRT
// 8) and named tensors (8.5 and later) are both there.
#pragma once

#include "medlar/compat/NvInferRuntimeBase.h"
#include "medlar/compat/NvInferSettings.h"
#include "medlar/compat/cuda_runtime_api.h"

namespace nvinfer1 {

enum class EngineCapability : int32_t { kSTANDARD, kSAFETY, kDLA_STANDALONE, kDEFAULT = kSTANDARD };
enum class ProfilingVerbosity : int32_t { kLAYER_NAMES_ONLY, kNONE, kDETAILED };
enum class LayerInformationFormat : int32_t { kONELINE, kJSON };
enum class OptProfileSelector : int32_t { kMIN, kOPT, kMAX };
enum class ExecutionContextAllocationStrategy : int32_t { kSTATIC, kON_PROFILE_CHANGE, kUSER_MANAGED };
template <>
constexpr int32_t EnumMax<OptProfileSelector>() noexcept {
  return 3;
}

class ICudaEngine;
class IExecutionContext;

/// For layers of the DLA, ms is what the device would take, as modelled; for segments of the host, what this
/// computer took.
class IProfiler {
 public:
  virtual void reportLayerTime(AsciiChar const* layerName, float ms) noexcept = 0;
  virtual ~IProfiler() noexcept = default;
};

class IOutputAllocator {
 public:
  virtual void* reallocateOutput(char const* tensorName, void* currentMemory, uint64_t size,
                                 uint64_t alignment) noexcept = 0;
  virtual void notifyShape(char const* tensorName, Dims const& dims) noexcept = 0;
  virtual ~IOutputAllocator() = default;
};

class IEngineInspector {
 public:
  explicit IEngineInspector(medlar::Engine engine, compat::SharedLogger logger)
      : engine_(std::move(engine)), logger_(std::move(logger)) {}
  virtual ~IEngineInspector() noexcept = default;
  bool setExecutionContext(IExecutionContext const*) noexcept { return true; }
  AsciiChar const* getEngineInformation(LayerInformationFormat) const noexcept {
    return compat::attempt<char const*>(*logger_, nullptr,
                                        [&] { return (text_ = engine_.inspect()).c_str(); });
  }
  AsciiChar const* getLayerInformation(int32_t index, LayerInformationFormat) const noexcept {
    return compat::attempt<char const*>(*logger_, nullptr,
                                        [&] { return (text_ = engine_.inspectLayer(index)).c_str(); });
  }
  void destroy() noexcept { delete this; }

 private:
  medlar::Engine engine_;
  compat::SharedLogger logger_;
  mutable std::string text_;
};

/// One thread at a time.
class IExecutionContext {
 public:
  IExecutionContext(ICudaEngine const& owner, medlar::Engine engine,
                    std::unique_ptr<medlar::ExecutionContext> context, compat::SharedLogger logger)
      : owner_(&owner),
        engine_(std::move(engine)),
        context_(std::move(context)),
        logger_(std::move(logger)) {}
  virtual ~IExecutionContext() noexcept = default;

  bool executeV2(void* const* bindings) noexcept {
    return compat::attempt_void(*logger_, [&] {
      bind(bindings);
      medlar::compat::Process::instance().stream(nullptr).synchronize();
      context_->execute();
    });
  }
  bool enqueueV2(void* const* bindings, cudaStream_t stream, cudaEvent_t* inputConsumed) noexcept {
    return compat::attempt_void(*logger_, [&] {
      bind(bindings);
      enqueue(stream, inputConsumed == nullptr ? nullptr : *inputConsumed);
    });
  }
  bool enqueueV3(cudaStream_t stream) noexcept {
    return compat::attempt_void(*logger_, [&] { enqueue(stream, nullptr); });
  }
  bool setTensorAddress(char const* name, void* data) noexcept {
    return compat::attempt_void(
        *logger_, [&] { context_->setTensorAddress(&compat::deref(name, "a tensor's name"), data); });
  }
  bool setInputTensorAddress(char const* name, void const* data) noexcept {
    return setTensorAddress(name, const_cast<void*>(data));
  }
  bool setOutputTensorAddress(char const* name, void* data) noexcept { return setTensorAddress(name, data); }
  void const* getTensorAddress(char const* name) const noexcept {
    return compat::attempt<void*>(
        *logger_, nullptr, [&] { return context_->tensorAddress(&compat::deref(name, "a tensor's name")); });
  }
  bool setInputShape(char const* name, Dims const& dims) noexcept {
    return compat::attempt_void(*logger_, [&] {
      context_->setInputShape(&compat::deref(name, "a tensor's name"), compat::dims(dims));
    });
  }
  Dims getTensorShape(char const* name) const noexcept {
    return compat::attempt(*logger_, none(), [&] {
      return compat::dims(context_->outputDims(&compat::deref(name, "a tensor's name")));
    });
  }
  bool setBindingDimensions(int32_t index, Dims dims) noexcept {
    return compat::attempt_void(*logger_,
                                [&] { context_->setInputShape(binding(index).name, compat::dims(dims)); });
  }
  Dims getBindingDimensions(int32_t index) const noexcept {
    return compat::attempt(*logger_, none(), [&] { return compat::dims(binding(index).dims); });
  }
  bool allInputDimensionsSpecified() const noexcept { return true; }
  bool allInputShapesSpecified() const noexcept { return true; }
  int32_t inferShapes(int32_t, char const**) noexcept { return 0; }
  int32_t getOptimizationProfile() const noexcept { return 0; }
  bool setOptimizationProfileAsync(int32_t index, cudaStream_t) noexcept {
    return compat::attempt_void(*logger_, [&] {
      if (index != 0) {
        throw medlar::OutOfRange("optimisation profile " + std::to_string(index) + ": the engine has one, 0");
      }
    });
  }
  void setProfiler(IProfiler* profiler) noexcept {
    profiler_ = profiler == nullptr ? nullptr : std::make_unique<ProfilerBridge>(*profiler);
    context_->setProfiler(profiler_.get());
  }
  IProfiler* getProfiler() const noexcept { return profiler_ ? &profiler_->target : nullptr; }
  bool reportToProfiler() const noexcept { return true; }
  void setEnqueueEmitsProfile(bool) noexcept {}
  void setDebugSync(bool) noexcept {}
  void setName(char const* name) noexcept { name_ = name == nullptr ? "" : name; }
  char const* getName() const noexcept { return name_.c_str(); }
  ICudaEngine const& getEngine() const noexcept { return *owner_; }
  /// Beyond TensorRT: what the last run took.
  medlar::ExecutionContext& medlarContext() noexcept { return *context_; }
  void destroy() noexcept { delete this; }

 private:
  struct ProfilerBridge final : medlar::Profiler {
    explicit ProfilerBridge(IProfiler& t) : target(t) {}
    void report(medlar::LayerTime const& layer) override {
      target.reportLayerTime(layer.name.c_str(),
                             static_cast<float>(layer.modelledMs > 0 ? layer.modelledMs : layer.hostMs));
    }
    IProfiler& target;
  };
  static Dims none() {
    Dims dims;
    dims.nbDims = -1;
    return dims;
  }
  medlar::TensorInfo const& binding(int32_t index) const {
    auto const& tensors = engine_.tensors();
    if (index < 0 || static_cast<std::size_t>(index) >= tensors.size()) {
      throw medlar::OutOfRange("the engine has " + std::to_string(tensors.size()) +
                               " bindings, not one with index " + std::to_string(index));
    }
    return tensors[static_cast<std::size_t>(index)];
  }
  void bind(void* const* bindings) {
    compat::deref(bindings, "bindings");
    for (std::size_t i = 0; i < engine_.tensors().size(); ++i) {
      context_->setTensorAddress(engine_.tensors()[i].name, bindings[i]);
    }
  }
  void enqueue(cudaStream_t handle, cudaEvent_t consumed) {
    auto& process = medlar::compat::Process::instance();
    medlar::Stream const stream = process.stream(handle);
    context_->enqueue(stream);
    if (consumed != nullptr) {
      process.event(consumed).record(stream);
    }
  }

  ICudaEngine const* owner_;
  medlar::Engine engine_;
  std::unique_ptr<medlar::ExecutionContext> context_;
  compat::SharedLogger logger_;
  std::unique_ptr<ProfilerBridge> profiler_;
  std::string name_;
};

class ICudaEngine {
 public:
  ICudaEngine(medlar::Engine engine, int core, compat::SharedLogger logger)
      : engine_(std::move(engine)), core_(core), logger_(std::move(logger)) {}
  virtual ~ICudaEngine() noexcept = default;

  IExecutionContext* createExecutionContext(
      ExecutionContextAllocationStrategy = ExecutionContextAllocationStrategy::kSTATIC) noexcept {
    return compat::attempt<IExecutionContext*>(*logger_, nullptr, [&] {
      return new IExecutionContext(*this, engine_, engine_.createExecutionContext(core_), logger_);
    });
  }
  IEngineInspector* createEngineInspector() const noexcept { return new IEngineInspector(engine_, logger_); }
  IHostMemory* serialize() const noexcept {
    return compat::attempt<IHostMemory*>(*logger_, nullptr, [&] {
      auto const bytes = engine_.serialize();
      return new IHostMemory({bytes.begin(), bytes.end()});
    });
  }

  int32_t getNbBindings() const noexcept { return static_cast<int32_t>(engine_.tensors().size()); }
  int32_t getBindingIndex(char const* name) const noexcept {
    for (std::size_t i = 0; name != nullptr && i < engine_.tensors().size(); ++i) {
      if (engine_.tensors()[i].name == name) {
        return static_cast<int32_t>(i);
      }
    }
    return -1;
  }
  char const* getBindingName(int32_t index) const noexcept {
    medlar::TensorInfo const* info = at(index);
    return info == nullptr ? nullptr : info->name.c_str();
  }
  bool bindingIsInput(int32_t index) const noexcept {
    medlar::TensorInfo const* info = at(index);
    return info != nullptr && info->input;
  }
  Dims getBindingDimensions(int32_t index) const noexcept { return dims_of(at(index)); }
  DataType getBindingDataType(int32_t index) const noexcept { return type_of(at(index)); }
  TensorFormat getBindingFormat(int32_t) const noexcept { return TensorFormat::kLINEAR; }
  char const* getBindingFormatDesc(int32_t) const noexcept { return "Row major linear format"; }
  int32_t getBindingBytesPerComponent(int32_t index) const noexcept { return bytes_of(at(index)); }
  int32_t getBindingComponentsPerElement(int32_t) const noexcept { return 1; }
  int32_t getBindingVectorizedDim(int32_t) const noexcept { return -1; }

  int32_t getNbIOTensors() const noexcept { return getNbBindings(); }
  char const* getIOTensorName(int32_t index) const noexcept { return getBindingName(index); }
  Dims getTensorShape(char const* name) const noexcept { return dims_of(at(getBindingIndex(name))); }
  DataType getTensorDataType(char const* name) const noexcept { return type_of(at(getBindingIndex(name))); }
  TensorIOMode getTensorIOMode(char const* name) const noexcept {
    medlar::TensorInfo const* info = at(getBindingIndex(name));
    return info == nullptr ? TensorIOMode::kNONE
                           : (info->input ? TensorIOMode::kINPUT : TensorIOMode::kOUTPUT);
  }
  TensorLocation getTensorLocation(char const*) const noexcept { return TensorLocation::kDEVICE; }
  TensorFormat getTensorFormat(char const*) const noexcept { return TensorFormat::kLINEAR; }
  char const* getTensorFormatDesc(char const*) const noexcept { return "Row major linear format"; }
  int32_t getTensorBytesPerComponent(char const* name) const noexcept {
    return bytes_of(at(getBindingIndex(name)));
  }
  int32_t getTensorComponentsPerElement(char const*) const noexcept { return 1; }
  int32_t getTensorVectorizedDim(char const*) const noexcept { return -1; }
  bool isShapeInferenceIO(char const*) const noexcept { return false; }
  Dims getProfileShape(char const* name, int32_t, OptProfileSelector) const noexcept {
    return getTensorShape(name);
  }
  Dims getProfileDimensions(int32_t index, int32_t, OptProfileSelector) const noexcept {
    return getBindingDimensions(index);
  }

  int32_t getMaxBatchSize() const noexcept { return 1; }
  bool hasImplicitBatchDimension() const noexcept { return false; }
  bool isRefittable() const noexcept { return false; }
  int32_t getNbOptimizationProfiles() const noexcept { return 1; }
  int32_t getNbLayers() const noexcept {
    return compat::attempt(*logger_, 0, [&] { return static_cast<int32_t>(engine_.numLayers()); });
  }
  std::size_t getDeviceMemorySize() const noexcept {
    return compat::attempt(*logger_, std::size_t{0}, [&] { return engine_.deviceMemoryBytes(); });
  }
  char const* getName() const noexcept { return engine_.modelName().c_str(); }
  EngineCapability getEngineCapability() const noexcept { return EngineCapability::kSTANDARD; }
  ProfilingVerbosity getProfilingVerbosity() const noexcept { return ProfilingVerbosity::kDETAILED; }
  medlar::Engine const& medlarEngine() const noexcept { return engine_; }
  void destroy() noexcept { delete this; }

 private:
  medlar::TensorInfo const* at(int32_t index) const noexcept {
    bool const inside = index >= 0 && static_cast<std::size_t>(index) < engine_.tensors().size();
    if (!inside) {
      logger_->log(medlar::LogLevel::kError, "the engine has no such binding");
    }
    return inside ? &engine_.tensors()[static_cast<std::size_t>(index)] : nullptr;
  }
  Dims dims_of(medlar::TensorInfo const* info) const noexcept {
    Dims none;
    none.nbDims = -1;
    return info == nullptr ? none : compat::attempt(*logger_, none, [&] { return compat::dims(info->dims); });
  }
  static DataType type_of(medlar::TensorInfo const* info) noexcept {
    return info == nullptr ? DataType::kFLOAT : static_cast<DataType>(info->type);
  }
  int32_t bytes_of(medlar::TensorInfo const* info) const noexcept {
    return info == nullptr ? -1 : compat::attempt(*logger_, -1, [&] {
      return static_cast<int32_t>(medlar::elementBytes(info->type));
    });
  }

  medlar::Engine engine_;
  int core_;
  compat::SharedLogger logger_;
};

class IRuntime {
 public:
  explicit IRuntime(compat::SharedLogger logger) : logger_(std::move(logger)), runtime_(*logger_) {}
  virtual ~IRuntime() noexcept = default;

  ICudaEngine* deserializeCudaEngine(void const* blob, std::size_t size) noexcept {
    return compat::attempt<ICudaEngine*>(*logger_, nullptr, [&] {
      auto const* bytes =
          static_cast<std::byte const*>(&compat::deref(static_cast<std::byte const*>(blob), "an engine"));
      return new ICudaEngine(runtime_.deserialize({bytes, size}), runtime_.dlaCore(), logger_);
    });
  }
  ICudaEngine* deserializeCudaEngine(IStreamReader& reader) noexcept {
    return compat::attempt<ICudaEngine*>(*logger_, nullptr, [&] {
      auto const bytes = compat::readAll([&](void* to, int64_t size) { return reader.read(to, size); });
      return new ICudaEngine(runtime_.deserialize({bytes.data(), bytes.size()}), runtime_.dlaCore(), logger_);
    });
  }
  ICudaEngine* deserializeCudaEngine(IStreamReaderV2& reader) noexcept {
    return compat::attempt<ICudaEngine*>(*logger_, nullptr, [&] {
      auto const bytes =
          compat::readAll([&](void* to, int64_t size) { return reader.read(to, size, nullptr); });
      return new ICudaEngine(runtime_.deserialize({bytes.data(), bytes.size()}), runtime_.dlaCore(), logger_);
    });
  }
  /// TensorRT 7's form; the third argument was a plugin factory.
  ICudaEngine* deserializeCudaEngine(void const* blob, std::size_t size, std::nullptr_t) noexcept {
    return deserializeCudaEngine(blob, size);
  }
  void setDLACore(int32_t core) noexcept {
    compat::attempt_void(*logger_, [&] { runtime_.setDLACore(core); });
  }
  int32_t getDLACore() const noexcept { return runtime_.dlaCore(); }
  int32_t getNbDLACores() const noexcept { return runtime_.numDLACores(); }
  ILogger* getLogger() const noexcept { return &logger_->target(); }
  void destroy() noexcept { delete this; }

 private:
  compat::SharedLogger logger_;
  medlar::Runtime runtime_;
};

inline IRuntime* createInferRuntime(ILogger& logger) noexcept {
  auto const bridge = std::make_shared<compat::LoggerBridge>(logger);
  return compat::attempt<IRuntime*>(*bridge, nullptr, [&] { return new IRuntime(bridge); });
}

inline IRefitter* createInferRefitter(ICudaEngine&, ILogger& logger) noexcept {
  logger.log(ILogger::Severity::kERROR, "createInferRefitter is not available: build the engine again");
  return nullptr;
}

}  // namespace nvinfer1
