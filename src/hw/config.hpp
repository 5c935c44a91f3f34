// SPDX-License-Identifier: Apache-2.0
// HwConfig: what one configuration of the open NVDLA has and how large it is. Plain data, from
// spec/configs.toml.
#pragma once

#include "base/status.hpp"
#include "hw/gen/registers.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace medlar::hw {

/// Element types of the data path; the codes are those of registers and descriptors.
enum class Precision : uint8_t { kInt8 = 0, kInt16 = 1, kFp16 = 2 };

/// 1 for INT8, 2 for INT16 and FP16.
constexpr uint32_t bytes_per_element(Precision precision) {
  return precision == Precision::kInt8 ? 1 : 2;
}

/// "int8", "int16", "fp16".
std::string_view precision_name(Precision precision);

/// One port to memory.
struct MemoryPort {
  uint32_t bus_bits = 0;   ///< Width of the data bus; 0: the port is absent.
  uint32_t max_burst = 0;  ///< Longest burst in beats.
  uint32_t latency = 0;    ///< Read latency in cycles that the buffers are sized for.

  constexpr uint32_t bytes_per_cycle() const { return bus_bits / 8; }
};

/// Elements per cycle; 0: the stage is absent.
struct Throughputs {
  uint32_t sdp_bs = 0;
  uint32_t sdp_bn = 0;
  uint32_t sdp_ew = 0;
  uint32_t pdp = 0;
  uint32_t cdp = 0;
};

/// A hardware configuration. Ask it what it can do; never compare its name.
struct HwConfig {
  std::string_view name;
  RegisterMap register_map = RegisterMap::kV2;

  uint32_t atomic_c = 0;     ///< Channels that one MAC cell multiplies in a cycle (INT8).
  uint32_t atomic_k = 0;     ///< Kernels in parallel (INT8).
  uint32_t memory_atom = 0;  ///< Bytes of one feature atom in memory.

  uint32_t cbuf_banks = 0;  ///< CBUF as software counts it.
  uint32_t cbuf_bank_entries = 0;
  uint32_t cbuf_entry_bytes = 0;

  uint8_t precision_bits = 0;  ///< Bit n: Precision n.
  bool winograd = false;
  bool weight_compression = false;
  uint32_t max_batch = 1;  ///< 1: no batch mode.
  bool bdma = false;
  bool rubik = false;
  bool pdp = false;
  bool cdp = false;
  bool sdp_lut = false;
  bool sram = false;  ///< The secondary memory port exists.

  Throughputs throughput;
  MemoryPort dbb;        ///< Primary port (DRAM).
  MemoryPort sram_port;  ///< Secondary port.
  uint32_t address_bits = 0;
  uint32_t dma_address_alignment = 0;  ///< Bytes; addresses, line and surface strides.
  uint32_t pdp_line_buffer_int8 = 0;   ///< Elements of one byte.
  uint32_t max_clock_mhz = 0;

  /// Contents of the self-description block, one word a register; empty where the map has none.
  std::span<const uint32_t> cfgrom;

  constexpr bool supports(Precision p) const {
    return ((precision_bits >> static_cast<uint8_t>(p)) & 1) != 0;
  }
  constexpr bool batch() const { return max_batch > 1; }
  constexpr bool sdp_bs() const { return throughput.sdp_bs != 0; }
  constexpr bool sdp_bn() const { return throughput.sdp_bn != 0; }
  constexpr bool sdp_ew() const { return throughput.sdp_ew != 0; }
  constexpr uint32_t macs_int8() const { return atomic_c * atomic_k; }
  constexpr uint32_t cbuf_bank_bytes() const { return cbuf_bank_entries * cbuf_entry_bytes; }
  constexpr uint32_t cbuf_bytes() const { return cbuf_banks * cbuf_bank_bytes(); }
  /// Kernels that the array computes together: atomic_k, half of it for 16-bit data.
  constexpr uint32_t kernels_per_group(Precision p) const { return atomic_k / bytes_per_element(p); }
  /// Channels of one feature atom.
  constexpr uint32_t channels_per_atom(Precision p) const { return memory_atom / bytes_per_element(p); }
};

/// All configurations, in the order of spec/configs.toml.
std::span<const HwConfig> configs();

/// The configuration of that name; the error lists the names that exist.
Result<const HwConfig*> find_config(std::string_view name);

}  // namespace medlar::hw
