// SPDX-License-Identifier: Apache-2.0
// INT8 calibration, driven by the caller: derive from one of the four and return batches until there are none
// left.
#pragma once

#include "medlar/export.hpp"
#include "medlar/types.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace medlar {

enum class CalibrationAlgorithm : int { kLegacy = 0, kEntropy = 1, kEntropy2 = 2, kMinMax = 3 };

/// Called from the thread that builds. An exception thrown inside comes out of the build as CallbackError.
class MEDLAR_API Calibrator {
 public:
  virtual ~Calibrator();
  virtual CalibrationAlgorithm algorithm() const = 0;
  /// Samples in one batch.
  virtual int batchSize() const = 0;
  /// Fills `bindings` with one pointer for each of `names` (host memory or device memory: the simulated
  /// module's DRAM is mapped), each to batchSize() samples in the input's element type, row-major. False: no
  /// batches left.
  virtual bool getBatch(Span<const void*> bindings, const std::vector<std::string>& names) = 0;
  /// A cache written earlier; then no batch is asked for. Empty: none.
  virtual std::vector<std::byte> readCache() { return {}; }
  /// The cache in TensorRT's text form.
  virtual void writeCache(Span<const std::byte>) {}
  /// Legacy only.
  virtual double quantile() const { return 0.9999; }
  virtual double regressionCutoff() const { return 1.0; }
};

class MEDLAR_API EntropyCalibrator : public Calibrator {
 public:
  CalibrationAlgorithm algorithm() const final { return CalibrationAlgorithm::kEntropy; }
};
class MEDLAR_API EntropyCalibrator2 : public Calibrator {
 public:
  CalibrationAlgorithm algorithm() const final { return CalibrationAlgorithm::kEntropy2; }
};
class MEDLAR_API MinMaxCalibrator : public Calibrator {
 public:
  CalibrationAlgorithm algorithm() const final { return CalibrationAlgorithm::kMinMax; }
};
class MEDLAR_API LegacyCalibrator : public Calibrator {
 public:
  CalibrationAlgorithm algorithm() const final { return CalibrationAlgorithm::kLegacy; }
};

}  // namespace medlar
