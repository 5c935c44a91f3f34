// SPDX-License-Identifier: Apache-2.0
// TensorRT's builder names: IBuilder, INetworkDefinition with its layers, IBuilderConfig and the calibrators.
#pragma once

#include "medlar/compat/NvInferNetwork.h"
#include "medlar/compat/NvInferRuntime.h"

#include <map>
#include <vector>

namespace nvinfer1 {

enum class BuilderFlag : int32_t {
  kFP16 = 0,
  kINT8 = 1,
  kDEBUG = 2,
  kGPU_FALLBACK = 3,
  kSTRICT_TYPES = 4,
  kREFIT = 5,
  kDISABLE_TIMING_CACHE = 6,
  kTF32 = 7,
  kSPARSE_WEIGHTS = 8,
  kSAFETY_SCOPE = 9,
  kOBEY_PRECISION_CONSTRAINTS = 10,
  kPREFER_PRECISION_CONSTRAINTS = 11,
  kDIRECT_IO = 12,
  kREJECT_EMPTY_ALGORITHMS = 13,
  kENABLE_TACTIC_HEURISTIC = 14,
  kVERSION_COMPATIBLE = 15,
  kEXCLUDE_LEAN_RUNTIME = 16,
  kFP8 = 17,
  kERROR_ON_TIMING_CACHE_MISS = 18,
  kBF16 = 19,
  kDISABLE_COMPILATION_CACHE = 20,
  kSTRIP_PLAN = 21
};
using BuilderFlags = uint32_t;
enum class MemoryPoolType : int32_t {
  kWORKSPACE,
  kDLA_MANAGED_SRAM,
  kDLA_LOCAL_DRAM,
  kDLA_GLOBAL_DRAM,
  kTACTIC_DRAM,
  kTACTIC_SHARED_MEMORY
};
enum class NetworkDefinitionCreationFlag : int32_t { kEXPLICIT_BATCH = 0, kSTRONGLY_TYPED = 1 };
using NetworkDefinitionCreationFlags = uint32_t;
enum class CalibrationAlgoType : int32_t {
  kLEGACY_CALIBRATION,
  kENTROPY_CALIBRATION,
  kENTROPY_CALIBRATION_2,
  kMINMAX_CALIBRATION
};

class IInt8Calibrator {
 public:
  virtual int32_t getBatchSize() const noexcept = 0;
  virtual bool getBatch(void* bindings[], char const* names[], int32_t nbBindings) noexcept = 0;
  virtual void const* readCalibrationCache(std::size_t& length) noexcept = 0;
  virtual void writeCalibrationCache(void const* cache, std::size_t length) noexcept = 0;
  virtual CalibrationAlgoType getAlgorithm() noexcept = 0;
  virtual ~IInt8Calibrator() noexcept = default;
};
class IInt8EntropyCalibrator : public IInt8Calibrator {
 public:
  CalibrationAlgoType getAlgorithm() noexcept override { return CalibrationAlgoType::kENTROPY_CALIBRATION; }
};
class IInt8EntropyCalibrator2 : public IInt8Calibrator {
 public:
  CalibrationAlgoType getAlgorithm() noexcept override { return CalibrationAlgoType::kENTROPY_CALIBRATION_2; }
};
class IInt8MinMaxCalibrator : public IInt8Calibrator {
 public:
  CalibrationAlgoType getAlgorithm() noexcept override { return CalibrationAlgoType::kMINMAX_CALIBRATION; }
};
class IInt8LegacyCalibrator : public IInt8Calibrator {
 public:
  CalibrationAlgoType getAlgorithm() noexcept override { return CalibrationAlgoType::kLEGACY_CALIBRATION; }
  virtual double getQuantile() const noexcept = 0;
  virtual double getRegressionCutoff() const noexcept = 0;
  virtual void const* readHistogramCache(std::size_t& length) noexcept = 0;
  virtual void writeHistogramCache(void const* data, std::size_t length) noexcept = 0;
};

namespace compat {

class CalibratorBridge final : public medlar::Calibrator {
 public:
  explicit CalibratorBridge(IInt8Calibrator& target) : target_(target) {}
  medlar::CalibrationAlgorithm algorithm() const override {
    return static_cast<medlar::CalibrationAlgorithm>(target_.getAlgorithm());
  }
  int batchSize() const override { return target_.getBatchSize(); }
  bool getBatch(medlar::Span<void const*> bindings, std::vector<std::string> const& names) override {
    std::vector<void*> addresses(bindings.size(), nullptr);
    std::vector<char const*> texts;
    for (std::string const& name : names) {
      texts.push_back(name.c_str());
    }
    bool const more =
        target_.getBatch(addresses.data(), texts.data(), static_cast<int32_t>(addresses.size()));
    std::copy(addresses.begin(), addresses.end(), bindings.begin());
    return more;
  }
  std::vector<std::byte> readCache() override {
    std::size_t length = 0;
    auto const* cache = static_cast<std::byte const*>(target_.readCalibrationCache(length));
    return cache == nullptr ? std::vector<std::byte>() : std::vector<std::byte>(cache, cache + length);
  }
  void writeCache(medlar::Span<std::byte const> cache) override {
    target_.writeCalibrationCache(cache.data(), cache.size());
  }
  double quantile() const override {
    auto const* legacy = dynamic_cast<IInt8LegacyCalibrator const*>(&target_);
    return legacy == nullptr ? Calibrator::quantile() : legacy->getQuantile();
  }

