// SPDX-License-Identifier: Apache-2.0
// Conversion of constants to double and int64.
#include <cmath>
#include <limits>

#include "graph/graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medlar::graph {
namespace {

using testing::ElementsAre;

TEST(Tensor, HalvesIncludingSubnormalsAndInfinity) {
  const auto half = make_tensor<uint16_t>(DataType::kFloat16, {6}, {0x3c00, 0xc000, 0x0001, 0x7bff, 0xfc00, 0x8000});
  const auto values = to_doubles(half);
  ASSERT_TRUE(values);
  EXPECT_THAT(*values, ElementsAre(1.0, -2.0, std::ldexp(1.0, -24), 65504.0,
                                   -std::numeric_limits<double>::infinity(), 0.0));
  EXPECT_TRUE(std::signbit((*values)[5]));
  const auto nan = to_doubles(make_tensor<uint16_t>(DataType::kFloat16, {}, {0x7e00}));
  EXPECT_TRUE(std::isnan((*nan)[0]));
}

TEST(Tensor, EveryBfloat16IsTheTopOfAFloat) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto value = to_doubles(make_tensor<uint16_t>(DataType::kBfloat16, {}, {static_cast<uint16_t>(bits)}));
    const auto expected = static_cast<double>(std::bit_cast<float>(bits << 16));
    ASSERT_TRUE((*value)[0] == expected || (std::isnan((*value)[0]) && std::isnan(expected))) << bits;
  }
}

TEST(Tensor, IntegersSaturate) {
  constexpr auto kMax = std::numeric_limits<int64_t>::max();
  constexpr auto kMin = std::numeric_limits<int64_t>::min();
  const auto big = to_ints(make_tensor<uint64_t>(DataType::kUint64, {2}, {~uint64_t{0}, 7}));
  EXPECT_THAT(*big, ElementsAre(kMax, 7));
  const float inf = std::numeric_limits<float>::infinity();
  const auto floats = to_ints(make_tensor<float>(DataType::kFloat32, {4}, {inf, -inf, std::nanf(""), -2.75f}));
  EXPECT_THAT(*floats, ElementsAre(kMax, kMin, 0, -2));
}

TEST(Tensor, FourBitElementsUnpackLowHalfFirst) {
  const Tensor packed{DataType::kInt4, {3}, {0xf1, 0x08}, {}};
  EXPECT_THAT(*to_ints(packed), ElementsAre(1, -1, -8));
  const Tensor unsigned_packed{DataType::kUint4, {3}, {0xf1, 0x08}, {}};
  EXPECT_THAT(*to_doubles(unsigned_packed), ElementsAre(1.0, 15.0, 8.0));
}

TEST(Tensor, WrongSizesAndStringsHaveNoNumbers) {
  EXPECT_EQ(to_ints(Tensor{DataType::kInt32, {2}, {1, 0, 0, 0}, {}}), std::nullopt);
  EXPECT_EQ(to_doubles(Tensor{DataType::kString, {1}, {}, {"a"}}), std::nullopt);
  EXPECT_EQ(to_doubles(Tensor{DataType::kInt32, {kUnknownDim}, {}, {}}), std::nullopt);
}

}  // namespace
}  // namespace medlar::graph
