// SPDX-License-Identifier: Apache-2.0
// Networks: every layer that can be added runs and gives ONNX's values; parsed layers show TensorRT's words.
#include "digits_network.hpp"

#include <cmath>
#include <cstring>
#include <numeric>

#include <gmock/gmock.h>

namespace medlar::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A network with one input, built for the host engine (FP32), run once.
class OneLayer {
 public:
  explicit OneLayer(const Dims& dims) : builder_(logger_), network_(builder_.createNetwork()) {
    input_ = &network_->addInput("x", DataType::kFloat32, dims);
  }
  NetworkDefinition& network() { return *network_; }
  Tensor& x() { return *input_; }

  std::vector<float> run(Tensor& y, const std::vector<float>& values) {
    y.setName("y");
    network_->markOutput(y);
    const auto config = builder_.createBuilderConfig();
    const Engine engine = Runtime(logger_).deserialize(builder_.buildSerializedNetwork(*network_, *config));
    const auto context = engine.createExecutionContext();
    std::vector<float> result(volume(engine.tensor("y").dims));
    context->run({{"x", bytes_of(values)}}, {{"y", bytes_of(result)}});
    return result;
  }

 private:
  KeepingLogger logger_;
  Builder builder_;
  std::unique_ptr<NetworkDefinition> network_;
  Tensor* input_ = nullptr;
};

Weights weights(const std::vector<float>& values) {
  return {DataType::kFloat32, values.data(), static_cast<int64_t>(values.size())};
}

TEST(Network, LayersThatAreAddedComputeWhatTheySay) {
  const std::vector<float> four{-1.0f, 2.0f, 0.5f, -3.0f};
  const std::vector<float> two{2.0f}, one{1.0f}, kernel{0.5f};
  struct Case {
    const char* name;
    std::function<Layer&(NetworkDefinition&, Tensor&)> add;
    std::vector<float> expected;
  };
  const std::vector<Case> cases{
      {"relu",
       [](auto& n, auto& x) -> Layer& { return n.addActivation(x, ActivationType::kRelu); },
       {0, 2, 0.5f, 0}},
      {"leaky",
       [](auto& n, auto& x) -> Layer& { return n.addActivation(x, ActivationType::kLeakyRelu, 0.5); },
       {-0.5f, 2, 0.5f, -1.5f}},
      {"clip",
       [](auto& n, auto& x) -> Layer& { return n.addActivation(x, ActivationType::kClip, -1, 1); },
       {-1, 1, 0.5f, -1}},
      {"abs",
       [](auto& n, auto& x) -> Layer& { return n.addUnary(x, UnaryOperation::kAbs); },
       {1, 2, 0.5f, 3}},
      {"sum",
       [](auto& n, auto& x) -> Layer& { return n.addElementWise(x, x, ElementWiseOperation::kSum); },
       {-2, 4, 1, -6}},
      {"scale",
       [&](auto& n, auto& x) -> Layer& {
         return n.addScale(x, ScaleMode::kUniform, weights(one), weights(two), {});
       },
       {-1, 5, 2, -5}},
      {"channel scale",
       [&](auto& n, auto& x) -> Layer& { return n.addScale(x, ScaleMode::kChannel, {}, weights(two), {}); },
       {-2, 4, 1, -6}},
      {"convolution",
       [&](auto& n, auto& x) -> Layer& {
         return n.addConvolutionNd(x, 1, {1, 1}, weights(kernel), weights(one));
       },
       {0.5f, 2, 1.25f, -0.5f}},
      {"fully connected",
       [](auto& n, auto& x) -> Layer& {
         static const std::vector<float> ones{1, 1, 1, 1};
         return n.addFullyConnected(x, 1, weights(ones));
       },
       {-1.5f}},
      {"max pool",
       [](auto& n, auto& x) -> Layer& {
         return n.addPoolingNd(x, PoolingType::kMax, {2, 2});
       },
       {2}},
      {"average pool",
       [](auto& n, auto& x) -> Layer& {
         return n.addPoolingNd(x, PoolingType::kAverage, {2, 2});
       },
       {-0.375f}},
      {"reduce",
       [](auto& n, auto& x) -> Layer& { return n.addReduce(x, ReduceOperation::kSum, 1U << 3, true); },
       {1, -2.5f}},
      {"slice",
       [](auto& n, auto& x) -> Layer& {
         return n.addSlice(x, {0, 0, 1, 0}, {1, 1, 1, 2}, {1, 1, 1, 1});
       },
       {0.5f, -3}},
      {"concatenation",
       [](auto& n, auto& x) -> Layer& {
         return n.addConcatenation({&x, &x});
       },
       {-1, 2, 0.5f, -3, -1, 2, 0.5f, -3}},
      {"transpose",
       [](auto& n, auto& x) -> Layer& {
         return n.addShuffle(x).setDims("first_transpose", {0, 1, 3, 2});
       },
       {-1, 0.5f, 2, -3}},
      {"matrix product",
       [](auto& n, auto& x) -> Layer& {
         return n.addMatrixMultiply(x, MatrixOperation::kNone, x, MatrixOperation::kTranspose);
       },
       {5, -6.5f, -6.5f, 9.25f}},
      {"padding",
       [](auto& n, auto& x) -> Layer& {
         return n.addPaddingNd(x, {0, 1}, {0, 0});
       },
       {0, -1, 2, 0, 0.5f, -3}},
  };
  for (const Case& c : cases) {
    OneLayer one_layer({1, 1, 2, 2});
    Layer& layer = c.add(one_layer.network(), one_layer.x());
    const std::vector<float> got = one_layer.run(*layer.output(0), four);
    ASSERT_EQ(got.size(), c.expected.size()) << c.name;
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_NEAR(got[i], c.expected[i], 1e-6) << c.name << " element " << i;
    }
  }
}

