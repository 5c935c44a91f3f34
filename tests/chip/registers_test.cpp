// SPDX-License-Identifier: Apache-2.0
// The register side: reset values, groups and pointers, what is refused and how it is named, interrupts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "chip/flat_chip.hpp"

namespace medlar::chip {
namespace {

using test::enable_sdp_copy;
using test::FlatChip;
using testing::HasSubstr;

class EveryConfig : public testing::TestWithParam<const char*> {};

TEST_P(EveryConfig, ResetValuesAreTheTables) {
  FlatChip c(GetParam());
  size_t registers = 0;
  for (const hw::Block block : hw::kBlocks) {
    const auto base = hw::block_base(block, c.config.register_map);
    for (const hw::RegisterInfo& info : hw::block_registers(block, c.config.register_map)) {
      const auto value = c.chip.read_register(*base + info.offset);
      if (!value || block == hw::Block::kCfgrom) {
        continue;  // Write-only, or a unit that the configuration lacks.
      }
      EXPECT_EQ(*value, info.reset) << hw::block_name(block) << "." << info.name;
      ++registers;
    }
  }
  EXPECT_GT(registers, 300u);
}

TEST_P(EveryConfig, EveryWritableRegisterHoldsItsWritableBits) {
  FlatChip c(GetParam());
  for (const hw::Block block : {hw::Block::kCdma, hw::Block::kCsc, hw::Block::kCacc, hw::Block::kSdpRdma, hw::Block::kPdp,
                                hw::Block::kCdp, hw::Block::kCdpRdma}) {
    const uint32_t base = *hw::block_base(block, c.config.register_map);
    for (const hw::RegisterInfo& info : hw::block_registers(block, c.config.register_map)) {
      if (info.access != hw::Access::kReadWrite || !info.grouped || info.name == "D_OP_ENABLE") {
        continue;
      }
      ASSERT_TRUE(c.chip.write_register(base + info.offset, info.writable_mask));
      EXPECT_EQ(c.chip.read_register(base + info.offset).value(), info.writable_mask) << info.name;
    }
  }
}

TEST_P(EveryConfig, DescribesItself) {
  FlatChip c(GetParam());
  if (c.config.cfgrom.empty()) {
    EXPECT_EQ(c.config.register_map, hw::RegisterMap::kV1);  // The first register map has no self-description.
    return;
  }
  EXPECT_EQ(c.chip.read_register(0).value(), c.config.cfgrom[0]);
  const Status refused = c.chip.write_register(0, c.config.cfgrom[0] + 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kFault);
}

INSTANTIATE_TEST_SUITE_P(Configs, EveryConfig,
                         testing::Values("nv_full", "nv_large", "nv_medium_1024_full", "nv_medium_512", "nv_small_256_full",
                                         "nv_small_256", "nv_small"),
                         [](const auto& config) { return std::string(config.param); });

TEST(Registers, RefusalsNameBlockRegisterAndValue) {
  FlatChip c("nv_small");
  const Status reserved = c.write("PDP.D_POOLING_KERNEL_CFG", 0x80000000);
  ASSERT_FALSE(reserved);
  EXPECT_EQ(reserved.error().code, Code::kFault);
  EXPECT_THAT(reserved.error().message, HasSubstr("PDP.D_POOLING_KERNEL_CFG: value 0x80000000 sets reserved bits"));
  const Status read_only = c.write("SDP.D_STATUS_NAN_OUTPUT_NUM", 5);
  ASSERT_FALSE(read_only);
  EXPECT_THAT(read_only.error().message, HasSubstr("SDP.D_STATUS_NAN_OUTPUT_NUM: write of 0x5 to a read-only register"));
  EXPECT_TRUE(c.write("SDP.D_STATUS_NAN_OUTPUT_NUM", 0));  // Asks for nothing.
  const auto unmapped = c.chip.read_register(0x12345678);
  ASSERT_FALSE(unmapped);
  EXPECT_THAT(unmapped.error().message, HasSubstr("0x12345678"));
  EXPECT_FALSE(c.chip.write_register(0x9002, 0));  // Between two registers.
}

TEST(Registers, UnitsThatAConfigurationLacks) {
  FlatChip small("nv_small");
  for (const char* name : {"BDMA.CFG_LINE", "RBK.D_MISC_CFG"}) {
    const Status refused = small.write(name, 0);
    ASSERT_FALSE(refused) << name;
    EXPECT_THAT(refused.error().message, HasSubstr("nv_small has no such unit"));
  }
  FlatChip full("nv_full");
  EXPECT_TRUE(full.write("BDMA.CFG_LINE", 0));
}

TEST(Registers, ProducerSelectsTheGroup) {
  FlatChip c("nv_full");
  c.set("SDP.D_CVT_SHIFT", 3);
  c.set("SDP.S_POINTER", 1);
  EXPECT_EQ(c.value("SDP.D_CVT_SHIFT"), 0u);
  c.set("SDP.D_CVT_SHIFT", 9);
  c.set("SDP.S_POINTER", 0);
  EXPECT_EQ(c.value("SDP.D_CVT_SHIFT"), 3u);
}

TEST(Registers, GroupsAlternateAndStatusFollows) {
  FlatChip c("nv_full");
  enable_sdp_copy(c, 4, 2, 32, 0x80010000);
  EXPECT_EQ(c.value("SDP.S_STATUS"), 1u);  // Running, nothing in group 1.
  const Status busy = c.write("SDP.D_CVT_SHIFT", 1);
  ASSERT_FALSE(busy);
  EXPECT_THAT(busy.error().message, HasSubstr("SDP.D_CVT_SHIFT: write of 0x1 to group 0, which is busy"));
  c.set("SDP.S_POINTER", 1);
  c.set("SDP_RDMA.S_POINTER", 1);
  enable_sdp_copy(c, 4, 2, 32, 0x80020000);
  EXPECT_EQ(c.value("SDP.S_STATUS"), 0x20001u);  // Group 1 pending.
  EXPECT_TRUE(c.chip.step().value());
  EXPECT_EQ(c.value("SDP.S_STATUS"), 0x10000u);
  EXPECT_EQ(c.value("SDP.S_POINTER"), 0x10001u);
  EXPECT_EQ(c.value("GLB.S_INTR_STATUS"), 1u);
  EXPECT_TRUE(c.chip.step().value());
  EXPECT_EQ(c.value("GLB.S_INTR_STATUS"), 3u);
  EXPECT_EQ(c.value("SDP.S_POINTER"), 0x1u);
  EXPECT_EQ(c.value("SDP.D_OP_ENABLE"), 0u);
  EXPECT_FALSE(c.chip.step().value());
}

TEST(Registers, NothingRunsBeforeAllUnitsAreEnabled) {
  FlatChip c("nv_small");
  c.set("SDP.D_FEATURE_MODE_CFG", 0);
  c.set("SDP.D_OP_ENABLE", 1);
  EXPECT_FALSE(c.chip.step().value());
  EXPECT_EQ(c.value("SDP.S_STATUS"), 1u);
}

TEST(Registers, TheOlderOperationRunsFirst) {
  FlatChip c("nv_full");
  c.set("BDMA.CFG_SRC_ADDR_LOW", 0x80010000);
  c.set("BDMA.CFG_DST_ADDR_LOW", 0x80020000);
  c.set("BDMA.CFG_CMD", 3);
  c.set("BDMA.CFG_OP", 1);
  enable_sdp_copy(c, 1, 1, 32, 0x80010000);
  c.set("BDMA.CFG_LAUNCH0", 1);
  const std::vector<uint8_t> bytes(32, 7);
  ASSERT_TRUE(c.memory.write(Ram::kDram, 0x80000000, bytes));
  std::vector<hw::Block> order;
  c.chip.set_observer([&](const ExecutedOp& op) { order.push_back(op.units.back().block); });
  while (c.chip.step().value()) {
  }
  EXPECT_EQ(order, (std::vector<hw::Block>{hw::Block::kSdp, hw::Block::kBdma}));
  std::vector<uint8_t> copied(32);
  ASSERT_TRUE(c.memory.read(Ram::kDram, 0x80020000, copied));
  EXPECT_EQ(copied, bytes);
}

TEST(Registers, ObserverSeesTheUnitsWithTheirWords) {
  FlatChip c("nv_small");
  enable_sdp_copy(c, 3, 2, 8, 0x80010000);
  std::vector<ExecutedOp> seen;
  c.chip.set_observer([&](const ExecutedOp& op) { seen.push_back(op); });
  ASSERT_TRUE(c.chip.step().value());
  ASSERT_EQ(seen.size(), 1u);
  ASSERT_EQ(seen[0].units.size(), 2u);
  EXPECT_EQ(seen[0].units[0].block, hw::Block::kSdpRdma);
  const auto group = hw::SdpGroup::decode(seen[0].units[1].words, c.config.register_map);
  EXPECT_EQ(group.width, 2u);
  EXPECT_EQ(group.dst_base_addr(), 0x80010000u);
}

TEST(Registers, InterruptMaskAndSet) {
  FlatChip c("nv_full");
  EXPECT_FALSE(c.chip.interrupt());
  c.set("GLB.S_INTR_SET", 0x30);
  EXPECT_TRUE(c.chip.interrupt());
  c.set("GLB.S_INTR_MASK", 0x10);
  EXPECT_TRUE(c.chip.interrupt());
  c.set("GLB.S_INTR_MASK", 0x30);
  EXPECT_FALSE(c.chip.interrupt());
  EXPECT_EQ(c.value("GLB.S_INTR_STATUS"), 0x30u);
  c.set("GLB.S_INTR_STATUS", 0x10);
  EXPECT_EQ(c.value("GLB.S_INTR_STATUS"), 0x20u);
  EXPECT_FALSE(c.read("GLB.S_INTR_SET"));
}

TEST(Registers, LutAccess) {
  FlatChip c("nv_full");
  for (const std::string unit : {"SDP", "CDP"}) {
    c.set(unit + ".S_LUT_ACCESS_CFG", 1u << 17 | 1u << 16);  // Write LO from entry 0.
    for (uint32_t i = 0; i < 257; ++i) {
      c.set(unit + ".S_LUT_ACCESS_DATA", i * 3);
    }
    EXPECT_FALSE(c.write(unit + ".S_LUT_ACCESS_DATA", 1)) << "entry 257";
    EXPECT_FALSE(c.read(unit + ".S_LUT_ACCESS_DATA")) << "while writing";
    c.set(unit + ".S_LUT_ACCESS_CFG", 1u << 16 | 255);
    EXPECT_EQ(c.value(unit + ".S_LUT_ACCESS_DATA"), 255u * 3);
    EXPECT_EQ(c.value(unit + ".S_LUT_ACCESS_DATA"), 256u * 3);
    EXPECT_FALSE(c.write(unit + ".S_LUT_ACCESS_DATA", 1)) << "while reading";
  }
}

TEST(Registers, BdmaSlotsAndGroups) {
  FlatChip c("nv_full");
  EXPECT_EQ(c.value("BDMA.STATUS"), 20u | 1u << 8);
  EXPECT_FALSE(c.write("BDMA.CFG_LAUNCH0", 1)) << "nothing to launch";
  c.set("BDMA.CFG_OP", 1);
  c.set("BDMA.CFG_LAUNCH1", 1);
  EXPECT_EQ(c.value("BDMA.STATUS"), 19u | 1u << 10);
  c.set("BDMA.CFG_OP", 1);
  EXPECT_FALSE(c.write("BDMA.CFG_LAUNCH1", 1)) << "still busy";
  for (int i = 0; i < 18; ++i) {
    c.set("BDMA.CFG_OP", 1);
  }
  EXPECT_FALSE(c.write("BDMA.CFG_OP", 1)) << "no slot";
  EXPECT_TRUE(c.chip.step().value());
  EXPECT_EQ(c.value("GLB.S_INTR_STATUS"), 1u << 7);
}

TEST(Registers, AFailedOperationNeedsReset) {
  FlatChip c("nv_small");
  enable_sdp_copy(c, 4, 4, 8, 0x80010000);
  c.set("SDP.S_POINTER", 1);
  FlatChip broken("nv_small");
  broken.set("SDP_RDMA.D_FEATURE_MODE_CFG", 3u << 2);  // Reserved precision.
  broken.set("SDP.D_FEATURE_MODE_CFG", 0);
  broken.set("SDP.D_OP_ENABLE", 1);
  broken.set("SDP_RDMA.D_OP_ENABLE", 1);
  const auto failed = broken.chip.step();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::kFault);
  EXPECT_FALSE(broken.chip.step());
  broken.chip.reset();
  enable_sdp_copy(broken, 4, 4, 8, 0x80010000);
  EXPECT_TRUE(broken.chip.step().value());
}

/// PDP's reader cuts the bands of a split by registers of its own. Where they say something else than PDP's, the hardware
/// waits for data that never come.
TEST(Registers, ASplitThatTheReaderCutsElsewhereIsAnError) {
  for (const uint32_t reader_kernel : {2u | 1u << 4, 1u | 1u << 4}) {  // width 3 and stride 2, as PDP has it; width 2
    FlatChip c("nv_small");
    for (const std::string block : {"PDP_RDMA", "PDP"}) {
      c.set(block + ".D_DATA_CUBE_IN_WIDTH", 8);
      c.set(block + ".D_DATA_CUBE_IN_HEIGHT", 2);
      c.set(block + ".D_DATA_CUBE_IN_CHANNEL", 7);
      c.set(block + ".D_DATA_FORMAT", 0);
      c.set(block + ".D_PARTIAL_WIDTH_IN", 4 | 3 << 10);  // five columns, then four and one again
    }
    c.set("PDP_RDMA.D_FLYING_MODE", 1);
    c.set("PDP_RDMA.D_OPERATION_MODE_CFG", 1);
    c.set("PDP_RDMA.D_POOLING_KERNEL_CFG", reader_kernel);
    c.set("PDP_RDMA.D_SRC_BASE_ADDR_LOW", 0x80000000);
    c.set("PDP_RDMA.D_SRC_LINE_STRIDE", 9 * 8);
    c.set("PDP_RDMA.D_SRC_RAM_CFG", 1);
    c.set("PDP.D_DATA_CUBE_OUT_WIDTH", 3);
    c.set("PDP.D_DATA_CUBE_OUT_HEIGHT", 0);
    c.set("PDP.D_DATA_CUBE_OUT_CHANNEL", 7);
    c.set("PDP.D_OPERATION_MODE_CFG", 1 | 1 << 4 | 1 << 8);
    c.set("PDP.D_POOLING_KERNEL_CFG", 2 | 2 << 8 | 1 << 16);
    c.set("PDP.D_PARTIAL_WIDTH_OUT", 1 | 1 << 10);
    c.set("PDP.D_DST_BASE_ADDR_LOW", 0x80010000);
    c.set("PDP.D_DST_LINE_STRIDE", 4 * 8);
    c.set("PDP.D_DST_RAM_CFG", 1);
    c.set("PDP.D_OP_ENABLE", 1);
    c.set("PDP_RDMA.D_OP_ENABLE", 1);
    const auto ran = c.chip.step();
    if (reader_kernel == (2u | 1u << 4)) {
      EXPECT_TRUE(ran) << ran.error().message;
    } else {
      ASSERT_FALSE(ran);
      EXPECT_EQ(ran.error().message, "PDP_RDMA.D_POOLING_KERNEL_CFG: width 1 and stride 1 (minus one) but PDP has 2 and 1");
    }
  }
}

/// Random words in every writable bit, everything enabled: an answer or a typed error, never a crash.
TEST(Registers, HostileProgramsNeverCrash) {
  std::mt19937 random(7);
  for (const char* name : {"nv_full", "nv_small", "nv_large"}) {
    int errors = 0;
    for (int round = 0; round < 60; ++round) {
      FlatChip c(name);
      for (const hw::Block block : hw::kBlocks) {
        const auto base = hw::block_base(block, c.config.register_map);
        for (const hw::RegisterInfo& info : hw::block_registers(block, c.config.register_map)) {
          const bool small = random() % 4 != 0 && (info.name.find("CUBE") != std::string_view::npos ||
                                                   info.name.find("SIZE") != std::string_view::npos);
          if (info.name != "D_OP_ENABLE" && info.writable_mask != 0) {
            const uint32_t value = (small ? random() % 64 : random()) & info.writable_mask;
            (void)c.chip.write_register(*base + info.offset, value);
          }
        }
      }
      for (const char* pointer : {"SDP", "SDP_RDMA", "PDP", "PDP_RDMA", "CDP", "CDP_RDMA", "CDMA", "CSC", "CMAC_A", "CMAC_B", "CACC"}) {
        c.set(std::string(pointer) + ".S_POINTER", 0);
        c.set(std::string(pointer) + ".D_OP_ENABLE", 1);
      }
      for (int step = 0; step < 4; ++step) {
        const auto ran = c.chip.step();
        errors += ran ? 0 : 1;
        if (!ran) {
          EXPECT_FALSE(ran.error().message.empty());
          break;
        }
      }
    }
    EXPECT_GT(errors, 20) << name;
  }
}

}  // namespace
}  // namespace medlar::chip
