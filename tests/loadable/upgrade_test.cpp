// SPDX-License-Identifier: Apache-2.0
// Old descriptor layouts become the current one, with the same meaning.
#include "loadable/upgrade.hpp"

#include "loadable/corpus.hpp"
#include "loadable/emu.hpp"
#include "loadable/task_view.hpp"
#include "support/test_data.hpp"

#include <gtest/gtest.h>

namespace medlar::loadable {
namespace {

Result<Loadable> official(const std::map<std::string, ByteBuffer>& files, const std::string& name) {
  return read(files.at(name), name);
}

TEST(Upgrade, EveryRegressionFileBecomesCurrent) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  for (const auto& [name, bytes] : files) {
    auto loadable = read(bytes, name);
    ASSERT_TRUE(loadable) << loadable.error().to_string();
    const Loadable before = *loadable;
    const auto current = upgrade(std::move(*loadable));
    ASSERT_TRUE(current) << name << ": " << current.error().to_string();
    EXPECT_FALSE(needs_upgrade(*current).value()) << name;
    EXPECT_EQ(upgrade(*current).value(), *current) << name;
    if (!needs_upgrade(before).value()) {
      EXPECT_EQ(*current, before) << name;
    }
    const auto again = read(write(*current), name);
    ASSERT_TRUE(again) << again.error().to_string();
    EXPECT_EQ(*again, *current) << name;
  }
}

TEST(Upgrade, CubesKeepTheirFields) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  const auto old = official(files, "CONV_D_L0_0");
  ASSERT_TRUE(old) << old.error().to_string();
  const auto current = upgrade(*old);
  ASSERT_TRUE(current) << current.error().to_string();
  const auto old_view = dla_task(*old, 0).value();
  const auto view = dla_task(*current, 0).value();
  EXPECT_EQ(view.version, kDlaVersion);
  const auto before = load_le<hw::ConvSurfaceV11>(old_view.surface(0).data());
  const auto after = load_le<hw::ConvSurface>(view.surface(0).data());
  EXPECT_EQ(after.src_data.width, 8);
  EXPECT_EQ(after.src_data.channel, 128);
  EXPECT_EQ(after.src_data.address, before.src_data.address);
  EXPECT_EQ(uint32_t{after.src_data.line_stride}, uint32_t{before.src_data.line_stride});
  EXPECT_EQ(uint32_t{after.src_data.offset}, 0u);
  EXPECT_EQ(uint32_t{after.weight_data.size}, uint32_t{before.weight_data.size});
  EXPECT_EQ(after.dst_data.type, NVDLA_MEM_TYPE_HW);
}

TEST(Upgrade, BdmaTransfersStay) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  const auto old = official(files, "BDMA_L0_0");
  ASSERT_TRUE(old);
  const auto current = upgrade(*old);
  ASSERT_TRUE(current) << current.error().to_string();
  const auto surface = load_le<hw::BdmaSurface>(dla_task(*current, 0).value().surface(0).data());
  EXPECT_EQ(surface.num_transfers, 1);
  EXPECT_EQ(surface.transfers[0].line_size, 256u);
  EXPECT_EQ(surface.transfers[0].line_repeat, 8u);
}

TEST(Upgrade, MnistEmuTasksAndRelocations) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  const auto old = official(files, "NN_L0_0");
  ASSERT_TRUE(old);
  const auto current = upgrade(*old);
  ASSERT_TRUE(current) << current.error().to_string();
  const auto scale = decode_emu_task(*current, 0);
  ASSERT_TRUE(scale) << scale.error().to_string();
  ASSERT_EQ(scale->size(), 1u);
  EXPECT_EQ(std::get<EmuPower>(scale->at(0).body), (EmuPower{1, 1, 0}));
  EXPECT_EQ(scale->at(0).src.format, EmuFormat::kFp16);
  EXPECT_EQ(scale->at(0).src.line_stride, 896u);
  EXPECT_EQ(scale->at(0).src.surf_stride, 25088u);
  const auto softmax = decode_emu_task(*current, 2);
  ASSERT_TRUE(softmax) << softmax.error().to_string();
  EXPECT_EQ(std::get<EmuSoftmax>(softmax->at(0).body).axis, 1);
  EXPECT_EQ(softmax->at(0).dst.channel, 10);
  ASSERT_EQ(current->relocs.size(), 4u);
  EXPECT_EQ(current->relocs[0].offset, 18u);
  EXPECT_EQ(current->relocs[1].offset, 22u);
  EXPECT_EQ(current->relocs[2].offset, 274u);
  EXPECT_EQ(current->relocs[3].offset, 278u);
}

TEST(Upgrade, MovesSurfaceRelocationsWithTheirWord) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  auto old = official(files, "CONV_D_L0_0");
  ASSERT_TRUE(old);
  const uint16_t surfaces = dla_task(*old, 0).value().surf_list.memory;
  // Line stride of the CONV's source and surface stride of the SDP's destination, in 28-byte cubes.
  old->relocs = {{.address = 4, .write_id = surfaces, .offset = 84 + 16, .sub_interface = kSubSurfs},
                 {.address = 6, .write_id = surfaces, .offset = 644 + 112 + 20, .sub_interface = kSubSurfs}};
  const auto current = upgrade(*old);
  ASSERT_TRUE(current) << current.error().to_string();
  EXPECT_EQ(current->relocs[0].offset, 96u + 20);
  EXPECT_EQ(current->relocs[1].offset, 644u + 128 + 24);
}

}  // namespace
}  // namespace medlar::loadable
