// SPDX-License-Identifier: Apache-2.0
// TensorRT's IBuilderConfig, with optimisation profiles and timing caches.
#pragma once

#include "medlar/compat/NvInferCalibrator.h"
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
  kSTRIP_PLAN = 21,
  kREFIT_IDENTICAL = 22,
  kWEIGHT_STREAMING = 23,
  kINT4 = 24,
  kREFIT_INDIVIDUAL = 25,
  kSTRICT_NANS = 26,
  kMONITOR_MEMORY = 27,
  kFP4 = 28,
  kEDITABLE_TIMING_CACHE = 29
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
  /// No input is a shape tensor.
  bool setShapeValues(char const* input, OptProfileSelector, int32_t const*, int32_t) noexcept {
    return no_values(input);
  }
  bool setShapeValuesV2(char const* input, OptProfileSelector, int64_t const*, int32_t) noexcept {
    return no_values(input);
  }
  int32_t getNbShapeValues(char const*) const noexcept { return -1; }
  bool setExtraMemoryTarget(float) noexcept {
    compat::no_effect(*logger_, "IOptimizationProfile::setExtraMemoryTarget", "builds time nothing");
    return true;
  }
  float getExtraMemoryTarget() const noexcept { return 1.0F; }
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
  bool no_values(char const* input) noexcept {
    return compat::attempt_void(*logger_, [&] {
      throw medlar::Unsupported("optimisation profile: input '" +
                                std::string(&compat::deref(input, "an input's name")) +
                                "' is no shape tensor");
    });
  }
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
        flag == BuilderFlag::kDISABLE_COMPILATION_CACHE || flag == BuilderFlag::kMONITOR_MEMORY ||
        flag == BuilderFlag::kEDITABLE_TIMING_CACHE || flag == BuilderFlag::kWEIGHT_STREAMING) {
      idle("setFlag", "builds time nothing and compile no kernels, and engines stream no weights");
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
  IOptimizationProfile const* getCalibrationProfile() const noexcept { return calibration_profile_; }
  bool setCalibrationProfile(IOptimizationProfile const* profile) noexcept {
    calibration_profile_ = profile;
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
  void setProfileStream(cudaStream_t stream) noexcept {
    keep("setProfileStream", kNoTiming, stream_, stream);
  }
  cudaStream_t getProfileStream() const noexcept { return stream_; }
  void setAvgTimingIterations(int32_t n) noexcept { keep("setAvgTimingIterations", kNoTiming, average_, n); }
  int32_t getAvgTimingIterations() const noexcept { return average_; }
  void setMinTimingIterations(int32_t n) noexcept { keep("setMinTimingIterations", kNoTiming, least_, n); }
  int32_t getMinTimingIterations() const noexcept { return least_; }
  void setBuilderOptimizationLevel(int32_t n) noexcept {
    keep("setBuilderOptimizationLevel", kNoTiming, level_, n);
  }
  int32_t getBuilderOptimizationLevel() const noexcept { return level_; }
  void setProfilingVerbosity(ProfilingVerbosity verbosity) noexcept {
    keep("setProfilingVerbosity", "engines always keep all names", verbosity_, verbosity);
  }
  ProfilingVerbosity getProfilingVerbosity() const noexcept { return verbosity_; }
  void setMaxAuxStreams(int32_t n) noexcept {
    keep("setMaxAuxStreams", "a context uses the stream that it is given", streams_, n);
  }
  int32_t getMaxAuxStreams() const noexcept { return streams_; }
  void setHardwareCompatibilityLevel(HardwareCompatibilityLevel level) noexcept {
    keep("setHardwareCompatibilityLevel", "engines belong to one device", compatibility_, level);
  }
  HardwareCompatibilityLevel getHardwareCompatibilityLevel() const noexcept { return compatibility_; }
  bool setTacticSources(TacticSources sources) noexcept {
    keep("setTacticSources", kNoTiming, tactics_, sources);
    return true;
  }
  TacticSources getTacticSources() const noexcept { return tactics_; }
  void setPreviewFeature(PreviewFeature, bool) noexcept { idle("setPreviewFeature", "there are none here"); }
  bool getPreviewFeature(PreviewFeature) const noexcept { return false; }
  bool setTilingOptimizationLevel(TilingOptimizationLevel level) noexcept {
    keep("setTilingOptimizationLevel", kNoTiming, tiling_, level);
    return true;
  }
  TilingOptimizationLevel getTilingOptimizationLevel() const noexcept { return tiling_; }
  bool setL2LimitForTiling(int64_t bytes) noexcept {
    keep("setL2LimitForTiling", "there is no L2 cache", l2_, bytes);
    return true;
  }
  int64_t getL2LimitForTiling() const noexcept { return l2_; }
  bool setMaxNbTactics(int32_t n) noexcept {
    keep("setMaxNbTactics", kNoTiming, most_tactics_, n);
    return true;
  }
  int32_t getMaxNbTactics() const noexcept { return most_tactics_; }
  void setQuantizationFlags(QuantizationFlags flags) noexcept {
    keep("setQuantizationFlags", kBeforeFusion, quantization_, flags);
  }
  QuantizationFlags getQuantizationFlags() const noexcept { return quantization_; }
  void setQuantizationFlag(QuantizationFlag flag) noexcept {
    keep("setQuantizationFlag", kBeforeFusion, quantization_,
         quantization_ | 1U << static_cast<int32_t>(flag));
  }
  void clearQuantizationFlag(QuantizationFlag flag) noexcept {
    quantization_ &= ~(1U << static_cast<int32_t>(flag));
  }
  bool getQuantizationFlag(QuantizationFlag flag) const noexcept {
    return (quantization_ >> static_cast<int32_t>(flag) & 1U) != 0;
  }
  void setRuntimePlatform(RuntimePlatform platform) noexcept {
    if (platform != RuntimePlatform::kSAME_AS_BUILD) {
      refuse("RuntimePlatform::kWINDOWS_AMD64: engines run where libmedlar does");
    }
  }
  RuntimePlatform getRuntimePlatform() const noexcept { return RuntimePlatform::kSAME_AS_BUILD; }
  void setPluginsToSerialize(char const* const*, int32_t count) noexcept {
    if (count > 0) {
      refuse("setPluginsToSerialize: plugins are code for a GPU");
    }
  }
  int32_t getNbPluginsToSerialize() const noexcept { return 0; }
  char const* getPluginToSerialize(int32_t) const noexcept { return nullptr; }
  void setEngineCapability(EngineCapability capability) noexcept {
    if (capability != EngineCapability::kSTANDARD) {
      refuse("engine capabilities other than kSTANDARD");
    }
  }
  EngineCapability getEngineCapability() const noexcept { return EngineCapability::kSTANDARD; }

  medlar::BuilderConfig& medlarConfig() noexcept { return *config_; }
  /// A setting was refused (the log says which): no engine comes of it.
  bool refused() const noexcept { return refused_; }
  void destroy() noexcept { delete this; }

 private:
  static constexpr char const* kNoTiming = "builds time nothing";
  static constexpr char const* kBeforeFusion = "calibration always watches the network before fusion";
  void idle(char const* what, char const* why) noexcept {
    compat::no_effect(*logger_, (std::string("IBuilderConfig::") + what).c_str(), why);
  }
  template <typename T>
  void keep(char const* what, char const* why, T& slot, T value) noexcept {
    slot = value;
    idle(what, why);
  }
  void refuse(char const* what) noexcept {
    refused_ = true;
    compat::attempt_void(*logger_, [&] { throw medlar::Unsupported(what); });
  }

  compat::SharedLogger logger_;
  std::unique_ptr<medlar::BuilderConfig> config_;
  std::unique_ptr<compat::CalibratorBridge> calibrator_;
  IInt8Calibrator* target_ = nullptr;
  IProgressMonitor* monitor_ = nullptr;
  IOptimizationProfile const* calibration_profile_ = nullptr;
  cudaStream_t stream_ = nullptr;
  int32_t average_ = 1, least_ = 1, level_ = 3, streams_ = 0, most_tactics_ = -1;
  int64_t l2_ = -1;
  TacticSources tactics_ = 0;
  QuantizationFlags quantization_ = 0;
  ProfilingVerbosity verbosity_ = ProfilingVerbosity::kLAYER_NAMES_ONLY;
  HardwareCompatibilityLevel compatibility_ = HardwareCompatibilityLevel::kNONE;
  TilingOptimizationLevel tiling_ = TilingOptimizationLevel::kNONE;
  bool refused_ = false;
};

}  // namespace nvinfer1
