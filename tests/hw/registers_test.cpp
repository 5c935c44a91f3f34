// SPDX-License-Identifier: Apache-2.0
// The register tables are consistent, and decode and encode are inverse.
#include "hw/gen/registers.hpp"

#include <map>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace medlar::hw {
namespace {

constexpr RegisterMap kMaps[] = {RegisterMap::kV1, RegisterMap::kV2};

TEST(Registers, BlocksAndAddressesDoNotOverlap) {
  for (RegisterMap map : kMaps) {
    std::set<uint32_t> pages, addresses;
    for (Block block : kBlocks) {
      const auto base = block_base(block, map);
      if (!base) {
        EXPECT_TRUE(block_registers(block, map).empty()) << block_name(block);
        continue;
      }
      EXPECT_EQ(*base % kBlockBytes, 0u);
      EXPECT_TRUE(pages.insert(*base).second) << block_name(block);
      for (const RegisterInfo& r : block_registers(block, map)) {
        EXPECT_EQ(r.offset % 4, 0u);
        EXPECT_LT(r.offset, kBlockBytes);
        EXPECT_TRUE(addresses.insert(*base + r.offset).second) << r.name;
      }
    }
    EXPECT_EQ(addresses.size(), map == RegisterMap::kV2 ? 531u : 427u);
  }
}

TEST(Registers, FieldsDoNotOverlapAndMakeUpTheReset) {
  for (RegisterMap map : kMaps) {
    for (Block block : kBlocks) {
      for (const RegisterInfo& r : block_registers(block, map)) {
        uint32_t used = 0, reset = 0;
        for (const FieldInfo& f : r.fields) {
          EXPECT_LE(f.lsb + f.width, 32) << r.name << '.' << f.name;
          EXPECT_EQ(used & f.mask(), 0u) << r.name << '.' << f.name;
          used |= f.mask();
          reset |= f.reset << f.lsb;
        }
        EXPECT_EQ(reset, r.reset) << r.name;
        EXPECT_EQ(r.writable_mask & ~used, 0u) << r.name;
        EXPECT_EQ(r.grouped, r.name.starts_with("D_")) << r.name;
      }
    }
  }
}

TEST(Registers, LookupByAddressAndName) {
  for (RegisterMap map : kMaps) {
    for (Block block : kBlocks) {
      for (const RegisterInfo& r : block_registers(block, map)) {
        const uint32_t address = *block_base(block, map) + r.offset;
        const auto by_address = find_register(address, map);
        ASSERT_TRUE(by_address);
        EXPECT_EQ(by_address->info, &r);
        const std::string name = std::string(block_name(block)) + "." + std::string(r.name);
        const auto by_name = find_register(name, map);
        ASSERT_TRUE(by_name) << name;
        EXPECT_EQ(by_name->address, address) << name;
        const auto by_trace_name = find_register("NVDLA_" + name + "_0", map);
        ASSERT_TRUE(by_trace_name) << name;
        EXPECT_EQ(by_trace_name->address, address) << name;
      }
    }
    EXPECT_FALSE(find_register(0xfffc, map) && map == RegisterMap::kV1);
    EXPECT_FALSE(find_register(0x12345678, map));
    EXPECT_FALSE(find_register("CDMA.D_NO_SUCH", map));
    EXPECT_FALSE(find_register("D_OP_ENABLE", map));
  }
  EXPECT_EQ(find_register("CDMA.D_OP_ENABLE", RegisterMap::kV1)->address, 0x5010u);
  EXPECT_EQ(find_register("NVDLA_CDMA.D_OP_ENABLE_0", RegisterMap::kV2)->address, 0x3010u);
  EXPECT_EQ(find_register("RUBIK.S_STATUS", RegisterMap::kV1)->address, 0x10000u);
  EXPECT_EQ(find_register("GLB.S_INTR_STATUS", RegisterMap::kV2)->address, 0x100cu);
  EXPECT_EQ(find_register("GLB.S_INTR_STATUS", RegisterMap::kV1)->address, 0xcu);
}

TEST(Registers, MapsDifferWhereTheChipsDiffer) {
  EXPECT_EQ(find_register("SDP.D_DP_BS_CFG", RegisterMap::kV1)->info->reset, 0u);
  EXPECT_EQ(find_register("SDP.D_DP_BS_CFG", RegisterMap::kV2)->info->reset, 0x73u);
  EXPECT_EQ(find_register("CDMA.D_BANK", RegisterMap::kV1)->info->writable_mask, 0x000f000fu);
  EXPECT_EQ(find_register("CDMA.D_BANK", RegisterMap::kV2)->info->writable_mask, 0x001f001fu);
  EXPECT_FALSE(block_base(Block::kCfgrom, RegisterMap::kV1));
}

template <typename Group>
void check_round_trip(std::mt19937& random) {
  for (RegisterMap map : kMaps) {
    const auto registers = block_registers(Group::kBlock, map);
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::vector<uint32_t> words(Group::kWords);
      for (uint32_t& w : words) {
        w = random();
      }
      const Group group = Group::decode(words, map);
      std::vector<uint32_t> back(Group::kWords, 0);
      group.encode(back, map);
      EXPECT_EQ(Group::decode(back, map), group);
      for (const RegisterInfo& r : registers) {  // every word that encode writes keeps its fields
        const size_t i = r.offset / 4;
        uint32_t mask = 0;
        for (const FieldInfo& f : r.fields) {
          mask |= f.mask();
        }
        if (i < back.size() && back[i] != 0) {
          EXPECT_EQ(back[i], words[i] & mask) << r.name;
        }
      }
    }
  }
}

