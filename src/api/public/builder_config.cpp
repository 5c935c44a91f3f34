// SPDX-License-Identifier: Apache-2.0
#include "api/public/config_state.hpp"
#include "api/public/errors.hpp"
#include "api/public/log.hpp"
#include "api/public/network_state.hpp"
#include "api/public/pools.hpp"
#include "medlar/device.hpp"

#include <bit>
#include <cstdlib>

#include <fmt/ranges.h>

namespace medlar {
namespace {

constexpr size_t kKib = 1024;
constexpr size_t kLeastSram = 4 * kKib;

struct FlagNote {
  BuilderFlag flag;
  bool refused;
  const char* text;
};

/// Flags that do nothing here, and those that would promise what nobody keeps.
constexpr FlagNote kNotes[] = {
    {BuilderFlag::kRefit, true, "REFIT: engines cannot be refitted, build again"},
    {BuilderFlag::kSafetyScope, true, "SAFETY_SCOPE: there is no safety runtime"},
    {BuilderFlag::kDebug, false,
     "DEBUG has no effect: a simulated device is synchronised after every segment as it is"},
    {BuilderFlag::kDisableTimingCache, false,
     "DISABLE_TIMING_CACHE has no effect: builds time nothing, and there is no cache"},
    {BuilderFlag::kSparseWeights, false,
     "SPARSE_WEIGHTS has no effect: it allows, and the open NVDLA has no 2:4 sparsity"},
    {BuilderFlag::kDirectIo, false, "DIRECT_IO has no effect: engines take and give row-major tensors"},
    {BuilderFlag::kRejectEmptyAlgorithms, false,
     "REJECT_EMPTY_ALGORITHMS has no effect: there is no algorithm selector"},
};

void check_dims(std::string_view input, const Dims& dims) {
  for (const int64_t dim : dims) {
    if (dim < 1) {
      door::raise(ErrorCode::kInvalidArgument, "optimisation profile: input '{}' has dimension {} in [{}]",
                  input, dim, fmt::join(dims, ","));
    }
  }
}

}  // namespace

void OptimizationProfile::setShape(std::string_view input, const Dims& min, const Dims& opt,
                                   const Dims& max) {
  check_dims(input, opt);
  if (min != opt || opt != max) {
    door::raise(ErrorCode::kInvalidArgument,
                "optimisation profile: input '{}' has min [{}], opt [{}] and max [{}]; the DLA runs one "
                "shape, so the three must be equal",
                input, fmt::join(min, ","), fmt::join(opt, ","), fmt::join(max, ","));
  }
  shapes_[std::string(input)] = opt;
}

BuilderConfig::BuilderConfig(Logger& logger) : state_(std::make_unique<State>()) {
  state_->logger = &logger;
}

BuilderConfig::~BuilderConfig() = default;

void BuilderConfig::setFlag(BuilderFlag flag) {
  const int bit = static_cast<int>(flag);
  if (bit < 0 || bit > static_cast<int>(BuilderFlag::kRejectEmptyAlgorithms)) {
    door::raise(ErrorCode::kUnsupported, "builder flag {} is not known", bit);
  }
  for (const FlagNote& note : kNotes) {
    if (note.flag == flag && note.refused) {
      door::raise(ErrorCode::kUnsupported, "builder flag {}", note.text);
    }
    if (note.flag == flag) {
      door::log(*state_->logger, LogLevel::kInfo, fmt::format("builder flag {}", note.text));
    }
  }
  state_->flags |= 1U << bit;
}

void BuilderConfig::clearFlag(BuilderFlag flag) noexcept {
  state_->flags &= ~(1U << static_cast<int>(flag));
}

bool BuilderConfig::flag(BuilderFlag flag) const noexcept {
  return state_->has(flag);
}

uint32_t BuilderConfig::flags() const noexcept {
  return state_->flags;
}

void BuilderConfig::setDefaultDeviceType(DeviceType type) noexcept {
  state_->default_device = type;
}

DeviceType BuilderConfig::defaultDeviceType() const noexcept {
  return state_->default_device;
}

void BuilderConfig::setDeviceType(const Layer& layer, DeviceType type) {
  state_->devices[&layer] = type;
}

DeviceType BuilderConfig::deviceType(const Layer& layer) const {
  const auto at = state_->devices.find(&layer);
  return at == state_->devices.end() ? state_->default_device : at->second;
}

bool BuilderConfig::isDeviceTypeSet(const Layer& layer) const {
  return state_->devices.contains(&layer);
}

void BuilderConfig::resetDeviceType(const Layer& layer) {
  state_->devices.erase(&layer);
}

bool BuilderConfig::canRunOnDLA(const Layer& layer) const {
  const NetworkState& network = *layer.state().network;
  const bool int8 = state_->has(BuilderFlag::kInt8);
  auto& answers = state_->answers;
  if (!answers || answers->network != &network || answers->revision != network.revision ||
      answers->int8 != int8 || answers->device != state_->device) {
    answers = State::Answers{&network, network.revision, int8, state_->device,
                             door::place_layers(network, *state_)};
  }
  return answers->placements.at(&layer).placed == Placed::kDla;
}

void BuilderConfig::setDLACore(int core) {
  const int cores = static_cast<int>(door::profile_of(state_->device).dla_cores);
  if (core < -1 || core >= cores) {
    door::raise(ErrorCode::kOutOfRange, "DLA core {}: {} has {} (0 to {})", core,
                door::profile_of(state_->device).name, cores, cores - 1);
  }
  state_->dla_core = core;
}

int BuilderConfig::dlaCore() const noexcept {
  return state_->dla_core;
}

void BuilderConfig::setMemoryPoolLimit(MemoryPoolType pool, size_t bytes) {
  const bool dla = pool == MemoryPoolType::kDlaManagedSram || pool == MemoryPoolType::kDlaLocalDram ||
                   pool == MemoryPoolType::kDlaGlobalDram;
  if (dla && (!std::has_single_bit(bytes) || bytes < kLeastSram) &&
      !(pool == MemoryPoolType::kDlaManagedSram && bytes == 0)) {
    door::raise(ErrorCode::kInvalidArgument,
                "memory pool {}: {} bytes; it wants a power of two of at least {}", static_cast<int>(pool),
                bytes, kLeastSram);
  }
  if (static_cast<int>(pool) < 0 ||
      static_cast<int>(pool) > static_cast<int>(MemoryPoolType::kTacticSharedMemory)) {
    door::raise(ErrorCode::kInvalidArgument, "there is no memory pool {}", static_cast<int>(pool));
  }
  state_->pools[pool] = bytes;
}

size_t BuilderConfig::memoryPoolLimit(MemoryPoolType pool) const {
  return door::pool_limit(*state_, pool);
}

void BuilderConfig::addOptimizationProfile(const OptimizationProfile& profile) {
  if (!state_->profiles.empty()) {
    door::raise(ErrorCode::kUnsupported, "a second optimisation profile: an engine for the DLA has one");
  }
  state_->profiles.push_back(profile);
}

int BuilderConfig::numOptimizationProfiles() const noexcept {
  return static_cast<int>(state_->profiles.size());
}

void BuilderConfig::setCalibrator(Calibrator* calibrator) noexcept {
  state_->calibrator = calibrator;
}

Calibrator* BuilderConfig::calibrator() const noexcept {
  return state_->calibrator;
}

void BuilderConfig::setCalibrationPath(std::string_view path) {
  state_->calibration_path = path;
}

void BuilderConfig::setDevice(std::string_view name) {
  state_->device = door::profile_of(std::string(name)).name;
}

std::string BuilderConfig::device() const {
  return std::string(door::profile_of(state_->device).name);
}

void BuilderConfig::setProgress(Progress progress) {
  state_->progress = std::move(progress);
}

namespace door {

const hw::DeviceProfile& profile_of(const std::string& name) {
  return *take(hw::find_device(name.empty() ? Device::defaultName() : name));
}

ProgressSink progress_sink(const BuilderConfig::Progress& progress) {
  if (!progress) {
    return {};
  }
  return [progress](std::string_view what, uint64_t done, uint64_t total) {
    if (!guarded("the progress callback", [&] { return progress(what, done, total); })) {
      throw StopBuild{};
    }
  };
}

}  // namespace door
}  // namespace medlar
