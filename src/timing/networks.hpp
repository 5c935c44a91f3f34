// SPDX-License-Identifier: Apache-2.0
// Topologies of published networks as hardware operations, for tables that print without any model file.
// Shapes only: batch normalisation is folded, activations and additions run behind their convolution,
// concatenations cost nothing.
#pragma once

#include "timing/estimate.hpp"

#include <string_view>
#include <vector>

namespace medlar::timing {

enum class Network : uint8_t { kResNet50, kMobileNetV2, kYoloV5s, kSsdResNet34, kSsdMobileNetV1 };

/// "ResNet-50", ...
std::string_view network_name(Network network);

/// The operations in order. ResNet-50 and MobileNetV2 take 224 x 224, YOLOv5s 640 x 640, SSD-ResNet-34 1200 x
/// 1200, SSD-MobileNetV1 300 x 300; a batch is a taller image.
std::vector<LayerShape> network_layers(Network network, hw::Precision precision, uint32_t batch = 1);

/// Multiply-accumulates of an image, without padding lanes.
uint64_t network_macs(Network network);

}  // namespace medlar::timing
