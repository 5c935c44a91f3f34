// SPDX-License-Identifier: Apache-2.0
// The layers that benchmarks of the convolution run: of ResNet-50, MobileNetV2 and YOLOv5s.
#pragma once

#include <cstdint>

namespace medlar::bench {

struct Layer {
  const char* name;
  uint32_t c, size, k, kernel, stride;
  bool depthwise = false;  ///< One channel a kernel; the chip gets them as a diagonal of weights, as the compiler emits them.

  uint32_t pad() const { return kernel / 2; }
  uint32_t out() const { return (size + 2 * pad() - kernel) / stride + 1; }
  /// Multiplications of the layer as the network has it.
  double macs() const { return double{1} * (depthwise ? 1 : c) * k * kernel * kernel * out() * out(); }
};

inline constexpr Layer kLayers[] = {
    {"resnet50_conv1_7x7", 3, 224, 64, 7, 2},
    {"resnet50_64_56_64_1x1", 64, 56, 64, 1, 1},
    {"resnet50_64_56_64_3x3", 64, 56, 64, 3, 1},
    {"resnet50_128_28_128_3x3", 128, 28, 128, 3, 1},
    {"resnet50_256_14_256_3x3", 256, 14, 256, 3, 1},
    {"resnet50_512_7_512_3x3", 512, 7, 512, 3, 1},
    {"resnet50_1024_14_256_1x1", 1024, 14, 256, 1, 1},
    {"resnet50_2048_7_512_1x1", 2048, 7, 512, 1, 1},
    {"resnet50_fc_2048_1000", 2048, 1, 1000, 1, 1},
    {"mobilenetv2_32_112_16_1x1", 32, 112, 16, 1, 1},
    {"mobilenetv2_dw_96_112_3x3s2", 96, 112, 96, 3, 2, true},
    {"mobilenetv2_24_56_144_1x1", 24, 56, 144, 1, 1},
    {"mobilenetv2_dw_64_14_3x3", 64, 14, 64, 3, 1, true},
    {"mobilenetv2_96_14_576_1x1", 96, 14, 576, 1, 1},
    {"mobilenetv2_320_7_1280_1x1", 320, 7, 1280, 1, 1},
    {"yolov5s_conv0_6x6", 3, 640, 32, 6, 2},
    {"yolov5s_32_320_64_3x3s2", 32, 320, 64, 3, 2},
    {"yolov5s_64_80_64_3x3", 64, 80, 64, 3, 1},
    {"yolov5s_128_40_128_3x3", 128, 40, 128, 3, 1},
    {"yolov5s_256_40_256_1x1", 256, 40, 256, 1, 1},
    {"yolov5s_256_20_256_3x3", 256, 20, 256, 3, 1},
};

}  // namespace medlar::bench
