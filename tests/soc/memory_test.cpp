// SPDX-License-Identifier: Apache-2.0
// The memories of the profiles, power domains and the register bus.
#include "soc/soc.hpp"

#include <gtest/gtest.h>

namespace medlar::soc {
namespace {

constexpr uint64_t kMiB = 1u << 20;

const Memory::Region* find(const Memory& memory, std::string_view name) {
  for (const Memory::Region& region : memory.regions()) {
    if (region.name == name) {
      return &region;
    }
  }
  return nullptr;
}

std::unique_ptr<Soc> module_of(std::string_view profile) {
  return Soc::create(SocConfig::of(**hw::find_device(profile))).value();
}

TEST(Module, DramIsSharedOutAsTheProfileSays) {
  for (const hw::DeviceProfile& device : hw::devices()) {
    const auto soc = module_of(device.name);
    Memory& memory = soc->memory();
    for (const hw::CarveOut& carve_out : device.platform->carve_outs) {
      const Memory::Region* region = find(memory, carve_out.name);
      ASSERT_NE(region, nullptr) << device.name << " " << carve_out.name;
      EXPECT_EQ(region->extent.bytes, carve_out.bytes);
      EXPECT_TRUE(memory.bytes(region->extent.base, 1).empty()) << "not ours to touch";
    }
    const Memory::Region* os = find(memory, "os");
    ASSERT_NE(os, nullptr) << device.name;
    EXPECT_EQ(os->extent.bytes, device.os_bytes);
    EXPECT_TRUE(memory.bytes(os->extent.base, 1).empty()) << "the operating system's own";
    EXPECT_EQ(memory.stats(Pool::kCuda).total, device.cuda_bytes);
  }
}

TEST(Module, GpuAllocationsComeFromTheirShare) {
  const auto soc = module_of("orin-nano-8gb");
  const Memory::Region* cuda = find(soc->memory(), "cuda");
  const Allocation pages = *soc->memory().allocate(Pool::kCuda, 3 * kPageBytes);
  EXPECT_EQ(pages.extents.front().base, cuda->extent.base);
  const auto refused = soc->memory().allocate(Pool::kCuda, cuda->extent.bytes);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("CUDA share"), std::string::npos);
  soc->memory().release(pages);
}

TEST(Module, SramIsPerCoreOrSharedAsTheProfileSays) {
  const auto orin = module_of("orin-nx-16gb");
  EXPECT_EQ(orin->memory().sram_banks(), 2u);
  const Allocation first = *orin->memory().allocate(Pool::kSram, kMiB, kPageBytes, 0);
  EXPECT_FALSE(orin->memory().allocate(Pool::kSram, kPageBytes, kPageBytes, 0)) << "bank 0 is full";
  const Allocation second = *orin->memory().allocate(Pool::kSram, kMiB, kPageBytes, 1);
  orin->memory().bytes(first.extents[0].base, 1)[0] = 1;
  EXPECT_EQ(orin->memory().bytes(second.extents[0].base, 1)[0], 0) << "another memory";
  const auto xavier = module_of("agx-xavier");
  EXPECT_EQ(xavier->memory().sram_banks(), 1u);
  EXPECT_EQ(xavier->memory().stats(Pool::kSram).total, 4 * kMiB);
}

TEST(Module, StatisticsTellFragmentationAndHistory) {
  const auto soc = module_of("nvdla-nv_small");
  Memory& memory = soc->memory();
  const uint64_t total = memory.stats(Pool::kContiguous).total;
  const Allocation a = *memory.allocate(Pool::kContiguous, kMiB);
  const Allocation b = *memory.allocate(Pool::kContiguous, kMiB);
  memory.release(a);
  const ExtentStats stats = memory.stats(Pool::kContiguous);
  EXPECT_EQ(stats.most_used, 2 * kMiB);
  EXPECT_EQ(stats.free, total - kMiB);
  EXPECT_GT(stats.fragmentation(), 0.0);
  EXPECT_EQ(stats.free_runs[8], 1u) << "256 pages";
  EXPECT_FALSE(memory.allocate(Pool::kContiguous, total));
  EXPECT_EQ(memory.stats(Pool::kContiguous).failures, 1u);
  memory.release(b);
}

TEST(Module, RegistersNeedPowerClockAndADevice) {
  const auto soc = module_of("orin-nx-16gb");
  const uint64_t version = soc->base_of(1);
  const auto off = soc->bus().read(version);
  ASSERT_FALSE(off);
  EXPECT_EQ(off.error().message, "register read at 0x158c0000 while domain dlab is power-gated");
  soc->power(1).set(PowerState::kGated, 10);
  EXPECT_NE(soc->bus().write(version, 0).error().message.find("clock-gated"), std::string::npos);
  soc->power(1).set(PowerState::kOn, 30);
  EXPECT_TRUE(soc->bus().read(version));
  EXPECT_FALSE(soc->bus().read(soc->base_of(0))) << "the other core's domain is its own";
  EXPECT_EQ(soc->bus().read(0x1000).error().message, "register read at 0x1000: no device answers");
  const PowerStats stats = soc->power(1).stats(100);
  EXPECT_EQ(stats.power_ups, 1u);
  EXPECT_EQ(stats.clock_enables, 1u);
  EXPECT_EQ(stats.residency_ns, (std::array<uint64_t, kPowerStates>{10, 20, 70}));
}

TEST(Module, PowerModesAreTheProfiles) {
  const auto soc = module_of("agx-orin-64gb");
  EXPECT_EQ(soc->mode().name, "30W");
  ASSERT_TRUE(soc->set_mode("15W"));
  EXPECT_EQ(soc->mode().dla_hz, 614'400'000u);
  EXPECT_NE(soc->set_mode("99W").error().message.find("known are 15W"), std::string::npos);
}

}  // namespace
}  // namespace medlar::soc
