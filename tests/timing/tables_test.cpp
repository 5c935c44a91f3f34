// SPDX-License-Identifier: Apache-2.0
// Whole networks against published tables: NVIDIA's primer for the open cores, NVIDIA's DLA table for AGX
// Orin.
#include "timing/estimate.hpp"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace medlar::timing {
namespace {

LayerShape conv(uint32_t c, uint32_t in, uint32_t k, uint32_t out, uint32_t kernel, uint32_t operands = 0) {
  LayerShape layer;
  layer.input = {in, in, c};
  layer.output = {out, out, k};
  layer.kernel_w = layer.kernel_h = kernel;
  layer.operands = operands;
  return layer;
}

/// ResNet-50 at 224 x 224: 53 convolutions and the classifier; the additions run behind their convolution.
std::vector<LayerShape> resnet50() {
  struct Stage {
    uint32_t width, size, blocks;
  };
  // The image comes with its columns folded into channels, as the chip computes it.
  std::vector<LayerShape> layers = {conv(16, 112, 64, 112, 4)};
  uint32_t channels = 64, size = 56;
  for (const Stage& s : {Stage{64, 56, 3}, Stage{128, 28, 4}, Stage{256, 14, 6}, Stage{512, 7, 3}}) {
    for (uint32_t block = 0; block < s.blocks; ++block) {
      if (block == 0) {
        layers.push_back(conv(channels, size, 4 * s.width, s.size, 1));
      }
      layers.push_back(conv(channels, size, s.width, s.size, 1));
      layers.push_back(conv(s.width, s.size, s.width, s.size, 3));
      layers.push_back(conv(s.width, s.size, 4 * s.width, s.size, 1, 1));
      channels = 4 * s.width;
      size = s.size;
    }
  }
  layers.push_back(conv(2048, 1, 1000, 1, 1));
  return layers;
}

/// Images a second of one core; a batch is a taller image.
double images_per_second(const hw::DeviceProfile& device, const Machine& machine, uint32_t batch) {
  double cycles = 0;
  for (LayerShape layer : resnet50()) {
    layer.input.h *= batch;
    layer.output.h *= batch;
    cycles += static_cast<double>(estimate(layer, *device.config, machine).cycles);
  }
  return batch * static_cast<double>(machine.hz) / cycles;
}

TEST(Tables, PrimerResNet50OnOpenCores) {
  struct Row {
    const char* name;
    double fps, bound;
  };
  // Nothing is fitted here. The smallest core is far off: its CBUF makes it read data again, which a shape
  // does not show.
  for (const Row& row :
       {Row{"nv_full", 269, 0.05}, Row{"nv_medium_1024_full", 153, 0.14}, Row{"nv_medium_512", 93, 0.05},
        Row{"nv_small_256_full", 46, 0.05}, Row{"nv_small_256", 46, 0.08}, Row{"nv_small", 7.3, 0.62}}) {
    const hw::DeviceProfile& device = **hw::find_device(row.name);
    const double error = images_per_second(device, machine_of(device), 1) / row.fps - 1;
    EXPECT_LT(std::abs(error), row.bound) << row.name << ' ' << error;
  }
}

// One constant, the share of the DRAM bandwidth that the cores reach, was fitted to these four rows.
TEST(Tables, AgxOrinResNet50InEveryPowerMode) {
  struct Row {
    const char* mode;
    double fps;  // both cores, batch 2, dense
  };
  const hw::DeviceProfile& agx = **hw::find_device("agx-orin-64gb");
  for (const Row& row : {Row{"MAXN", 2037}, Row{"50W", 1948}, Row{"30W", 1928}, Row{"15W", 1072}}) {
    const Machine machine = machine_of(agx, **agx.find_mode(row.mode), 2);
    const double error = 2 * images_per_second(agx, machine, 2) / row.fps - 1;
    EXPECT_LT(std::abs(error), 0.06) << row.mode << ' ' << error;
  }
}

}  // namespace
}  // namespace medlar::timing
