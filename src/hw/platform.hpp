// SPDX-License-Identifier: Apache-2.0
// Platform: what a kernel finds around the DLA cores of a system-on-chip. Plain data, from spec/devices.toml.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace medlar::hw {

/// DRAM that firmware or the secure world keeps; Linux never sees it.
struct CarveOut {
  std::string_view name;
  uint64_t bytes = 0;
};

struct Platform {
  std::string_view name;
  std::string_view compatible;                     ///< Of the device-tree node.
  std::span<const uint64_t> base;                  ///< Of each core's registers on the bus.
  uint64_t aperture_bytes = 0;                     ///< Of one core's registers.
  std::span<const uint32_t> irq;                   ///< Shared peripheral interrupt of each core.
  std::span<const std::string_view> smmu;          ///< SMMU instance that each core sits behind.
  std::span<const std::string_view> power_domains; ///< Of each core.
  std::string_view regulator;                      ///< Rail of all cores.
  std::span<const CarveOut> carve_outs;
  uint64_t power_idle_us = 0;  ///< Idle time after which the driver lets a core's power go.
  uint64_t power_wake_us = 0;  ///< From power-gated to the first register access.
  uint64_t clock_wake_ns = 0;  ///< From clock-gated to the first register access.
};

}  // namespace medlar::hw
