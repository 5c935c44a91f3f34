// SPDX-License-Identifier: Apache-2.0
#include "base/status.hpp"

#include "base/checked.hpp"
#include "support/test_data.hpp"

namespace medlar {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) {
    return fail(Code::kInvalidArgument, "{} is odd", value);
  }
  return value / 2;
}

Result<int> quarter(int value) {
  MEDLAR_ASSIGN(int halved, half(value));
  return half(halved);
}

TEST(Status, AssignPassesTheErrorUp) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().to_string(), "invalid argument: 3 is odd");
}

TEST(Status, ContextComesInFront) {
  Error error{Code::kCorrupt, "bad length 7"};
  EXPECT_EQ(std::move(error).in("a.onnx").to_string(), "corrupt: a.onnx: bad length 7");
}

TEST(Checked, RangeInsideDoesNotOverflow) {
  EXPECT_TRUE(range_inside(0, 8, 8));
  EXPECT_FALSE(range_inside(1, 8, 8));
  EXPECT_FALSE(range_inside(UINT64_MAX, 2, 8));
  EXPECT_FALSE(range_inside(2, UINT64_MAX, 8));
  EXPECT_FALSE(checked_mul<uint32_t>(1u << 31, 2u).has_value());
}

}  // namespace
}  // namespace medlar
