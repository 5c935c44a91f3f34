// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.hpp"

#include "base/hash.hpp"
#include "support/test_data.hpp"

namespace medlar {
namespace {

TEST(ByteReader, StopsAtTheEnd) {
  const ByteBuffer bytes{1, 0, 0, 0, 9};
  ByteReader reader(bytes, "x.bin");
  EXPECT_EQ(*reader.read<uint32_t>(), 1u);
  const Result<uint16_t> truncated = reader.read<uint16_t>();
  ASSERT_FALSE(truncated);
  EXPECT_EQ(truncated.error().message, "x.bin: truncated: 2 bytes wanted at offset 4, 1 left");
  EXPECT_EQ(*reader.read<uint8_t>(), 9u);
  EXPECT_FALSE(reader.seek(6));
}

TEST(Hash, DependsOnEveryByte) {
  ByteBuffer bytes(100, 7);
  const uint64_t before = hash64(bytes);
  bytes[99] = 8;
  EXPECT_NE(before, hash64(bytes));
}

}  // namespace
}  // namespace medlar
