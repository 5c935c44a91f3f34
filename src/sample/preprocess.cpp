// SPDX-License-Identifier: Apache-2.0
#include "sample/preprocess.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <nlohmann/json.hpp>

namespace medlar::sample {
namespace {

using Json = nlohmann::json;
constexpr uint8_t kLetterboxGray = 114;
constexpr std::array kKeys{"size", "channel_order", "mean", "scale", "resize", "crop_fraction", "label_offset"};

Status read_geometry(const Json& json, std::string_view name, Preprocess& preprocess) {
  const std::string order = json.value("channel_order", "RGB");
  const std::string fit = json.value("resize", "central_crop");
  if (order != "GRAY" && order != "RGB" && order != "BGR") {
    return fail(Code::kCorrupt, "{}: channel_order is \"{}\"; GRAY, RGB or BGR is wanted", name, order);
  }
  if (fit != "central_crop" && fit != "letterbox") {
    return fail(Code::kCorrupt, "{}: resize is \"{}\"; central_crop or letterbox is wanted", name, fit);
  }
  const auto size = json.at("size").get<std::vector<int>>();
  if (size.size() != 2 || size[0] < 1 || size[1] < 1 || size[0] > 8192 || size[1] > 8192) {
    return fail(Code::kCorrupt, "{}: size wants [height, width], each 1 to 8192", name);
  }
  preprocess.height = size[0];
  preprocess.width = size[1];
  preprocess.order = order == "GRAY" ? ChannelOrder::kGray : order == "RGB" ? ChannelOrder::kRgb : ChannelOrder::kBgr;
  preprocess.fit = fit == "letterbox" ? Fit::kLetterbox : Fit::kCentralCrop;
  preprocess.crop_fraction = json.value("crop_fraction", 1.0f);
  preprocess.label_offset = json.value("label_offset", 0);
  if (!(preprocess.crop_fraction > 0.0f && preprocess.crop_fraction <= 1.0f)) {
    return fail(Code::kCorrupt, "{}: crop_fraction is {}; more than 0 and at most 1 is wanted", name,
                preprocess.crop_fraction);
  }
  return {};
}

Status read_values(const Json& json, std::string_view name, Preprocess& preprocess) {
  const auto channels = static_cast<size_t>(preprocess.channels());
  preprocess.mean = json.value("mean", std::vector<float>(channels, 0.0f));
  preprocess.scale = json.value("scale", std::vector<float>(channels, 1.0f));
  if (preprocess.mean.size() != channels || preprocess.scale.size() != channels) {
    return fail(Code::kCorrupt, "{}: mean has {} and scale {} values; the channel order has {}", name,
                preprocess.mean.size(), preprocess.scale.size(), channels);
  }
  return {};
}

/// The picture at the model's size, by the preprocess's geometry.
Result<Image> fit_image(const Image& image, const Preprocess& preprocess) {
  if (preprocess.fit == Fit::kCentralCrop) {
    const int side = std::max(1, static_cast<int>(std::lround(static_cast<float>(std::min(image.width, image.height)) *
                                                              preprocess.crop_fraction)));
    const Image square = crop(image, (image.width - side) / 2, (image.height - side) / 2, side, side);
    return resize(square, preprocess.width, preprocess.height);
  }
  const double ratio = std::min(static_cast<double>(preprocess.width) / image.width,
                                static_cast<double>(preprocess.height) / image.height);
  const int width = std::clamp(static_cast<int>(std::lround(image.width * ratio)), 1, preprocess.width);
  const int height = std::clamp(static_cast<int>(std::lround(image.height * ratio)), 1, preprocess.height);
  MEDLAR_ASSIGN(const Image scaled, resize(image, width, height));
  Image boxed{preprocess.width, preprocess.height, image.channels, {}};
  const auto channels = static_cast<size_t>(image.channels);
  boxed.pixels.assign(static_cast<size_t>(boxed.width) * static_cast<size_t>(boxed.height) * channels, kLetterboxGray);
  const int left = (boxed.width - width) / 2;
  const int top = (boxed.height - height) / 2;
  const size_t row_bytes = static_cast<size_t>(width) * channels;
  for (int row = 0; row < height; ++row) {
    const size_t to = (static_cast<size_t>(top + row) * static_cast<size_t>(boxed.width) + static_cast<size_t>(left)) * channels;
    std::copy_n(scaled.pixels.begin() + static_cast<ptrdiff_t>(static_cast<size_t>(row) * row_bytes), row_bytes,
                boxed.pixels.begin() + static_cast<ptrdiff_t>(to));
  }
  return boxed;
}

struct InputLayout {
  bool channels_last = false;
  int64_t channels = 0, height = 0, width = 0;
};

Result<InputLayout> input_layout(const graph::Shape& shape) {
  const bool image_like = shape.size() == 4 && shape[0] == 1;
  if (image_like && (shape[1] == 1 || shape[1] == 3)) {
    return InputLayout{false, shape[1], shape[2], shape[3]};
  }
  if (image_like && (shape[3] == 1 || shape[3] == 3)) {
    return InputLayout{true, shape[3], shape[1], shape[2]};
  }
  return fail(Code::kInvalidArgument,
              "an image cannot fill an input of shape [{}]; [1,C,H,W] or [1,H,W,C] with 1 or 3 channels is wanted",
              fmt::join(shape, ","));
}

}  // namespace

Result<Preprocess> parse_preprocess(std::string_view text, std::string_view name) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return fail(Code::kCorrupt, "{}: not a JSON object", name);
  }
  for (const auto& [key, value] : json.items()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      return fail(Code::kCorrupt, "{}: unknown key \"{}\"", name, key);
    }
  }
  Preprocess preprocess;
  try {
    MEDLAR_TRY(read_geometry(json, name, preprocess));
    MEDLAR_TRY(read_values(json, name, preprocess));
  } catch (const Json::exception& error) {
    return fail(Code::kCorrupt, "{}: {}", name, error.what());
  }
  return preprocess;
}

