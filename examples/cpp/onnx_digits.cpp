// SPDX-License-Identifier: Apache-2.0
// In the manner of TensorRT's ONNX sample: reads a digit classifier, builds an engine for the GPU or a DLA
// core, classifies pictures. Nothing here knows Medlar: only the include path decides which TensorRT this is.
//   onnx_digits --model=FILE.onnx --image=FILE.pgm [--useDLACore=N] [--int8] [--fp16] [--saveEngine=FILE]
#include "NvInfer.h"
#include "NvOnnxParser.h"
#include "cuda_runtime_api.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

using nvinfer1::Dims;

namespace {

class Logger : public nvinfer1::ILogger {
  void log(Severity severity, const char* message) noexcept override {
    if (severity <= Severity::kINFO) {
      std::cerr << "[" << static_cast<int>(severity) << "] " << message << "\n";
    }
  }
} gLogger;

struct Options {
  std::string model, image, save;
  int dlaCore = -1;
  bool int8 = false, fp16 = false;
};

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto value = [&](const char* name) {
      const std::string prefix = std::string("--") + name + "=";
      return argument.rfind(prefix, 0) == 0 ? argument.substr(prefix.size()) : std::string();
    };
    if (!value("model").empty()) {
      options.model = value("model");
    } else if (!value("image").empty()) {
      options.image = value("image");
    } else if (!value("saveEngine").empty()) {
      options.save = value("saveEngine");
    } else if (!value("useDLACore").empty()) {
      options.dlaCore = std::stoi(value("useDLACore"));
    } else if (argument == "--int8" || argument == "--fp16") {
      (argument == "--int8" ? options.int8 : options.fp16) = true;
    } else {
      return false;
    }
  }
  return !options.model.empty() && !options.image.empty();
}

/// A binary PGM of the model's size, as 0..1.
std::vector<float> readPicture(const std::string& path, size_t count) {
  std::ifstream file(path, std::ios::binary);
  std::string magic;
  int width = 0, height = 0, largest = 0;
  file >> magic >> width >> height >> largest;
  file.get();
  std::vector<unsigned char> pixels(count);
  file.read(reinterpret_cast<char*>(pixels.data()), static_cast<std::streamsize>(pixels.size()));
  std::vector<float> values(count);
  std::transform(pixels.begin(), pixels.end(), values.begin(),
                 [](unsigned char p) { return static_cast<float>(p) / 255.0f; });
  return values;
}

size_t volume(const Dims& dims) {
  size_t total = 1;
  for (int i = 0; i < dims.nbDims; ++i) {
    total *= static_cast<size_t>(dims.d[i]);
  }
  return total;
}

class OnnxDigits {
 public:
  explicit OnnxDigits(const Options& options) : mOptions(options) {}

  bool build() {
    auto builder = std::unique_ptr<nvinfer1::IBuilder>(nvinfer1::createInferBuilder(gLogger));
    if (!builder) {
      return false;
    }
    const auto explicitBatch =
        1U << static_cast<uint32_t>(nvinfer1::NetworkDefinitionCreationFlag::kEXPLICIT_BATCH);
    auto network = std::unique_ptr<nvinfer1::INetworkDefinition>(builder->createNetworkV2(explicitBatch));
    auto config = std::unique_ptr<nvinfer1::IBuilderConfig>(builder->createBuilderConfig());
    auto parser = std::unique_ptr<nvonnxparser::IParser>(nvonnxparser::createParser(*network, gLogger));
    if (!network || !config || !parser ||
        !parser->parseFromFile(mOptions.model.c_str(),
                               static_cast<int>(nvinfer1::ILogger::Severity::kWARNING))) {
      return false;
    }
    configure(*builder, *network, *config);
    cudaStream_t profileStream;
    if (cudaStreamCreate(&profileStream) != cudaSuccess) {
      return false;
    }
    config->setProfileStream(profileStream);
    auto plan = std::unique_ptr<nvinfer1::IHostMemory>(builder->buildSerializedNetwork(*network, *config));
    cudaStreamDestroy(profileStream);
    if (!plan) {
      return false;
    }
    if (!mOptions.save.empty()) {
      std::ofstream(mOptions.save, std::ios::binary)
          .write(static_cast<const char*>(plan->data()), static_cast<std::streamsize>(plan->size()));
    }
    mRuntime = std::shared_ptr<nvinfer1::IRuntime>(nvinfer1::createInferRuntime(gLogger));
    mEngine =
        std::shared_ptr<nvinfer1::ICudaEngine>(mRuntime->deserializeCudaEngine(plan->data(), plan->size()));
    return mEngine != nullptr;
  }

