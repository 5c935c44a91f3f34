// SPDX-License-Identifier: Apache-2.0
// From a network to an engine.
#pragma once

#include "medlar/calibrator.hpp"
#include "medlar/logger.hpp"
#include "medlar/network.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace medlar {

/// With TensorRT 8's bit positions.
enum class BuilderFlag : int {
  kFp16 = 0,
  kInt8 = 1,
  kDebug = 2,
  kGpuFallback = 3,
  kStrictTypes = 4,
  kRefit = 5,
  kDisableTimingCache = 6,
  kTf32 = 7,
  kSparseWeights = 8,
  kSafetyScope = 9,
  kObeyPrecisionConstraints = 10,
  kPreferPrecisionConstraints = 11,
  kDirectIo = 12,
  kRejectEmptyAlgorithms = 13,
};

enum class MemoryPoolType : int {
  kWorkspace = 0,
  kDlaManagedSram = 1,
  kDlaLocalDram = 2,
  kDlaGlobalDram = 3,
  kTacticDram = 4,
  kTacticSharedMemory = 5,
};

/// Shapes of inputs; the DLA runs fixed shapes, so min = opt = max.
class MEDLAR_API OptimizationProfile {
 public:
  /// Throws InvalidArgument unless the three are equal.
  void setShape(std::string_view input, const Dims& min, const Dims& opt, const Dims& max);
  const std::map<std::string, Dims>& shapes() const noexcept { return shapes_; }

 private:
  std::map<std::string, Dims> shapes_;
};

/// What one layer of a network would run on, and why.
struct LayerPlacement {
  std::string layer = {};
  Placed placed = Placed::kCpu;
  std::string precision = {};   ///< "int8", "fp16", "fp32" or "".
  std::string reasonCode = {};  ///< Stable id, e.g. "MDL2003"; empty on the DLA.
  std::string reason = {};
};

/// How to build. Set before the build; one thread at a time.
class MEDLAR_API BuilderConfig {
 public:
  explicit BuilderConfig(Logger& logger);
  ~BuilderConfig();
  BuilderConfig(const BuilderConfig&) = delete;
  BuilderConfig& operator=(const BuilderConfig&) = delete;

  /// Throws Unsupported for flags that mean nothing here (refit, safety scope, sparse weights).
  void setFlag(BuilderFlag flag);
  void clearFlag(BuilderFlag flag) noexcept;
  bool flag(BuilderFlag flag) const noexcept;
  std::uint32_t flags() const noexcept;

  void setDefaultDeviceType(DeviceType type) noexcept;
  DeviceType defaultDeviceType() const noexcept;
  void setDeviceType(const Layer& layer, DeviceType type);
  DeviceType deviceType(const Layer& layer) const;
  bool isDeviceTypeSet(const Layer& layer) const;
  void resetDeviceType(const Layer& layer);
  /// Whether the DLA of the device would run the layer in the precision that the flags select.
  bool canRunOnDLA(const Layer& layer) const;

  void setDLACore(int core);
  int dlaCore() const noexcept;

  /// Bytes. The DLA pools must be powers of two of at least 4 KiB.
  void setMemoryPoolLimit(MemoryPoolType pool, std::size_t bytes);
  std::size_t memoryPoolLimit(MemoryPoolType pool) const;

  void addOptimizationProfile(const OptimizationProfile& profile);
  int numOptimizationProfiles() const noexcept;

  /// Not owned; outlives the build. Null: none.
  void setCalibrator(Calibrator* calibrator) noexcept;
  Calibrator* calibrator() const noexcept;
  /// Samples instead of a calibrator: a folder, archive or file of images or .npy arrays.
  void setCalibrationPath(std::string_view path);

  /// Canonical or short device name; "" (the start): MEDLAR_DEVICE, else the default device.
  void setDevice(std::string_view name);
  std::string device() const;

  /// Called with (what, done, total) from the building thread; false stops the build with Cancelled.
  using Progress = std::function<bool(std::string_view what, std::uint64_t done, std::uint64_t total)>;
  void setProgress(Progress progress);

  struct State;
  State& state() noexcept { return *state_; }
  const State& state() const noexcept { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

/// What `medlar build` does, in one call: the same engine, byte for byte.
struct ModelBuild {
  std::string model = {};         ///< ONNX file.
  std::string device = {};        ///< "": MEDLAR_DEVICE, else the default device.
  bool int8 = false;              ///< Else FP16.
  std::string calibration = {};   ///< Folder, archive or file of samples; INT8 only.
  std::string calibrator = {};    ///< "best" (the same as ""), "entropy", "mse", "percentile" or "max".
  std::string layerDevices = {};  ///< "name:DLA,other*:GPU"; a later rule goes before an earlier one.
  std::map<std::string, Dims> shapes = {};  ///< Of inputs that the file leaves open.
  bool allowFallback = true;                ///< False: a layer that is not on the DLA is an error.
  std::map<MemoryPoolType, std::size_t> pools =
      {};  ///< Bytes of the DLA's pools; what is missing has the command line's default.
  BuilderConfig::Progress progress = {};
};

/// The engine file's bytes. `logger` hears notices.
MEDLAR_API std::vector<std::byte> buildModel(const ModelBuild& request, Logger& logger);
/// Where each node of the model would run and why, without building.
MEDLAR_API std::vector<LayerPlacement> checkModel(const ModelBuild& request, Logger& logger);

/// Makes networks, configs and engines. Thread-safe: calls do not share anything but the logger.
class MEDLAR_API Builder {
 public:
  explicit Builder(Logger& logger);
  ~Builder();
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  std::unique_ptr<NetworkDefinition> createNetwork() const;
  std::unique_ptr<BuilderConfig> createBuilderConfig() const;

  /// The engine file's bytes.
  std::vector<std::byte> buildSerializedNetwork(const NetworkDefinition& network,
                                                const BuilderConfig& config) const;
  /// Where each layer would run, without building.
  std::vector<LayerPlacement> check(const NetworkDefinition& network, const BuilderConfig& config) const;

  bool platformHasFastFp16() const noexcept { return true; }
  bool platformHasFastInt8() const noexcept { return true; }
  int maxDLABatchSize() const noexcept { return 1; }
  /// Of the device that MEDLAR_DEVICE names, else of the default device.
  int numDLACores() const;

  Logger& logger() const noexcept { return *logger_; }

 private:
  Logger* logger_;
};

}  // namespace medlar