std::string preprocess_to_json(const Preprocess& preprocess) {
  const char* order = preprocess.order == ChannelOrder::kGray ? "GRAY" : preprocess.order == ChannelOrder::kRgb ? "RGB" : "BGR";
  const Json json{{"size", {preprocess.height, preprocess.width}},
                  {"channel_order", order},
                  {"mean", preprocess.mean},
                  {"scale", preprocess.scale},
                  {"resize", preprocess.fit == Fit::kLetterbox ? "letterbox" : "central_crop"},
                  {"crop_fraction", preprocess.crop_fraction},
                  {"label_offset", preprocess.label_offset}};
  return json.dump();
}

Result<Preprocess> default_preprocess(const graph::Shape& input_shape) {
  MEDLAR_ASSIGN(const InputLayout layout, input_layout(input_shape));
  Preprocess preprocess;
  preprocess.height = static_cast<int>(layout.height);
  preprocess.width = static_cast<int>(layout.width);
  preprocess.order = layout.channels == 1 ? ChannelOrder::kGray : ChannelOrder::kRgb;
  preprocess.mean.assign(static_cast<size_t>(layout.channels), 0.0f);
  preprocess.scale.assign(static_cast<size_t>(layout.channels), 1.0f);
  return preprocess;
}

Result<graph::Tensor> image_to_tensor(const Image& image, const Preprocess& preprocess, const graph::Shape& shape) {
  MEDLAR_ASSIGN(const InputLayout layout, input_layout(shape));
  if (layout.height != preprocess.height || layout.width != preprocess.width || layout.channels != preprocess.channels()) {
    return fail(Code::kInvalidArgument, "the model wants {} x {} x {} (H x W x C), the preprocess file makes {} x {} x {}",
                layout.height, layout.width, layout.channels, preprocess.height, preprocess.width, preprocess.channels());
  }
  MEDLAR_ASSIGN(const Image fitted, fit_image(image, preprocess));
  const int channels = preprocess.channels();
  const size_t plane = static_cast<size_t>(preprocess.height) * static_cast<size_t>(preprocess.width);
  std::vector<float> values(plane * static_cast<size_t>(channels));
  for (size_t pixel = 0; pixel < plane; ++pixel) {
    for (int channel = 0; channel < channels; ++channel) {
      const int stored = preprocess.order == ChannelOrder::kBgr ? 2 - channel : channel;
      const auto index = static_cast<size_t>(channel);
      const float raw = fitted.pixels[pixel * static_cast<size_t>(channels) + static_cast<size_t>(stored)];
      const size_t to = layout.channels_last ? pixel * static_cast<size_t>(channels) + index : index * plane + pixel;
      values[to] = (raw - preprocess.mean[index]) * preprocess.scale[index];
    }
  }
  return graph::make_tensor(graph::DataType::kFloat32, shape, values);
}

}  // namespace medlar::sample
