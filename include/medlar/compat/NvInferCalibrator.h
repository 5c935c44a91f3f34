// SPDX-License-Identifier: Apache-2.0
// TensorRT's INT8 calibrators, to derive from.
#pragma once

#include "medlar/compat/NvInferRuntimeBase.h"

#include <algorithm>
#include <vector>

namespace nvinfer1 {

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

}  // namespace nvinfer1
