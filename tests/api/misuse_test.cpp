// SPDX-License-Identifier: Apache-2.0
// Misuse ends in a typed exception that names the thing, never in a crash. Run under AddressSanitizer in the
// dev preset.
#include "digits_network.hpp"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>

namespace medlar::test {
namespace {

using testing::HasSubstr;

class Misuse : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    logger_ = new KeepingLogger;
    file_ = new std::vector<std::byte>(digits_engine(*logger_));
    engine_ = new Engine(Runtime(*logger_).deserialize(*file_));
  }
  static void TearDownTestSuite() {
    delete engine_;
    delete file_;
    delete logger_;
  }
  static KeepingLogger* logger_;
  static std::vector<std::byte>* file_;
  static Engine* engine_;
};
KeepingLogger* Misuse::logger_ = nullptr;
std::vector<std::byte>* Misuse::file_ = nullptr;
Engine* Misuse::engine_ = nullptr;

template <typename Error, typename Call>
void expect_error(const Call& call, const std::string& words) {
  try {
    call();
    FAIL() << "no exception, expected: " << words;
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(words));
  }
}

TEST_F(Misuse, InputsOfTheWrongSizeNameOrNone) {
  const auto context = engine_->createExecutionContext();
  std::vector<float> scores(10), image(28 * 28), small(5);
  expect_error<InvalidArgument>(
      [&] {
        context->run({{"image", bytes_of(small)}}, {{"probabilities", bytes_of(scores)}});
      },
      "image");
  expect_error<InvalidArgument>([&] { context->run({}, {{"probabilities", bytes_of(scores)}}); }, "image");
  expect_error<NotFound>([&] { context->run({{"picture", bytes_of(image)}}, {}); }, "picture");
  expect_error<InvalidArgument>(
      [&] {
        context->run({{"image", bytes_of(image)}}, {{"probabilities", bytes_of(small)}});
      },
      "probabilities");
  expect_error<InvalidArgument>(
      [&] {
        context->run({{"image", {nullptr, 3136}}}, {{"probabilities", bytes_of(scores)}});
      },
      "null");
  expect_error<InvalidArgument>([&] { context->run({{"probabilities", bytes_of(scores)}}, {}); }, "output");
}

TEST_F(Misuse, AddressesThatAreNoDeviceMemory) {
  const auto context = engine_->createExecutionContext();
  std::vector<float> host(28 * 28);
  expect_error<InvalidArgument>([&] { context->setTensorAddress("image", nullptr); }, "null");
  expect_error<OutOfRange>([&] { context->setTensorAddress("image", host.data()); }, "no device memory");
  Buffer small = engine_->device().allocate(100);
  expect_error<OutOfRange>([&] { context->setTensorAddress("image", small.data()); }, "3136 bytes");
  expect_error<NotFound>([&] { context->setTensorAddress("no such", small.data()); }, "no such");
  expect_error<InvalidArgument>([&] { context->execute(); }, "missing");
  expect_error<InvalidArgument>([&] { context->setInputShape("image", {1, 1, 14, 14}); }, "14");
}

TEST_F(Misuse, MemoryThatWasFreedAfterItWasBound) {
  const auto context = engine_->createExecutionContext();
  Buffer input = engine_->device().allocate(28 * 28 * sizeof(float));
  const Buffer output = engine_->device().allocate(10 * sizeof(float));
  context->setTensorAddress("image", input.data());
  context->setTensorAddress("probabilities", output.data());
  input.reset();
  expect_error<OutOfRange>([&] { context->execute(); }, "freed");
  expect_error<OutOfRange>([&] { context->enqueue(engine_->device().createStream()); }, "freed");
}

TEST_F(Misuse, EnginesThatAreBrokenOrOfAnotherDevice) {
  const Runtime runtime(*logger_);
  expect_error<InvalidArgument>([&] { runtime.deserialize({nullptr, 10}); }, "null");
  expect_error<Corrupt>([&] { runtime.deserialize({file_->data(), file_->size() / 2}); }, "engine");
  auto flipped = *file_;
  flipped[flipped.size() / 2] ^= std::byte{1};
  expect_error<Corrupt>([&] { runtime.deserialize(flipped); }, "engine");
  const Runtime other(
      *logger_, Device::open(Device::defaultName() == "agx-orin-64gb" ? "orin-nx-16gb" : "agx-orin-64gb"));
  expect_error<DeviceMismatch>([&] { other.deserialize(*file_); }, "cannot run on");
  EXPECT_THROW(Device::open("no-such-device"), NotFound);
  EXPECT_THROW(engine_->createExecutionContext(9), OutOfRange);
}

TEST_F(Misuse, EmptyHandles) {
  EXPECT_THROW(Stream().synchronize(), InvalidArgument);
  EXPECT_THROW(Event().synchronize(), InvalidArgument);
  EXPECT_THROW(Buffer().data(), InvalidArgument);
  EXPECT_THROW(Engine().tensors(), InvalidArgument);
  EXPECT_THROW(engine_->createExecutionContext()->enqueue(Stream()), InvalidArgument);
  EXPECT_THROW(engine_->device().allocate(0), InvalidArgument);
  EXPECT_THROW(engine_->device().importFd(-1), InvalidArgument);
  EXPECT_THROW(engine_->inspectLayer(-1), OutOfRange);
  EXPECT_THROW(engine_->device().createEvent().modelledMsSince(engine_->device().createEvent()),
               InvalidArgument);
  EXPECT_THROW(engine_->device().createStream().copy(nullptr, nullptr, 4), InvalidArgument);
}

