// SPDX-License-Identifier: Apache-2.0
// TensorRT's runtime names: IRuntime, ICudaEngine, IExecutionContext and what they need.
#pragma once

#include "medlar/compat/NvInferEngine.h"

namespace nvinfer1 {

class IRuntime : public compat::Recording {
 public:
  explicit IRuntime(compat::SharedLogger logger) : Recording(std::move(logger)), runtime_(*logger_) {}
  virtual ~IRuntime() noexcept = default;

  ICudaEngine* deserializeCudaEngine(void const* blob, std::size_t size) noexcept {
    return compat::attempt<ICudaEngine*>(*logger_, nullptr, [&] {
      auto const* bytes =
          static_cast<std::byte const*>(&compat::deref(static_cast<std::byte const*>(blob), "an engine"));
      return engine({bytes, size});
    });
  }
  ICudaEngine* deserializeCudaEngine(IStreamReader& reader) noexcept {
    return compat::attempt<ICudaEngine*>(*logger_, nullptr, [&] {
      auto const bytes = compat::readAll([&](void* to, int64_t size) { return reader.read(to, size); });
      return engine({bytes.data(), bytes.size()});
    });
  }
  ICudaEngine* deserializeCudaEngine(IStreamReaderV2& reader) noexcept {
    return compat::attempt<ICudaEngine*>(*logger_, nullptr, [&] {
      auto const bytes =
          compat::readAll([&](void* to, int64_t size) { return reader.read(to, size, nullptr); });
      return engine({bytes.data(), bytes.size()});
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
  /// Asked for the memory of the contexts of engines that are loaded from now on.
  void setGpuAllocator(IGpuAllocator* allocator) noexcept { allocator_ = allocator; }
  bool setMaxThreads(int32_t) noexcept {
    compat::no_effect(*logger_, "IRuntime::setMaxThreads", "loading uses one thread");
    return true;
  }
  int32_t getMaxThreads() const noexcept { return 1; }
  void setTemporaryDirectory(char const* path) noexcept {
    folder_ = path == nullptr ? "" : path;
    compat::no_effect(*logger_, "IRuntime::setTemporaryDirectory", "loading an engine writes no files");
  }
  char const* getTemporaryDirectory() const noexcept { return folder_.c_str(); }
  void setTempfileControlFlags(TempfileControlFlags flags) noexcept {
    tempfiles_ = flags;
    compat::no_effect(*logger_, "IRuntime::setTempfileControlFlags", "loading an engine writes no files");
  }
  TempfileControlFlags getTempfileControlFlags() const noexcept { return tempfiles_; }
  void setEngineHostCodeAllowed(bool) noexcept {
    compat::no_effect(*logger_, "IRuntime::setEngineHostCodeAllowed", "engines hold no host code");
  }
  bool getEngineHostCodeAllowed() const noexcept { return false; }
  void destroy() noexcept { delete this; }

 private:
  ICudaEngine* engine(medlar::Span<std::byte const> bytes) {
    return new ICudaEngine(runtime_.deserialize(bytes), runtime_.dlaCore(), logger_->fork(), allocator_);
  }

  medlar::Runtime runtime_;
  IGpuAllocator* allocator_ = nullptr;
  std::string folder_;
  TempfileControlFlags tempfiles_ = 3U;
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
