// SPDX-License-Identifier: Apache-2.0
// A chip over flat memory for tests, with registers by name.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "chip/chip.hpp"
#include "chip/play/flat_memory.hpp"

namespace medlar::test {

struct FlatChip {
  explicit FlatChip(const char* name) : config(*hw::find_config(name).value()), chip(config, memory) {}

  uint32_t address(const std::string& name) const {
    const auto found = hw::find_register(name, config.register_map);
    EXPECT_TRUE(found) << name;
    return found ? found->address : 0;
  }
  Status write(const std::string& name, uint32_t value) { return chip.write_register(address(name), value); }
  Result<uint32_t> read(const std::string& name) { return chip.read_register(address(name)); }
  uint32_t value(const std::string& name) {
    const auto result = read(name);
    EXPECT_TRUE(result) << name;
    return result.value_or(0xdeadbeef);
  }
  void set(const std::string& name, uint32_t value) {
    const Status done = write(name, value);
    EXPECT_TRUE(done) << name << ": " << (done ? "" : done.error().message);
  }

  const hw::HwConfig& config;
  chip::FlatMemory memory;
  chip::Chip chip;
};

/// Programs SDP to copy a w x h x c INT8 cube from 0x80000000 to `to`, packed, and enables it.
inline void enable_sdp_copy(FlatChip& c, uint32_t w, uint32_t h, uint32_t channels, uint32_t to) {
  const uint32_t line = w * c.config.memory_atom;
  for (const char* block : {"SDP_RDMA", "SDP"}) {
    const std::string b = block;
    c.set(b + ".D_DATA_CUBE_WIDTH", w - 1);
    c.set(b + ".D_DATA_CUBE_HEIGHT", h - 1);
    c.set(b + ".D_DATA_CUBE_CHANNEL", channels - 1);
  }
  c.set("SDP_RDMA.D_SRC_BASE_ADDR_LOW", 0x80000000);
  c.set("SDP_RDMA.D_SRC_LINE_STRIDE", line);
  c.set("SDP_RDMA.D_SRC_SURFACE_STRIDE", line * h);
  c.set("SDP_RDMA.D_SRC_DMA_CFG", 1);
  c.set("SDP_RDMA.D_FEATURE_MODE_CFG", 0);
  for (const char* reader : {"SDP_RDMA.D_BRDMA_CFG", "SDP_RDMA.D_NRDMA_CFG", "SDP_RDMA.D_ERDMA_CFG"}) {
    c.set(reader, 1);
  }
  c.set("SDP.D_DST_BASE_ADDR_LOW", to);
  c.set("SDP.D_DST_LINE_STRIDE", line);
  c.set("SDP.D_DST_SURFACE_STRIDE", line * h);
  c.set("SDP.D_DST_DMA_CFG", 1);
  for (const char* stage : {"SDP.D_DP_BS_CFG", "SDP.D_DP_BN_CFG", "SDP.D_DP_EW_CFG"}) {
    c.set(stage, 1);
  }
  c.set("SDP.D_FEATURE_MODE_CFG", 0);
  c.set("SDP.D_DATA_FORMAT", 0);
  c.set("SDP.D_CVT_SCALE", 1);
  c.set("SDP.D_OP_ENABLE", 1);
  c.set("SDP_RDMA.D_OP_ENABLE", 1);
}

}  // namespace medlar::test
