// SPDX-License-Identifier: Apache-2.0
// EMU records: decode of official files, encode and decode agree.
#include "loadable/emu.hpp"

#include "loadable/builder.hpp"
#include "loadable/corpus.hpp"
#include "support/test_data.hpp"

#include <gtest/gtest.h>

namespace medlar::loadable {
namespace {

TEST(Emu, DecodesTheOfficialSoftmax) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  const auto l = read(files.at("lenet"), "lenet");
  ASSERT_TRUE(l);
  const auto ops = decode_emu_task(*l, 1);
  ASSERT_TRUE(ops) << ops.error().to_string();
  ASSERT_EQ(ops->size(), 1u);
  const EmuOp& op = ops->front();
  EXPECT_EQ(std::get<EmuSoftmax>(op.body).axis, 1);
  EXPECT_EQ(op.src, (EmuBuffer{.address = 2,
                               .offset = 90112,
                               .size = 32,
                               .format = EmuFormat::kFp16,
                               .width = 1,
                               .height = 1,
                               .channel = 10,
                               .line_stride = 32,
                               .surf_stride = 32}));
  EXPECT_EQ(op.dst.address, 4);
}

TEST(Emu, EncodeIsTheInverseOfDecode) {
  const EmuBuffer src{.address = 1,
                      .offset = 64,
                      .size = 256,
                      .format = EmuFormat::kInt8,
                      .width = 2,
                      .height = 4,
                      .channel = 32,
                      .line_stride = 64,
                      .surf_stride = 256};
  EmuBuffer dst = src;
  dst.address = 2;
  const std::vector<EmuOp> ops = {
      {.body = EmuPower{2, 0.5f, -1}, .input_scale = 0.25f, .output_scale = 3, .src = src, .dst = dst},
      {.body = EmuSoftmax{1}, .src = src, .dst = dst}};
  const EmuBytes bytes = encode_emu_ops(ops);
  Description d;
  d.inputs = {{{.name = "in", .c = 32, .h = 4, .w = 2}, 512}};
  d.outputs = {{{.name = "out", .c = 32, .h = 4, .w = 2}, 512}};
  d.tasks = {EmuTask{.num_operations = 2, .op_list = bytes.op_list, .op_buf_list = bytes.op_buf_list}};
  const auto built = build(d);
  ASSERT_TRUE(built) << built.error().to_string();
  EXPECT_EQ(decode_emu_task(*built, 0).value(), ops);
  EXPECT_EQ(built->relocs.size(), 8u);
  EXPECT_EQ(built->relocs[0].offset, 18u);
}

}  // namespace
}  // namespace medlar::loadable
