// SPDX-License-Identifier: Apache-2.0
// New strides reach the descriptors through the relocations of NVIDIA's compiler.
#include "loadable/relocate.hpp"

#include "loadable/corpus.hpp"
#include "loadable/emu.hpp"
#include "loadable/task_view.hpp"
#include "loadable/upgrade.hpp"

#include <gtest/gtest.h>

namespace medlar::loadable {
namespace {

TEST(Relocate, StridesReachCubesAndEmuBuffers) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  auto l = read(files.at("lenet"), "lenet").value();
  ASSERT_TRUE(set_strides(l, 0, {.line = 1024, .surface = 1024 * 28}));
  ASSERT_TRUE(set_strides(l, 1, {.line = 64, .surface = 128}));
  const auto conv = load_le<hw::ConvSurface>(dla_task(l, 0).value().surface(0).data());
  EXPECT_EQ(uint32_t{conv.src_data.line_stride}, 1024u);
  EXPECT_EQ(uint32_t{conv.src_data.surf_stride}, 1024u * 28);
  EXPECT_EQ(int16_t{conv.src_data.address}, 3);
  EXPECT_EQ(decode_emu_task(l, 1).value().at(0).dst.line_stride, 64u);
  EXPECT_EQ(decode_emu_task(l, 1).value().at(0).dst.surf_stride, 128u);
  EXPECT_EQ(l.tensors[0].size, 1024u * 28);
  EXPECT_EQ(l.memories[l.tensors[0].memory].size, 1024u * 28);
  EXPECT_EQ(l.tensors[1].strides[2], 128u);
}

TEST(Relocate, ShortStridesAreRefused) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  auto l = read(files.at("lenet"), "lenet").value();
  const Loadable before = l;
  EXPECT_EQ(set_strides(l, 0, {.line = 800, .surface = 40000}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(set_strides(l, 0, {.line = 1024, .surface = 1024}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(set_strides(l, 9, {}).error().code, Code::kOutOfRange);
  EXPECT_EQ(l, before);
}

}  // namespace
}  // namespace medlar::loadable
