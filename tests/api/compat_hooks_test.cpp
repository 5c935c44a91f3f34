// SPDX-License-Identifier: Apache-2.0
// A program's own objects that the library calls, through NvInfer.h: error recorders, allocators of contexts
// and outputs; and memory that the program brings.
#include "NvInfer.h"
#include "NvOnnxParser.h"
#include "cuda_runtime_api.h"
#include "digits_network.hpp"

#include <gmock/gmock.h>

namespace medlar::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
template <typename T>
using Owned = std::unique_ptr<T>;

class Log final : public nvinfer1::ILogger {
 public:
  void log(Severity, const char* message) noexcept override { lines.emplace_back(message); }
  std::vector<std::string> lines;
};

class Recorder final : public nvinfer1::IErrorRecorder {
 public:
  int32_t getNbErrors() const noexcept override { return static_cast<int32_t>(errors.size()); }
  nvinfer1::ErrorCode getErrorCode(int32_t i) const noexcept override {
    return errors[static_cast<size_t>(i)].first;
  }
  ErrorDesc getErrorDesc(int32_t i) const noexcept override {
    return errors[static_cast<size_t>(i)].second.c_str();
  }
  bool hasOverflowed() const noexcept override { return false; }
  void clear() noexcept override { errors.clear(); }
  bool reportError(nvinfer1::ErrorCode code, ErrorDesc text) noexcept override {
    errors.emplace_back(code, text);
    return true;
  }
  RefCount incRefCount() noexcept override { return ++count; }
  RefCount decRefCount() noexcept override { return --count; }
  std::vector<std::pair<nvinfer1::ErrorCode, std::string>> errors;
  int count = 0;
};

class Allocator final : public nvinfer1::IGpuAllocator {
 public:
  void* allocate(uint64_t size, uint64_t, nvinfer1::AllocatorFlags) noexcept override {
    void* memory = nullptr;
    return cudaMalloc(&memory, size) == cudaSuccess ? ++held, memory : nullptr;
  }
  bool deallocate(void* memory) noexcept override { return --held, cudaFree(memory) == cudaSuccess; }
  int held = 0;
};

Owned<nvinfer1::IHostMemory> digits_plan(nvinfer1::ILogger& log) {
  const Owned<nvinfer1::IBuilder> builder(nvinfer1::createInferBuilder(log));
  const Owned<nvinfer1::INetworkDefinition> network(builder->createNetworkV2(1U));
  EXPECT_EQ(&network->getBuilder(), builder.get());
  const Owned<nvonnxparser::IParser> parser(nvonnxparser::createParser(*network, log));
  EXPECT_TRUE(parser->parseFromFile(digits_model().c_str(), 2));
  const Owned<nvinfer1::IBuilderConfig> config(builder->createBuilderConfig());
  config->setFlag(nvinfer1::BuilderFlag::kFP16);
  config->setFlag(nvinfer1::BuilderFlag::kGPU_FALLBACK);
  config->setDefaultDeviceType(nvinfer1::DeviceType::kDLA);
  config->setBuilderOptimizationLevel(5);
  EXPECT_EQ(config->getBuilderOptimizationLevel(), 5);
  return Owned<nvinfer1::IHostMemory>(builder->buildSerializedNetwork(*network, *config));
}

TEST(CompatHooks, RecordersHearOfWhatFails) {
  Log log;
  Recorder recorder;
  {
    const Owned<nvinfer1::IRuntime> runtime(nvinfer1::createInferRuntime(log));
    runtime->setErrorRecorder(&recorder);
    EXPECT_EQ(runtime->getErrorRecorder(), &recorder);
    EXPECT_EQ(runtime->deserializeCudaEngine("rubbish", 7), nullptr);
    ASSERT_EQ(recorder.getNbErrors(), 1);
    EXPECT_EQ(recorder.getErrorCode(0), nvinfer1::ErrorCode::kFAILED_INITIALIZATION);
    const auto plan = digits_plan(log);
    const Owned<nvinfer1::ICudaEngine> engine(runtime->deserializeCudaEngine(plan->data(), plan->size()));
    const Owned<nvinfer1::IExecutionContext> context(engine->createExecutionContext());
    EXPECT_EQ(context->getErrorRecorder(), &recorder);
    EXPECT_FALSE(context->setTensorAddress("no such", nullptr));
    EXPECT_THAT(recorder.errors.back().second, HasSubstr("no such"));
    EXPECT_EQ(recorder.count, 3) << "runtime, engine and context hold one each";
    context->setErrorRecorder(nullptr);
    EXPECT_FALSE(context->setTensorAddress("no such", nullptr));
    EXPECT_EQ(recorder.getNbErrors(), 2);
  }
  EXPECT_EQ(recorder.count, 0);
}

