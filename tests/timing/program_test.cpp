// SPDX-License-Identifier: Apache-2.0
// Register programs: which writes make which operations, and how operations overlap.
#include "timing/program.hpp"

#include "timing/memory_system.hpp"

#include <gtest/gtest.h>

namespace medlar::timing {
namespace {

const hw::HwConfig& nv_full() {
  return **hw::find_config("nv_full");
}

std::vector<ProgramOp> parsed(std::string_view text) {
  auto ops = parse_program(text, nv_full());
  EXPECT_TRUE(ops) << ops.error().message;
  return ops ? *ops : std::vector<ProgramOp>{};
}

// A BDMA copy of 64 bytes twice, then again after a wait; the same in both text forms.
constexpr std::string_view kCopies =
    "# comment\nwrite_reg 0xffff1004 0x1\nwrite_reg 0xffff1005 0x3\nwrite_reg 0xffff100c 0x1\n"
    "write_reg 0xffff100c 0x1\nwrite_reg 0xffff100d 0x1\nread_reg 0xffff100d 0x1 0x1\nwait\n"
    "write_reg 0xffff100c 0x1\nwrite_reg 0xffff100e 0x1\nwait\n";
constexpr std::string_view kCopyCalls =
    "reg_write(NVDLA_BDMA.CFG_LINE_0, 0x1);\nreg_write(NVDLA_BDMA.CFG_CMD_0, 0x3);\n"
    "reg_write(NVDLA_BDMA.CFG_OP_0, 1);\nreg_write(NVDLA_BDMA.CFG_LAUNCH0_0, 0x1); // go\n";

TEST(Program, LaunchesOfOneUnit) {
  const auto ops = parsed(kCopies);
  ASSERT_EQ(ops.size(), 2u);
  EXPECT_EQ(std::get<BdmaSnapshot>(ops[0].snapshot).transfers.size(), 2u);
  EXPECT_EQ(kind_name(ops[0].snapshot), "bdma");
  EXPECT_EQ(ops[0].phase, 0u);
  EXPECT_EQ(ops[0].line, 6u);
  EXPECT_EQ(ops[1].phase, 1u);
  EXPECT_EQ(std::get<BdmaSnapshot>(ops[1].snapshot).transfers.size(), 1u);
  const auto calls = parsed(kCopyCalls);
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(std::get<BdmaSnapshot>(calls[0].snapshot).transfers[0].line_size, 1u);
}

TEST(Program, PhasesAddUp) {
  const auto machine = machine_of_memory(nv_full(), "nvidia-axi");
  ASSERT_TRUE(machine);
  const auto ops = parsed(kCopies);
  const Timeline both = timeline_of(ops, nv_full(), *machine);
  const Timeline first = timeline_of({ops[0]}, nv_full(), *machine);
  const Timeline second = timeline_of({ops[1]}, nv_full(), *machine);
  EXPECT_EQ(both.total_cycles, first.total_cycles + second.total_cycles);
  EXPECT_EQ(first.total_cycles, first.ops[0].time.cycles);
}

TEST(Program, ErrorsNameTheLine) {
  const auto unknown = parse_program("wait\nfoo 1 2\n", nv_full());
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().to_string().find("line 2"), std::string::npos);
  EXPECT_NE(unknown.error().to_string().find("foo"), std::string::npos);
  EXPECT_FALSE(parse_program("write_reg 0xffff1004 zwei\n", nv_full()));
  EXPECT_FALSE(parse_program("reg_write(NVDLA_NIX.D_OP_ENABLE_0, 1);\n", nv_full()));
  // CDMA without the units behind it.
  const auto lonely = parse_program("write_reg 0xffff1404 0x1\n", nv_full());
  ASSERT_FALSE(lonely);
  EXPECT_NE(lonely.error().message.find("CSC"), std::string::npos);
}

TEST(Program, MemorySystemsByName) {
  const auto axi = machine_of_memory(nv_full(), "nvidia-axi");
  ASSERT_TRUE(axi);
  EXPECT_EQ(axi->dram.read_bytes_per_cycle, 32);
  const auto slow = machine_of_memory(nv_full(), "timed-lat100-10B");
  ASSERT_TRUE(slow);
  EXPECT_EQ(slow->dram.latency, 100);
  EXPECT_EQ(slow->dram.bytes_per_cycle, 10);
  for (const char* wrong : {"", "timed", "timed-lat0-10B", "timed-lat10-B", "timed-lat10-10", "dram"}) {
    EXPECT_FALSE(machine_of_memory(nv_full(), wrong)) << wrong;
  }
}

}  // namespace
}  // namespace medlar::timing
