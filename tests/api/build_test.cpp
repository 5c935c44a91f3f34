// SPDX-License-Identifier: Apache-2.0
// Builds: the same engine as the command line's, placements, precision, calibrators, limits.
#include "digits_network.hpp"

#include <cstring>

#include <gmock/gmock.h>

namespace medlar::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

struct Parsed {
  KeepingLogger logger;
  Builder builder{logger};
  std::unique_ptr<NetworkDefinition> network = builder.createNetwork();
  std::unique_ptr<BuilderConfig> config = builder.createBuilderConfig();

  Parsed() {
    OnnxParser parser(*network, logger);
    EXPECT_TRUE(parser.parseFromFile(digits_model()));
  }
  void dla() {
    config->setDefaultDeviceType(DeviceType::kDla);
    config->setFlag(BuilderFlag::kGpuFallback);
    config->setFlag(BuilderFlag::kFp16);
  }
  Engine engine() { return Runtime(logger).deserialize(builder.buildSerializedNetwork(*network, *config)); }
};

TEST(Build, AParsedNetworkComputesWhatBuildModelsEngineDoes) {
  Parsed parsed;
  parsed.dla();
  const Engine engine = parsed.engine();
  const Engine whole = Runtime(parsed.logger).deserialize(digits_engine(parsed.logger));
  const auto image = picture(10, 18);
  EXPECT_EQ(classify(*engine.createExecutionContext(), image),
            classify(*whole.createExecutionContext(), image));
}

TEST(Build, TheSameNetworkGivesTheSameBytes) {
  Parsed a, b;
  a.dla();
  b.dla();
  EXPECT_EQ(a.builder.buildSerializedNetwork(*a.network, *a.config),
            b.builder.buildSerializedNetwork(*b.network, *b.config));
}

TEST(Build, MemoryPoolsReachTheCompiler) {
  constexpr size_t kKib = 1024;
  Parsed plain;
  plain.dla();
  const Engine without = plain.engine();
  EXPECT_EQ(plain.config->memoryPoolLimit(MemoryPoolType::kDlaManagedSram), 0U);
  EXPECT_EQ(plain.config->memoryPoolLimit(MemoryPoolType::kDlaGlobalDram), 512 * kKib * kKib);

  Parsed parsed;
  parsed.dla();
  parsed.config->setMemoryPoolLimit(MemoryPoolType::kDlaManagedSram, 64 * kKib);
  const Engine on_chip = parsed.engine();
  EXPECT_THAT(profileEngine(without.serialize(), "without"), HasSubstr("\"sram_bytes\": 0,\n  \"energy"));
  EXPECT_THAT(profileEngine(on_chip.serialize(), "on chip"),
              Not(HasSubstr("\"sram_bytes\": 0,\n  \"energy")));
  const auto image = picture(10, 18);
  EXPECT_EQ(classify(*on_chip.createExecutionContext(), image),
            classify(*without.createExecutionContext(), image));

  // Weights that do not fit leave the DLA; without fallback that is an error that names the limit.
  parsed.config->setMemoryPoolLimit(MemoryPoolType::kDlaGlobalDram, 4 * kKib);
  EXPECT_THAT(parsed.engine().placementText(), HasSubstr("limit 4096"));
  parsed.config->clearFlag(BuilderFlag::kGpuFallback);
  EXPECT_THROW(parsed.engine(), Unsupported);
  parsed.config->setMemoryPoolLimit(MemoryPoolType::kDlaManagedSram, size_t{1} << 30);
  EXPECT_THROW(parsed.engine(), ResourceExhausted);
  EXPECT_THROW(parsed.config->setMemoryPoolLimit(MemoryPoolType::kDlaLocalDram, 5000), InvalidArgument);
}

TEST(Build, DevicesOfSingleLayers) {
  Parsed parsed;
  parsed.dla();
  Layer& first = parsed.network->layer(0);
  Layer& last = parsed.network->layer(parsed.network->numLayers() - 1);
  EXPECT_TRUE(parsed.config->canRunOnDLA(first));
  EXPECT_FALSE(parsed.config->canRunOnDLA(last));  // softmax
  EXPECT_FALSE(parsed.config->isDeviceTypeSet(first));
  parsed.config->setDeviceType(first, DeviceType::kGpu);
  EXPECT_EQ(parsed.config->deviceType(first), DeviceType::kGpu);
  const std::string text = parsed.engine().placementText();
  EXPECT_THAT(text, AnyOf(HasSubstr("gpu Conv 'conv1'"), HasSubstr("cpu Conv 'conv1'")));
}

TEST(Build, WithoutFallbackALayerThatCannotRunIsNamed) {
  Parsed parsed;
  parsed.dla();
  parsed.config->clearFlag(BuilderFlag::kGpuFallback);
  try {
    parsed.engine();
    FAIL() << "no exception";
  } catch (const Unsupported& error) {
    EXPECT_THAT(error.what(), HasSubstr("softmax"));
  }
}

TEST(Build, TheDlaWantsAReducedPrecision) {
  Parsed parsed;
  parsed.config->setDefaultDeviceType(DeviceType::kDla);
  EXPECT_THROW(parsed.engine(), InvalidArgument);
}

TEST(Build, AllOnTheHostIsFloat32) {
  Parsed parsed;
  const Engine engine = parsed.engine();
  EXPECT_THAT(engine.placementText(), HasSubstr(" 0 nodes on the DLA"));
}

