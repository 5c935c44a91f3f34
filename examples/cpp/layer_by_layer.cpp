// SPDX-License-Identifier: Apache-2.0
// A network built layer by layer, an engine for the DLA, one inference on a stream.
#include "medlar/medlar.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <vector>

namespace {

class StderrLogger final : public medlar::Logger {
  void log(medlar::LogLevel level, std::string_view message) override {
    if (level <= medlar::LogLevel::kInfo) {
      std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data());
    }
  }
};

medlar::Weights weights(const std::vector<float>& values) {
  return {medlar::DataType::kFloat32, values.data(), static_cast<std::int64_t>(values.size())};
}

void describe(medlar::NetworkDefinition& network) {
  const std::vector<float> kernel(8 * 3 * 3 * 3, 0.05f), bias(8, 0.1f);
  medlar::Window window;
  window.prePadding = {1, 1};
  medlar::Tensor& image = network.addInput("image", medlar::DataType::kFloat32, {1, 3, 16, 16});
  medlar::Layer& conv = network.addConvolutionNd(image, 8, {3, 3}, weights(kernel), weights(bias), window);
  medlar::Layer& relu = network.addActivation(*conv.output(0), medlar::ActivationType::kRelu);
  medlar::Layer& pool = network.addPoolingNd(*relu.output(0), medlar::PoolingType::kMax, {2, 2});
  pool.output(0)->setName("features");
  network.markOutput(*pool.output(0));
}

}  // namespace

int main() try {
  StderrLogger logger;
  const medlar::Builder builder(logger);
  const auto network = builder.createNetwork();
  describe(*network);
  const auto config = builder.createBuilderConfig();
  config->setFlag(medlar::BuilderFlag::kFp16);
  config->setDefaultDeviceType(medlar::DeviceType::kDla);

  const medlar::Runtime runtime(logger);
  const medlar::Engine engine =
      runtime.deserialize(builder.buildSerializedNetwork(*network, *config), "layer_by_layer");
  const auto context = engine.createExecutionContext();

  const medlar::Device& device = runtime.device();
  const medlar::Buffer input = device.allocate(engine.tensor("image").bytes);
  const medlar::Buffer output = device.allocate(engine.tensor("features").bytes);
  auto* pixels = static_cast<float*>(input.data());
  std::fill(pixels, pixels + engine.tensor("image").bytes / sizeof(float), 1.0f);
  context->setTensorAddress("image", input.data());
  context->setTensorAddress("features", output.data());

  const medlar::Stream stream = device.createStream();
  context->enqueue(stream);
  stream.synchronize();
  const auto* values = static_cast<const float*>(output.data());
  std::printf("sum %.4f, modelled %.4f ms on %s\n",
              std::accumulate(values, values + output.size() / sizeof(float), 0.0),
              context->lastTimes().modelledDlaMs, device.name().c_str());
  return EXIT_SUCCESS;
} catch (const medlar::Exception& error) {
  std::fprintf(stderr, "%s: %s\n", medlar::errorName(error.code()), error.what());
  return EXIT_FAILURE;
}
