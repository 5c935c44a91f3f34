// SPDX-License-Identifier: Apache-2.0
// The same layers that NVIDIA's compiler cut for nv_full: our descriptors agree on banks, entries, strides and sizes.
#include <cstring>

#include <gtest/gtest.h>

#include "loadable/corpus.hpp"
#include "back_checker.hpp"
#include "back_graphs.hpp"

namespace medlar::compiler::test {
namespace {

struct Official {
  hw::ConvOp op{};
  hw::DataCube src{}, dst{}, weights{};
};

/// A graph of that one convolution.
HwGraph rebuild(const Official& o) {
  GraphMaker m(static_cast<hw::Precision>(o.op.in_precision));
  const TensorId in = m.tensor(o.src.width, o.src.height, o.src.channel, TensorRole::kInput);
  const TensorId out = m.tensor(o.dst.width, o.dst.height, o.dst.channel, TensorRole::kOutput);
  HwOp& op = m.conv(in, out, {.r = o.op.kernel_height_csc, .s = o.op.kernel_width_csc, .stride = o.op.conv_stride_x,
                              .dilation = o.op.dilation_x});
  auto& conv = std::get<ConvOp>(op.body);
  conv.stride_y = o.op.conv_stride_y;
  conv.pad_left = o.op.pad_x_left;
  conv.pad_right = o.op.pad_x_right;
  conv.pad_top = o.op.pad_y_top;
  conv.pad_bottom = o.op.pad_y_bottom;
  return m.graph;
}

void compare(const Official& o) {
  const auto d = emit_and_check(rebuild(o), config_named("nv_full"));
  ASSERT_TRUE(d);
  ASSERT_EQ(d->ops.size(), 2U);
  const hw::ConvOp& ours = d->ops[0].op.conv_op;
  EXPECT_EQ(ours.entry_per_slice, o.op.entry_per_slice);
  EXPECT_EQ(ours.data_bank, o.op.data_bank);
  EXPECT_EQ(ours.weight_bank, o.op.weight_bank);
  EXPECT_EQ(ours.bytes_per_kernel, o.op.bytes_per_kernel);
  EXPECT_EQ(ours.release, o.op.release);
  EXPECT_EQ(ours.fetch_grain, o.op.fetch_grain);
  EXPECT_EQ(ours.input_width_cmac, o.op.input_width_cmac);
  EXPECT_EQ(ours.kernel_channel_csc, o.op.kernel_channel_csc);
  EXPECT_EQ(ours.conv_mode, o.op.conv_mode);
  EXPECT_EQ(ours.out_cvt.scale, o.op.out_cvt.scale);
  const hw::DataCube src = d->ops[0].surface.conv_surface.src_data;
  const hw::DataCube dst = d->ops[0].surface.conv_surface.dst_data;
  const hw::DataCube weights = d->ops[0].surface.conv_surface.weight_data;
  EXPECT_EQ(src.line_stride, o.src.line_stride);
  EXPECT_EQ(src.surf_stride, o.src.surf_stride);
  EXPECT_EQ(src.size, o.src.size);
  EXPECT_EQ(dst.line_stride, o.dst.line_stride);
  EXPECT_EQ(dst.surf_stride, o.dst.surf_stride);
  EXPECT_EQ(weights.size, o.weights.size);
  EXPECT_EQ(weights.width, o.weights.width);
  EXPECT_EQ(weights.channel, o.weights.channel);
}

TEST(BackOfficial, SingleTileConvolutionsAgree) {
  MEDLAR_REFERENCE_DATA(archive, "nvdla/loadables_fp16.tar.xz");
  const auto files = medlar::test::read_archive(archive);
  ASSERT_TRUE(files);
  int compared = 0;
  for (const auto& [path, bytes] : *files) {
    if (!path.ends_with(".nvdla")) {
      continue;
    }
    const auto l = loadable::read(bytes, path);
    ASSERT_TRUE(l) << l.error().to_string();
    for (size_t t = 0; t < l->tasks.size(); ++t) {
      const auto task = loadable::dla_task(*l, t);
      for (uint32_t i = 0; task && i < task->records; ++i) {
        const hw::OpContainer body = task->op_body(i);
        if (task->op(i).op_type != NVDLA_OP_TYPE_CONV || body.conv_op.data_format != NVDLA_DATA_FORMAT_FEATURE) {
          continue;
        }
        SCOPED_TRACE(path + " operation " + std::to_string(i));
        hw::SurfaceContainer surface{};
        std::memcpy(&surface, task->surface(i).data(), sizeof(surface));
        compare({body.conv_op, surface.conv_surface.src_data, surface.conv_surface.dst_data, surface.conv_surface.weight_data});
        ++compared;
      }
    }
  }
  EXPECT_GE(compared, 20);
}

}  // namespace
}  // namespace medlar::compiler::test
