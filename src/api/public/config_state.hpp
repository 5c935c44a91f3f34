// SPDX-License-Identifier: Apache-2.0
// What a BuilderConfig holds. Private to this folder.
#pragma once

#include "base/log.hpp"
#include "hw/device.hpp"
#include "medlar/builder.hpp"

#include <map>
#include <optional>

namespace medlar {

struct BuilderConfig::State {
  Logger* logger = nullptr;
  uint32_t flags = 1U << static_cast<int>(BuilderFlag::kTf32);
  DeviceType default_device = DeviceType::kGpu;
  std::map<const Layer*, DeviceType> devices;
  int dla_core = -1;
  std::map<MemoryPoolType, size_t> pools;
  std::vector<OptimizationProfile> profiles;
  Calibrator* calibrator = nullptr;
  std::string calibration_path;
  std::string device;
  Progress progress;

  /// Answers of canRunOnDLA, valid for one network at one revision.
  struct Answers {
    const NetworkState* network = nullptr;
    uint64_t revision = 0;
    bool int8 = false;
    std::string device;
    std::map<const Layer*, LayerPlacement> placements;
  };
  mutable std::optional<Answers> answers;

  bool has(BuilderFlag flag) const { return (flags >> static_cast<int>(flag) & 1U) != 0; }
};

namespace door {

/// The profile that a name means; "" as Device::open says. Throws NotFound.
const hw::DeviceProfile& profile_of(const std::string& name);

/// Where each layer would run in the precision that the flags select; reasons included.
std::map<const Layer*, LayerPlacement> place_layers(const NetworkState& network,
                                                    const BuilderConfig::State& config);

/// The engine file's bytes.
std::vector<std::byte> build_network(const NetworkState& network, const BuilderConfig::State& config,
                                     Logger& logger);

/// Thrown through the layers below by a progress callback that says stop; never leaves the API.
struct StopBuild {};

/// For the layers below; forwards to the caller's callback.
ProgressSink progress_sink(const BuilderConfig::Progress& progress);

}  // namespace door
}  // namespace medlar
