// SPDX-License-Identifier: Apache-2.0
// Emitted loadables, read as NVIDIA's runtime and kernel driver read them. The same reading passes NVIDIA's
// own files, and finds damage.
#include "api/build.hpp"
#include "e2e/nvidia_reader.hpp"
#include "loadable/corpus.hpp"

#include <algorithm>

#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace medlar::test {
namespace {

std::vector<std::string> problems_of(const NvidiaLoadable& file, uint32_t atom) {
  std::vector<std::string> problems = runtime_problems(file);
  if (problems.empty()) {
    problems = firmware_problems(file, atom);
  }
  return problems;
}

TEST(EmittedLoadable, NvidiasOwnFilesPassTheReader) {
  MEDLAR_REFERENCE_DATA(archive, kFp16Archive);
  const ArchiveFiles files = read_archive(archive).value();
  size_t read = 0;
  for (const auto& [name, bytes] : files) {
    if (name.ends_with(".nvdla")) {
      EXPECT_EQ(fmt::format("{}", fmt::join(problems_of(read_as_nvidia(bytes), 32), "\n")), "") << name;
      ++read;
    }
  }
  EXPECT_EQ(read, 15u);
}

struct Target {
  const char* device;
  uint32_t atom;
};

void PrintTo(const Target& target, std::ostream* out) {
  *out << target.device;
}

std::vector<ByteBuffer> emitted(const std::filesystem::path& model, const char* device,
                                const std::filesystem::path& calibration) {
  const bool int8 = !calibration.empty();
  const auto engine = api::build({.model = model,
                                  .device = device,
                                  .precision = int8 ? hw::Precision::kInt8 : hw::Precision::kFp16,
                                  .calibration = calibration});
  EXPECT_TRUE(engine) << engine.error().to_string();
  std::vector<ByteBuffer> loadables;
  for (const compiler::Segment& segment : engine ? engine->plan.segments : std::vector<compiler::Segment>{}) {
    if (segment.engine == compiler::Engine::kDla) {
      loadables.push_back(segment.payload);
    }
  }
  EXPECT_FALSE(loadables.empty());
  return loadables;
}

class Emitted : public testing::TestWithParam<Target> {};

TEST_P(Emitted, IsWhatNvidiasRuntimeReads) {
  const auto folder = source_dir() / "models/digits";
  for (const ByteBuffer& bytes : emitted(folder / "digits.onnx", GetParam().device, folder / "calibration")) {
    const NvidiaLoadable file = read_as_nvidia(bytes);
    EXPECT_EQ(fmt::format("{}", fmt::join(problems_of(file, GetParam().atom), "\n")), "");
    ASSERT_EQ(file.tensors.size(), 2u);
    EXPECT_EQ(file.tensors[0].type, 4) << "INT8";
    EXPECT_FALSE(file.relocs.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Emitted,
                         testing::Values(Target{"nv_small", 8}, Target{"nv_large", 32}, Target{"nv_full", 32},
                                         Target{"orin-nx-16gb", 32}),
                         [](const auto& param_info) {
                           std::string name = param_info.param.device;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(EmittedLoadable, LargerNetworksToo) {
  MEDLAR_REFERENCE_DATA(models, "models");
  for (const char* model : {"resnet8_cifar10_mlperf_tiny.onnx", "squeezenet1.1.onnx"}) {
    for (const ByteBuffer& bytes : emitted(models / model, "nv_full", {})) {
      EXPECT_EQ(fmt::format("{}", fmt::join(problems_of(read_as_nvidia(bytes), 32), "\n")), "") << model;
    }
  }
}

TEST(EmittedLoadable, TheReaderFindsDamage) {
  const auto folder = source_dir() / "models/digits";
  const NvidiaLoadable good = read_as_nvidia(emitted(folder / "digits.onnx", "nv_full", {}).at(0));
  ASSERT_TRUE(problems_of(good, 32).empty());
  const auto finds = [&](auto damage) {
    NvidiaLoadable bad = good;
    damage(bad);
    return !problems_of(bad, 32).empty();
  };
  const auto blob = [](NvidiaLoadable& file, uint32_t kind) -> ByteBuffer& {
    return std::ranges::find_if(file.blobs,
                                [&](const auto& b) { return b.interface == 1 && b.sub_interface == kind; })
        ->data;
  };
  EXPECT_TRUE(finds([](auto& f) { f.version[1] = 8; }));
  EXPECT_TRUE(finds([](auto& f) { f.memories[1].id = 7; }));
  EXPECT_TRUE(finds([](auto& f) { f.memories[1].size = 1; }));
  EXPECT_TRUE(finds([](auto& f) { f.tensors[0].strides[1] += 32; }));
  EXPECT_TRUE(finds([](auto& f) { f.relocs.pop_back(); }));
  EXPECT_TRUE(finds([](auto& f) { f.events.pop_back(); }));
  EXPECT_TRUE(finds([](auto& f) { f.submits.clear(); }));
  EXPECT_TRUE(finds([](auto& f) { f.tasks[0].addresses.pop_back(); }));
  EXPECT_TRUE(finds([&](auto& f) { blob(f, 1)[16 + 2] = 1; })) << "head of the convolutions' queue";
  EXPECT_TRUE(finds([&](auto& f) { ++blob(f, 2)[4]; })) << "dependency count";
  EXPECT_TRUE(finds([&](auto& f) { blob(f, 4)[96 + 20] ^= 1; })) << "line stride of the first source";
}

}  // namespace
}  // namespace medlar::test