class Batches : public EntropyCalibrator2 {
 public:
  int batchSize() const override { return 2; }
  bool getBatch(Span<const void*> bindings, const std::vector<std::string>& names) override {
    EXPECT_EQ(names, std::vector<std::string>{"image"});
    if (++calls > 4) {
      return false;
    }
    batch = picture(4 + calls, 10 + 2 * calls);
    const auto second = picture(3, 20);
    batch.insert(batch.end(), second.begin(), second.end());
    bindings[0] = batch.data();
    return true;
  }
  std::vector<std::byte> readCache() override { return cache; }
  void writeCache(Span<const std::byte> bytes) override { cache.assign(bytes.begin(), bytes.end()); }

  int calls = 0;
  std::vector<float> batch;
  std::vector<std::byte> cache;
};

TEST(Build, CalibratorsAreAskedOnceAndThenTheirCacheIsEnough) {
  Parsed parsed;
  parsed.dla();
  parsed.config->setFlag(BuilderFlag::kInt8);
  Batches calibrator;
  parsed.config->setCalibrator(&calibrator);
  const auto first = parsed.builder.buildSerializedNetwork(*parsed.network, *parsed.config);
  EXPECT_EQ(calibrator.calls, 5);
  const std::string text(reinterpret_cast<const char*>(calibrator.cache.data()), calibrator.cache.size());
  EXPECT_THAT(text, testing::StartsWith("TRT-8601-EntropyCalibration2\n"));
  EXPECT_THAT(text, HasSubstr("\nimage: "));
  parsed.builder.buildSerializedNetwork(*parsed.network, *parsed.config);
  EXPECT_EQ(calibrator.calls, 5) << "with a cache no batch is asked for";
  EXPECT_EQ(Runtime(parsed.logger).deserialize(first).precision(), "int8");
}

TEST(Build, Int8WithoutAnySourceOfRangesIsAnError) {
  Parsed parsed;
  parsed.dla();
  parsed.config->setFlag(BuilderFlag::kInt8);
  EXPECT_THROW(parsed.engine(), InvalidArgument);
}

TEST(Build, SingleLayersOfAnInt8BuildInFp16OrOnTheHost) {
  Parsed parsed;
  parsed.dla();
  parsed.config->setFlag(BuilderFlag::kInt8);
  parsed.config->setFlag(BuilderFlag::kObeyPrecisionConstraints);
  Batches calibrator;
  parsed.config->setCalibrator(&calibrator);
  const auto plain = parsed.builder.buildSerializedNetwork(*parsed.network, *parsed.config);
  parsed.network->layer(0).setPrecision(DataType::kFloat16);
  const auto half = parsed.builder.buildSerializedNetwork(*parsed.network, *parsed.config);
  EXPECT_NE(plain, half);
  EXPECT_THAT(Runtime(parsed.logger).deserialize(half).placementText(), Not(HasSubstr("'conv1'")))
      << "still on the DLA";
  parsed.network->layer(0).setPrecision(DataType::kFloat32);
  const Engine host = parsed.engine();
  EXPECT_THAT(host.placementText(), HasSubstr("Conv 'conv1'"));
  parsed.config->clearFlag(BuilderFlag::kInt8);
  parsed.network->layer(0).setPrecision(DataType::kInt8);
  EXPECT_THROW(parsed.engine(), Unsupported);
}

TEST(Build, DynamicRangesReplaceCalibration) {
  Parsed parsed;
  parsed.dla();
  parsed.config->setFlag(BuilderFlag::kInt8);
  for (int i = 0; i < parsed.network->numLayers(); ++i) {
    parsed.network->layer(i).output(0)->setDynamicRange(-8, 8);
  }
  parsed.network->input(0).setDynamicRange(0, 1);
  EXPECT_EQ(parsed.engine().precision(), "int8");
}

TEST(Build, ProfilesHaveOneShape) {
  OptimizationProfile profile;
  EXPECT_THROW(profile.setShape("image", {1, 1, 28, 28}, {4, 1, 28, 28}, {8, 1, 28, 28}), InvalidArgument);
  profile.setShape("image", {1, 1, 28, 28}, {1, 1, 28, 28}, {1, 1, 28, 28});
  Parsed parsed;
  parsed.dla();
  parsed.config->addOptimizationProfile(profile);
  EXPECT_NO_THROW(parsed.engine());
}

TEST(Build, FlagsThatWouldPromiseWhatNobodyKeepsAreRefused) {
  Parsed parsed;
  EXPECT_THROW(parsed.config->setFlag(BuilderFlag::kRefit), Unsupported);
  EXPECT_THROW(parsed.config->setDLACore(7), OutOfRange);
  parsed.config->setFlag(BuilderFlag::kDirectIo);
  EXPECT_THAT(parsed.logger.lines(LogLevel::kInfo), testing::Contains(HasSubstr("DIRECT_IO has no effect")));
}

TEST(Build, ProgressMayStopABuild) {
  Parsed parsed;
  parsed.dla();
  parsed.config->setFlag(BuilderFlag::kInt8);
  Batches calibrator;
  parsed.config->setCalibrator(&calibrator);
  parsed.config->setProgress([](std::string_view, uint64_t, uint64_t) { return false; });
  EXPECT_THROW(parsed.engine(), Cancelled);
}

TEST(Build, CheckSaysWhereAndWhy) {
  KeepingLogger logger;
  const auto placements = checkModel({.model = digits_model()}, logger);
  ASSERT_FALSE(placements.empty());
  EXPECT_EQ(placements.front().placed, Placed::kDla);
  EXPECT_NE(placements.back().placed, Placed::kDla);
  EXPECT_THAT(placements.back().reason, HasSubstr("Softmax"));
}

}  // namespace
}  // namespace medlar::test
