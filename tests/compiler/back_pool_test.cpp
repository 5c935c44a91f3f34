// SPDX-License-Identifier: Apache-2.0
// Pooling through the back half: descriptor fields, padding values, width splits of the line buffer.
#include <gtest/gtest.h>

#include "back_checker.hpp"
#include "back_graphs.hpp"

namespace medlar::compiler::test {
namespace {

using hw::Precision;

HwGraph single_pool(Precision precision, int w, PoolOp pool) {
  GraphMaker m(precision);
  const TensorId in = m.tensor(w, 16, 24, TensorRole::kInput);
  const TensorId dst = m.pool_to(in, pool.mode, pool.kernel_w, pool.stride_x, pool.pad_left, TensorRole::kOutput);
  std::get<PoolOp>(m.graph.ops[0].body).pad_value = pool.pad_value;
  (void)dst;
  return m.graph;
}

TEST(BackPool, FieldsAndPaddingValues) {
  const auto d = emit_and_check(single_pool(Precision::kInt8, 16, {.mode = PoolMode::kAverage, .kernel_w = 3, .stride_x = 2,
                                                                   .pad_left = 1, .pad_value = -5}),
                                config_named("nv_small"));
  ASSERT_TRUE(d);
  ASSERT_EQ(d->ops.size(), 1U);
  const hw::PdpOp& op = d->ops[0].op.pdp_op;
  EXPECT_EQ(op.split_num, 1);
  EXPECT_EQ(op.pool_mode, NVDLA_POOL_MODE_AVG);
  EXPECT_EQ(op.pool_width, 2);
  EXPECT_EQ(op.stride_x, 2);
  EXPECT_EQ(op.pad_left, 1);
  EXPECT_EQ(op.pad_right, 0);  // 8 outputs of stride 2 end at column 15.
  EXPECT_EQ(op.pad_bottom, 0);
  EXPECT_EQ(op.padding_value[0], -5);
  EXPECT_EQ(op.padding_value[6], -35);
  EXPECT_EQ(op.partial_width_first, 0);
}

TEST(BackPool, HardwareSplitCoversTheRow) {
  // Line buffer: 7168*8 / (lines * group * bits) outputs; 3x3 stride 2 has 2 lines open.
  const auto d = emit_and_check(single_pool(Precision::kInt8, 1001, {.mode = PoolMode::kMax, .kernel_w = 3, .stride_x = 2, .pad_left = 1}),
                                config_named("nv_full"));
  ASSERT_TRUE(d);
  const hw::PdpOp& op = d->ops[0].op.pdp_op;
  const int widest = 7168 * 8 / (2 * 32 * 14);
  EXPECT_EQ(op.split_num, (501 + widest - 1) / widest);
  EXPECT_EQ(op.partial_width_first, widest);
  EXPECT_EQ(op.partial_width_first + (op.split_num - 2) * op.partial_width_mid + op.partial_width_last, 501);
  EXPECT_EQ(op.partial_in_width_first + (op.split_num - 2) * op.partial_in_width_mid + op.partial_in_width_last, 1001);
}

TEST(BackPool, GapsBetweenWindowsBecomeBands) {
  const auto d = emit_and_check(single_pool(Precision::kInt8, 1001, {.mode = PoolMode::kMax, .kernel_w = 1, .stride_x = 2}),
                                config_named("nv_full"));
  ASSERT_TRUE(d);
  EXPECT_GT(d->ops.size(), 1U);
  EXPECT_EQ(d->ops[0].op.pdp_op.split_num, 1);
}

TEST(BackPool, EveryWindowAndStride) {
  for (const char* name : {"nv_small", "nv_full"}) {
    for (int kernel = 1; kernel <= 8; ++kernel) {
      for (int stride = 1; stride <= 8; ++stride) {
        SCOPED_TRACE(std::to_string(kernel) + " stride " + std::to_string(stride));
        ASSERT_TRUE(emit_and_check(single_pool(Precision::kInt8, 333, {.mode = PoolMode::kMax, .kernel_w = kernel,
                                                                       .stride_x = stride, .pad_left = kernel / 2}),
                                   config_named(name)));
      }
    }
  }
}

}  // namespace
}  // namespace medlar::compiler::test
