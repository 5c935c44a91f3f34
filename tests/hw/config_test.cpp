// SPDX-License-Identifier: Apache-2.0
// The table of configurations says what NVIDIA's specification files say.
#include "hw/config.hpp"

#include <gtest/gtest.h>

namespace medlar::hw {
namespace {

TEST(Config, MacsAndBuffers) {
  struct Row {
    const char* name;
    uint32_t macs, cbuf_kib, atom;
  };
  constexpr Row kRows[] = {{"nv_full", 2048, 512, 32},
                           {"nv_large", 2048, 512, 32},
                           {"nv_medium_1024_full", 1024, 512, 32},
                           {"nv_medium_512", 512, 512, 16},
                           {"nv_small_256_full", 256, 128, 8},
                           {"nv_small_256", 256, 128, 8},
                           {"nv_small", 64, 128, 8}};
  EXPECT_EQ(configs().size(), std::size(kRows));
  for (const Row& row : kRows) {
    const auto config = find_config(row.name);
    ASSERT_TRUE(config) << row.name;
    EXPECT_EQ((*config)->macs_int8(), row.macs) << row.name;
    EXPECT_EQ((*config)->cbuf_bytes(), row.cbuf_kib * 1024) << row.name;
    EXPECT_EQ((*config)->memory_atom, row.atom) << row.name;
    EXPECT_EQ((*config)->sram, (*config)->sram_port.bus_bits != 0) << row.name;
    EXPECT_EQ((*config)->sdp_lut, (*config)->sdp_ew()) << row.name;
    EXPECT_EQ((*config)->cfgrom.size(), block_registers(Block::kCfgrom, (*config)->register_map).size())
        << row.name;
  }
}

TEST(Config, OnlyTheFullOneHasSixteenBits) {
  const HwConfig& full = **find_config("nv_full");
  EXPECT_TRUE(full.supports(Precision::kFp16) && full.supports(Precision::kInt16) && full.winograd &&
              full.batch());
  EXPECT_EQ(full.kernels_per_group(Precision::kFp16), 16u);
  EXPECT_EQ(full.channels_per_atom(Precision::kInt16), 16u);
  const HwConfig& small = **find_config("nv_small");
  EXPECT_TRUE(small.supports(Precision::kInt8));
  EXPECT_FALSE(small.supports(Precision::kFp16) || small.bdma || small.sdp_ew() || small.batch());
}

TEST(Config, SelfDescription) {
  const HwConfig& small = **find_config("nv_small");  // the ROM's reset values are those of nv_small
  const auto registers = block_registers(Block::kCfgrom, small.register_map);
  for (size_t i = 0; i < registers.size(); ++i) {
    EXPECT_EQ(small.cfgrom[i], registers[i].reset) << registers[i].name;
  }
  const HwConfig& large = **find_config("nv_large");
  EXPECT_EQ(large.cfgrom[find_register(Block::kCfgrom, 0x38, large.register_map) - registers.data()],
            64u);                          // atomic C
  EXPECT_EQ(large.cfgrom[0x148 / 4], 4u);  // EW throughput
}

TEST(Config, UnknownNameListsTheKnownOnes) {
  const auto config = find_config("nv_huge");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Code::kNotFound);
  EXPECT_NE(config.error().message.find("nv_huge"), std::string::npos);
  EXPECT_NE(config.error().message.find("nv_medium_512"), std::string::npos);
}

}  // namespace
}  // namespace medlar::hw
