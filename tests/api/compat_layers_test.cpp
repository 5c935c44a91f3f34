// SPDX-License-Identifier: Apache-2.0
// The rarer layers of TensorRT's INetworkDefinition, through NvInfer.h.
#include "NvInfer.h"
#include "cuda_runtime_api.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>

namespace medlar::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
template <typename T>
using Owned = std::unique_ptr<T>;

class Errors final : public nvinfer1::ILogger {
 public:
  void log(Severity severity, const char* message) noexcept override {
    if (severity <= Severity::kERROR) {
      lines.emplace_back(message);
    }
  }
  std::vector<std::string> lines;
};

/// A network of one input [1,2,2,3], on the DLA as far as that runs its layers.
struct Net {
  Errors logger;
  Owned<nvinfer1::IBuilder> builder{nvinfer1::createInferBuilder(logger)};
  Owned<nvinfer1::INetworkDefinition> network{builder->createNetworkV2(1U)};
  nvinfer1::ITensor* x = network->addInput("x", nvinfer1::DataType::kFLOAT, nvinfer1::Dims4{1, 2, 2, 3});

  nvinfer1::ITensor& ints(const std::vector<int32_t>& values, bool scalar = false) {
    nvinfer1::Dims dims;
    dims.nbDims = scalar ? 0 : 1;
    dims.d[0] = static_cast<nvinfer1::DimsInteger>(values.size());
    return *network
                ->addConstant(
                    dims, {nvinfer1::DataType::kINT32, values.data(), static_cast<int64_t>(values.size())})
                ->getOutput(0);
  }
  nvinfer1::ITensor& floats(const nvinfer1::Dims& dims, const std::vector<float>& values) {
    return *network
                ->addConstant(
                    dims, {nvinfer1::DataType::kFLOAT, values.data(), static_cast<int64_t>(values.size())})
                ->getOutput(0);
  }
  std::vector<float> run(nvinfer1::ITensor& y) {
    y.setName("y");
    network->markOutput(y);
    const Owned<nvinfer1::IBuilderConfig> config(builder->createBuilderConfig());
    config->setFlag(nvinfer1::BuilderFlag::kFP16);
    config->setFlag(nvinfer1::BuilderFlag::kGPU_FALLBACK);
    config->setDefaultDeviceType(nvinfer1::DeviceType::kDLA);
    const Owned<nvinfer1::ICudaEngine> engine(builder->buildEngineWithConfig(*network, *config));
    if (!engine) {
      return {};
    }
    const Owned<nvinfer1::IExecutionContext> context(engine->createExecutionContext());
    const std::vector<float> values{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    std::vector<float> result(medlar::volume(engine->medlarEngine().tensor("y").dims));
    void *in = nullptr, *out = nullptr;
    EXPECT_EQ(cudaMalloc(&in, values.size() * 4), cudaSuccess);
    EXPECT_EQ(cudaMalloc(&out, result.size() * 4), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(in, values.data(), values.size() * 4, cudaMemcpyHostToDevice), cudaSuccess);
    void* bindings[]{in, out};
    EXPECT_TRUE(context->executeV2(bindings)) << testing::PrintToString(logger.lines);
    EXPECT_EQ(cudaMemcpy(result.data(), out, result.size() * 4, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_EQ(cudaFree(in), cudaSuccess);
    EXPECT_EQ(cudaFree(out), cudaSuccess);
    return result;
  }
};

TEST(CompatLayers, GatherSqueezeAndCumulative) {
  Net net;
  auto* gather = net.network->addGatherV2(*net.x, net.ints({1}), nvinfer1::GatherMode::kDEFAULT);
  gather->setGatherAxis(1);
  EXPECT_EQ(gather->getMode(), nvinfer1::GatherMode::kDEFAULT);
  EXPECT_EQ(gather->getType(), nvinfer1::LayerType::kGATHER);
  auto* squeeze = net.network->addSqueeze(*gather->getOutput(0), net.ints({0, 1}));
  EXPECT_EQ(squeeze->getOutput(0)->getDimensions().nbDims, 2);
  auto* sums = net.network->addCumulative(*squeeze->getOutput(0), net.ints({1}, true),
                                          nvinfer1::CumulativeOperation::kSUM, false, false);
  auto* back = net.network->addUnsqueeze(*sums->getOutput(0), net.ints({0}));
  EXPECT_THAT(net.run(*back->getOutput(0)), ElementsAre(7, 15, 24, 10, 21, 33));
}

TEST(CompatLayers, NormalizationEinsumAndScatter) {
  Net net;
  auto* norm = net.network->addNormalization(*net.x, net.floats(nvinfer1::Dims4{1, 2, 1, 1}, {1, 2}),
                                             net.floats(nvinfer1::Dims4{1, 2, 1, 1}, {0, 1}), 0xCU);
  norm->setEpsilon(1e-3f);
  EXPECT_FLOAT_EQ(norm->getEpsilon(), 1e-3f);
  EXPECT_EQ(norm->getNbGroups(), 1);
  EXPECT_EQ(norm->getAxes(), 0xCU);
  nvinfer1::ITensor* inputs[]{norm->getOutput(0)};
  auto* sum = net.network->addEinsum(inputs, 1, "nchw->nc");
  EXPECT_STREQ(sum->getEquation(), "nchw->nc");
  const auto got = net.run(*sum->getOutput(0));
  ASSERT_EQ(got.size(), 2U) << testing::PrintToString(net.logger.lines);
  EXPECT_NEAR(got[0], 0.0f, 1e-3);  // a normalised channel has no mean; 6 times the bias is left
  EXPECT_NEAR(got[1], 6.0f, 1e-3);
}

TEST(CompatLayers, InputsGivenLater) {
  Net net;
  auto* shuffle = net.network->addShuffle(*net.x);
  shuffle->setInput(1, net.ints({6, 2}));
  auto* fill = net.network->addFill(nvinfer1::Dims2{6, 2}, nvinfer1::FillOperation::kLINSPACE);
  fill->setInput(1, net.floats(nvinfer1::Dims(), {100}));
  fill->setInput(2, net.floats(
                        [] {
                          nvinfer1::Dims d;
                          d.nbDims = 1, d.d[0] = 2;
                          return d;
                        }(),
                        {0, 1}));
  auto* sum = net.network->addElementWise(*shuffle->getOutput(0), *fill->getOutput(0),
                                          nvinfer1::ElementWiseOperation::kSUM);
  EXPECT_THAT(net.run(*sum->getOutput(0)),
              ElementsAre(101, 103, 103, 105, 105, 107, 107, 109, 109, 111, 111, 113));
}

TEST(CompatLayers, WhatIsNotThereIsNamed) {
  Net net;
  EXPECT_EQ(net.network->addFill(nvinfer1::Dims2{1, 2}, nvinfer1::FillOperation::kRANDOM_UNIFORM), nullptr);
  EXPECT_THAT(net.logger.lines.back(), HasSubstr("RANDOM_UNIFORM"));
  EXPECT_EQ(net.network->addEinsum(nullptr, 1, "i->i"), nullptr);
  EXPECT_EQ(net.network->addAssertion(*net.x, nullptr), nullptr);
  net.network->addAssertion(net.ints({0}), "never mind");
  EXPECT_TRUE(net.run(*net.network->addIdentity(*net.x)->getOutput(0)).empty());
  EXPECT_THAT(net.logger.lines.back(), HasSubstr("never mind"));
}

}  // namespace
}  // namespace medlar::test
