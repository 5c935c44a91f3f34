// SPDX-License-Identifier: Apache-2.0
// NCHW floats into feature cubes and images and back.
#include "umd/tensor_io.hpp"

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
