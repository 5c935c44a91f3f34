// SPDX-License-Identifier: Apache-2.0
// TensorRT's ICudaEngine and what belongs to it.
#pragma once

#include "medlar/compat/NvInferContext.h"

namespace nvinfer1 {

class IEngineInspector : public compat::Recording {
 public:
  explicit IEngineInspector(medlar::Engine engine, compat::SharedLogger logger)
      : Recording(std::move(logger)), engine_(std::move(engine)) {}
  virtual ~IEngineInspector() noexcept = default;
  bool setExecutionContext(IExecutionContext const* context) noexcept {
    context_ = context;
    return true;
  }
  IExecutionContext const* getExecutionContext() const noexcept { return context_; }
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
  IExecutionContext const* context_ = nullptr;
  mutable std::string text_;
};

/// How to make a context.
class IRuntimeConfig {
 public:
  virtual ~IRuntimeConfig() noexcept = default;
  void setExecutionContextAllocationStrategy(ExecutionContextAllocationStrategy strategy) noexcept {
    strategy_ = strategy;
  }
  ExecutionContextAllocationStrategy getExecutionContextAllocationStrategy() const noexcept {
    return strategy_;
  }

 private:
  ExecutionContextAllocationStrategy strategy_ = ExecutionContextAllocationStrategy::kSTATIC;
};

/// How to write an engine: always with its weights.
class ISerializationConfig {
 public:
  explicit ISerializationConfig(compat::SharedLogger logger) : logger_(std::move(logger)) {}
  virtual ~ISerializationConfig() noexcept = default;
  bool setFlag(SerializationFlag flag) noexcept {
    return setFlags(flags_ | 1U << static_cast<int32_t>(flag));
  }
  bool clearFlag(SerializationFlag flag) noexcept {
    return setFlags(flags_ & ~(1U << static_cast<int32_t>(flag)));
  }
  bool getFlag(SerializationFlag flag) const noexcept {
    return (flags_ >> static_cast<int32_t>(flag) & 1U) != 0;
  }
  bool setFlags(SerializationFlags flags) noexcept {
    return compat::attempt_void(*logger_, [&] {
      refused_ = (flags >> static_cast<int32_t>(SerializationFlag::kEXCLUDE_WEIGHTS) & 1U) != 0;
      if (refused_) {
        throw medlar::Unsupported(
            "SerializationFlag::kEXCLUDE_WEIGHTS: engines are compiled with their weights");
      }
      flags_ = flags;
    });
  }
  SerializationFlags getFlags() const noexcept { return flags_; }
  bool refused() const noexcept { return refused_; }

 private:
  compat::SharedLogger logger_;
  SerializationFlags flags_ = 0;
  bool refused_ = false;
};

class ICudaEngine : public compat::Recording {
 public:
  ICudaEngine(medlar::Engine engine, int core, compat::SharedLogger logger,
              IGpuAllocator* allocator = nullptr)
      : Recording(std::move(logger)), engine_(std::move(engine)), core_(core), allocator_(allocator) {}
  virtual ~ICudaEngine() noexcept = default;

