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
