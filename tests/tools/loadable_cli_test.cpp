// SPDX-License-Identifier: Apache-2.0
// `medlar run FILE.nvdla` with what NVIDIA's compiler can ask for: images of any pixel format, several items
// at once.
#include "base/files.hpp"
#include "hw/cube.hpp"
#include "sample/npy.hpp"
#include "support/command.hpp"
#include "support/test_data.hpp"
#include "umd/tiny_network.hpp"

#include <cstring>
#include <unistd.h>

namespace medlar {
namespace {

namespace fs = std::filesystem;

class LoadableCli : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  /// The output's values for the input's.
  std::vector<float> run(const loadable::Loadable& network, const graph::Shape& shape,
                         const std::vector<float>& values) {
    graph::Tensor input{graph::DataType::kFloat32, shape, ByteBuffer(values.size() * sizeof(float)), {}};
    std::memcpy(input.bytes.data(), values.data(), input.bytes.size());
    EXPECT_TRUE(write_file(folder_ / "x.npy", *sample::npy_bytes(input)));
    EXPECT_TRUE(write_file(folder_ / "x.nvdla", loadable::write(network)));
    const test::Outcome ran =
        test::run_command(std::string(MEDLAR_BINARY) + " run " + (folder_ / "x.nvdla").string() +
                          " --input " + (folder_ / "x.npy").string() + " --output-dir " + folder_.string());
    EXPECT_EQ(ran.exit_code, 0) << ran.text;
    const auto bytes = read_file(folder_ / "out.npy");
    const auto output = bytes ? sample::parse_npy(*bytes, "out.npy") : tl::unexpected<Error>(bytes.error());
    EXPECT_TRUE(output) << output.error().to_string();
    if (!output) {
      return {};
    }
    const auto out = output->as<float>();
    return {out.begin(), out.end()};
  }

  fs::path folder_ = fs::path(testing::TempDir()) / ("medlar_loadable_cli_" + std::to_string(::getpid()));
};

/// `items` of one pixel of 32 INT8 channels: the bytes that the network copied.
loadable::Tensor raw_bytes(int32_t items) {
  return {.name = "out",
          .size = static_cast<uint64_t>(items) * 32,
          .n = items,
          .c = 32,
          .h = 1,
          .w = 1,
          .strides = {1, 32, 32}};
}

TEST_F(LoadableCli, PlanarImagesInABatch) {
  // Two items of 3 x 1 pixels: a line of luma, then one of chroma in pairs, U first in memory.
  const hw::PixelFormat& format = *hw::find_pixel_format("Y8___V8U8_N444");
  const loadable::Tensor image{.name = "image",
                               .size = 2 * 64,
                               .format = loadable::DataFormat::kNhwc,
                               .category = loadable::DataCategory::kImage,
                               .pixel_format = format.code,
                               .n = 2,
                               .c = 3,
                               .h = 1,
                               .w = 3,
                               .strides = {1, 32}};
  std::vector<float> values(2 * 3 * 3);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(i + 1);
  }
  const std::vector<float> out = run(test::copying_network(image, raw_bytes(4)), {2, 3, 1, 3}, values);
  ASSERT_EQ(out.size(), 128u);
  for (size_t item = 0; item < 2; ++item) {
    const float first = static_cast<float>(9 * item);
    for (size_t x = 0; x < 3; ++x) {
      const auto at = static_cast<float>(x);
      EXPECT_EQ(out[64 * item + x], first + at + 1) << "Y";
      EXPECT_EQ(out[64 * item + 32 + 2 * x], first + at + 4) << "U";
      EXPECT_EQ(out[64 * item + 32 + 2 * x + 1], first + at + 7) << "V";
    }
  }
}

TEST_F(LoadableCli, ComponentsInTheFormatsOrder) {
  const loadable::Tensor image{.name = "image",
                               .size = 32,
                               .format = loadable::DataFormat::kNhwc,
                               .category = loadable::DataCategory::kImage,
                               .pixel_format = hw::find_pixel_format("A8R8G8B8")->code,
                               .c = 4,
                               .h = 1,
                               .w = 1,
                               .strides = {1, 32}};
  const std::vector<float> out = run(test::copying_network(image, raw_bytes(1)), {1, 3, 1, 1}, {1, 2, 3});
  ASSERT_EQ(out.size(), 32u);
  EXPECT_EQ(std::vector<float>(out.begin(), out.begin() + 4), std::vector<float>({3, 2, 1, 0}))
      << "B, G, R, alpha in memory";
}

}  // namespace
}  // namespace medlar
