// SPDX-License-Identifier: Apache-2.0
// Programs in TensorRT's words: NvInfer.h, NvOnnxParser.h, NvInferPlugin.h, cuda_runtime_api.h.
#include "NvInfer.h"
#include "NvInferPlugin.h"
#include "NvOnnxParser.h"
#include "cuda_runtime_api.h"
#include "digits_network.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>

namespace medlar::test {
namespace {

using testing::HasSubstr;

class TrtLogger final : public nvinfer1::ILogger {
 public:
  void log(Severity severity, const char* message) noexcept override {
    if (severity <= Severity::kERROR) {
      errors.emplace_back(message);
    }
  }
  std::vector<std::string> errors;
};

template <typename T>
using Owned = std::unique_ptr<T>;

struct Session {
  TrtLogger logger;
  Owned<nvinfer1::IBuilder> builder{nvinfer1::createInferBuilder(logger)};
  Owned<nvinfer1::INetworkDefinition> network{builder->createNetworkV2(1U)};
  Owned<nvinfer1::IBuilderConfig> config{builder->createBuilderConfig()};
  Owned<nvonnxparser::IParser> parser{nvonnxparser::createParser(*network, logger)};

  Session() {
    EXPECT_TRUE(initLibNvInferPlugins(&logger, ""));
    EXPECT_TRUE(parser->parseFromFile(digits_model().c_str(), 2));
    config->setFlag(nvinfer1::BuilderFlag::kFP16);
    config->setFlag(nvinfer1::BuilderFlag::kGPU_FALLBACK);
    config->setDefaultDeviceType(nvinfer1::DeviceType::kDLA);
    config->setDLACore(0);
  }
  Owned<nvinfer1::ICudaEngine> engine() {
    return Owned<nvinfer1::ICudaEngine>(builder->buildEngineWithConfig(*network, *config));
  }
};

TEST(Compat, BindingsOfTensorRt8) {
  Session session;
  const auto engine = session.engine();
  ASSERT_NE(engine, nullptr) << testing::PrintToString(session.logger.errors);
  EXPECT_EQ(engine->getNbBindings(), 2);
  const int input = engine->getBindingIndex("image"), output = engine->getBindingIndex("probabilities");
  EXPECT_TRUE(engine->bindingIsInput(input));
  EXPECT_EQ(engine->getBindingDimensions(output).d[1], 10);
  EXPECT_EQ(engine->getBindingDataType(input), nvinfer1::DataType::kFLOAT);

  const Owned<nvinfer1::IExecutionContext> context(engine->createExecutionContext());
  const auto image = picture(9, 19);
  std::vector<float> scores(10);
  void* bindings[2] = {};
  ASSERT_EQ(cudaMalloc(&bindings[input], image.size() * sizeof(float)), cudaSuccess);
  ASSERT_EQ(cudaMalloc(&bindings[output], scores.size() * sizeof(float)), cudaSuccess);
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  EXPECT_EQ(cudaMemcpyAsync(bindings[input], image.data(), image.size() * sizeof(float),
                            cudaMemcpyHostToDevice, stream),
            cudaSuccess);
  EXPECT_TRUE(context->enqueueV2(bindings, stream, nullptr));
  EXPECT_EQ(cudaMemcpyAsync(scores.data(), bindings[output], scores.size() * sizeof(float),
                            cudaMemcpyDeviceToHost, stream),
            cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);

  std::vector<float> again(10);
  EXPECT_TRUE(context->executeV2(bindings));
  EXPECT_EQ(cudaMemcpy(again.data(), bindings[output], again.size() * sizeof(float), cudaMemcpyDeviceToHost),
            cudaSuccess);
  EXPECT_EQ(scores, again);
  EXPECT_EQ(scores, classify(*engine->medlarEngine().createExecutionContext(), image));
  EXPECT_EQ(cudaFree(bindings[input]), cudaSuccess);
  EXPECT_FALSE(context->executeV2(bindings)) << "freed memory";
  EXPECT_EQ(cudaFree(bindings[output]), cudaSuccess);
  EXPECT_EQ(cudaFree(bindings[output]), cudaErrorInvalidValue) << "freed twice";
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}

TEST(Compat, PerLayerDevices) {
  Session session;
  EXPECT_TRUE(session.config->canRunOnDLA(session.network->getLayer(0)));
  auto* last = session.network->getLayer(session.network->getNbLayers() - 1);
  EXPECT_EQ(last->getType(), nvinfer1::LayerType::kSOFTMAX);
  EXPECT_FALSE(session.config->canRunOnDLA(last));
  session.config->setDeviceType(last, nvinfer1::DeviceType::kGPU);
  EXPECT_EQ(session.config->getDeviceType(last), nvinfer1::DeviceType::kGPU);
  EXPECT_NE(session.engine(), nullptr);
}

TEST(Compat, ANetworkInTensorRtsWords) {
  TrtLogger logger;
  const Owned<nvinfer1::IBuilder> builder(nvinfer1::createInferBuilder(logger));
  const Owned<nvinfer1::INetworkDefinition> network(builder->createNetworkV2(1U));
  const std::vector<float> kernel(4 * 1 * 3 * 3, 0.1f);
  nvinfer1::ITensor* x = network->addInput("x", nvinfer1::DataType::kFLOAT, nvinfer1::Dims4{1, 1, 8, 8});
  auto* conv = network->addConvolutionNd(*x, 4, nvinfer1::DimsHW{3, 3},
                                         {nvinfer1::DataType::kFLOAT, kernel.data(), 36}, {});
  ASSERT_NE(conv, nullptr);
  conv->setStrideNd(nvinfer1::DimsHW{1, 1});
  conv->setPaddingNd(nvinfer1::DimsHW{1, 1});
  auto* relu = network->addActivation(*conv->getOutput(0), nvinfer1::ActivationType::kRELU);
  auto* pool =
      network->addPoolingNd(*relu->getOutput(0), nvinfer1::PoolingType::kMAX, nvinfer1::DimsHW{2, 2});
  pool->setStrideNd(nvinfer1::DimsHW{2, 2});
  pool->getOutput(0)->setName("y");
  network->markOutput(*pool->getOutput(0));
  EXPECT_EQ(pool->getOutput(0)->getDimensions().d[3], 4);
  const Owned<nvinfer1::IBuilderConfig> config(builder->createBuilderConfig());
  config->setMemoryPoolLimit(nvinfer1::MemoryPoolType::kWORKSPACE, 1 << 20);
  config->setFlag(nvinfer1::BuilderFlag::kFP16);
  config->setDefaultDeviceType(nvinfer1::DeviceType::kDLA);
  const Owned<nvinfer1::IHostMemory> plan(builder->buildSerializedNetwork(*network, *config));
  ASSERT_NE(plan, nullptr) << testing::PrintToString(logger.errors);
  const Owned<nvinfer1::IRuntime> runtime(nvinfer1::createInferRuntime(logger));
  const Owned<nvinfer1::ICudaEngine> engine(runtime->deserializeCudaEngine(plan->data(), plan->size()));
  ASSERT_NE(engine, nullptr);
  EXPECT_EQ(engine->getTensorIOMode("y"), nvinfer1::TensorIOMode::kOUTPUT);
}

class FileCalibrator final : public nvinfer1::IInt8EntropyCalibrator2 {
 public:
  FileCalibrator() { EXPECT_EQ(cudaMalloc(&device_, 28 * 28 * sizeof(float)), cudaSuccess); }
  ~FileCalibrator() override { cudaFree(device_); }
  int32_t getBatchSize() const noexcept override { return 1; }
  bool getBatch(void* bindings[], const char* names[], int32_t count) noexcept override {
    if (left_-- == 0 || count != 1 || std::strcmp(names[0], "image") != 0) {
      return false;
    }
    const auto image = picture(3 + left_, 14 + left_);
    cudaMemcpy(device_, image.data(), image.size() * sizeof(float), cudaMemcpyHostToDevice);
    bindings[0] = device_;
    return true;
  }
  const void* readCalibrationCache(size_t& length) noexcept override {
    length = cache.size();
    return cache.empty() ? nullptr : cache.data();
  }
  void writeCalibrationCache(const void* data, size_t length) noexcept override {
    cache.assign(static_cast<const char*>(data), static_cast<const char*>(data) + length);
  }
  std::vector<char> cache;

