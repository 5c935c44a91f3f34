// SPDX-License-Identifier: Apache-2.0
// Which layers leave INT8: by error, by time, and never without what reads them.
#include "host/half_choice.hpp"

#include <gtest/gtest.h>

namespace medlar::test {
namespace {

using compiler::StoredTensor;
using Chosen = std::vector<size_t>;

/// A chain of layers of equal work.
std::vector<StoredTensor> chain(size_t count) {
  std::vector<StoredTensor> stored;
  for (size_t i = 0; i < count; ++i) {
    stored.push_back({"t" + std::to_string(i),
                      {},
                      i + 1 < count ? std::vector<size_t>{i + 1} : std::vector<size_t>{},
                      2048 * 1000,
                      1000});
  }
  return stored;
}

TEST(HalfChoice, NothingLeavesWithinTheBudget) {
  const auto stored = chain(4);
  EXPECT_EQ(host::choose_half({stored, {1e-4, 1e-4, 1e-4, 1e-4}, {0, 0, 0, 0}, 0.021, 1.0}), Chosen());
}

TEST(HalfChoice, TakesTheReaderAlong) {
  const auto stored = chain(5);
  EXPECT_EQ(host::choose_half({stored, {1e-6, 1e-2, 1e-6, 1e-6, 1e-6}, {0, 0, 0, 0, 0}, 0.01, 4.0}),
            (Chosen{1, 2}));
}

TEST(HalfChoice, AnOutputNeedsItsOwnLayerAlone) {
  const auto stored = chain(3);
  EXPECT_EQ(host::choose_half({stored, {1e-6, 1e-6, 1e-2}, {0, 0, 0}, 0.01, 4.0}), Chosen{2});
}

TEST(HalfChoice, WeightsNeedTheirOwnLayerAlone) {
  const auto stored = chain(3);
  EXPECT_EQ(host::choose_half({stored, {1e-6, 1e-6, 1e-6}, {0, 1e-2, 0}, 0.01, 4.0}), Chosen{1});
}

TEST(HalfChoice, PrefersMoreErrorForTheTime) {
  auto stored = chain(6);
  stored[1].macs *= 100;
  EXPECT_EQ(host::choose_half({stored, {0, 2e-3, 0, 0, 1e-3, 0}, {0, 0, 0, 0, 0, 0}, 0.05, 1.0}),
            (Chosen{4, 5}));
}

/// Conversions cost more than the layers, so that no part may leave INT8 in the time; all may.
TEST(HalfChoice, WhatWouldBeWorthlessLeavesAsAWhole) {
  auto stored = chain(4);
  for (StoredTensor& tensor : stored) {
    tensor.macs = 0;
  }
  const auto choice = [&](double each) {
    return host::choose_half({stored, std::vector<double>(4, each), std::vector<double>(4, 0.0), 0.05, 1.0});
  };
  EXPECT_EQ(choice(0.09).size(), 4U);
  EXPECT_LT(choice(0.0009).size(), 4U) << "0.06 of 0.05 is no reason to give up INT8's speed";
}

TEST(HalfChoice, StopsAtTheDelay) {
  const auto stored = chain(8);
  const std::vector<double> rounding(8, 1e-2);
  EXPECT_EQ(host::choose_half({stored, rounding, std::vector<double>(8, 0.0), 1e-6, 0.0}), Chosen());
  const auto some = host::choose_half({stored, rounding, std::vector<double>(8, 0.0), 1e-6, 0.6});
  EXPECT_FALSE(some.empty());
  EXPECT_LT(some.size(), 8u);
  EXPECT_EQ(host::choose_half({stored, rounding, std::vector<double>(8, 0.0), 1e-6, 2.0}).size(), 8u);
}

}  // namespace
}  // namespace medlar::test