TEST(Network, SoftmaxResizeAndDeconvolution) {
  OneLayer soft({1, 2, 1, 1});
  const auto scores = soft.run(*soft.network().addSoftMax(soft.x()).output(0), {0.0f, std::log(3.0f)});
  EXPECT_NEAR(scores[0], 0.25f, 1e-6);
  EXPECT_NEAR(scores[1], 0.75f, 1e-6);

  OneLayer grown({1, 1, 1, 2});
  const std::vector<float> factors{1, 1, 2, 2};
  Layer& resize = grown.network().addResize(grown.x()).setWeights("scales", weights(factors));
  EXPECT_THAT(grown.run(*resize.output(0), {1, 2}), ElementsAre(1, 1, 2, 2, 1, 1, 2, 2));

  OneLayer spread({1, 1, 1, 2});
  const std::vector<float> kernel{1, 2, 3, 4};
  Window window;
  window.stride = {2, 2};
  Layer& deconv = spread.network().addDeconvolutionNd(spread.x(), 1, {2, 2}, weights(kernel), {}, window);
  EXPECT_THAT(spread.run(*deconv.output(0), {1, 10}), ElementsAre(1, 2, 10, 20, 3, 4, 30, 40));
}

TEST(Network, ParametersAreReadAndSetByTensorRtsWords) {
  OneLayer net({1, 1, 4, 4});
  const std::vector<float> kernel(9, 1.0f);
  Layer& conv = net.network().addConvolutionNd(net.x(), 1, {3, 3}, weights(kernel));
  EXPECT_EQ(conv.output(0)->dims(), (Dims{1, 1, 2, 2}));
  conv.setDims("stride", {2, 2}).setDims("pre_padding", {1, 1}).setDims("post_padding", {1, 1});
  EXPECT_EQ(conv.output(0)->dims(), (Dims{1, 1, 2, 2}));
  EXPECT_EQ(conv.getDims("kernel_size"), (Dims{3, 3}));
  EXPECT_EQ(conv.getWeights("kernel").bytes.size(), kernel.size() * sizeof(float));
  EXPECT_THROW(conv.setInt("no_such", 1), NotFound);
  EXPECT_THROW(conv.setInt("stride", 1), InvalidArgument);
}

TEST(Network, ParsedLayersHaveKindsAndParameters) {
  KeepingLogger logger;
  const Builder builder(logger);
  const auto network = builder.createNetwork();
  OnnxParser parser(*network, logger);
  ASSERT_TRUE(parser.parseFromFile(digits_model()));
  EXPECT_EQ(network->input(0).name(), "image");
  EXPECT_EQ(network->output(0).dims(), (Dims{1, 10}));
  const Layer& conv = network->layer(0);
  EXPECT_EQ(conv.type(), LayerType::kConvolution);
  EXPECT_EQ(conv.onnxOperator(), "Conv");
  EXPECT_EQ(conv.getDims("kernel_size"), (Dims{5, 5}));
  EXPECT_EQ(network->layer(1).type(), LayerType::kActivation);
  EXPECT_EQ(network->layer(network->numLayers() - 1).type(), LayerType::kSoftmax);
}

TEST(Network, AParsedLayerMayBeChangedAndOthersAddedBehindIt) {
  KeepingLogger logger;
  const Builder builder(logger);
  const auto network = builder.createNetwork();
  OnnxParser parser(*network, logger);
  ASSERT_TRUE(parser.parseFromFile(digits_model()));
  network->layer(1).setInt("type", static_cast<int>(ActivationType::kSigmoid));
  Tensor& logits = *network->layer(network->numLayers() - 1).input(0);
  network->unmarkOutput(network->output(0));
  Layer& top = network->addTopK(logits, TopKOperation::kMax, 3, 1U << 1);
  network->markOutput(*top.output(0));
  const auto config = builder.createBuilderConfig();
  const Engine engine = Runtime(logger).deserialize(builder.buildSerializedNetwork(*network, *config));
  EXPECT_EQ(engine.tensors().at(1).dims, (Dims{1, 3}));
  EXPECT_THAT(engine.inspect(), HasSubstr("Sigmoid"));
}

TEST(Network, ErrorsOfTheParserNameTheFile) {
  KeepingLogger logger;
  const Builder builder(logger);
  const auto network = builder.createNetwork();
  OnnxParser parser(*network, logger);
  EXPECT_FALSE(parser.parseFromFile("/no/such/model.onnx"));
  EXPECT_FALSE(parser.parse({reinterpret_cast<const std::byte*>("rubbish"), 7}, "rubbish.onnx"));
  ASSERT_EQ(parser.errors().size(), 2U);
  EXPECT_THAT(parser.errors()[0].message, HasSubstr("/no/such/model.onnx"));
  EXPECT_EQ(parser.errors()[1].code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace medlar::test
