// SPDX-License-Identifier: Apache-2.0
// NCHW floats into feature cubes and images and back.
#include "umd/tensor_io.hpp"

#include "hw/cube.hpp"

#include <gtest/gtest.h>

namespace medlar::umd {
namespace {

using loadable::DataCategory;
using loadable::DataFormat;
using loadable::DataType;
using loadable::Tensor;

std::vector<float> ramp(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(i % 240) - 20.0f;  // Within INT8 at scale 2.
  }
  return values;
}

TEST(TensorIo, FeatureCubesRoundTrip) {
  const Tensor tensors[] = {{.name = "half",
                             .size = 3 * 96,
                             .type = DataType::kHalf,
                             .c = 40,
                             .h = 1,
                             .w = 3,
                             .strides = {2, 96, 96}},
                            {.name = "int8",
                             .size = 2 * 4 * 3 * 32,
                             .type = DataType::kInt8,
                             .c = 40,
                             .h = 4,
                             .w = 3,
                             .strides = {1, 96, 384}},
                            {.name = "int8x8",
                             .size = 5 * 96,
                             .type = DataType::kInt8,
                             .pixel_format = loadable::kPixelFeatureX8,
                             .c = 33,
                             .h = 4,
                             .w = 3,
                             .strides = {1, 24, 96}},
                            {.name = "batch",
                             .size = 256,
                             .type = DataType::kInt16,
                             .n = 2,
                             .c = 4,
                             .h = 2,
                             .w = 2,
                             .strides = {2, 64, 128}}};
  for (const Tensor& tensor : tensors) {
    const auto values = ramp(element_count(tensor));
    ByteBuffer bytes(tensor.size, 0xff);
    const auto packed = pack_tensor(tensor, values, 2.0f, bytes);
    ASSERT_TRUE(packed) << packed.error().to_string();
    std::vector<float> back(values.size());
    ASSERT_TRUE(unpack_tensor(tensor, bytes, 2.0f, back));
    for (size_t i = 0; i < values.size(); ++i) {
      const float tolerance = tensor.type == DataType::kHalf ? 0.0f : 1.0f;  // Halves of odd numbers round.
      ASSERT_NEAR(back[i], values[i], tolerance) << tensor.name << " " << i;
    }
  }
}

TEST(TensorIo, PlacesElementsAsTheFactsSay) {
  const Tensor t{
      .name = "t", .size = 2 * 64, .type = DataType::kInt8, .c = 33, .h = 1, .w = 2, .strides = {1, 64, 64}};
  std::vector<float> values(66);
  values[65] = 300;  // Channel 32, x 1.
  ByteBuffer bytes(128);
  ASSERT_TRUE(pack_tensor(t, values, 1, bytes));
  EXPECT_EQ(bytes[64 + 32], 127);
}

TEST(TensorIo, ImagesTakeFewerChannels) {
  const Tensor image{.name = "rgb",
                     .size = 2 * 32,
                     .format = DataFormat::kNhwc,
                     .type = DataType::kHalf,
                     .category = DataCategory::kImage,
                     .pixel_format = 8,
                     .c = 4,
                     .h = 2,
                     .w = 3,
                     .strides = {2, 32}};
  ByteBuffer bytes(64, 0xff);
  const auto packed = pack_tensor(image, ramp(3 * 6), 1, bytes);
  ASSERT_TRUE(packed) << packed.error().to_string();
  std::vector<float> back(24);
  ASSERT_TRUE(unpack_tensor(image, bytes, 1, back));
  EXPECT_EQ(back[0], -20.0f);
  EXPECT_EQ(back[17], -3.0f);
  EXPECT_EQ(back[18], 0.0f);
}

/// 3 x 2 pixels of an image format as NVIDIA's compiler describes them.
Tensor image_of(const hw::PixelFormat& format) {
  const hw::PixelLayout layout = hw::PixelLayout::packed(format, 3, 2);
  const DataType wide = format.is_float ? DataType::kHalf : DataType::kInt16;
  return {.name = std::string(format.name),
          .size = layout.total_bytes(),
          .format = DataFormat::kNhwc,
          .type = format.component_bytes() == 1 ? DataType::kInt8 : wide,
          .category = DataCategory::kImage,
          .pixel_format = format.code,
          .c = static_cast<int32_t>(format.components()),
          .h = 2,
          .w = 3,
          .strides = {format.component_bytes(), static_cast<uint32_t>(layout.line_stride)}};
}

TEST(TensorIo, EveryPixelFormatRoundTrips) {
  for (const hw::PixelFormat& format : hw::pixel_formats()) {
    const Tensor tensor = image_of(format);
    std::vector<float> values(element_count(tensor));
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(i % 4);  // fits two bits of alpha
    }
    ByteBuffer bytes(tensor.size, 0xff);
    const auto packed = pack_tensor(tensor, values, 1, bytes);
    ASSERT_TRUE(packed) << format.name << ": " << packed.error().to_string();
    std::vector<float> back(values.size());
    ASSERT_TRUE(unpack_tensor(tensor, bytes, 1, back));
    EXPECT_EQ(back, values) << format.name;
  }
}