 private:
  IInt8Calibrator& target_;
};

}  // namespace compat

class IOptimizationProfile {
 public:
  explicit IOptimizationProfile(compat::SharedLogger logger) : logger_(std::move(logger)) {}
  virtual ~IOptimizationProfile() noexcept = default;
  /// The three have to become equal: the DLA runs one shape.
  bool setDimensions(char const* input, OptProfileSelector select, Dims const& dims) noexcept {
    return compat::attempt_void(
        *logger_, [&] { dims_[&compat::deref(input, "an input's name")][select] = compat::dims(dims); });
  }
  Dims getDimensions(char const* input, OptProfileSelector select) const noexcept {
    Dims none;
    none.nbDims = -1;
    return compat::attempt(*logger_, none, [&] { return compat::dims(dims_.at(input).at(select)); });
  }
  bool isValid() const noexcept {
    return compat::attempt_void(*logger_, [&] { profile(); });
  }
  medlar::OptimizationProfile profile() const {
    medlar::OptimizationProfile made;
    for (auto const& [name, of] : dims_) {
      if (of.size() != 3) {
        throw medlar::InvalidArgument("optimisation profile: input '" + name +
                                      "' lacks one of min, opt and max");
      }
      made.setShape(name, of.at(OptProfileSelector::kMIN), of.at(OptProfileSelector::kOPT),
                    of.at(OptProfileSelector::kMAX));
    }
    return made;
  }

 private:
  compat::SharedLogger logger_;
  std::map<std::string, std::map<OptProfileSelector, medlar::Dims>> dims_;
};

/// Builds here time nothing: a cache is empty and stays so.
class ITimingCache {
 public:
  virtual ~ITimingCache() noexcept = default;
  IHostMemory* serialize() const noexcept { return new IHostMemory({}); }
  bool combine(ITimingCache const&, bool) noexcept { return true; }
  bool reset() noexcept { return true; }
  void destroy() noexcept { delete this; }
};

class IBuilderConfig {
 public:
  IBuilderConfig(std::unique_ptr<medlar::BuilderConfig> config, compat::SharedLogger logger)
      : logger_(std::move(logger)), config_(std::move(config)) {}
  virtual ~IBuilderConfig() noexcept = default;

  void setFlag(BuilderFlag flag) noexcept {
    if (flag == BuilderFlag::kENABLE_TACTIC_HEURISTIC || flag == BuilderFlag::kERROR_ON_TIMING_CACHE_MISS ||
        flag == BuilderFlag::kDISABLE_COMPILATION_CACHE) {
      idle("setFlag", "builds time nothing and compile no kernels");
      return;
    }
    refused_ |=
        !compat::attempt_void(*logger_, [&] { config_->setFlag(static_cast<medlar::BuilderFlag>(flag)); });
  }
  void clearFlag(BuilderFlag flag) noexcept { config_->clearFlag(static_cast<medlar::BuilderFlag>(flag)); }
  bool getFlag(BuilderFlag flag) const noexcept {
    return config_->flag(static_cast<medlar::BuilderFlag>(flag));
  }
  void setFlags(BuilderFlags flags) noexcept {
    for (int32_t bit = 0; bit < 32; ++bit) {
      (flags >> bit & 1U) != 0 ? setFlag(static_cast<BuilderFlag>(bit))
                               : clearFlag(static_cast<BuilderFlag>(bit));
    }
  }
  BuilderFlags getFlags() const noexcept { return config_->flags(); }