TEST_F(Misuse, TwoThreadsOnOneContext) {
  const auto context = engine_->createExecutionContext();
  std::atomic<int> busy = 0, done = 0, other = 0;
  const auto work = [&] {
    for (int i = 0; i < 20; ++i) {
      try {
        classify(*context, picture(3, 9));
        ++done;
      } catch (const Busy&) {
        ++busy;
      } catch (...) {
        ++other;
      }
    }
  };
  std::thread a(work), b(work);
  a.join();
  b.join();
  EXPECT_EQ(other, 0);
  EXPECT_EQ(busy + done, 40);
  EXPECT_GT(done, 0);
}

struct ThrowingProfiler final : Profiler {
  void report(const LayerTime&) override { throw std::runtime_error("profiler says no"); }
};
struct ThrowingLogger final : Logger {
  void log(LogLevel, std::string_view) override { throw 42; }
};
struct ThrowingCalibrator final : MinMaxCalibrator {
  int batchSize() const override { return 1; }
  bool getBatch(Span<const void*>, const std::vector<std::string>&) override {
    throw std::logic_error("no pictures");
  }
};
struct NullCalibrator final : MinMaxCalibrator {
  int batchSize() const override { return 1; }
  bool getBatch(Span<const void*>, const std::vector<std::string>&) override { return true; }
};
struct BrokenCache final : MinMaxCalibrator {
  int batchSize() const override { return 1; }
  bool getBatch(Span<const void*>, const std::vector<std::string>&) override { return false; }
  std::vector<std::byte> readCache() override { return std::vector<std::byte>(40, std::byte{'x'}); }
};

TEST_F(Misuse, ExceptionsInsideCallbacksComeOutTyped) {
  const auto context = engine_->createExecutionContext();
  ThrowingProfiler profiler;
  context->setProfiler(&profiler);
  expect_error<CallbackError>([&] { classify(*context, picture(3, 9)); }, "profiler says no");
  context->setProfiler(nullptr);
  EXPECT_NO_THROW(classify(*context, picture(3, 9)));

  const Stream stream = engine_->device().createStream();
  stream.host([] { throw std::runtime_error("from the stream"); });
  expect_error<CallbackError>([&] { stream.synchronize(); }, "from the stream");
  EXPECT_NO_THROW(stream.synchronize());

  ThrowingLogger loud;
  EXPECT_NO_THROW(digits_engine(loud));
}

TEST_F(Misuse, CalibratorsThatThrowOrReturnNothing) {
  const Builder builder(*logger_);
  const auto network = builder.createNetwork();
  OnnxParser parser(*network, *logger_);
  ASSERT_TRUE(parser.parseFromFile(digits_model()));
  const auto config = builder.createBuilderConfig();
  config->setDefaultDeviceType(DeviceType::kDla);
  config->setFlag(BuilderFlag::kInt8);
  config->setFlag(BuilderFlag::kGpuFallback);
  ThrowingCalibrator throwing;
  NullCalibrator null;
  BrokenCache broken;
  config->setCalibrator(&throwing);
  expect_error<CallbackError>([&] { builder.buildSerializedNetwork(*network, *config); }, "no pictures");
  config->setCalibrator(&null);
  expect_error<InvalidArgument>([&] { builder.buildSerializedNetwork(*network, *config); }, "null pointer");
  config->setCalibrator(&broken);
  expect_error<Corrupt>([&] { builder.buildSerializedNetwork(*network, *config); }, "calibration cache");
}

TEST_F(Misuse, Networks) {
  const Builder builder(*logger_);
  const auto network = builder.createNetwork(), stranger = builder.createNetwork();
  Tensor& x = network->addInput("x", DataType::kFloat32, {1, 3, 8, 8});
  Tensor& foreign = stranger->addInput("y", DataType::kFloat32, {1, 3, 8, 8});
  const std::vector<float> few(7);
  const Weights wrong{DataType::kFloat32, few.data(), 7}, null{DataType::kFloat32, nullptr, 27};
  EXPECT_THROW(network->addInput("x", DataType::kFloat32, {1}), AlreadyExists);
  EXPECT_THROW(network->addInput("", DataType::kFloat32, {1}), InvalidArgument);
  EXPECT_THROW(network->addElementWise(x, foreign, ElementWiseOperation::kSum), InvalidArgument);
  EXPECT_THROW(network->addConcatenation({&x, nullptr}), InvalidArgument);
  EXPECT_THROW(network->addConvolutionNd(x, 1, {3, 3}, null), InvalidArgument);
  EXPECT_THROW(network->addConvolutionNd(x, 1, {0, 3}, wrong), InvalidArgument);
  EXPECT_THROW(network->layer(99), OutOfRange);
  EXPECT_THROW(network->markOutput(foreign), InvalidArgument);
  EXPECT_EQ(network->layer(0).input(5), nullptr);
  const auto config = builder.createBuilderConfig();
  EXPECT_THROW(builder.buildSerializedNetwork(*stranger, *config), InvalidArgument) << "no output";
  stranger->markOutput(foreign);
  EXPECT_THROW(builder.buildSerializedNetwork(*stranger, *config), Unsupported)
      << "an input that is an output";
  const auto bad = builder.createNetwork();
  Tensor& z = bad->addInput("z", DataType::kFloat32, {1, 3, 8, 8});
  Layer& conv = bad->addConvolutionNd(z, 1, {3, 3}, wrong);
  EXPECT_THROW(conv.output(0)->dims(), InvalidArgument) << "7 weights for 3x3 windows";
}

}  // namespace
}  // namespace medlar::test
