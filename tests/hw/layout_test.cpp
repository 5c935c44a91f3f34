// SPDX-License-Identifier: Apache-2.0
// Feature cubes, images and weights against naive orders written down independently.
#include "hw/cube.hpp"
#include "hw/weights.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

namespace medlar::hw {
namespace {

TEST(CubeLayout, PackedOffsetsEnumerateSurfacesRowsColumnsChannels) {
  for (const HwConfig& config : configs()) {
    for (Precision p : {Precision::kInt8, Precision::kFp16}) {
      const auto cube = CubeLayout::packed({5, 3, 37}, p, config);
      uint64_t expected = 0;
      const uint32_t n = config.memory_atom / bytes_per_element(p);
      for (uint32_t surface = 0; surface * n < 37; ++surface) {
        for (uint32_t y = 0; y < 3; ++y) {
          for (uint32_t x = 0; x < 5; ++x) {
            for (uint32_t lane = 0; lane < n; ++lane, expected += bytes_per_element(p)) {
              if (surface * n + lane < 37) {
                ASSERT_EQ(cube.offset(x, y, surface * n + lane), expected) << config.name;
              }
            }
          }
        }
      }
      EXPECT_EQ(cube.total_bytes(), expected);
      EXPECT_EQ(cube.extent(), expected);
      EXPECT_TRUE(cube.line_packed() && cube.surf_packed());
    }
  }
}

TEST(CubeLayout, StridesWithGaps) {
  CubeLayout cube = CubeLayout::packed({4, 2, 40}, 1, 32);
  cube.line_stride = 160;
  cube.surf_stride = 512;
  EXPECT_EQ(cube.offset(3, 1, 33), 512u + 160 + 3 * 32 + 1);
  EXPECT_EQ(cube.extent(), 512u + 160 + 128);
  EXPECT_EQ(cube.total_bytes(), 1024u);
  EXPECT_FALSE(cube.line_packed() || cube.surf_packed());
  EXPECT_EQ(CubeLayout{}.extent(), 0u);
}

TEST(PixelFormats, TableIsConsistent) {
  ASSERT_EQ(pixel_formats().size(), 36u);
  for (uint32_t code = 0; code < 36; ++code) {
    const PixelFormat& f = pixel_formats()[code];
    EXPECT_EQ(f.code, code);
    EXPECT_EQ(find_pixel_format(f.name), &f);
    // Every component named in the format appears in the order, and the sizes add up.
    const uint32_t in_planes = f.bytes_plane0 + f.bytes_plane1;
    EXPECT_EQ(in_planes, f.bits == 10 && f.planes == 1 && f.components() == 4
                             ? 4
                             : f.components() * f.component_bytes());
    for (char component : f.order) {
      EXPECT_NE(f.name.find(component), std::string_view::npos) << f.name;
    }
    EXPECT_EQ(f.planes == 2, f.name.find("___") != std::string_view::npos);
    EXPECT_EQ(f.is_float, f.name.ends_with("_F"));
  }
  EXPECT_EQ(find_pixel_format(36), nullptr);
  EXPECT_EQ(find_pixel_format("A8B8G8R8")->order.front(), 'R');
}

TEST(PixelFormats, NamesAgreeWithTheRegister) {
  const auto reference = find_register("CDMA.D_DATAIN_FORMAT", RegisterMap::kV2);
  ASSERT_TRUE(reference);
  for (const FieldInfo& field : reference->info->fields) {
    if (field.name == "PIXEL_FORMAT") {
      ASSERT_EQ(field.values.size(), 36u);
      for (const ValueName& v : field.values) {
        EXPECT_EQ(find_pixel_format(v.value)->name, v.name);
      }
    }
  }
}

TEST(PixelLayout, PitchesAndPlanes) {
  const auto image = PixelLayout::packed(*find_pixel_format("Y8___U8V8_N444"), 51, 96);
  EXPECT_EQ(image.line_stride, 64u);
  EXPECT_EQ(image.uv_line_stride, 128u);
  EXPECT_EQ(image.plane1_offset, 64u * 96);
  EXPECT_EQ(image.offset(1, 2, 1), 64u * 96 + 128 + 4);
  EXPECT_EQ(image.total_bytes(), 192u * 96);
  EXPECT_EQ(PixelLayout::packed(*find_pixel_format("A8B8G8R8"), 51, 96).offset(0, 3, 2), 2u * 224 + 12);
}

using Weight = std::array<uint32_t, 4>;  // k, c, r, s

std::vector<Weight> all_weights(const WeightShape& shape) {
  std::vector<Weight> all;
  for (uint32_t k = 0; k < shape.k; ++k) {
    for (uint32_t c = 0; c < shape.c; ++c) {
      for (uint32_t r = 0; r < shape.r; ++r) {
        for (uint32_t s = 0; s < shape.s; ++s) {
          all.push_back({k, c, r, s});
        }
      }
    }
  }
  return all;
}

TEST(Weights, DirectOrder) {
  for (const WeightShape& shape : {WeightShape{70, 130, 3, 2}, WeightShape{1, 1, 1, 1},
                                   WeightShape{33, 64, 1, 5}, WeightShape{7, 9, 2, 2}}) {
    for (const WeightBlocking& b :
         {WeightBlocking{32, 64}, WeightBlocking{16, 64}, WeightBlocking{8, 8}, WeightBlocking{8, 32}}) {
      auto sorted = all_weights(shape);
      std::stable_sort(sorted.begin(), sorted.end(), [&](const Weight& x, const Weight& y) {
        const auto key = [&](const Weight& w) {
          return std::tuple(w[0] / b.group, w[1] / b.channel_block, w[2], w[3], w[0] % b.group,
                            w[1] % b.channel_block);
        };
        return key(x) < key(y);
      });
      for (size_t i = 0; i < sorted.size(); ++i) {
        const Weight& w = sorted[i];
        ASSERT_EQ(direct_weight_index(shape, b, w[0], w[1], w[2], w[3]), i);
      }
      uint64_t next = 0;
      for_each_direct_weight(shape, b, [&](uint64_t i, uint32_t k, uint32_t c, uint32_t r, uint32_t s) {
        ASSERT_EQ(i, next);
        ASSERT_EQ((Weight{k, c, r, s}), sorted[i]);
        ++next;
      });
      EXPECT_EQ(next, shape.elements());
    }
  }
}

TEST(Weights, ImageOrderInterleavesRows) {
  const WeightShape folded{40, 12, 5, 1};
  for (uint32_t rows : {1u, 2u, 4u}) {
    auto sorted = all_weights(folded);
    std::stable_sort(sorted.begin(), sorted.end(), [&](const Weight& x, const Weight& y) {
      const auto key = [&](const Weight& w) {
        return rows == 1 ? std::tuple(w[0] / 32, w[2], w[0], w[1], 0u)
                         : std::tuple(w[0] / 32, w[2] / rows, w[0], w[2] % rows, w[1]);
      };
      return key(x) < key(y);
    });
    uint64_t next = 0;
    for_each_image_weight(folded, {32, 64}, rows, [&](uint64_t i, uint32_t k, uint32_t c, uint32_t r) {
      ASSERT_EQ(i, next);
      ASSERT_EQ((Weight{k, c, r, 0}), sorted[i]) << rows;
      ++next;
    });
    EXPECT_EQ(next, folded.elements());
  }
}

TEST(Weights, ExtensionsAndBlobSize) {
  EXPECT_EQ(pre_extended({64, 3, 7, 7}, 4), (WeightShape{64, 28, 7, 1}));
  // 7 columns of 4 components are 28: too many for four rows (16), few enough for two (32).
  EXPECT_EQ(post_extension_rows({64, 3, 7, 7}, 4, 2, 64), 2u);
  EXPECT_EQ(post_extension_rows({64, 3, 5, 3}, 4, 1, 64), 4u);
  EXPECT_EQ(post_extension_rows({64, 3, 11, 11}, 4, 4, 64), 1u);
  EXPECT_EQ(post_extension_rows({64, 3, 3, 3}, 4, 4, 64), 1u);  // stride beyond the kernel
  EXPECT_EQ(weight_blob_bytes(129, Precision::kInt8, **find_config("nv_full")), 256u);
  EXPECT_EQ(weight_blob_bytes(129, Precision::kFp16, **find_config("nv_full")), 384u);
  EXPECT_EQ(weight_blob_bytes(129, Precision::kInt8, **find_config("nv_small")), 136u);
}

}  // namespace
}  // namespace medlar::hw