  void setDefaultDeviceType(DeviceType type) noexcept {
    config_->setDefaultDeviceType(static_cast<medlar::DeviceType>(type));
  }
  DeviceType getDefaultDeviceType() const noexcept {
    return static_cast<DeviceType>(config_->defaultDeviceType());
  }
  void setDeviceType(ILayer const* layer, DeviceType type) noexcept {
    refused_ |= !compat::attempt_void(*logger_, [&] {
      config_->setDeviceType(compat::deref(layer, "a layer").medlarLayer(),
                             static_cast<medlar::DeviceType>(type));
    });
  }
  DeviceType getDeviceType(ILayer const* layer) const noexcept {
    return layer == nullptr ? getDefaultDeviceType()
                            : static_cast<DeviceType>(config_->deviceType(layer->medlarLayer()));
  }
  bool isDeviceTypeSet(ILayer const* layer) const noexcept {
    return layer != nullptr && config_->isDeviceTypeSet(layer->medlarLayer());
  }
  void resetDeviceType(ILayer const* layer) noexcept {
    if (layer != nullptr) {
      config_->resetDeviceType(layer->medlarLayer());
    }
  }
  bool canRunOnDLA(ILayer const* layer) const noexcept {
    return compat::attempt(
        *logger_, false, [&] { return config_->canRunOnDLA(compat::deref(layer, "a layer").medlarLayer()); });
  }
  void setDLACore(int32_t core) noexcept {
    refused_ |= !compat::attempt_void(*logger_, [&] { config_->setDLACore(core); });
  }
  int32_t getDLACore() const noexcept { return config_->dlaCore(); }

  void setMaxWorkspaceSize(std::size_t bytes) noexcept {
    setMemoryPoolLimit(MemoryPoolType::kWORKSPACE, bytes);
  }
  std::size_t getMaxWorkspaceSize() const noexcept { return getMemoryPoolLimit(MemoryPoolType::kWORKSPACE); }
  void setMemoryPoolLimit(MemoryPoolType pool, std::size_t bytes) noexcept {
    refused_ |= !compat::attempt_void(
        *logger_, [&] { config_->setMemoryPoolLimit(static_cast<medlar::MemoryPoolType>(pool), bytes); });
  }
  std::size_t getMemoryPoolLimit(MemoryPoolType pool) const noexcept {
    return compat::attempt(*logger_, std::size_t{0}, [&] {
      return config_->memoryPoolLimit(static_cast<medlar::MemoryPoolType>(pool));
    });
  }

  void setInt8Calibrator(IInt8Calibrator* calibrator) noexcept {
    target_ = calibrator;
    calibrator_ = calibrator == nullptr ? nullptr : std::make_unique<compat::CalibratorBridge>(*calibrator);
    config_->setCalibrator(calibrator_.get());
  }
  IInt8Calibrator* getInt8Calibrator() const noexcept { return target_; }
  int32_t addOptimizationProfile(IOptimizationProfile const* profile) noexcept {
    return compat::attempt(*logger_, -1, [&] {
      config_->addOptimizationProfile(compat::deref(profile, "a profile").profile());
      return static_cast<int32_t>(config_->numOptimizationProfiles()) - 1;
    });
  }
  bool setCalibrationProfile(IOptimizationProfile const* profile) noexcept {
    return config_->numOptimizationProfiles() > 0 || addOptimizationProfile(profile) >= 0;
  }
  int32_t getNbOptimizationProfiles() const noexcept { return config_->numOptimizationProfiles(); }

  void setProgressMonitor(IProgressMonitor* monitor) noexcept {
    monitor_ = monitor;
    if (monitor == nullptr) {
      config_->setProgress({});
      return;
    }
    config_->setProgress([monitor, started = std::map<std::string, bool>()](
                             std::string_view what, uint64_t done, uint64_t total) mutable {
      std::string const phase(what);
      if (!std::exchange(started[phase], true)) {
        monitor->phaseStart(phase.c_str(), nullptr, static_cast<int32_t>(total));
      }
      bool const go_on = monitor->stepComplete(phase.c_str(), static_cast<int32_t>(done) - 1);
      if (done >= total || !go_on) {
        started[phase] = false;
        monitor->phaseFinish(phase.c_str());
      }
      return go_on;
    });
  }
  IProgressMonitor* getProgressMonitor() const noexcept { return monitor_; }

