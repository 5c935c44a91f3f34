// SPDX-License-Identifier: Apache-2.0
#include "sample/preprocess.hpp"

#include "support/test_data.hpp"

namespace medlar::sample {
namespace {

const Image kTwoByTwo{2, 2, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};

Preprocess two_by_two(ChannelOrder order) {
  Preprocess preprocess;
  preprocess.width = preprocess.height = 2;
  preprocess.order = order;
  return preprocess;
}

std::vector<float> values(const graph::Tensor& tensor) {
  return {tensor.as<float>().begin(), tensor.as<float>().end()};
}

TEST(Preprocess, PlanesFollowTheChannelOrder) {
  const auto rgb = image_to_tensor(kTwoByTwo, two_by_two(ChannelOrder::kRgb), {1, 3, 2, 2});
  EXPECT_EQ(values(*rgb), (std::vector<float>{1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12}));
  const auto bgr = image_to_tensor(kTwoByTwo, two_by_two(ChannelOrder::kBgr), {1, 3, 2, 2});
  EXPECT_EQ(values(*bgr), (std::vector<float>{3, 6, 9, 12, 2, 5, 8, 11, 1, 4, 7, 10}));
}

TEST(Preprocess, ChannelsLastInputsKeepPixelsTogether) {
  const auto tensor = image_to_tensor(kTwoByTwo, two_by_two(ChannelOrder::kRgb), {1, 2, 2, 3});
  EXPECT_EQ(values(*tensor), (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
}

TEST(Preprocess, MeanAndScaleArePerModelChannel) {
  Preprocess preprocess = two_by_two(ChannelOrder::kBgr);
  preprocess.mean = {3, 2, 1};
  preprocess.scale = {1, 10, 100};
  const auto tensor = image_to_tensor(kTwoByTwo, preprocess, {1, 3, 2, 2});
  EXPECT_EQ(values(*tensor), (std::vector<float>{0, 3, 6, 9, 0, 30, 60, 90, 0, 300, 600, 900}));
}

TEST(Preprocess, LetterboxPadsWithGray) {
  Preprocess preprocess = two_by_two(ChannelOrder::kRgb);
  preprocess.fit = Fit::kLetterbox;
  const Image wide{2, 1, 3, {9, 9, 9, 9, 9, 9}};
  preprocess.height = 3;
  const auto tensor = image_to_tensor(wide, preprocess, {1, 3, 3, 2});
  std::vector<float> first_plane = values(*tensor);
  first_plane.resize(6);
  EXPECT_EQ(first_plane, (std::vector<float>{114, 114, 9, 9, 114, 114}));
}

TEST(Preprocess, JsonRoundTripAndUnknownKeys) {
  const std::string json = R"({"size":[3,5],"channel_order":"GRAY","mean":[1.5],"scale":[0.25],"resize":"letterbox",
    "crop_fraction":0.875,"label_offset":1})";
  const Result<Preprocess> preprocess = parse_preprocess(json, "m.preprocess.json");
  ASSERT_TRUE(preprocess) << preprocess.error().to_string();
  const Preprocess again = *parse_preprocess(preprocess_to_json(*preprocess), "again");
  EXPECT_EQ(again.width, 5);
  EXPECT_EQ(again.height, 3);
  EXPECT_EQ(again.mean, preprocess->mean);
  EXPECT_EQ(again.fit, Fit::kLetterbox);
  EXPECT_EQ(again.label_offset, 1);
  const Result<Preprocess> unknown = parse_preprocess(R"({"size":[1,1],"gamma":2})", "m.json");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().message, "m.json: unknown key \"gamma\"");
  for (const char* broken : {"", "[]", "{", R"({"size":[1]})", R"({"size":"a"})", R"({"size":[0,1]})", R"({"size":[1,1],"mean":[1]})"}) {
    EXPECT_FALSE(parse_preprocess(broken, "broken")) << broken;
  }
}

TEST(Preprocess, WrongShapesAreExplained) {
  const auto tensor = image_to_tensor(kTwoByTwo, two_by_two(ChannelOrder::kRgb), {1, 3, 4, 4});
  ASSERT_FALSE(tensor);
  EXPECT_NE(tensor.error().message.find("4 x 4 x 3"), std::string::npos);
  EXPECT_FALSE(default_preprocess({1, 10}));
}

}  // namespace
}  // namespace medlar::sample
