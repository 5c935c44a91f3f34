// SPDX-License-Identifier: Apache-2.0
// TensorRT's builder names: IBuilder, and with the headers below INetworkDefinition with its layers,
// IBuilderConfig and the calibrators.
#pragma once

#include "medlar/compat/NvInferConfig.h"

namespace nvinfer1 {

class IBuilder : public compat::Recording {
 public:
  explicit IBuilder(compat::SharedLogger logger) : Recording(std::move(logger)), builder_(*logger_) {}
  virtual ~IBuilder() noexcept = default;

  INetworkDefinition* createNetworkV2(NetworkDefinitionCreationFlags flags) noexcept {
    return compat::attempt<INetworkDefinition*>(*logger_, nullptr, [&] {
      if ((flags >> static_cast<int>(NetworkDefinitionCreationFlag::kSTRONGLY_TYPED) & 1U) != 0) {
        throw medlar::Unsupported("strongly typed networks: set BuilderFlag::kFP16 or kINT8");
      }
      auto* made = new INetworkDefinition(builder_.createNetwork(), logger_->fork(), flags);
      made->setBuilder(this);
      return made;
    });
  }
  IBuilderConfig* createBuilderConfig() noexcept {
    return compat::attempt<IBuilderConfig*>(
        *logger_, nullptr, [&] { return new IBuilderConfig(builder_.createBuilderConfig(), logger_); });
  }
  /// Owned by the builder.
  IOptimizationProfile* createOptimizationProfile() noexcept {
    profiles_.push_back(std::make_unique<IOptimizationProfile>(logger_));
    return profiles_.back().get();
  }
  IHostMemory* buildSerializedNetwork(INetworkDefinition& network, IBuilderConfig& config) noexcept {
    return compat::attempt<IHostMemory*>(*logger_, nullptr,
                                         [&] { return new IHostMemory(build(network, config)); });
  }
  void setGpuAllocator(IGpuAllocator* allocator) noexcept { allocator_ = allocator; }
  bool setMaxThreads(int32_t) noexcept {
    compat::no_effect(*logger_, "IBuilder::setMaxThreads", "builds use what the machine has");
    return true;
  }
  int32_t getMaxThreads() const noexcept { return 1; }
  void reset() noexcept {}
  /// Into a stream of the caller's, piece by piece.
  bool buildSerializedNetworkToStream(INetworkDefinition& network, IBuilderConfig& config,
                                      IStreamWriter& writer) noexcept {
    return compat::attempt_void(*logger_, [&] { compat::writeAll(writer, build(network, config)); });
  }
  ICudaEngine* buildEngineWithConfig(INetworkDefinition& network, IBuilderConfig& config) noexcept {
    return compat::attempt<ICudaEngine*>(*logger_, nullptr, [&] {
      return new ICudaEngine(medlar::Runtime(*logger_).deserialize(build(network, config)),
                             std::max(config.getDLACore(), 0), logger_->fork(), allocator_);
    });
  }
  bool isNetworkSupported(INetworkDefinition const& network, IBuilderConfig const& config) const noexcept {
    return compat::attempt_void(*logger_, [&] {
      builder_.check(const_cast<INetworkDefinition&>(network).medlarNetwork(),
                     const_cast<IBuilderConfig&>(config).medlarConfig());
    });
  }

  void setMaxBatchSize(int32_t) noexcept {
    compat::no_effect(*logger_, "IBuilder::setMaxBatchSize", "batches are explicit");
  }
  int32_t getMaxBatchSize() const noexcept { return 1; }
  bool platformHasFastFp16() const noexcept { return true; }
  bool platformHasFastInt8() const noexcept { return true; }
  bool platformHasTf32() const noexcept { return false; }
  int32_t getMaxDLABatchSize() const noexcept { return 1; }
  int32_t getNbDLACores() const noexcept {
    return compat::attempt(*logger_, 0, [&] { return static_cast<int32_t>(builder_.numDLACores()); });
  }
  ILogger* getLogger() const noexcept { return &logger_->target(); }
  void destroy() noexcept { delete this; }

 private:
  std::vector<std::byte> build(INetworkDefinition& network, IBuilderConfig& config) {
    if (config.refused() || network.refused()) {
      throw medlar::InvalidArgument("a call before this one was refused (see above): no engine comes of it");
    }
    return builder_.buildSerializedNetwork(network.medlarNetwork(), config.medlarConfig());
  }

  medlar::Builder builder_;
  IGpuAllocator* allocator_ = nullptr;
  std::vector<std::unique_ptr<IOptimizationProfile>> profiles_;
};

inline IBuilder* createInferBuilder(ILogger& logger) noexcept {
  auto const bridge = std::make_shared<compat::LoggerBridge>(logger);
  return compat::attempt<IBuilder*>(*bridge, nullptr, [&] { return new IBuilder(bridge); });
}

}  // namespace nvinfer1
