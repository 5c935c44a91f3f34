// SPDX-License-Identifier: Apache-2.0
#include "host/session.hpp"

#include "base/files.hpp"
#include "support/test_data.hpp"

namespace medlar::host {
namespace {

Session digits(const SessionOptions& options = {}) {
  const ByteBuffer model = *read_file(test::source_dir() / "models/digits/digits.onnx");
  return std::move(*Session::create(model, "digits.onnx", options));
}

graph::Tensor gray(float value) {
  return graph::make_tensor(graph::DataType::kFloat32, {1, 1, 28, 28}, std::vector<float>(784, value));
}

TEST(Session, DescribesTheModel) {
  const Session session = digits();
  ASSERT_EQ(session.inputs().size(), 1u);
  EXPECT_EQ(session.inputs()[0].name, "image");
  EXPECT_EQ(session.inputs()[0].shape, (graph::Shape{1, 1, 28, 28}));
  EXPECT_EQ(session.outputs()[0].name, "probabilities");
}

TEST(Session, InPlaceEqualsOwned) {
  const Session session = digits();
  graph::Tensor input = gray(0.5f);
  const auto owned = session.run({{"image", &input}});
  ASSERT_TRUE(owned) << owned.error().to_string();
  graph::Tensor output{graph::DataType::kFloat32, {1, 10}, ByteBuffer(40), {}};
  ASSERT_TRUE(session.run_in_place({{"image", {input.type, input.shape, input.bytes}}},
                                   {{"probabilities", {output.type, output.shape, output.bytes}}}));
  EXPECT_EQ(output, owned->front());
  double sum = 0;
  for (const float p : output.as<float>()) {
    sum += p;
  }
  EXPECT_NEAR(sum, 1.0, 1e-5);
}

TEST(Session, ErrorsCarryTheNameAndTheReason) {
  const auto broken = Session::create(ByteBuffer(10, 0xff), "broken.onnx", {});
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find("broken.onnx"), std::string::npos);
  const Session session = digits();
  const graph::Tensor input = gray(0);
  EXPECT_FALSE(session.run({{"picture", &input}}));
  EXPECT_FALSE(session.run({}));
  const auto wrong = graph::make_tensor<float>(graph::DataType::kFloat32, {1, 2}, {0, 0});
  EXPECT_FALSE(session.run({{"image", &wrong}}));
}

}  // namespace
}  // namespace medlar::host