TEST(CompatHooks, MemoryOfContexts) {
  Log log;
  Allocator allocator;
  const auto plan = digits_plan(log);
  const Owned<nvinfer1::IRuntime> runtime(nvinfer1::createInferRuntime(log));
  runtime->setGpuAllocator(&allocator);
  const Owned<nvinfer1::ICudaEngine> engine(runtime->deserializeCudaEngine(plan->data(), plan->size()));
  Owned<nvinfer1::IExecutionContext> context(engine->createExecutionContext());
  EXPECT_EQ(allocator.held, 1);
  context.reset(engine->createExecutionContextWithoutDeviceMemory());
  EXPECT_EQ(allocator.held, 0);
  void* bindings[2]{};
  ASSERT_EQ(cudaMalloc(&bindings[0], 3136), cudaSuccess);
  ASSERT_EQ(cudaMalloc(&bindings[1], 40), cudaSuccess);
  EXPECT_FALSE(context->executeV2(bindings));
  EXPECT_THAT(log.lines.back(), HasSubstr("without device memory"));
  void* memory = nullptr;
  ASSERT_EQ(cudaMalloc(&memory, engine->getDeviceMemorySize()), cudaSuccess);
  context->setDeviceMemoryV2(memory, 1);
  EXPECT_FALSE(context->executeV2(bindings));
  context->setDeviceMemory(memory);
  EXPECT_TRUE(context->executeV2(bindings));
  EXPECT_FALSE(engine->setWeightStreamingBudgetV2(7));
  const Owned<nvinfer1::ISerializationConfig> config(engine->createSerializationConfig());
  EXPECT_FALSE(config->setFlag(nvinfer1::SerializationFlag::kEXCLUDE_WEIGHTS));
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
  EXPECT_EQ(cudaFree(bindings[0]), cudaSuccess);
  EXPECT_EQ(cudaFree(bindings[1]), cudaSuccess);
}

/// Keeps what an output has grown to.
class Output final : public nvinfer1::IOutputAllocator {
 public:
  ~Output() override { cudaFree(memory); }
  void* reallocateOutput(const char*, void*, uint64_t size, uint64_t) noexcept override {
    cudaFree(memory);
    memory = nullptr;
    return cudaMalloc(&memory, size) == cudaSuccess ? memory : nullptr;
  }
  void notifyShape(const char*, const nvinfer1::Dims& dims) noexcept override { shape = dims; }
  void* memory = nullptr;
  nvinfer1::Dims shape;
};

TEST(CompatHooks, OutputsOfAShapeThatOnlyTheRunTells) {
  Log log;
  Output output;
  const Owned<nvinfer1::IBuilder> builder(nvinfer1::createInferBuilder(log));
  const Owned<nvinfer1::INetworkDefinition> network(builder->createNetworkV2(1U));
  auto* x = network->addInput("x", nvinfer1::DataType::kFLOAT, nvinfer1::Dims2{2, 3});
  auto* found = network->addNonZero(*x)->getOutput(0);
  found->setName("found");
  network->markOutput(*found);
  const Owned<nvinfer1::IBuilderConfig> config(builder->createBuilderConfig());
  const Owned<nvinfer1::ICudaEngine> engine(builder->buildEngineWithConfig(*network, *config));
  ASSERT_NE(engine, nullptr) << testing::PrintToString(log.lines);
  const Owned<nvinfer1::IExecutionContext> context(engine->createExecutionContext());
  const float values[6]{0, 2, 0, 3, 0, 4};
  void* in = nullptr;
  ASSERT_EQ(cudaMalloc(&in, sizeof values), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(in, values, sizeof values, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_TRUE(context->setTensorAddress("x", in));
  EXPECT_TRUE(context->setOutputAllocator("found", &output));
  EXPECT_FALSE(context->setOutputAllocator("x", &output));
  EXPECT_TRUE(context->enqueueV3(nullptr));
  EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
  ASSERT_EQ(output.shape.nbDims, 2);
  ASSERT_EQ(output.shape.d[1], 3);
  std::vector<int32_t> indices(6);
  EXPECT_EQ(cudaMemcpy(indices.data(), output.memory, 24, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_THAT(indices, ElementsAre(0, 1, 1, 1, 0, 2));
  EXPECT_EQ(cudaFree(in), cudaSuccess);
}

}  // namespace
}  // namespace medlar::test