TEST(Registers, GroupsRoundTripRandomWords) {
  std::mt19937 random(7);
  check_round_trip<BdmaGroup>(random);
  check_round_trip<CdmaGroup>(random);
  check_round_trip<CscGroup>(random);
  check_round_trip<CmacAGroup>(random);
  check_round_trip<CmacBGroup>(random);
  check_round_trip<CaccGroup>(random);
  check_round_trip<SdpRdmaGroup>(random);
  check_round_trip<SdpGroup>(random);
  check_round_trip<SdpLut>(random);
  check_round_trip<PdpRdmaGroup>(random);
  check_round_trip<PdpGroup>(random);
  check_round_trip<CdpRdmaGroup>(random);
  check_round_trip<CdpGroup>(random);
  check_round_trip<CdpLut>(random);
  check_round_trip<RubikGroup>(random);
}

TEST(Registers, DecodedMembersAreTheFields) {
  std::vector<uint32_t> words(CdmaGroup::kWords);
  words[0x14 / 4] = 0x11012200;  // D_MISC_CFG
  words[0x34 / 4] = 0x8000003f;  // D_DAIN_ADDR_LOW_0
  words[0x30 / 4] = 1;
  words[0xbc / 4] = 0x001f0012;  // D_BANK
  const CdmaGroup v1 = CdmaGroup::decode(words, RegisterMap::kV1);
  EXPECT_EQ(v1.in_precision, value::kPrecisionFp16);
  EXPECT_EQ(v1.proc_precision, 2u);
  EXPECT_EQ(v1.data_reuse, 1u);
  EXPECT_EQ(v1.skip_data_rls, 1u);
  EXPECT_EQ(v1.datain_addr_0(), 0x180000020u);
  EXPECT_EQ(v1.data_bank, 2u);
  EXPECT_EQ(v1.weight_bank, 15u);
  const CdmaGroup v2 = CdmaGroup::decode(words, RegisterMap::kV2);
  EXPECT_EQ(v2.datain_addr_0(), 0x18000003fu);
  EXPECT_EQ(v2.data_bank, 0x12u);
  EXPECT_EQ(CdmaGroup::decode({}, RegisterMap::kV1), CdmaGroup{});
}

TEST(Registers, ResetAndDisassembly) {
  std::vector<uint32_t> words(kBlockBytes / 4);
  reset_words(Block::kCdma, RegisterMap::kV1, words);
  EXPECT_EQ(words[0x14 / 4], 0x1100u);
  EXPECT_EQ(CdmaGroup::decode(words, RegisterMap::kV1).pixel_format, value::kPixelFormatA8b8g8r8);
  EXPECT_EQ(disassemble(Block::kCdma, 0xbc, 0x00030001, RegisterMap::kV1),
            "CDMA.D_BANK = 0x00030001 DATA_BANK=1 WEIGHT_BANK=3");
  EXPECT_EQ(
      disassemble(Block::kCmacA, 0xc, 0x40001001, RegisterMap::kV2),
      "CMAC_A.D_MISC_CFG = 0x40001001 CONV_MODE=1(WINOGRAD) PROC_PRECISION=1(INT16) reserved=0x40000000");
  EXPECT_EQ(disassemble(Block::kGlb, 0x44, 1, RegisterMap::kV2), "GLB+0x44 = 0x00000001 (no such register)");
}

}  // namespace
}  // namespace medlar::hw
