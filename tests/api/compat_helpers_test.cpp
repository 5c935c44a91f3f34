// SPDX-License-Identifier: Apache-2.0
// What helper classes of programs for TensorRT use beside the API proper: RAII buffers by name and index,
// progress monitors, streams of engines, counts of enumerations, the parts of CUDA that are refused.
#include "digits_network.hpp"
#include "medlar/compat/NvInferPlugin.h"
#include "medlar/compat/NvInferSafeRuntime.h"
#include "medlar/compat/NvOnnxConfig.h"
#include "medlar/compat/NvOnnxParser.h"
#include "medlar/compat/cuda.h"
#include "medlar/compat/cuda_fp16.h"
#include "medlar/compat/cuda_runtime_api.h"

#include <array>
#include <iostream>
#include <sstream>

#include <gmock/gmock.h>

namespace {

using namespace nvinfer1;  // NOLINT: as such programs do
using namespace plugin;    // NOLINT

class Recording : public ILogger {
 public:
  void log(Severity severity, AsciiChar const* message) noexcept override {
    if (severity <= Severity::kERROR) {
      errors += std::string(message) + "\n";
    }
  }
  std::string errors;
};

/// A pair of buffers for each tensor, addressed by name; device memory is freed with it.
class Buffers {
 public:
  explicit Buffers(std::shared_ptr<ICudaEngine> engine) : engine_(std::move(engine)) {
    for (int32_t i = 0; i < engine_->getNbIOTensors(); ++i) {
      char const* name = engine_->getIOTensorName(i);
      Dims const dims = engine_->getTensorShape(name);
      std::size_t bytes = engine_->getTensorBytesPerComponent(name);
      for (int32_t d = 0; d < dims.nbDims; ++d) {
        bytes *= static_cast<std::size_t>(dims.d[d]);
      }
      void* device = nullptr;
      EXPECT_EQ(cudaMalloc(&device, bytes), cudaSuccess);
      device_.push_back(device);
      host_.emplace_back(bytes);
    }
  }
  ~Buffers() {
    for (void* device : device_) {
      EXPECT_EQ(cudaFree(device), cudaSuccess);
    }
  }
  void copy(TensorIOMode mode, cudaMemcpyKind kind, cudaStream_t stream) {
    for (std::size_t i = 0; i < host_.size(); ++i) {
      if (engine_->getTensorIOMode(engine_->getIOTensorName(static_cast<int32_t>(i))) == mode) {
        bool const down = kind == cudaMemcpyHostToDevice;
        EXPECT_EQ(cudaMemcpyAsync(down ? device_[i] : host_[i].data(), down ? host_[i].data() : device_[i],
                                  host_[i].size(), kind, stream),
                  cudaSuccess);
      }
    }
  }
  std::vector<std::byte>& host(std::size_t i) { return host_[i]; }
  std::vector<void*>& bindings() { return device_; }

 private:
  std::shared_ptr<ICudaEngine> engine_;
  std::vector<void*> device_;
  std::vector<std::vector<std::byte>> host_;
};

class Monitor : public IProgressMonitor {
 public:
  explicit Monitor(bool go_on) : go_on_(go_on) {}
  void phaseStart(char const*, char const*, int32_t count) noexcept override { started += count > 0 ? 1 : 0; }
  bool stepComplete(char const*, int32_t) noexcept override {
    ++steps;
    return go_on_;
  }
  void phaseFinish(char const*) noexcept override { ++finished; }
  int started = 0, steps = 0, finished = 0;

 private:
  bool go_on_;
};

class Pipe : public IStreamWriter, public IStreamReader {
 public:
  int64_t write(void const* data, int64_t bytes) override {
    auto const* from = static_cast<std::byte const*>(data);
    data_.insert(data_.end(), from, from + bytes);
    return bytes;
  }
  int64_t read(void* destination, int64_t bytes) override {
    auto const size = std::min<std::size_t>(static_cast<std::size_t>(bytes), data_.size() - at_);
    std::copy_n(data_.begin() + static_cast<std::ptrdiff_t>(at_), size, static_cast<std::byte*>(destination));
    at_ += size;
    return static_cast<int64_t>(size);
  }

 private:
  std::vector<std::byte> data_;
  std::size_t at_ = 0;
};

class Calibrator : public IInt8EntropyCalibrator2 {
 public:
  Calibrator() { EXPECT_EQ(cudaMalloc(&input_, 28 * 28 * sizeof(float)), cudaSuccess); }
  ~Calibrator() override { cudaFree(input_); }
  int32_t getBatchSize() const noexcept override { return 1; }
  bool getBatch(void* bindings[], char const* names[], int32_t count) noexcept override {
    auto const image = medlar::test::picture(8 + left_, 16 + left_);
    cudaMemcpy(input_, image.data(), image.size() * sizeof(float), cudaMemcpyHostToDevice);
    bindings[0] = input_;
    return count == 1 && std::string(names[0]) == "image" && left_-- > 0;
  }
  void const* readCalibrationCache(std::size_t& length) noexcept override {
    length = 0;
    return nullptr;
  }
  void writeCalibrationCache(void const*, std::size_t length) noexcept override { written = length; }
  std::size_t written = 0;

