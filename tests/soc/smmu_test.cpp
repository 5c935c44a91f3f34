// SPDX-License-Identifier: Apache-2.0
#include "soc/smmu.hpp"

#include "soc/memory_port.hpp"

#include <cstring>

#include <gtest/gtest.h>

namespace medlar::soc {
namespace {

constexpr uint64_t kMiB = 1u << 20;
constexpr StreamId kStream = 1;

class SmmuTest : public testing::Test {
 protected:
  void SetUp() override {
    auto created = Memory::create({.dram_bytes = 64 * kMiB,
                                   .cma_bytes = 16 * kMiB,
                                   .sram_bytes = kMiB,
                                   .carve_outs = {{"bpmp", 2 * kMiB}, {"optee", kMiB}}});
    ASSERT_TRUE(created) << created.error().to_string();
    memory = std::move(*created);
    smmu = std::make_unique<Smmu>(*memory);
    bank = *smmu->create_bank();
    smmu->bind(kStream, bank);
  }

  std::unique_ptr<Memory> memory;
  std::unique_ptr<Smmu> smmu;
  BankId bank = 0;
};

TEST_F(SmmuTest, RegionsTileTheDram) {
  Phys at = Memory::kDramBase;
  for (const auto& region : memory->regions()) {
    EXPECT_EQ(region.extent.base, at) << region.name;
    at = at + region.extent.bytes;
  }
  EXPECT_EQ(at, Memory::kDramBase + 64 * kMiB);
  EXPECT_TRUE(memory->bytes(memory->regions()[2].extent.base, 1).empty())
      << "a carve-out is not ours to touch";
  EXPECT_TRUE(memory->bytes({0}, 1).empty());
  EXPECT_TRUE(memory->bytes(Memory::kSramBase, kMiB + 1).empty());
}

TEST_F(SmmuTest, ReleasedMemoryReadsAsZeroForItsNextOwner) {
  const Allocation first = *memory->allocate(Pool::kContiguous, 3 * kPageBytes);
  std::memset(memory->bytes(first.extents[0].base, first.bytes).data(), 0xa5, first.bytes);
  memory->release(first);
  const Allocation second = *memory->allocate(Pool::kContiguous, 3 * kPageBytes);
  ASSERT_EQ(second.extents, first.extents);
  for (const uint8_t byte : memory->bytes(second.extents[0].base, second.bytes)) {
    ASSERT_EQ(byte, 0);
  }
}

TEST_F(SmmuTest, ScatteredPagesAreOneIovaRange) {
  // Holes between kept pages force one extent a page.
  std::vector<Allocation> kept;
  std::vector<Allocation> holes;
  for (int i = 0; i < 4; ++i) {
    holes.push_back(*memory->allocate(Pool::kPages, kPageBytes));
    kept.push_back(*memory->allocate(Pool::kPages, kPageBytes));
  }
  for (const Allocation& hole : holes) {
    memory->release(hole);
  }
  const Allocation buffer = *memory->allocate(Pool::kPages, 4 * kPageBytes);
  ASSERT_EQ(buffer.extents.size(), 4u);
  const Iova iova{0x1000'0000};
  ASSERT_TRUE(smmu->map(bank, iova, buffer, true));

  SocMemoryPort port(*memory, *smmu, kStream);
  std::vector<uint8_t> data(4 * kPageBytes);
  for (size_t i = 0; i < data.size(); ++i) {
    data[i] = static_cast<uint8_t>(i * 7 + i / 4096);
  }
  EXPECT_TRUE(port.view(chip::Ram::kDram, iova.value, data.size(), chip::Access::kWrite).empty());
  ASSERT_TRUE(port.write(chip::Ram::kDram, iova.value, data));
  std::vector<uint8_t> back(data.size());
  ASSERT_TRUE(port.read(chip::Ram::kDram, iova.value, back));
  EXPECT_EQ(back, data);
  EXPECT_EQ(memory->bytes(buffer.extents[2].base, 1)[0], data[2 * kPageBytes]);
  EXPECT_EQ(port.view(chip::Ram::kDram, iova.value + 5, 100, chip::Access::kRead).size(), 100u);
  EXPECT_FALSE(smmu->take_fault(kStream));
}

TEST_F(SmmuTest, LargeLeavesKeepContiguousRangesOneView) {
  const Allocation buffer = *memory->allocate(Pool::kContiguous, 6 * kMiB, kLargePageBytes);
  const Iova iova{0x4000'0000 + kPageBytes};  // misaligned: 4 KiB leaves
  const Iova aligned{0x6000'0000};
  const uint64_t tables = smmu->counters().table_pages;
  ASSERT_TRUE(smmu->map(bank, aligned, buffer, true));
  EXPECT_EQ(smmu->counters().table_pages, tables + 1) << "2 MiB leaves need a level 2 table only";
  ASSERT_TRUE(smmu->map(bank, iova, buffer, true));
  SocMemoryPort port(*memory, *smmu, kStream);
  const auto a = port.view(chip::Ram::kDram, iova.value, 6 * kMiB, chip::Access::kRead);
  const auto b = port.view(chip::Ram::kDram, aligned.value, 6 * kMiB, chip::Access::kRead);
  ASSERT_EQ(a.size(), 6 * kMiB);
  EXPECT_EQ(a.data(), b.data()) << "two IOVAs, the same physical pages";
  smmu->unmap(bank, aligned, 6 * kMiB);
  EXPECT_TRUE(port.view(chip::Ram::kDram, aligned.value, 1, chip::Access::kRead).empty());
  EXPECT_EQ(port.view(chip::Ram::kDram, iova.value, 1, chip::Access::kRead).size(), 1u);
}

TEST_F(SmmuTest, LeavesAreAsLargeAsBothSidesAllow) {
  const Allocation buffer = *memory->allocate(Pool::kContiguous, 2 * kMiB + 64 * 1024 + kPageBytes, kLargePageBytes);
  const Iova iova{0x4000'0000};
  ASSERT_TRUE(smmu->map(bank, iova, buffer, true));
  LeafCounts leaves = smmu->counters().leaves;
  EXPECT_EQ(leaves.large, 1u);
  EXPECT_EQ(leaves.medium, 1u);
  EXPECT_EQ(leaves.small, 1u);
  const Iova medium = iova + 2 * kMiB;
  EXPECT_EQ(smmu->translate(kStream, medium + 5 * kPageBytes, Direction::kRead)->run, 11 * kPageBytes);
  const SmmuCounters before = smmu->counters();
  for (uint64_t page = 0; page < 16; ++page) {
    ASSERT_TRUE(smmu->translate(kStream, medium + page * kPageBytes, Direction::kWrite));
  }
  EXPECT_EQ(smmu->counters().tlb_misses, before.tlb_misses) << "one entry serves the whole leaf";
  EXPECT_EQ(smmu->counters().tlb_hits, before.tlb_hits + 16);

  smmu->unmap(bank, medium + 3 * kPageBytes, kPageBytes);
  leaves = smmu->counters().leaves;
  EXPECT_EQ(leaves.medium, 0u);
  EXPECT_EQ(leaves.small, 16u) << "fifteen of the leaf that was split, and the last page";
  EXPECT_FALSE(smmu->probe(kStream, medium + 3 * kPageBytes, Direction::kRead));
  EXPECT_EQ(smmu->translate(kStream, medium + 4 * kPageBytes, Direction::kRead)->phys,
            buffer.extents[0].base + 2 * kMiB + 4 * kPageBytes);
  smmu->unmap(bank, iova, buffer.bytes);
  leaves = smmu->counters().leaves;
  EXPECT_EQ(leaves.small + leaves.medium + leaves.large, 0u);
}

TEST_F(SmmuTest, FaultsNameStreamIovaAndDirection) {
  const Allocation buffer = *memory->allocate(Pool::kContiguous, kPageBytes);
  const Iova iova{0x1000'0000};
  ASSERT_TRUE(smmu->map(bank, iova, buffer, false));
  SocMemoryPort port(*memory, *smmu, kStream);
  const std::vector<uint8_t> data(8);
  EXPECT_TRUE(port.view(chip::Ram::kDram, iova.value, 8, chip::Access::kWrite).empty());
  EXPECT_FALSE(smmu->take_fault(kStream)) << "a view only asks";

  const Status denied = port.write(chip::Ram::kDram, iova.value + 4, data);
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().message, "write at IOVA 0x10000004 on the DRAM port faulted");
  auto fault = smmu->take_fault(kStream);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, FaultKind::kPermission);
  EXPECT_EQ(fault->direction, Direction::kWrite);

  std::vector<uint8_t> out(8);
  EXPECT_FALSE(port.read(chip::Ram::kDram, iova.value + kPageBytes - 4, out));
  fault = smmu->take_fault(kStream);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, FaultKind::kTranslation);
  EXPECT_EQ(fault->iova, iova + kPageBytes);
  EXPECT_EQ(smmu->counters().faults, 2u);
  EXPECT_FALSE(port.read(chip::Ram::kDram, ~uint64_t{0} - 3, out)) << "the end of the address space";
}

TEST_F(SmmuTest, ThePortOfOneMemoryDoesNotReachTheOther) {
  const Allocation sram = *memory->allocate(Pool::kSram, kPageBytes);
  ASSERT_TRUE(smmu->map(bank, {0x1000'0000}, sram, true));
  SocMemoryPort port(*memory, *smmu, kStream);
  std::vector<uint8_t> out(8);
  EXPECT_TRUE(port.read(chip::Ram::kSram, 0x1000'0000, out));
  EXPECT_FALSE(port.read(chip::Ram::kDram, 0x1000'0000, out));
  EXPECT_TRUE(smmu->take_fault(kStream));
}

TEST_F(SmmuTest, ContextsDoNotSeeEachOther) {
  const Allocation buffer = *memory->allocate(Pool::kContiguous, kPageBytes);
  ASSERT_TRUE(smmu->map(bank, {0x1000'0000}, buffer, true));
  ASSERT_TRUE(smmu->translate(kStream, {0x1000'0000}, Direction::kRead));
  const BankId other = *smmu->create_bank();
  smmu->bind(kStream, other);
  EXPECT_FALSE(smmu->translate(kStream, {0x1000'0000}, Direction::kRead)) << "a TLB entry of another bank";
  smmu->bind(kStream, bank);
  EXPECT_TRUE(smmu->translate(kStream, {0x1000'0000}, Direction::kRead));
  smmu->destroy_bank(bank);
  EXPECT_FALSE(smmu->translate(kStream, {0x1000'0000}, Direction::kRead));
}

TEST_F(SmmuTest, DoubleMappingIsRefusedAndUndone) {
  const Allocation one = *memory->allocate(Pool::kContiguous, kPageBytes);
  const Allocation two = *memory->allocate(Pool::kContiguous, 2 * kPageBytes);
  ASSERT_TRUE(smmu->map(bank, {0x1000'1000}, one, true));
  EXPECT_EQ(smmu->map(bank, {0x1000'0000}, two, true).error().code, Code::kAlreadyExists);
  EXPECT_FALSE(smmu->translate(kStream, {0x1000'0000}, Direction::kRead))
      << "the half that fitted is gone again";
  EXPECT_TRUE(smmu->translate(kStream, {0x1000'1000}, Direction::kRead));
  EXPECT_FALSE(smmu->map(bank, {uint64_t{1} << 39}, one, true)) << "beyond the tables";
}

TEST_F(SmmuTest, TablesGoBackWithTheBank) {
  const uint64_t before = memory->stats(Pool::kPages).free;
  const BankId other = *smmu->create_bank();
  const Allocation buffer = *memory->allocate(Pool::kContiguous, 4 * kMiB);
  ASSERT_TRUE(smmu->map(other, {0x7000'1000}, buffer, true));
  EXPECT_LT(memory->stats(Pool::kPages).free, before);
  smmu->destroy_bank(other);
  EXPECT_EQ(memory->stats(Pool::kPages).free, before);
}

}  // namespace
}  // namespace medlar::soc
