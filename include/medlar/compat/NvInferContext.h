// SPDX-License-Identifier: Apache-2.0
// TensorRT's IExecutionContext. Bindings (TensorRT 8) and named tensors (8.5 and later) are both there.
#pragma once

#include "medlar/compat/NvInferRuntimeBase.h"
#include "medlar/compat/NvInferSettings.h"
#include "medlar/compat/cuda_runtime_api.h"

#include <algorithm>
#include <map>

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

class IOutputAllocator : public IVersionedInterface {
 public:
  /// TensorRT 10 calls reallocateOutputAsync() instead.
  virtual void* reallocateOutput(char const*, void*, uint64_t, uint64_t) noexcept { return nullptr; }
  virtual void* reallocateOutputAsync(char const* tensorName, void* currentMemory, uint64_t size,
                                      uint64_t alignment, cudaStream_t) {
    return reallocateOutput(tensorName, currentMemory, size, alignment);
  }
  virtual void notifyShape(char const* tensorName, Dims const& dims) noexcept = 0;
};

/// One thread at a time.
class IExecutionContext : public compat::Recording {
 public:
  IExecutionContext(ICudaEngine const& owner, medlar::Engine engine,
                    std::unique_ptr<medlar::ExecutionContext> context, compat::SharedLogger logger)
      : Recording(std::move(logger)),
        owner_(&owner),
        engine_(std::move(engine)),
        context_(std::move(context)) {}
  virtual ~IExecutionContext() noexcept {
    if (queued_) {  // what the stream still has to deliver uses this object
      compat::attempt_void(*logger_,
                           [&] { medlar::compat::Process::instance().stream(stream_).synchronize(); });
    }
  }

