// SPDX-License-Identifier: Apache-2.0
#include "timing/networks.hpp"

#include <array>

namespace medlar::timing {
namespace {

enum class Act : uint8_t {
  kPlain,
  kTable
};  ///< ReLU and its kin cost nothing; sigmoid's kin take the table.

struct Kernel {
  uint32_t size = 1, stride = 1;
  uint32_t groups = 1;
  uint32_t operands = 0;  ///< Cubes added behind.
};

/// Follows one tensor through a network.
class Builder {
 public:
  Builder(uint32_t size, uint32_t channels, hw::Precision precision, uint32_t batch)
      : precision_(precision), batch_(batch), size_(size), channels_(channels) {}

  uint32_t channels() const { return channels_; }
  uint32_t size() const { return size_; }
  void at(uint32_t size, uint32_t channels) {
    size_ = size;
    channels_ = channels;
  }
  void table_activations() { act_ = Act::kTable; }

  void conv(uint32_t kernels, const Kernel& k) {
    LayerShape layer = layer_of(LayerShape::Kind::kConv, k.stride, kernels);
    layer.kernel_w = layer.kernel_h = k.size;
    layer.groups = k.groups;
    layer.operands = k.operands;
    layer.ew = act_ == Act::kTable;
    layers_.push_back(layer);
    channels_ = kernels;
    size_ = out_size(k.stride);
  }
  /// `pixels` of four components under a window of `rows` rows, whose columns are channels already.
  void image(uint32_t kernels, uint32_t rows, uint64_t pixels) {
    conv(kernels, {});
    layers_.back().kernel_h = rows;
    layers_.back().image_bytes = pixels * batch_ * 4 * hw::bytes_per_element(precision_);
  }
  void pool(uint32_t window, uint32_t stride) {
    LayerShape layer = layer_of(LayerShape::Kind::kPool, stride, channels_);
    layer.kernel_w = layer.kernel_h = window;
    layers_.push_back(layer);
    size_ = out_size(stride);
  }
  void global_pool() {
    LayerShape layer = layer_of(LayerShape::Kind::kPool, size_, channels_);
    layer.kernel_w = layer.kernel_h = size_;
    layers_.push_back(layer);
    size_ = 1;
  }
  void upsample() {  // a transposed convolution of 2 x 2: four results a position, moved into place
    LayerShape layer = layer_of(LayerShape::Kind::kCopy, 1, channels_);
    layer.output.w *= 2;
    layer.output.h *= 2;
    layers_.push_back(layer);
    size_ *= 2;
  }
  std::vector<LayerShape> take() { return std::move(layers_); }

 private:
  uint32_t out_size(uint32_t stride) const { return (size_ + stride - 1) / stride; }
  LayerShape layer_of(LayerShape::Kind kind, uint32_t stride, uint32_t kernels) const {
    LayerShape layer;
    layer.kind = kind;
    layer.precision = precision_;
    layer.input = {size_, size_ * batch_, channels_};
    layer.output = {out_size(stride), out_size(stride) * batch_, kernels};
    return layer;
  }