  ITimingCache* createTimingCache(void const*, std::size_t) const noexcept { return new ITimingCache(); }
  bool setTimingCache(ITimingCache const&, bool) noexcept {
    idle("setTimingCache", "builds time nothing");
    return true;
  }
  ITimingCache const* getTimingCache() const noexcept { return nullptr; }
  void setProfileStream(cudaStream_t) noexcept { idle("setProfileStream", "builds time nothing"); }
  void setAvgTimingIterations(int32_t) noexcept { idle("setAvgTimingIterations", "builds time nothing"); }
  void setMinTimingIterations(int32_t) noexcept { idle("setMinTimingIterations", "builds time nothing"); }
  void setBuilderOptimizationLevel(int32_t) noexcept {
    idle("setBuilderOptimizationLevel", "builds time nothing");
  }
  void setProfilingVerbosity(ProfilingVerbosity) noexcept {
    idle("setProfilingVerbosity", "engines always keep all names");
  }
  void setMaxAuxStreams(int32_t) noexcept {
    idle("setMaxAuxStreams", "a context uses the stream that it is given");
  }
  void setEngineCapability(EngineCapability capability) noexcept {
    if (capability != EngineCapability::kSTANDARD) {
      refused_ = true;
      logger_->log(medlar::LogLevel::kError, "unsupported: engine capabilities other than kSTANDARD");
    }
  }
  EngineCapability getEngineCapability() const noexcept { return EngineCapability::kSTANDARD; }

  medlar::BuilderConfig& medlarConfig() noexcept { return *config_; }
  /// A setting was refused (the log says which): no engine comes of it.
  bool refused() const noexcept { return refused_; }
  void destroy() noexcept { delete this; }

 private:
  void idle(char const* what, char const* why) noexcept {
    logger_->log(medlar::LogLevel::kInfo, std::string("IBuilderConfig::") + what + " has no effect: " + why);
  }

  compat::SharedLogger logger_;
  std::unique_ptr<medlar::BuilderConfig> config_;
  std::unique_ptr<compat::CalibratorBridge> calibrator_;
  IInt8Calibrator* target_ = nullptr;
  IProgressMonitor* monitor_ = nullptr;
  bool refused_ = false;
};

class IBuilder {
 public:
  explicit IBuilder(compat::SharedLogger logger) : logger_(std::move(logger)), builder_(*logger_) {}
  virtual ~IBuilder() noexcept = default;

  INetworkDefinition* createNetworkV2(NetworkDefinitionCreationFlags flags) noexcept {
    return compat::attempt<INetworkDefinition*>(*logger_, nullptr, [&] {
      if ((flags >> static_cast<int>(NetworkDefinitionCreationFlag::kSTRONGLY_TYPED) & 1U) != 0) {
        throw medlar::Unsupported("strongly typed networks: set BuilderFlag::kFP16 or kINT8");
      }
      return new INetworkDefinition(builder_.createNetwork(), logger_);
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
  /// Into a stream of the caller's, piece by piece.
  bool buildSerializedNetworkToStream(INetworkDefinition& network, IBuilderConfig& config,
                                      IStreamWriter& writer) noexcept {
    return compat::attempt_void(*logger_, [&] { compat::writeAll(writer, build(network, config)); });
  }
  ICudaEngine* buildEngineWithConfig(INetworkDefinition& network, IBuilderConfig& config) noexcept {
    return compat::attempt<ICudaEngine*>(*logger_, nullptr, [&] {
      return new ICudaEngine(medlar::Runtime(*logger_).deserialize(build(network, config)),
                             std::max(config.getDLACore(), 0), logger_);
    });
  }
  bool isNetworkSupported(INetworkDefinition const& network, IBuilderConfig const& config) const noexcept {
    return compat::attempt_void(*logger_, [&] {
      builder_.check(const_cast<INetworkDefinition&>(network).medlarNetwork(),
                     const_cast<IBuilderConfig&>(config).medlarConfig());
    });
  }

  void setMaxBatchSize(int32_t) noexcept {
    logger_->log(medlar::LogLevel::kInfo, "IBuilder::setMaxBatchSize has no effect: batches are explicit");
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

  compat::SharedLogger logger_;
  medlar::Builder builder_;
  std::vector<std::unique_ptr<IOptimizationProfile>> profiles_;
};

inline IBuilder* createInferBuilder(ILogger& logger) noexcept {
  auto const bridge = std::make_shared<compat::LoggerBridge>(logger);
  return compat::attempt<IBuilder*>(*bridge, nullptr, [&] { return new IBuilder(bridge); });
}

}  // namespace nvinfer1