  bool executeV2(void* const* bindings) noexcept {
    return compat::attempt_void(*logger_, [&] {
      bind(bindings);
      allocate();
      medlar::compat::Process::instance().stream(nullptr).synchronize();
      context_->execute();
      deliver();
    });
  }
  bool enqueueV2(void* const* bindings, cudaStream_t stream, cudaEvent_t* inputConsumed) noexcept {
    return compat::attempt_void(*logger_, [&] {
      bind(bindings);
      enqueue(stream, inputConsumed == nullptr ? nullptr : *inputConsumed);
    });
  }
  bool enqueueV3(cudaStream_t stream) noexcept {
    return compat::attempt_void(*logger_, [&] { enqueue(stream, consumed_); });
  }
  /// Recorded once the run is done: the inputs are free then at the latest.
  bool setInputConsumedEvent(cudaEvent_t event) noexcept {
    consumed_ = event;
    return true;
  }
  cudaEvent_t getInputConsumedEvent() const noexcept { return consumed_; }
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
  Dims getTensorStrides(char const* name) const noexcept {
    Dims strides = getTensorShape(name);
    DimsInteger step = 1;
    for (int32_t i = strides.nbDims - 1; i >= 0; --i) {
      step *= std::exchange(strides.d[i], step);
    }
    return strides;
  }
  Dims getStrides(int32_t index) const noexcept {
    return compat::attempt(*logger_, none(), [&] { return getTensorStrides(binding(index).name.c_str()); });
  }
  /// 0 where only a run tells.
  int64_t getMaxOutputSize(char const* name) const noexcept {
    return compat::attempt(*logger_, int64_t{-1}, [&] {
      return static_cast<int64_t>(engine_.tensor(&compat::deref(name, "a tensor's name")).bytes);
    });
  }
  /// Gives the output's memory before a run, or once its shape is known.
  bool setOutputAllocator(char const* name, IOutputAllocator* allocator) noexcept {
    return compat::attempt_void(*logger_, [&] {
      if (engine_.tensor(&compat::deref(name, "a tensor's name")).input) {
        throw medlar::InvalidArgument("setOutputAllocator: '" + std::string(name) + "' is an input");
      }
      allocators_[name] = allocator;
    });
  }
  IOutputAllocator* getOutputAllocator(char const* name) const noexcept {
    auto const at = allocators_.find(name == nullptr ? "" : name);
    return at == allocators_.end() ? nullptr : at->second;
  }
  void* getOutputTensorAddress(char const* name) const noexcept {
    return const_cast<void*>(getTensorAddress(name));
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
  void setEnqueueEmitsProfile(bool) noexcept {
    compat::no_effect(*logger_, "IExecutionContext::setEnqueueEmitsProfile",
                      "every run reports to the profiler");
  }
  bool getEnqueueEmitsProfile() const noexcept { return true; }
  void setDebugSync(bool) noexcept {
    compat::no_effect(*logger_, "IExecutionContext::setDebugSync",
                      "every layer's errors are reported as they happen");
  }
  bool getDebugSync() const noexcept { return false; }
  bool setNvtxVerbosity(ProfilingVerbosity) noexcept {
    compat::no_effect(*logger_, "IExecutionContext::setNvtxVerbosity", "there is no NVTX");
    return true;
  }
  ProfilingVerbosity getNvtxVerbosity() const noexcept { return ProfilingVerbosity::kNONE; }
  void setPersistentCacheLimit(std::size_t) noexcept {
    compat::no_effect(*logger_, "IExecutionContext::setPersistentCacheLimit", "there is no L2 cache to keep");
  }
  std::size_t getPersistentCacheLimit() const noexcept { return 0; }
  void setAuxStreams(cudaStream_t*, int32_t) noexcept {
    compat::no_effect(*logger_, "IExecutionContext::setAuxStreams",
                      "a context uses the stream that it is given");
  }
  bool setTemporaryStorageAllocator(IGpuAllocator* allocator) noexcept {
    temporary_ = allocator;
    compat::no_effect(*logger_, "IExecutionContext::setTemporaryStorageAllocator", "a run allocates nothing");
    return true;
  }
  IGpuAllocator* getTemporaryStorageAllocator() const noexcept { return temporary_; }
  bool setTensorDebugState(char const*, bool) noexcept { return false; }
  bool getDebugState(char const*) const noexcept { return false; }
  bool setAllTensorsDebugState(bool) noexcept { return true; }

  /// Checked to be device memory of the engine's size; the driver computes in memory of its own.
  inline void setDeviceMemory(void* memory) noexcept;
  void setDeviceMemoryV2(void* memory, int64_t size) noexcept {
    compat::attempt_void(*logger_, [&] { bring(memory, size); });
  }
  inline std::size_t updateDeviceMemorySizeForShapes() noexcept;
  void setName(char const* name) noexcept { name_ = name == nullptr ? "" : name; }
  char const* getName() const noexcept { return name_.c_str(); }
  ICudaEngine const& getEngine() const noexcept { return *owner_; }
  /// For ICudaEngine: the context waits for setDeviceMemory().
  void withoutMemory() noexcept { missing_ = engine_.deviceMemoryBytes() > 0; }
  /// For ICudaEngine: memory from a program's allocator, which gets it back when the context goes.
  void hold(IGpuAllocator* allocator) {
    std::size_t const size = allocator == nullptr ? 0 : engine_.deviceMemoryBytes();
    if (size == 0) {
      return;
    }
    void* memory = allocator->allocate(size, kAlignment, 0);
    if (memory == nullptr) {
      throw medlar::ResourceExhausted("IGpuAllocator::allocate gave no memory for " + std::to_string(size) +
                                      " bytes");
    }
    held_ = std::shared_ptr<void>(memory, [allocator](void* address) { allocator->deallocate(address); });
    engine_.device().checkRange(memory, size);
  }
  /// Beyond TensorRT: what the last run took.
  medlar::ExecutionContext& medlarContext() noexcept { return *context_; }
  void destroy() noexcept { delete this; }

 private:
  static constexpr std::size_t kAlignment = 256;
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
  void bring(void* memory, int64_t size) {
    auto const need = static_cast<int64_t>(engine_.deviceMemoryBytes());
    if (size < need) {
      throw medlar::InvalidArgument("device memory of " + std::to_string(size) +
                                    " bytes: the context needs " + std::to_string(need));
    }
    if (need > 0) {
      engine_.device().checkRange(&compat::deref(static_cast<std::byte*>(memory), "device memory"),
                                  static_cast<std::size_t>(size));
    }
    missing_ = false;
    compat::no_effect(*logger_, "IExecutionContext::setDeviceMemory",
                      "the driver computes in memory of its own");
  }
  bool opens() const {
    return std::any_of(engine_.tensors().begin(), engine_.tensors().end(),
                       [](auto const& t) { return !t.input && t.bytes == 0; });
  }
  void* ask(IOutputAllocator& allocator, std::string const& name, std::size_t size) {
    return allocator.reallocateOutputAsync(name.c_str(), context_->tensorAddress(name), size, kAlignment,
                                           stream_);
  }
  /// Outputs of known shape that have an allocator get their memory before the run.
  void allocate() {
    if (missing_) {
      throw medlar::InvalidArgument("the context was made without device memory and has got none: it needs " +
                                    std::to_string(engine_.deviceMemoryBytes()) + " bytes");
    }
    for (auto const& [name, allocator] : allocators_) {
      auto const& tensor = engine_.tensor(name);
      if (allocator == nullptr || tensor.bytes == 0) {
        continue;
      }
      void* memory = ask(*allocator, name, tensor.bytes);
      if (memory == nullptr) {
        throw medlar::ResourceExhausted("output '" + name + "': its allocator gave no memory for " +
                                        std::to_string(tensor.bytes) + " bytes");
      }
      context_->setTensorAddress(name, memory);
      allocator->notifyShape(name.c_str(), compat::dims(tensor.dims));
    }
  }
  /// Outputs whose shape only the run tells go to their allocator, or to the address that was set for them.
  void deliver() {
    for (auto const& tensor : engine_.tensors()) {
      if (tensor.input || tensor.bytes != 0) {
        continue;
      }
      auto const data = context_->openOutput(tensor.name);
      auto* const allocator = getOutputAllocator(tensor.name.c_str());
      void* memory = context_->tensorAddress(tensor.name);
      if (allocator != nullptr) {
        memory = ask(*allocator, tensor.name, data.bytes.size());
        allocator->notifyShape(tensor.name.c_str(), compat::dims(data.dims));
      }
      if (memory != nullptr && !data.bytes.empty()) {
        engine_.device().checkRange(memory, data.bytes.size());
        std::memcpy(memory, data.bytes.data(), data.bytes.size());
      }
    }
  }
  void enqueue(cudaStream_t handle, cudaEvent_t consumed) {
    auto& process = medlar::compat::Process::instance();
    medlar::Stream const stream = process.stream(handle);
    stream_ = handle;
    allocate();
    context_->enqueue(stream);
    if (opens()) {
      queued_ = true;
      stream.host([this] { deliver(); });
    }
    if (consumed != nullptr) {
      process.event(consumed).record(stream);
    }
  }

  ICudaEngine const* owner_;
  medlar::Engine engine_;
  std::unique_ptr<medlar::ExecutionContext> context_;
  std::unique_ptr<ProfilerBridge> profiler_;
  std::map<std::string, IOutputAllocator*> allocators_;
  IGpuAllocator* temporary_ = nullptr;
  std::shared_ptr<void> held_;
  cudaEvent_t consumed_ = nullptr;
  cudaStream_t stream_ = nullptr;  ///< Of the last run.
  bool queued_ = false;            ///< Work in the stream refers to this object.
  bool missing_ = false;           ///< Made without device memory, and none has come.
  std::string name_;
};

}  // namespace nvinfer1
