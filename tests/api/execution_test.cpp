// SPDX-License-Identifier: Apache-2.0
// Devices, buffers, streams, events, execution contexts.
#include "digits_network.hpp"

#include <cstring>
#include <thread>

#include <gmock/gmock.h>

namespace medlar::test {
namespace {

class Execution : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    logger_ = new KeepingLogger;
    engine_ = new Engine(Runtime(*logger_).deserialize(digits_engine(*logger_)));
  }
  static void TearDownTestSuite() {
    delete engine_;
    delete logger_;
  }
  static const Engine& engine() { return *engine_; }
  static KeepingLogger* logger_;
  static Engine* engine_;
};
KeepingLogger* Execution::logger_ = nullptr;
Engine* Execution::engine_ = nullptr;

TEST_F(Execution, RunsOnTheCallersMemory) {
  const auto context = engine().createExecutionContext();
  const auto scores = classify(*context, picture(12, 16));
  float sum = 0;
  for (const float score : scores) {
    sum += score;
  }
  EXPECT_NEAR(sum, 1.0f, 1e-3);
  EXPECT_GT(context->lastTimes().modelledDlaMs, 0);
  EXPECT_GT(context->lastTimes().hostMs, 0);
  EXPECT_FALSE(context->lastLayers().empty());
}

TEST_F(Execution, RunsOnMemoryOfTheModuleAndOnStreams) {
  const Device device = engine().device();
  const auto context = engine().createExecutionContext();
  const auto image = picture(8, 20);
  const auto expected = classify(*context, image);
  const Buffer input = device.allocate(engine().tensor("image").bytes),
               output = device.allocate(engine().tensor("probabilities").bytes);
  context->setTensorAddress("image", input.data());
  context->setTensorAddress("probabilities", output.data());
  EXPECT_EQ(context->tensorAddress("image"), input.data());

  std::memcpy(input.data(), image.data(), input.size());
  context->execute();
  std::vector<float> scores(expected.size());
  std::memcpy(scores.data(), output.data(), output.size());
  EXPECT_EQ(scores, expected);

  const Stream stream = device.createStream();
  const Event start = device.createEvent(), end = device.createEvent();
  std::fill(scores.begin(), scores.end(), -1.0f);
  stream.fill(output.data(), 0, output.size());
  start.record(stream);
  stream.copy(input.data(), image.data(), input.size());
  context->enqueue(stream);
  stream.copy(scores.data(), output.data(), output.size());
  end.record(stream);
  stream.synchronize();
  EXPECT_EQ(scores, expected);
  EXPECT_TRUE(stream.done());
  EXPECT_GT(end.modelledMsSince(start), 0);
  EXPECT_GT(end.hostMsSince(start), 0);
}

TEST_F(Execution, AStreamWaitsForAnEventOfAnother) {
  const Device device = engine().device();
  const Stream first = device.createStream(), second = device.createStream();
  const Event ready = device.createEvent();
  std::vector<int> order;
  first.host([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    order.push_back(1);
  });
  ready.record(first);
  second.wait(ready);
  second.host([&] { order.push_back(2); });
  second.synchronize();
  first.synchronize();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST_F(Execution, BuffersAreSharedByDescriptor) {
  const Device device = engine().device();
  Buffer original = device.allocate(5000);
  std::memset(original.data(), 7, original.size());
  const int fd = original.exportFd();
  const Buffer shared = device.importFd(fd);
  device.closeFd(fd);
  static_cast<uint8_t*>(shared.data())[4999] = 9;
  EXPECT_EQ(static_cast<uint8_t*>(original.data())[4999], 9) << "the same pages";
  original.reset();
  EXPECT_EQ(static_cast<uint8_t*>(shared.data())[0], 7) << "the import keeps them";
  EXPECT_NO_THROW(device.checkRange(shared.data(), 5000));
  EXPECT_THROW(device.closeFd(fd), InvalidArgument);
  EXPECT_THROW(device.importFd(fd), Exception);
}

TEST_F(Execution, AnEngineFileIsTheEngine) {
  const auto bytes = engine().serialize();
  const Engine again = Runtime(*logger_).deserialize(bytes);
  EXPECT_EQ(classify(*again.createExecutionContext(), picture(5, 9)),
            classify(*engine().createExecutionContext(), picture(5, 9)));
  EXPECT_EQ(again.serialize().size(), bytes.size());
  EXPECT_EQ(again.numLayers(), static_cast<int>(again.layerNames().size()));
  EXPECT_THAT(again.inspect(), testing::HasSubstr("\"Layers\""));
  EXPECT_THAT(again.inspectLayer(0), testing::HasSubstr(again.layerNames()[0]));
}

class Recorder final : public Profiler {
 public:
  void report(const LayerTime& layer) override { layers.push_back(layer); }
  std::vector<LayerTime> layers;
};

TEST_F(Execution, TheProfilerHearsEveryLayer) {
  const auto context = engine().createExecutionContext();
  Recorder recorder;
  context->setProfiler(&recorder);
  classify(*context, picture(5, 9));
  context->setProfiler(nullptr);
  ASSERT_EQ(recorder.layers.size(), context->lastLayers().size());
  double modelled = 0;
  for (const LayerTime& layer : recorder.layers) {
    modelled += layer.modelledMs;
  }
  EXPECT_DOUBLE_EQ(modelled, context->lastTimes().modelledDlaMs);
}

TEST_F(Execution, ContextsOfTwoThreadsDoNotDisturbEachOther) {
  const auto expected_a = classify(*engine().createExecutionContext(), picture(4, 8));
  const auto expected_b = classify(*engine().createExecutionContext(), picture(14, 24));
  const auto work = [&](const std::vector<float>& image, const std::vector<float>& expected) {
    const auto context = engine().createExecutionContext();
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(classify(*context, image), expected);
    }
  };
  std::thread other(work, picture(4, 8), expected_a);
  work(picture(14, 24), expected_b);
  other.join();
}

TEST_F(Execution, AContextMayGoWhileItsWorkIsQueued) {
  const Device device = engine().device();
  const Buffer input = device.allocate(engine().tensor("image").bytes),
               output = device.allocate(engine().tensor("probabilities").bytes);
  const Stream stream = device.createStream();
  {
    const auto context = engine().createExecutionContext();
    context->setTensorAddress("image", input.data());
    context->setTensorAddress("probabilities", output.data());
    for (int i = 0; i < 4; ++i) {
      context->enqueue(stream);
    }
  }
  EXPECT_NO_THROW(stream.synchronize());
}

TEST(ReferenceRun, GivesOnnxRuntimesValues) {
  const auto image = picture(10, 18);
  const auto outputs =
      runReference(digits_model(), {{"image", {DataType::kFloat32, {1, 1, 28, 28}, bytes_of(image)}}});
  ASSERT_EQ(outputs.count("probabilities"), 1U);
  EXPECT_EQ(outputs.at("probabilities").dims, (Dims{1, 10}));
}

}  // namespace
}  // namespace medlar::test