TEST(TensorIo, ComponentsLieWhereTheFormatPutsThem) {
  const auto bytes_of = [](std::string_view name, const std::vector<float>& values) {
    const Tensor tensor = image_of(*hw::find_pixel_format(name));
    ByteBuffer bytes(tensor.size);
    EXPECT_TRUE(pack_tensor(tensor, values, 1, bytes)) << name;
    return bytes;
  };
  const auto pixel_of = [](const ByteBuffer& bytes) { return ByteBuffer(bytes.begin() + 4, bytes.begin() + 8); };
  std::vector<float> values(4 * 6);
  values[1] = 1;       // channel 0 of pixel (1, 0)
  values[6 + 1] = 2;   // channel 1
  values[12 + 1] = 3;  // channel 2
  values[18 + 1] = 4;  // channel 3
  EXPECT_EQ(pixel_of(bytes_of("A8B8G8R8", values)), ByteBuffer({1, 2, 3, 4}));
  EXPECT_EQ(pixel_of(bytes_of("A8R8G8B8", values)), ByteBuffer({3, 2, 1, 4}));
  EXPECT_EQ(pixel_of(bytes_of("R8G8B8A8", values)), ByteBuffer({4, 3, 2, 1}));
  EXPECT_EQ(load_le<uint32_t>(bytes_of("A2B10G10R10", values).data() + 4), 1u | 2u << 10 | 3u << 20 | 3u << 30) << "alpha saturates";
  values.resize(3 * 6);
  const ByteBuffer planar = bytes_of("Y8___U8V8_N444", values);  // luma in lines of 32 bytes, then pairs, V first
  EXPECT_EQ(planar[1], 1);
  EXPECT_EQ(planar[2 * 32 + 2], 3);
  EXPECT_EQ(planar[2 * 32 + 3], 2);
}

TEST(TensorIo, PlanesOfABatchLieBehindOneAnother) {
  Tensor tensor = image_of(*hw::find_pixel_format("Y16___V16U16_N444"));
  tensor.n = 2;
  tensor.size *= 2;
  std::vector<float> values(element_count(tensor));
  values[18 + 12] = 7;  // second item, V of its first pixel
  ByteBuffer bytes(tensor.size);
  ASSERT_TRUE(pack_tensor(tensor, values, 1, bytes));
  EXPECT_EQ(load_le<uint16_t>(bytes.data() + tensor.size / 2 + 2 * 32 + 2), 7);
  tensor.size -= 64;
  ASSERT_FALSE(pack_tensor(tensor, values, 1, bytes));
}

TEST(TensorIo, BrokenDescriptorsAreErrors) {
  const Tensor good{
      .name = "t", .size = 512, .type = DataType::kHalf, .c = 16, .h = 4, .w = 4, .strides = {2, 128, 512}};
  ByteBuffer bytes(512);
  const auto values = ramp(256);
  EXPECT_TRUE(pack_tensor(good, values, 1, bytes));
  Tensor bad = good;
  bad.strides[1] = 2;
  EXPECT_EQ(pack_tensor(bad, values, 1, bytes).error().code, Code::kCorrupt);
  bad = good;
  bad.strides[1] = 100000;
  EXPECT_EQ(pack_tensor(bad, values, 1, bytes).error().code, Code::kCorrupt);
  bad = good;
  bad.type = DataType::kFloat;
  EXPECT_EQ(pack_tensor(bad, values, 1, bytes).error().code, Code::kUnsupported);
  EXPECT_EQ(pack_tensor(good, std::span(values).first(10), 1, bytes).error().code, Code::kInvalidArgument);
  EXPECT_EQ(pack_tensor(good, values, 0, bytes).error().code, Code::kInvalidArgument);
  ByteBuffer small(100);
  EXPECT_EQ(pack_tensor(good, values, 1, small).error().code, Code::kCorrupt);
}

}  // namespace
}  // namespace medlar::umd