  bool infer() {
    auto context = std::unique_ptr<nvinfer1::IExecutionContext>(mEngine->createExecutionContext());
    if (!context) {
      return false;
    }
    cudaStream_t stream;
    cudaStreamCreate(&stream);
    std::vector<void*> device(static_cast<size_t>(mEngine->getNbIOTensors()));
    std::vector<float> input, output;
    for (int i = 0; i < mEngine->getNbIOTensors(); ++i) {
      const char* name = mEngine->getIOTensorName(i);
      const size_t count = volume(mEngine->getTensorShape(name));
      if (cudaMalloc(&device[static_cast<size_t>(i)], count * sizeof(float)) != cudaSuccess) {
        return false;
      }
      context->setTensorAddress(name, device[static_cast<size_t>(i)]);
      if (mEngine->getTensorIOMode(name) == nvinfer1::TensorIOMode::kINPUT) {
        input = readPicture(mOptions.image, count);
        cudaMemcpyAsync(device[static_cast<size_t>(i)], input.data(), count * sizeof(float),
                        cudaMemcpyHostToDevice, stream);
      } else {
        output.resize(count);
      }
    }
    const bool queued = context->enqueueV3(stream);
    cudaMemcpyAsync(output.data(), device.back(), output.size() * sizeof(float), cudaMemcpyDeviceToHost,
                    stream);
    const bool done = cudaStreamSynchronize(stream) == cudaSuccess;
    for (void* memory : device) {
      cudaFree(memory);
    }
    cudaStreamDestroy(stream);
    const auto best = std::max_element(output.begin(), output.end());
    std::cout << "predicted " << best - output.begin() << "\n";
    return queued && done;
  }

 private:
  void configure(nvinfer1::IBuilder& builder, nvinfer1::INetworkDefinition& network,
                 nvinfer1::IBuilderConfig& config) {
    config.setMemoryPoolLimit(nvinfer1::MemoryPoolType::kWORKSPACE, size_t{1} << 28);
    if (mOptions.fp16) {
      config.setFlag(nvinfer1::BuilderFlag::kFP16);
    }
    if (mOptions.int8) {
      config.setFlag(nvinfer1::BuilderFlag::kINT8);
      setAllRanges(network, 4.0f);
    }
    if (mOptions.dlaCore < 0) {
      return;
    }
    if (builder.getNbDLACores() == 0) {
      std::cerr << "no DLA core\n";
      return;
    }
    config.setFlag(nvinfer1::BuilderFlag::kGPU_FALLBACK);
    if (!config.getFlag(nvinfer1::BuilderFlag::kINT8)) {
      config.setFlag(nvinfer1::BuilderFlag::kFP16);
    }
    config.setDefaultDeviceType(nvinfer1::DeviceType::kDLA);
    config.setDLACore(mOptions.dlaCore);
  }

  static void setAllRanges(nvinfer1::INetworkDefinition& network, float range) {
    for (int i = 0; i < network.getNbLayers(); ++i) {
      auto* layer = network.getLayer(i);
      for (int j = 0; j < layer->getNbInputs(); ++j) {
        if (auto* tensor = layer->getInput(j); tensor != nullptr && !tensor->dynamicRangeIsSet()) {
          tensor->setDynamicRange(-range, range);
        }
      }
      for (int j = 0; j < layer->getNbOutputs(); ++j) {
        if (auto* tensor = layer->getOutput(j); tensor != nullptr && !tensor->dynamicRangeIsSet()) {
          tensor->setDynamicRange(-range, range);
        }
      }
    }
  }

  Options mOptions;
  std::shared_ptr<nvinfer1::IRuntime> mRuntime;
  std::shared_ptr<nvinfer1::ICudaEngine> mEngine;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::cerr << "usage: onnx_digits --model=FILE.onnx --image=FILE.pgm [--useDLACore=N] [--int8] [--fp16] "
                 "[--saveEngine=FILE]\n";
    return EXIT_FAILURE;
  }
  OnnxDigits sample(options);
  return sample.build() && sample.infer() ? EXIT_SUCCESS : EXIT_FAILURE;
}
