// SPDX-License-Identifier: Apache-2.0
#include "base/files.hpp"

#include "support/test_data.hpp"

namespace medlar {
namespace {

TEST(Files, RoundTripAndNamedErrors) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "medlar_files_test.bin";
  const ByteBuffer bytes{1, 2, 3};
  ASSERT_TRUE(write_file(path, bytes));
  EXPECT_EQ(*read_file(path), bytes);
  std::filesystem::remove(path);
  const Result<ByteBuffer> missing = read_file(path);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_NE(missing.error().message.find(path.string()), std::string::npos);
}

TEST(Files, FullDiskLeavesNothingBehind) {
  if (!std::filesystem::exists("/dev/full")) {
    GTEST_SKIP() << "/dev/full is absent";
  }
  EXPECT_FALSE(write_file("/proc/medlar_cannot_be_created", ByteBuffer{1}));
}

}  // namespace
}  // namespace medlar
