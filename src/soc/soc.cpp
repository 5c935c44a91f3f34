// SPDX-License-Identifier: Apache-2.0
// The module.
#include "soc/soc.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace medlar::soc {
namespace {

/// Free pages of the host system beside a DRAM that is wholly the driver's carve-out (the open NVDLA boards).
constexpr uint64_t kHostSystemBytes = uint64_t{256} << 20;

}  // namespace

SocConfig SocConfig::of(const hw::DeviceProfile& profile) {
  SocConfig config;
  config.profile = std::string(profile.name);
  config.chip = profile.config;
  config.cores = profile.dla_cores;
  config.modes.assign(profile.modes.begin(), profile.modes.end());
  config.mode = profile.default_mode;
  config.platform = profile.platform;
  const bool all_cma = profile.cma_bytes >= profile.dram_bytes;
  config.max_loadables = profile.max_loadables;
  config.memory.dram_bytes = profile.dram_bytes + (all_cma ? kHostSystemBytes + profile.os_bytes : 0);
  config.memory.cma_bytes = std::min(profile.cma_bytes, profile.dram_bytes);
  config.memory.os_bytes = profile.os_bytes;
  config.memory.cuda_bytes = profile.cuda_bytes;
  config.memory.sram_bytes = profile.sram_bytes;
  config.memory.sram_banks = profile.sram_shared ? 1 : profile.dla_cores;
  for (const hw::CarveOut& carve_out : profile.platform->carve_outs) {
    config.memory.carve_outs.push_back({std::string(carve_out.name), carve_out.bytes});
  }
  return config;
}

Soc::Soc(const SocConfig& config, std::unique_ptr<Memory> memory)
    : config_(config), memory_(std::move(memory)), smmu_(*memory_), mode_(config.mode) {
  for (uint32_t core = 0; core < config_.cores; ++core) {
    cores_.push_back(std::make_unique<Core>(config_, *memory_, smmu_, core));
    bus_.add({base_of(core), config_.platform->aperture_bytes, &cores_.back()->chip, &cores_.back()->power});
  }
  constexpr std::pair<std::string_view, StreamId> kPeers[] = {
      {"gpu", kGpuStream}, {"cpu", kCpuStream}, {"isp", kIspStream}, {"vi", kViStream}};
  for (const auto& [name, stream] : kPeers) {
    peers_.push_back({name, std::make_unique<SocMemoryPort>(*memory_, smmu_, stream)});
  }
}

Result<std::unique_ptr<Soc>> Soc::create(const SocConfig& config) {
  if (config.chip == nullptr || config.cores == 0 || config.mode >= config.modes.size()) {
    return fail(Code::kInvalidArgument, "profile {}: no chip configuration, no core or no power mode", config.profile);
  }
  if (config.platform == nullptr || config.platform->base.size() < config.cores) {
    return fail(Code::kInvalidArgument, "profile {}: its platform does not place {} cores", config.profile, config.cores);
  }
  MEDLAR_ASSIGN(auto memory, Memory::create(config.memory));
  return std::unique_ptr<Soc>(new Soc(config, std::move(memory)));
}

std::string Soc::device_name(uint32_t core) const {
  return fmt::format("{:x}.nvdla{}", base_of(core), core);
}

Status Soc::set_mode(std::string_view name) {
  std::string known;
  for (uint32_t mode = 0; mode < config_.modes.size(); ++mode) {
    if (config_.modes[mode].name == name) {
      mode_ = mode;
      return {};
    }
    known += (mode == 0 ? "" : ", ") + std::string(config_.modes[mode].name);
  }
  return fail(Code::kNotFound, "{}: power mode \"{}\": unknown; known are {}", config_.profile, name, known);
}

Iova Soc::iova_limit() const {
  const uint64_t bits = std::min<uint64_t>(config_.chip->address_bits, PageTable::kIovaBits);
  return {uint64_t{1} << bits};
}

}  // namespace medlar::soc