  IExecutionContext* createExecutionContext(
      ExecutionContextAllocationStrategy strategy = ExecutionContextAllocationStrategy::kSTATIC) noexcept {
    return compat::attempt<IExecutionContext*>(*logger_, nullptr, [&] {
      auto made = std::make_unique<IExecutionContext>(*this, engine_, engine_.createExecutionContext(core_),
                                                      logger_->fork());
      if (strategy == ExecutionContextAllocationStrategy::kUSER_MANAGED) {
        made->withoutMemory();
      } else {
        made->hold(allocator_);
      }
      return made.release();
    });
  }
  IExecutionContext* createExecutionContext(IRuntimeConfig* config) noexcept {
    return createExecutionContext(config == nullptr ? ExecutionContextAllocationStrategy::kSTATIC
                                                    : config->getExecutionContextAllocationStrategy());
  }
  /// It runs once it has got getDeviceMemorySize() bytes: setDeviceMemory().
  IExecutionContext* createExecutionContextWithoutDeviceMemory() noexcept {
    return createExecutionContext(ExecutionContextAllocationStrategy::kUSER_MANAGED);
  }
  IRuntimeConfig* createRuntimeConfig() noexcept { return new IRuntimeConfig(); }
  IEngineInspector* createEngineInspector() const noexcept {
    return new IEngineInspector(engine_, logger_->fork());
  }
  ISerializationConfig* createSerializationConfig() noexcept { return new ISerializationConfig(logger_); }
  IHostMemory* serializeWithConfig(ISerializationConfig& config) const noexcept {
    return config.refused() ? nullptr : serialize();
  }
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
  TensorFormat getTensorFormat(char const* name, int32_t) const noexcept { return getTensorFormat(name); }
  char const* getTensorFormatDesc(char const* name, int32_t) const noexcept {
    return getTensorFormatDesc(name);
  }
  int32_t getTensorBytesPerComponent(char const* name, int32_t) const noexcept {
    return getTensorBytesPerComponent(name);
  }
  int32_t getTensorComponentsPerElement(char const* name, int32_t) const noexcept {
    return getTensorComponentsPerElement(name);
  }
  int32_t getTensorVectorizedDim(char const* name, int32_t) const noexcept {
    return getTensorVectorizedDim(name);
  }
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
  bool isDebugTensor(char const*) const noexcept { return false; }
  char const* getAliasedInputTensor(char const*) const noexcept { return nullptr; }
  bool isShapeBinding(int32_t) const noexcept { return false; }
  bool isExecutionBinding(int32_t) const noexcept { return true; }
  TensorLocation getLocation(int32_t) const noexcept { return TensorLocation::kDEVICE; }
  int32_t getNbAuxStreams() const noexcept { return 0; }
  TacticSources getTacticSources() const noexcept { return 0; }
  HardwareCompatibilityLevel getHardwareCompatibilityLevel() const noexcept {
    return HardwareCompatibilityLevel::kNONE;
  }
  int64_t getEngineStat(EngineStat stat) const noexcept {
    return stat == EngineStat::kTOTAL_WEIGHTS_SIZE ? static_cast<int64_t>(getDeviceMemorySize()) : 0;
  }
  /// No weights are streamed: sizes and budgets are 0.
  int64_t getStreamableWeightsSize() const noexcept { return 0; }
  bool setWeightStreamingBudgetV2(int64_t bytes) noexcept {
    return compat::attempt_void(*logger_, [&] {
      if (bytes != 0) {
        throw medlar::Unsupported("a weight streaming budget of " + std::to_string(bytes) +
                                  ": no weights of an engine are streamable");
      }
    });
  }
  bool setWeightStreamingBudget(int64_t bytes) noexcept {
    return setWeightStreamingBudgetV2(bytes == -1 ? 0 : bytes);
  }
  int64_t getWeightStreamingBudgetV2() const noexcept { return 0; }
  int64_t getWeightStreamingBudget() const noexcept { return 0; }
  int64_t getMinimumWeightStreamingBudget() const noexcept { return 0; }
  int64_t getWeightStreamingAutomaticBudget() const noexcept { return 0; }
  int64_t getWeightStreamingScratchMemorySize() const noexcept { return 0; }
  int64_t getDeviceMemorySizeV2() const noexcept { return static_cast<int64_t>(getDeviceMemorySize()); }
  std::size_t getDeviceMemorySizeForProfile(int32_t profile) const noexcept {
    return profile == 0 ? getDeviceMemorySize() : 0;
  }
  int64_t getDeviceMemorySizeForProfileV2(int32_t profile) const noexcept {
    return static_cast<int64_t>(getDeviceMemorySizeForProfile(profile));
  }
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
  IGpuAllocator* allocator_;
};

void IExecutionContext::setDeviceMemory(void* memory) noexcept {
  setDeviceMemoryV2(memory, static_cast<int64_t>(owner_->getDeviceMemorySize()));
}
std::size_t IExecutionContext::updateDeviceMemorySizeForShapes() noexcept {
  return owner_->getDeviceMemorySize();
}

}  // namespace nvinfer1
