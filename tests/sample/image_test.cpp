// SPDX-License-Identifier: Apache-2.0
#include "sample/image.hpp"

#include "base/files.hpp"
#include "support/test_data.hpp"

namespace medlar::sample {
namespace {

const std::string kPgm = "P5\n4 2\n255\n" + std::string("\x00\x10\x20\x30\x40\x50\x60\x70", 8);

ByteView view(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(Image, DecodesPixelsInRowOrder) {
  const Result<Image> image = decode_image(view(kPgm), "x.pgm", 1);
  ASSERT_TRUE(image) << image.error().to_string();
  EXPECT_EQ(image->width, 4);
  EXPECT_EQ(image->height, 2);
  EXPECT_EQ(image->pixels, (ByteBuffer{0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70}));
}

TEST(Image, CropTakesTheWindow) {
  const Image image = *decode_image(view(kPgm), "x.pgm", 1);
  EXPECT_EQ(crop(image, 1, 0, 2, 2).pixels, (ByteBuffer{0x10, 0x20, 0x50, 0x60}));
}

TEST(Image, BrokenFilesAreNamed) {
  const Result<Image> image = decode_image(view("not an image"), "holiday.jpg", 3);
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code, Code::kCorrupt);
  EXPECT_NE(image.error().message.find("holiday.jpg"), std::string::npos);
}

TEST(Image, ShippedDigitsDecode) {
  for (const auto& entry : std::filesystem::directory_iterator(test::source_dir() / "models/digits/images")) {
    const ByteBuffer bytes = *read_file(entry.path());
    const Result<Image> image = decode_image(bytes, entry.path().string(), 1);
    ASSERT_TRUE(image) << image.error().to_string();
    EXPECT_EQ(image->width, 28);
    EXPECT_EQ(resize(*image, 14, 7)->pixels.size(), 98u);
  }
}

}  // namespace
}  // namespace medlar::sample