  hw::Precision precision_;
  uint32_t batch_;
  uint32_t size_;
  uint32_t channels_;
  Act act_ = Act::kPlain;
  std::vector<LayerShape> layers_;
};

/// A first layer on an image of three channels, four bytes a pixel: the chip folds a row of the kernel into
/// channels.
void stem(Builder& b, uint32_t kernels, uint32_t window, uint32_t stride) {
  const uint64_t pixels = uint64_t{b.size()} * b.size();
  b.at(b.size() / stride, 4 * window);
  b.image(kernels, window, pixels);
}

std::vector<LayerShape> resnet50(hw::Precision precision, uint32_t batch) {
  Builder b(224, 3, precision, batch);
  stem(b, 64, 7, 2);
  b.pool(3, 2);
  struct Stage {
    uint32_t width, blocks, stride;
  };
  for (const Stage& s : {Stage{64, 3, 1}, Stage{128, 4, 2}, Stage{256, 6, 2}, Stage{512, 3, 2}}) {
    for (uint32_t block = 0; block < s.blocks; ++block) {
      const uint32_t stride = block == 0 ? s.stride : 1;
      const uint32_t size = b.size(), channels = b.channels();
      if (block == 0) {
        b.conv(4 * s.width, {.stride = stride});
        b.at(size, channels);
      }
      b.conv(s.width, {});
      b.conv(s.width, {.size = 3, .stride = stride});
      b.conv(4 * s.width, {.operands = 1});
    }
  }
  b.global_pool();
  b.conv(1000, {});
  return b.take();
}

std::vector<LayerShape> mobilenet_v2(hw::Precision precision, uint32_t batch) {
  Builder b(224, 3, precision, batch);
  stem(b, 32, 3, 2);
  struct Stage {
    uint32_t expand, channels, blocks, stride;
  };
  constexpr std::array kStages = {Stage{1, 16, 1, 1}, Stage{6, 24, 2, 2}, Stage{6, 32, 3, 2},
                                  Stage{6, 64, 4, 2}, Stage{6, 96, 3, 1}, Stage{6, 160, 3, 2},
                                  Stage{6, 320, 1, 1}};
  for (const Stage& s : kStages) {
    for (uint32_t block = 0; block < s.blocks; ++block) {
      const uint32_t stride = block == 0 ? s.stride : 1;
      const uint32_t wide = b.channels() * s.expand;
      const bool adds = stride == 1 && b.channels() == s.channels;
      if (s.expand != 1) {
        b.conv(wide, {});
      }
      b.conv(wide, {.size = 3, .stride = stride, .groups = wide});
      b.conv(s.channels, {.operands = adds ? 1u : 0u});
    }
  }
  b.conv(1280, {});
  b.global_pool();
  b.conv(1000, {});
  return b.take();
}

/// YOLOv5's C3 block: two branches of half the width, `depth` bottlenecks on one of them.
void c3(Builder& b, uint32_t channels, uint32_t depth, bool shortcut) {
  const uint32_t size = b.size(), in = b.channels(), half = channels / 2;
  b.conv(half, {});
  b.at(size, in);
  b.conv(half, {});
  for (uint32_t i = 0; i < depth; ++i) {
    b.conv(half, {});
    b.conv(half, {.size = 3, .operands = shortcut ? 1u : 0u});
  }
  b.at(size, channels);
  b.conv(channels, {});
}

std::vector<LayerShape> yolov5s(hw::Precision precision, uint32_t batch) {
  Builder b(640, 3, precision, batch);
  b.table_activations();
  stem(b, 32, 6, 2);
  struct Stage {
    uint32_t channels, depth;
  };
  for (const Stage& s : {Stage{64, 1}, Stage{128, 2}, Stage{256, 3}, Stage{512, 1}}) {
    b.conv(s.channels, {.size = 3, .stride = 2});
    c3(b, s.channels, s.depth, true);
  }
  b.conv(256, {});  // spatial pyramid
  for (int i = 0; i < 3; ++i) {
    b.pool(5, 1);
  }
  b.at(20, 1024);
  b.conv(512, {});
  b.conv(256, {});  // down the pyramid
  b.upsample();
  b.at(40, 512);
  c3(b, 256, 1, false);
  b.conv(128, {});
  b.upsample();
  b.at(80, 256);
  c3(b, 128, 1, false);
  b.conv(255, {});  // heads and the way back up
  b.at(80, 128);
  b.conv(128, {.size = 3, .stride = 2});
  b.at(40, 256);
  c3(b, 256, 1, false);
  b.conv(255, {});
  b.at(40, 256);
  b.conv(256, {.size = 3, .stride = 2});
  b.at(20, 512);
  c3(b, 512, 1, false);
  b.conv(255, {});
  return b.take();
}

/// Predictions of an SSD head on a map of `size`: boxes of 4 and `classes` scores each.
void ssd_head(Builder& b, uint32_t size, uint32_t channels, uint32_t boxes, uint32_t classes,
              uint32_t kernel) {
  b.at(size, channels);
  b.conv(boxes * (4 + classes), {.size = kernel});
}

/// MLPerf's SSD-ResNet-34: the backbone keeps stride 8, the first two heads step by 3.
std::vector<LayerShape> ssd_resnet34(hw::Precision precision, uint32_t batch) {
  Builder b(1200, 3, precision, batch);
  stem(b, 64, 7, 2);
  b.pool(3, 2);
  struct Stage {
    uint32_t channels, blocks, stride;
  };
  for (const Stage& s : {Stage{64, 3, 1}, Stage{128, 4, 2}, Stage{256, 6, 1}}) {
    for (uint32_t block = 0; block < s.blocks; ++block) {
      const uint32_t stride = block == 0 ? s.stride : 1;
      const uint32_t size = b.size(), channels = b.channels();
      if (channels != s.channels) {
        b.conv(s.channels, {.stride = stride});
        b.at(size, channels);
      }
      b.conv(s.channels, {.size = 3, .stride = stride});
      b.conv(s.channels, {.size = 3, .operands = 1});
    }
  }
  struct Extra {
    uint32_t middle, channels;
  };
  for (const Extra& e :
       {Extra{256, 512}, Extra{256, 512}, Extra{128, 256}, Extra{128, 256}, Extra{128, 256}}) {
    b.conv(e.middle, {});
    b.conv(e.channels, {.size = 3, .stride = 2});
  }
  struct Head {
    uint32_t size, channels, boxes;
  };
  for (const Head& h : {Head{50, 256, 4}, Head{25, 512, 6}, Head{19, 512, 6}, Head{10, 256, 6},
                        Head{5, 256, 4}, Head{3, 256, 4}}) {
    ssd_head(b, h.size, h.channels, h.boxes, 81, 3);
  }
  return b.take();
}

std::vector<LayerShape> ssd_mobilenet_v1(hw::Precision precision, uint32_t batch) {
  Builder b(300, 3, precision, batch);
  stem(b, 32, 3, 2);
  struct Stage {
    uint32_t channels, stride;
  };
  constexpr std::array kStages = {Stage{64, 1},  Stage{128, 2},  Stage{128, 1}, Stage{256, 2}, Stage{256, 1},
                                  Stage{512, 2}, Stage{512, 1},  Stage{512, 1}, Stage{512, 1}, Stage{512, 1},
                                  Stage{512, 1}, Stage{1024, 2}, Stage{1024, 1}};
  for (const Stage& s : kStages) {
    b.conv(b.channels(), {.size = 3, .stride = s.stride, .groups = b.channels()});
    b.conv(s.channels, {});
  }
  struct Extra {
    uint32_t middle, channels;
  };
  for (const Extra& e : {Extra{256, 512}, Extra{128, 256}, Extra{128, 256}, Extra{64, 128}}) {
    b.conv(e.middle, {});
    b.conv(e.channels, {.size = 3, .stride = 2});
  }
  struct Head {
    uint32_t size, channels, boxes;
  };
  for (const Head& h : {Head{19, 512, 3}, Head{10, 1024, 6}, Head{5, 512, 6}, Head{3, 256, 6},
                        Head{2, 256, 6}, Head{1, 128, 6}}) {
    ssd_head(b, h.size, h.channels, h.boxes, 91, 1);
  }
  return b.take();
}

}  // namespace

std::string_view network_name(Network network) {
  switch (network) {
    case Network::kResNet50:
      return "ResNet-50";
    case Network::kMobileNetV2:
      return "MobileNetV2";
    case Network::kYoloV5s:
      return "YOLOv5s";
    case Network::kSsdResNet34:
      return "SSD-ResNet-34";
    case Network::kSsdMobileNetV1:
      return "SSD-MobileNetV1";
  }
  return "invalid";
}

std::vector<LayerShape> network_layers(Network network, hw::Precision precision, uint32_t batch) {
  switch (network) {
    case Network::kResNet50:
      return resnet50(precision, batch);
    case Network::kMobileNetV2:
      return mobilenet_v2(precision, batch);
    case Network::kYoloV5s:
      return yolov5s(precision, batch);
    case Network::kSsdResNet34:
      return ssd_resnet34(precision, batch);
    case Network::kSsdMobileNetV1:
      return ssd_mobilenet_v1(precision, batch);
  }
  return {};
}

uint64_t network_macs(Network network) {
  uint64_t macs = 0;
  for (const LayerShape& layer : network_layers(network, hw::Precision::kInt8)) {
    macs += layer_macs(layer);
  }
  return macs;
}

}  // namespace medlar::timing
