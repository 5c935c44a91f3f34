// SPDX-License-Identifier: Apache-2.0
// The model that ships: needs no reference data.
#include "base/parallel.hpp"
#include "e2e/model_run.hpp"
#include "support/test_data.hpp"

namespace medlar::test {
namespace {

ModelCase digits(std::string device, hw::Precision precision) {
  const std::filesystem::path folder = source_dir() / "models/digits";
  return {.model = folder / "digits.onnx",
          .samples = folder / "images",
          .device = std::move(device),
          .precision = precision,
          .calibration = precision == hw::Precision::kInt8 ? folder / "calibration" : std::filesystem::path(),
          .count = 20};
}

TEST(Digits, Int8AgreesWithTheReferenceOnEveryImage) {
  for (const char* device : {"orin-nano-8gb", "nv_full", "nv_large", "nv_small"}) {
    const auto comparison = compare_with_reference(digits(device, hw::Precision::kInt8));
    ASSERT_TRUE(comparison) << device << ": " << comparison.error().to_string();
    EXPECT_EQ(comparison->samples, 20);
    EXPECT_EQ(comparison->same_top1, 20) << device;
    EXPECT_EQ(comparison->dla_macs, comparison->all_macs) << device;
  }
}

TEST(Digits, Fp16IsWithinOnePercentOfTheReference) {
  const auto comparison = compare_with_reference(digits("nv_full", hw::Precision::kFp16));
  ASSERT_TRUE(comparison) << comparison.error().to_string();
  EXPECT_LE(comparison->worst_error, 1e-2);
  EXPECT_EQ(comparison->same_top1, 20);
}

TEST(Digits, TwoBuildsAreByteIdentical) {
  const ModelCase model = digits("nv_small", hw::Precision::kInt8);
  const api::BuildRequest request{.model = model.model, .device = model.device, .precision = model.precision,
                                  .calibration = model.calibration};
  const auto first = api::build(request);
  const auto second = api::build(request);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(engine::serialize(*first), engine::serialize(*second));
}

TEST(Digits, EnginesAreEqualOnAnyNumberOfThreads) {
  const ModelCase model = digits("orin-nano-8gb", hw::Precision::kInt8);
  const api::BuildRequest request{.model = model.model, .device = model.device, .precision = model.precision,
                                  .calibration = model.calibration};
  const int machine = parallel_threads();
  std::vector<ByteBuffer> engines;
  for (const int threads : {1, 2, 4}) {
    set_parallel_threads(threads);
    const auto engine = api::build(request);
    ASSERT_TRUE(engine);
    engines.push_back(engine::serialize(*engine));
  }
  set_parallel_threads(machine);
  EXPECT_EQ(engines[0], engines[1]);
  EXPECT_EQ(engines[0], engines[2]);
}

/// All samples through the engine, with and without on-chip memory for intermediate tensors: the same bits.
TEST(Digits, SramChangesNoResult) {
  const ModelCase model = digits("nv_full", hw::Precision::kInt8);
  api::BuildRequest request{.model = model.model, .device = model.device, .precision = model.precision, .calibration = model.calibration};
  auto without = api::build(request);
  request.pools.managed_sram = uint64_t{1} << 20;
  auto with = api::build(request);
  ASSERT_TRUE(without && with);
  EXPECT_GT(with->plan.segments[0].memory.sram, 0U);
  EXPECT_EQ(without->plan.segments[0].memory.sram, 0U);
  auto plain = api::Inference::create(std::move(*without), "", "without");
  auto fast = api::Inference::create(std::move(*with), "", "with");
  ASSERT_TRUE(plain && fast);
  const auto preprocess = api::preprocess_beside(model.model);
  ASSERT_TRUE(preprocess);
  const Status status = sample::visit_samples(model.samples, plain->inputs(), *preprocess, [&](const sample::Sample& sample) -> Result<bool> {
    MEDLAR_ASSIGN(const api::InferenceResult a, plain->run(sample.inputs));
    MEDLAR_ASSIGN(const api::InferenceResult b, fast->run(sample.inputs));
    EXPECT_EQ(a.outputs, b.outputs) << sample.name;
    return true;
  });
  EXPECT_TRUE(status) << status.error().to_string();
}

TEST(Digits, AnotherDeviceRefusesTheEngine) {
  const ModelCase model = digits("nv_small", hw::Precision::kInt8);
  auto engine = api::build({.model = model.model, .device = model.device, .precision = model.precision,
                            .calibration = model.calibration});
  ASSERT_TRUE(engine);
  const auto inference = api::Inference::create(std::move(*engine), "nv_full", "digits.engine");
  ASSERT_FALSE(inference);
  EXPECT_EQ(inference.error().code, Code::kDeviceMismatch);
}

TEST(Digits, WithoutFallbackTheSoftmaxIsNamed) {
  const ModelCase model = digits("nv_small", hw::Precision::kInt8);
  const auto engine = api::build({.model = model.model, .device = model.device, .precision = model.precision,
                                  .calibration = model.calibration, .allow_fallback = false});
  ASSERT_FALSE(engine);
  EXPECT_NE(engine.error().message.find("softmax"), std::string::npos) << engine.error().message;
}

TEST(Digits, AnUnsupportedPrecisionIsNamed) {
  const auto engine = api::build({.model = digits("", hw::Precision::kFp16).model, .device = "nv_small", .precision = hw::Precision::kFp16});
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code, Code::kUnsupported);
}

}  // namespace
}  // namespace medlar::test