 private:
  void* device_ = nullptr;
  int left_ = 3;
};

TEST(Compat, Calibrators) {
  Session session;
  FileCalibrator calibrator;
  session.config->setFlag(nvinfer1::BuilderFlag::kINT8);
  session.config->setInt8Calibrator(&calibrator);
  EXPECT_NE(session.engine(), nullptr) << testing::PrintToString(session.logger.errors);
  EXPECT_THAT(std::string(calibrator.cache.begin(), calibrator.cache.end()), testing::StartsWith("TRT-"));
}

TEST(Compat, SoftmaxTakesTensorRtsAxisUnlessToldOtherwise) {
  TrtLogger logger;
  const Owned<nvinfer1::IBuilder> builder(nvinfer1::createInferBuilder(logger));
  const Owned<nvinfer1::INetworkDefinition> network(builder->createNetworkV2(1U));
  nvinfer1::ITensor* x = network->addInput("x", nvinfer1::DataType::kFLOAT, nvinfer1::Dims4{1, 6, 2, 2});
  EXPECT_EQ(network->addSoftMax(*x)->getAxes(), 1U << 1) << "channels";
  // Nothing has asked for a shape yet when the layer behind another one is added.
  nvinfer1::IShuffleLayer* flat = network->addShuffle(*x);
  flat->setReshapeDimensions(nvinfer1::Dims2{1, 24});
  nvinfer1::ISoftMaxLayer* scores = network->addSoftMax(*flat->getOutput(0));
  ASSERT_NE(scores, nullptr) << testing::PrintToString(logger.errors);
  EXPECT_EQ(scores->getAxes(), 1U) << "axis 0 below three dimensions";
  scores->setAxes(1U << 1);
  EXPECT_EQ(scores->getOutput(0)->getDimensions().d[1], 24);
  EXPECT_TRUE(logger.errors.empty()) << testing::PrintToString(logger.errors);
}

TEST(Compat, WeightsAreReadBack) {
  TrtLogger logger;
  const Owned<nvinfer1::IBuilder> builder(nvinfer1::createInferBuilder(logger));
  const Owned<nvinfer1::INetworkDefinition> network(builder->createNetworkV2(1U));
  const float values[6] = {1, -2, 3, -4, 5, -6};
  const nvinfer1::Weights six{nvinfer1::DataType::kFLOAT, values, 6}, none{nvinfer1::DataType::kFLOAT, nullptr, 0};
  const auto read = [](const nvinfer1::Weights& weights) {
    const auto* first = static_cast<const float*>(weights.values);
    return std::vector<float>(first, first + weights.count);
  };
  nvinfer1::IConstantLayer* constant = network->addConstant(nvinfer1::Dims4{1, 6, 1, 1}, six);
  ASSERT_NE(constant, nullptr);
  const nvinfer1::Weights kept = constant->getWeights();
  EXPECT_EQ(kept.type, nvinfer1::DataType::kFLOAT);
  EXPECT_THAT(read(kept), testing::ElementsAreArray(values));
  nvinfer1::IConvolutionLayer* conv =
      network->addConvolutionNd(*constant->getOutput(0), 1, nvinfer1::Dims2{1, 1}, six, none);
  ASSERT_NE(conv, nullptr);
  EXPECT_THAT(read(conv->getKernelWeights()), testing::ElementsAreArray(values));
  EXPECT_EQ(conv->getBiasWeights().count, 0);
  EXPECT_EQ(conv->getBiasWeights().values, nullptr);
  EXPECT_THAT(read(kept), testing::ElementsAreArray(values)) << "still there";
  EXPECT_TRUE(logger.errors.empty()) << testing::PrintToString(logger.errors);
}

/// In the manner of NVIDIA's sampleINT8API: no calibrator, a range for every tensor, those of constants from their weights.
TEST(Compat, RangesOfConstantsComeFromTheirWeights) {
  Session session;
  session.config->setFlag(nvinfer1::BuilderFlag::kINT8);
  EXPECT_TRUE(session.network->getInput(0)->setDynamicRange(-1, 1));
  for (int32_t i = 0; i < session.network->getNbLayers(); ++i) {
    nvinfer1::ILayer* layer = session.network->getLayer(i);
    float range = 16;
    if (layer->getType() == nvinfer1::LayerType::kCONSTANT) {
      const nvinfer1::Weights weights = static_cast<nvinfer1::IConstantLayer*>(layer)->getWeights();
      ASSERT_GT(weights.count, 0);
      if (weights.type != nvinfer1::DataType::kFLOAT) {
        continue;
      }
      range = 1e-6f;
      for (int64_t k = 0; k < weights.count; ++k) {
        range = std::max(range, std::abs(static_cast<const float*>(weights.values)[k]));
      }
    }
    for (int32_t k = 0; k < layer->getNbOutputs(); ++k) {
      EXPECT_TRUE(layer->getOutput(k)->setDynamicRange(-range, range));
    }
  }
  EXPECT_NE(session.engine(), nullptr) << testing::PrintToString(session.logger.errors);
}

TEST(Compat, RefusalsAreErrorsInTheLogAndNoEngine) {
  Session session;
  session.config->setFlag(nvinfer1::BuilderFlag::kREFIT);
  EXPECT_EQ(session.engine(), nullptr);
  ASSERT_FALSE(session.logger.errors.empty());
  EXPECT_THAT(session.logger.errors[0], HasSubstr("REFIT"));
  const Owned<nvinfer1::IRuntime> runtime(nvinfer1::createInferRuntime(session.logger));
  EXPECT_EQ(runtime->deserializeCudaEngine(nullptr, 0), nullptr);
  EXPECT_EQ(runtime->deserializeCudaEngine("rubbish", 7), nullptr);
  EXPECT_EQ(session.network->addInput(nullptr, nvinfer1::DataType::kFLOAT, nvinfer1::Dims3{1, 2, 3}),
            nullptr);
  EXPECT_FALSE(session.config->canRunOnDLA(nullptr));
}

TEST(Compat, ErrorCodesOfTheCudaRuntime) {
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(static_cast<void**>(nullptr), 16), cudaErrorInvalidValue);
  ASSERT_EQ(cudaMalloc(&memory, 16), cudaSuccess);
  float host[8] = {};
  EXPECT_EQ(cudaMemcpy(memory, host, sizeof(host), cudaMemcpyHostToDevice), cudaErrorInvalidValue)
      << "32 bytes into 16";
  EXPECT_EQ(cudaMemcpy(host, host, 4, cudaMemcpyDeviceToHost), cudaErrorInvalidValue) << "no device memory";
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaMemset(memory, 1, 16), cudaSuccess);
  EXPECT_EQ(static_cast<unsigned char*>(memory)[15], 1);
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_STREQ(cudaGetErrorString(cudaErrorInvalidValue), "cudaErrorInvalidValue");

  cudaEvent_t start = nullptr, end = nullptr;
  ASSERT_EQ(cudaEventCreate(&start), cudaSuccess);
  ASSERT_EQ(cudaEventCreate(&end), cudaSuccess);
  EXPECT_EQ(cudaEventRecord(start), cudaSuccess);
  EXPECT_EQ(cudaEventRecord(end), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(end), cudaSuccess);
  float milliseconds = -1;
  EXPECT_EQ(cudaEventElapsedTime(&milliseconds, start, end), cudaSuccess);
  EXPECT_EQ(milliseconds, 0) << "nothing was computed in between";
  EXPECT_EQ(cudaEventDestroy(start), cudaSuccess);
  EXPECT_EQ(cudaEventDestroy(end), cudaSuccess);
  EXPECT_EQ(cudaEventDestroy(end), cudaErrorInvalidValue);
}

}  // namespace
}  // namespace medlar::test
