// SPDX-License-Identifier: Apache-2.0
// Which device an engine is for.
#include "base/hash.hpp"
#include "engine/engine.hpp"

namespace medlar::engine {

uint64_t device_fingerprint(const hw::DeviceProfile& device) {
  const hw::HwConfig& config = *device.config;
  const std::string identity =
      fmt::format("{}|{}|map {}|atoms {} {} {}|cbuf {} {} {}|precisions {}|line buffer {}|cores {}|macs {}|sram {}|dram {}",
                  device.name, config.name, static_cast<int>(config.register_map), config.atomic_c, config.atomic_k,
                  config.memory_atom, config.cbuf_banks, config.cbuf_bank_entries, config.cbuf_entry_bytes,
                  config.precision_bits, config.pdp_line_buffer_int8, device.dla_cores, device.macs_int8, device.sram_bytes,
                  device.dram_bytes);
  return hash64({reinterpret_cast<const uint8_t*>(identity.data()), identity.size()});
}

Status check_device(const Engine& engine, const hw::DeviceProfile& device, std::string_view name) {
  if (engine.device != device.name) {
    return fail(Code::kDeviceMismatch, "{} was built for {}; it cannot run on {}: build it again with --device {}", name,
                engine.device, device.name, device.name);
  }
  if (engine.fingerprint != device_fingerprint(device)) {
    return fail(Code::kDeviceMismatch, "{} was built for a {} with other properties (fingerprint {:016x}, now {:016x}): build it again",
                name, engine.device, engine.fingerprint, device_fingerprint(device));
  }
  return {};
}

}  // namespace medlar::engine
