// SPDX-License-Identifier: Apache-2.0
#include "base/files.hpp"

#include <unistd.h>

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
  EXPECT_FALSE(write_file("/proc/medlar_cannot_be_created", ByteBuffer{1}));
}

TEST(Files, DevicesAreWrittenIntoAndStay) {
  if (!std::filesystem::is_character_file("/dev/full")) {
    GTEST_SKIP() << "/dev/full is absent";
  }
  const Status written = write_file("/dev/full", ByteBuffer{1});
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message.find("/dev/full"), std::string::npos);
  EXPECT_TRUE(write_file("/dev/null", ByteBuffer{1}));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST(Files, EndlessDeviceIsRefused) {
  const Result<ByteBuffer> endless = read_file("/dev/zero");
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().code, Code::kResourceExhausted);
}

TEST(Files, PipesAreReadToTheirEnd) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "abc", 3), 3);
  ::close(ends[1]);
  const Result<std::string> text = read_text_file("/dev/fd/" + std::to_string(ends[0]));
  ::close(ends[0]);
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, "abc");
}

TEST(Files, LinksStayLinks) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "medlar_links";
  std::filesystem::create_directories(folder);
  std::filesystem::remove(folder / "link");
  std::filesystem::create_symlink("target", folder / "link");
  ASSERT_TRUE(write_file(folder / "link", ByteBuffer{1, 2}));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(*read_file(folder / "target"), (ByteBuffer{1, 2}));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace medlar
