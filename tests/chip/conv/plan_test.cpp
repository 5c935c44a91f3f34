// SPDX-License-Identifier: Apache-2.0
// What the convolution core accepts and what it refuses, and that nothing crashes it.
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chip/chip_target.hpp"
#include "chip/conv/plan.hpp"
#include "conv_case.hpp"
#include "support/test_data.hpp"

namespace medlar::test {
namespace {

std::string config_of(const std::string& path) {
  const size_t start = path.find("trace_tests/") + 12;
  return path.substr(start, path.find('/', start) - start);
}

TEST(ConvPlan, AcceptsEveryConvolutionOfTheOfficialTraces) {
  MEDLAR_REFERENCE_DATA(path, "nvdla/nvdla_hw_traces_master.tar.xz");
  int planned = 0;
  for (const auto& [name, bytes] : read_archive(path)) {
    if (!name.ends_with(".cfg")) {
      continue;
    }
    const hw::HwConfig& config = *hw::find_config(config_of(name)).value();
    for (const ConvOperation& op : trace_operations(std::string(bytes.begin(), bytes.end()), config.register_map)) {
      const auto job = chip::plan_convolution(config, op.conv);
      EXPECT_TRUE(job) << name << ": " << job.error().message;
      ++planned;
    }
  }
  EXPECT_GE(planned, 20);
}

TEST(ConvPlan, AcceptsEveryConvolutionOfTheFirstTraces) {
  MEDLAR_REFERENCE_DATA(path, "nvdla/nvdla_hw_traces_v1.tar.xz");
  const hw::HwConfig& config = *hw::find_config("nv_full").value();
  int planned = 0;
  for (const auto& [name, bytes] : read_archive(path)) {
    if (!name.ends_with("input.txn")) {
      continue;
    }
    for (const ConvOperation& op : trace_operations(std::string(bytes.begin(), bytes.end()), config.register_map)) {
      const auto job = chip::plan_convolution(config, op.conv);
      EXPECT_TRUE(job) << name << ": " << job.error().message;
      ++planned;
    }
  }
  EXPECT_GE(planned, 3);
}

/// One operation of each kind.
std::vector<ConvCase> sample_cases() {
  std::vector<ConvCase> samples;
  for (const char* name : {"nv_full_conv_int8", "nv_full_conv_fp16", "nv_full_image", "nv_full_winograd", "nv_full_compress",
                           "nv_full_batch", "nv_full_reuse", "nv_small_conv_int8"}) {
    const auto path = reference_data(std::string("vectors/") + name + ".tar.xz");
    if (path) {
      std::vector<ConvCase> cases = load_cases(*path);
      for (size_t i = 0; i < 3 && i < cases.size(); ++i) {
        samples.push_back(std::move(cases[i]));
      }
    }
  }
  return samples;
}

template <typename Group>
void flip_bits(std::mt19937& random, hw::RegisterMap map, Group& group) {
  std::vector<uint32_t> words(hw::kBlockBytes / 4);
  group.encode(words, map);
  const size_t word = 4 + random() % (Group::kWords - 4);
  words[word] ^= random() % 3 == 0 ? static_cast<uint32_t>(random()) : 1u << random() % 32;
  group = Group::decode(words, map);
}

void mutate(std::mt19937& random, hw::RegisterMap map, chip::ConvRegisters& registers) {
  for (uint32_t i = 0; i < 1 + random() % 3; ++i) {
    switch (random() % 3) {
      case 0:
        flip_bits(random, map, registers.cdma);
        break;
      case 1:
        flip_bits(random, map, registers.csc);
        break;
      default:
        flip_bits(random, map, registers.cacc);
        break;
    }
  }
}

TEST(ConvPlan, HostileRegistersAreRefusedOrComputedButNeverCrash) {
  MEDLAR_REFERENCE_DATA(path, "vectors/nv_full_conv_int8.tar.xz");
  ASSERT_TRUE(std::filesystem::exists(path));
  std::mt19937 random(11);
  int refused = 0;
  int computed = 0;
  for (ConvCase& test : sample_cases()) {
    test.memory.allow_views = random() % 2 == 0;
    for (int i = 0; i < 100; ++i) {
      chip::ConvCore core(*test.config, chip::chip_targets().front());
      for (ConvOperation op : test.operations) {
        mutate(random, test.config->register_map, op.conv);
        const auto job = chip::plan_convolution(*test.config, op.conv);
        if (!job) {
          EXPECT_NE(job.error().message.find(" = "), std::string::npos) << job.error().message;
          ++refused;
        } else if (job->weight_elements() * job->out_w * job->out_h < 300'000) {
          const auto feed = core.start(op.conv, test.memory);
          if (feed && feed->rows(0, feed->shape.h)) {
            core.finish();
          }
          ++computed;
        }
      }
    }
  }
  EXPECT_GT(refused, 500);
  EXPECT_GT(computed, 500);
}

/// Each refusal names the register.
TEST(ConvPlan, IllegalCombinationsNameRegisterValueAndLimit) {
  MEDLAR_REFERENCE_DATA(path, "vectors/nv_full_conv_int8.tar.xz");
  const ConvCase test = std::move(load_cases(path).front());
  const auto refuse = [&](auto change) {
    chip::ConvRegisters registers = test.operations.front().conv;
    change(registers);
    const auto job = chip::plan_convolution(*test.config, registers);
    EXPECT_FALSE(job);
    EXPECT_EQ(job ? Code::kInternal : job.error().code, Code::kFault);
    return job ? std::string() : job.error().message;
  };
  using testing::HasSubstr;
  EXPECT_THAT(refuse([](auto& r) { r.cdma.pad_left = r.csc.pad_left = 31; }), HasSubstr("CDMA.D_ZERO_PADDING"));
  EXPECT_THAT(refuse([](auto& r) { r.csc.dataout_width = r.cacc.dataout_width = 7, r.csc.atomics = 15; }),
              HasSubstr("CSC.D_DATAOUT_SIZE_0: DATAOUT_WIDTH = 8"));
  EXPECT_THAT(refuse([](auto& r) { r.cdma.entries = r.csc.entries = 0; }), HasSubstr("CDMA.D_ENTRY_PER_SLICE"));
  EXPECT_THAT(refuse([](auto& r) { r.cdma.weight_bank = r.csc.weight_bank = 15; }), HasSubstr("CDMA.D_BANK"));
  EXPECT_THAT(refuse([](auto& r) { r.cdma.weight_bytes = r.csc.weight_bytes = 128; }), HasSubstr("CDMA.D_WEIGHT_BYTES"));
  EXPECT_THAT(refuse([](auto& r) { r.cdma.byte_per_kernel += 1; }), HasSubstr("CDMA.D_WEIGHT_SIZE_0"));
  EXPECT_THAT(refuse([](auto& r) { r.cacc.clip_truncate = 17; }), HasSubstr("CACC.D_CLIP_CFG: CLIP_TRUNCATE = 17: at most 16"));
  EXPECT_THAT(refuse([](auto& r) { r.csc.proc_precision = 1; }), HasSubstr("CSC.D_MISC_CFG: PROC_PRECISION = 1"));
  EXPECT_THAT(refuse([](auto& r) { r.csc.atomics += 1; }), HasSubstr("CSC.D_ATOMICS"));
  EXPECT_THAT(refuse([](auto& r) { r.cdma.batches = r.csc.batches = r.cacc.batches = 31; }), HasSubstr("CDMA.D_BANK"));
}

}  // namespace
}  // namespace medlar::test
