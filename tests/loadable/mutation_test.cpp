// SPDX-License-Identifier: Apache-2.0
// Damaged files: an error or a loadable that verifies, never a crash (run under ASan and UBSan).
#include "loadable/corpus.hpp"
#include "loadable/emu.hpp"
#include "loadable/loadable.hpp"
#include "loadable/upgrade.hpp"
#include "support/test_data.hpp"

#include <random>

#include <gtest/gtest.h>

namespace medlar::loadable {
namespace {

constexpr int kMutationsPerFile = 250;
constexpr size_t kLargeFile = 100'000;  // Mutate the big ones less often: they are mostly weights.

/// Always the same damage, unless --gtest_random_seed asks for other.
uint32_t seed() {
  return 20260729u + static_cast<uint32_t>(testing::UnitTest::GetInstance()->random_seed());
}

/// A loadable without its weights: what matters here is structure, and small files mutate faster.
ByteBuffer without_weights(const Loadable& l) {
  Loadable small = l;
  for (Blob& blob : small.blobs) {
    if (blob.interface == Interface::kNone && blob.name.starts_with("tb-")) {
      blob.data.resize(std::min<size_t>(blob.data.size(), 8));
    }
  }
  return write(small);
}

void mutate(ByteBuffer& bytes, std::mt19937& random) {
  const auto pick = [&](size_t n) { return static_cast<size_t>(random() % n); };
  switch (pick(4)) {
    case 0:
      bytes.resize(pick(bytes.size()));
      break;
    case 1:
      bytes[pick(bytes.size())] ^= static_cast<uint8_t>(1u << pick(8));
      break;
    case 2:
      bytes[pick(bytes.size())] = static_cast<uint8_t>(random());
      break;
    default:
      for (int i = 0; i < 8; ++i) {
        const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
        bytes[pick(bytes.size())] = values[pick(5)];
      }
  }
}

TEST(Mutation, DamagedFilesAreErrorsOrValid) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  std::mt19937 random(seed());
  int refused = 0, accepted = 0;
  for (const auto& [name, bytes] : files) {
    const auto original = read(bytes, name);
    ASSERT_TRUE(original);
    const ByteBuffer base = bytes.size() > kLargeFile ? without_weights(*original) : bytes;
    for (int i = 0; i < kMutationsPerFile; ++i) {
      ByteBuffer damaged = base;
      mutate(damaged, random);
      auto result = read(damaged, name);
      if (!result) {
        EXPECT_FALSE(result.error().message.empty());
        ++refused;
        continue;
      }
      ++accepted;
      EXPECT_TRUE(verify(*result));
      if (i % 8 == 0) {
        EXPECT_FALSE(to_text(*result).empty());
      }
      auto current = upgrade(*std::move(result));
      if (current) {
        EXPECT_TRUE(verify(*current)) << name;
      }
    }
  }
  EXPECT_GT(refused, 1000);
  EXPECT_GT(accepted, 1000);
}

/// Bytes of descriptors change, the container stays sound: verify() has to see what is wrong inside.
TEST(Mutation, DamagedDescriptorsAreErrorsOrValid) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  std::mt19937 random(seed());
  int refused = 0;
  for (const auto& [name, bytes] : files) {
    const auto original = read(bytes, name);
    ASSERT_TRUE(original);
    std::vector<size_t> descriptors;
    for (size_t i = 0; i < original->blobs.size(); ++i) {
      if (original->blobs[i].sub_interface != 0 || original->blobs[i].interface != Interface::kNone) {
        descriptors.push_back(i);
      }
    }
    for (int i = 0; i < kMutationsPerFile; ++i) {
      Loadable damaged = *original;
      ByteBuffer& data = damaged.blobs[descriptors[random() % descriptors.size()]].data;
      mutate(data, random);
      const bool valid = verify(damaged).has_value();
      refused += valid ? 0 : 1;
      if (i % 8 == 0) {
        EXPECT_FALSE(to_text(damaged).empty());
      }
      const auto current = upgrade(std::move(damaged));
      if (current) {
        EXPECT_EQ(verify(*current).has_value(), valid) << name;
        for (size_t task = 0; task < current->tasks.size(); ++task) {
          static_cast<void>(decode_emu_task(*current, task));
        }
      }
    }
  }
  EXPECT_GT(refused, 500);
}

TEST(Mutation, EveryTruncationIsRefused) {
  MEDLAR_OFFICIAL_LOADABLES(files);
  const ByteBuffer bytes = files.at("BDMA_L0_0");
  for (size_t size = 0; size + 64 < bytes.size(); size += 7) {
    EXPECT_FALSE(read(ByteView(bytes).first(size), "cut")) << size;
  }
}

}  // namespace
}  // namespace medlar::loadable