 private:
  void* input_ = nullptr;
  int left_ = 4;
};

struct Session {
  Recording logger;
  std::unique_ptr<IBuilder> builder{createInferBuilder(logger)};
  std::unique_ptr<INetworkDefinition> network{
      builder->createNetworkV2(1U << static_cast<uint32_t>(NetworkDefinitionCreationFlag::kEXPLICIT_BATCH))};
  std::unique_ptr<IBuilderConfig> config{builder->createBuilderConfig()};
  Session() {
    std::unique_ptr<nvonnxparser::IParser> const parser{nvonnxparser::createParser(*network, logger)};
    EXPECT_TRUE(parser->parseFromFile(medlar::test::digits_model().c_str(),
                                      static_cast<int>(ILogger::Severity::kWARNING)));
    config->setDefaultDeviceType(DeviceType::kDLA);
    config->setDLACore(0);
    config->setFlag(BuilderFlag::kGPU_FALLBACK);
  }
};

TEST(CompatHelpers, AnInt8EngineThroughStreamsAndBuffers) {
  Session session;
  Calibrator calibrator;
  session.config->setFlag(BuilderFlag::kINT8);
  session.config->setInt8Calibrator(&calibrator);
  Monitor monitor(true);
  session.config->setProgressMonitor(&monitor);
  Pipe pipe;
  ASSERT_TRUE(session.builder->buildSerializedNetworkToStream(*session.network, *session.config, pipe))
      << session.logger.errors;
  EXPECT_GT(monitor.steps, 0);
  EXPECT_EQ(monitor.started, monitor.finished);
  EXPECT_GT(calibrator.written, 0U);

  std::unique_ptr<IRuntime> const runtime{createInferRuntime(session.logger)};
  std::shared_ptr<ICudaEngine> const engine{
      runtime->deserializeCudaEngine(static_cast<IStreamReader&>(pipe))};
  ASSERT_NE(engine, nullptr) << session.logger.errors;
  std::unique_ptr<IExecutionContext> const context{engine->createExecutionContext()};
  Buffers buffers(engine);
  auto const image = medlar::test::picture(10, 18);
  std::memcpy(buffers.host(0).data(), image.data(), buffers.host(0).size());
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  buffers.copy(TensorIOMode::kINPUT, cudaMemcpyHostToDevice, stream);
  ASSERT_TRUE(context->enqueueV2(buffers.bindings().data(), stream, nullptr)) << session.logger.errors;
  buffers.copy(TensorIOMode::kOUTPUT, cudaMemcpyDeviceToHost, stream);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  std::array<float, 10> scores{};
  std::memcpy(scores.data(), buffers.host(1).data(), sizeof(scores));
  float sum = 0;
  for (float const score : scores) {
    sum += score;
  }
  EXPECT_NEAR(sum, 1.0f, 1e-3f);
}

TEST(CompatHelpers, AMonitorStopsTheBuild) {
  Session session;
  Calibrator calibrator;
  session.config->setFlag(BuilderFlag::kINT8);
  session.config->setInt8Calibrator(&calibrator);
  Monitor monitor(false);
  session.config->setProgressMonitor(&monitor);
  EXPECT_EQ(session.builder->buildSerializedNetwork(*session.network, *session.config), nullptr);
  EXPECT_EQ(monitor.steps, 1);
  EXPECT_THAT(session.logger.errors, testing::HasSubstr("cancelled"));
}

TEST(CompatHelpers, WhatIsNotThereSaysSo) {
  Session session;
  session.config->setFlag(BuilderFlag::kBF16);
  EXPECT_EQ(session.builder->buildSerializedNetwork(*session.network, *session.config), nullptr);
  EXPECT_FALSE(session.logger.errors.empty());
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  EXPECT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaErrorNotSupported);
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorNotSupported);
  EXPECT_EQ(graph, nullptr);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  std::array<Dims, EnumMax<OptProfileSelector>()> const shapes{};
  EXPECT_EQ(shapes.size(), 3U);
  EXPECT_EQ(__half(1.5f).bits, 0x3E00);
  EXPECT_EQ(__half2float(__float2half(-0.25f)), -0.25f);
  int major = 0;
  EXPECT_EQ(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0), cudaSuccess);
  EXPECT_EQ(major, 8);
}

}  // namespace
