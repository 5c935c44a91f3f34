// SPDX-License-Identifier: Apache-2.0
// What engines and modules come to, as JSON: profiles, accuracy, devices, several models sharing a module.
#pragma once

#include "medlar/error.hpp"
#include "medlar/logger.hpp"
#include "medlar/reference.hpp"
#include "medlar/types.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace medlar {

struct ProfileRequest {
  std::string mode = {};                 ///< Power mode of the module; "": the device's default.
  int core = 0;                          ///< Of the device's DLA cores.
  std::uint64_t dramBytesPerSecond = 0;  ///< Peak of another memory than the mode's; 0: the mode's.
  std::map<std::string, TensorView> inputs =
      {};  ///< What is missing is zero: modelled times do not depend on values.
};

/// One inference of an engine file's bytes on a module of its own, layer by layer: what `medlar profile
/// --json` prints. `name` appears in errors.
MEDLAR_API std::string profileEngine(Span<const std::byte> engine, std::string_view name,
                                     const ProfileRequest& request = {});

struct AccuracyRequest {
  std::string engine = {};        ///< Engine file.
  std::string model = {};         ///< The FP32 reference; "": the ONNX file that the engine was built from.
  std::string images = {};        ///< Folder, archive or file of samples.
  std::string task = "classify";  ///< Or "detect", "segment", "tensor".
  std::uint64_t limit = 0;        ///< Stop after so many images; 0: all.
  std::uint64_t slice = 0, slices = 1;  ///< Every `slices`-th image from number `slice` on.
  double confidence = 0.5;              ///< "detect": boxes of the reference that count.
};

/// The engine beside its FP32 model, image by image: counts and sums as JSON. Those of the slices of one data
/// set add up.
MEDLAR_API std::string accuracyCounts(const AccuracyRequest& request, Logger& logger);

/// All device profiles: what `medlar devices --json` prints.
MEDLAR_API std::string describeDevices();

/// Simulates a scenario file (YAML): its models are compiled and profiled, its streams run on virtual time.
/// Metrics as JSON, as `medlar simulate --json` prints them. `frames`: at most so many of each stream; 0:
/// what the file says.
MEDLAR_API std::string simulateScenario(const std::string& file, Logger& logger, std::uint64_t frames = 0);

}  // namespace medlar
