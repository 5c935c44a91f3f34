// SPDX-License-Identifier: Apache-2.0
// How a picture becomes a model's input: the `<model>.preprocess.json` beside a model.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.hpp"
#include "sample/image.hpp"

namespace medlar::sample {

enum class ChannelOrder : uint8_t { kGray, kRgb, kBgr };
enum class Fit : uint8_t {
  kCentralCrop,  ///< Square crop of crop_fraction of the short side, resized.
  kLetterbox,    ///< Aspect kept, padded with 114 at the right and bottom half each.
};

/// x' = (x - mean) * scale per channel, in the model's channel order.
struct Preprocess {
  int height = 0, width = 0;
  ChannelOrder order = ChannelOrder::kRgb;
  std::vector<float> mean{0, 0, 0};
  std::vector<float> scale{1, 1, 1};
  Fit fit = Fit::kCentralCrop;
  float crop_fraction = 1.0f;
  int label_offset = 0;  ///< Class index in the output = label + offset.

  int channels() const { return order == ChannelOrder::kGray ? 1 : 3; }
};

/// Reads and writes the JSON form. Unknown keys are errors.
Result<Preprocess> parse_preprocess(std::string_view json, std::string_view name);
std::string preprocess_to_json(const Preprocess& preprocess);

/// The geometry that follows from an input's shape when no file says more: [1,C,H,W] or [1,H,W,C] with C 1 or 3,
/// pixel values as they are.
Result<Preprocess> default_preprocess(const graph::Shape& input_shape);

/// The picture as a float32 tensor of `shape`, which must be [1,C,H,W] or [1,H,W,C] with the preprocess's sizes.
Result<graph::Tensor> image_to_tensor(const Image& image, const Preprocess& preprocess, const graph::Shape& shape);

}  // namespace medlar::sample
