// SPDX-License-Identifier: Apache-2.0
// SDP's vector loops against their plain twins, lane by lane, over random settings and special values.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>

#include "chip/chip.hpp"
#include "chip/chip_target.hpp"
#include "chip/play/flat_memory.hpp"
#include "num/float_convert.hpp"

namespace medlar::chip {
namespace {

class Lanes {
 public:
  explicit Lanes(uint32_t seed) : random_(seed) {}

  uint32_t any() { return static_cast<uint32_t>(random_()); }
  bool coin(uint32_t of = 2) { return any() % of == 0; }

  int32_t integer() { return static_cast<int32_t>(any()) >> (any() % 32); }
  /// FP32 patterns: mostly ordinary, sometimes zeros, denormals, huge, infinities, NaN.
  int32_t real() {
    const uint32_t sign = any() & 0x80000000u;
    const uint32_t mantissa = any() & 0x7fffffu;
    switch (any() % 32) {
      case 0: return static_cast<int32_t>(sign);
      case 1: return static_cast<int32_t>(sign | mantissa);
      case 2: return static_cast<int32_t>(sign | (253 + any() % 3) << 23 | mantissa);
      case 3: return static_cast<int32_t>(sign | 0x7f800000u);
      default: return static_cast<int32_t>(sign | (112 + any() % 30) << 23 | mantissa);
    }
  }
  int32_t half() { return static_cast<int16_t>(coin(16) ? any() | 0x7c00 : (any() & 0xbfff)); }

  SdpStage stage() {
    SdpStage s;
    s.on = true;
    s.alu = coin();
    s.mul = coin();
    s.algo = static_cast<Alu>(any() % 3);
    s.prelu = coin(3);
    s.relu = coin(3);
    s.mul_shift = coin() ? any() % 64 : any() % 20;
    return s;
  }

 private:
  std::mt19937 random_;
};

constexpr size_t kLanes = 64;

class SdpTargets : public testing::Test {
 protected:
  /// All but the plain ones, which come last.
  static std::span<const ChipTarget> vector_targets() { return chip_targets().first(chip_targets().size() - 3); }

  template <typename Fill, typename Run>
  void compare(Fill fill, Run run) {
    for (uint32_t seed = 0; seed < 4000; ++seed) {
      Lanes lanes(seed);
      const SdpStage stage = lanes.stage();
      std::vector<int32_t> data(kLanes);
      for (int32_t& value : data) {
        value = fill(lanes);
      }
      const Lanes start = lanes;
      std::vector<int32_t> plain = data;
      run(scalar_sdp_target(), stage, lanes, std::span<int32_t>(plain));
      for (const ChipTarget& target : vector_targets()) {
        std::vector<int32_t> vector = data;
        Lanes again = start;
        run(target.sdp, stage, again, std::span<int32_t>(vector));
        ASSERT_EQ(plain, vector) << target.name << " seed " << seed << " shift " << stage.mul_shift << " algo " << int(stage.algo);
      }
    }
  }

  std::unique_ptr<SdpOperands> operands_ = std::make_unique<SdpOperands>();
};

TEST_F(SdpTargets, IntegerX) {
  compare([](Lanes& l) { return l.integer(); },
          [&](const SdpTarget& target, const SdpStage& stage, Lanes& l, std::span<int32_t> data) {
            for (size_t i = 0; i < kLanes; ++i) {
              operands_->alu[i] = l.integer();
              operands_->mul[i] = static_cast<int16_t>(l.integer());
            }
            target.x_stage(stage, *operands_, data);
          });
}

TEST_F(SdpTargets, IntegerY) {
  compare([](Lanes& l) { return l.integer(); },
          [&](const SdpTarget& target, SdpStage stage, Lanes& l, std::span<int32_t> data) {
            stage.algo = static_cast<Alu>(l.any() % 4);
            stage.mul_shift = l.coin() ? l.any() % 1024 : stage.mul_shift;
            const bool wide = l.coin(4);
            for (size_t i = 0; i < kLanes; ++i) {
              operands_->alu[i] = l.coin(8) ? data[i] : l.integer();
              operands_->mul[i] = wide ? l.integer() : l.integer() >> 10;
            }
            target.y_stage(stage, *operands_, data);
          });
}

TEST_F(SdpTargets, Converter) {
  compare([](Lanes& l) { return l.integer(); },
          [&](const SdpTarget& target, const SdpStage& stage, Lanes& l, std::span<int32_t> data) {
            const num::Converter c{.offset = l.integer(), .scale = static_cast<int16_t>(l.integer()), .shift = stage.mul_shift};
            target.convert(c, l.coin() ? 17 : (l.coin() ? 8 : 16), data);
          });
}

TEST_F(SdpTargets, FloatX) {
  compare([](Lanes& l) { return l.real(); },
          [&](const SdpTarget& target, const SdpStage& stage, Lanes& l, std::span<int32_t> data) {
            for (size_t i = 0; i < kLanes; ++i) {
              operands_->alu[i] = l.coin(8) ? data[i] ^ static_cast<int32_t>(l.any() & 0x80000000u) : l.real();
              operands_->mul[i] = l.real();
            }
            target.x_stage_float(stage, *operands_, data);
          });
}

TEST_F(SdpTargets, FloatY) {
  compare([](Lanes& l) { return l.real(); },
          [&](const SdpTarget& target, SdpStage stage, Lanes& l, std::span<int32_t> data) {
            stage.algo = static_cast<Alu>(l.any() % 4);
            for (size_t i = 0; i < kLanes; ++i) {
              operands_->alu[i] = l.coin(8) ? data[i] : l.real();
              operands_->mul[i] = l.real();
            }
            target.y_stage_float(stage, *operands_, data);
          });
}

TEST_F(SdpTargets, FloatWidths) {
  compare([](Lanes& l) { return l.half(); },
          [&](const SdpTarget& target, const SdpStage&, Lanes& l, std::span<int32_t> data) { target.widen_float(l.coin(), data); });
  compare([](Lanes& l) { return l.real(); },
          [&](const SdpTarget& target, const SdpStage&, Lanes&, std::span<int32_t> data) { target.narrow_float(data); });
}

TEST_F(SdpTargets, EveryHalfBothWays) {
  std::vector<int32_t> plain(65536);
  for (size_t i = 0; i < plain.size(); ++i) {
    plain[i] = static_cast<int16_t>(i);
  }
  const std::vector<int32_t> halves = plain;
  scalar_sdp_target().widen_float(false, plain);
  std::vector<int32_t> back = plain;
  scalar_sdp_target().narrow_float(back);
  for (const ChipTarget& target : vector_targets()) {
    std::vector<int32_t> vector = halves;
    target.sdp.widen_float(false, vector);
    ASSERT_EQ(plain, vector) << target.name;
    target.sdp.narrow_float(vector);
    ASSERT_EQ(back, vector) << target.name;
  }
}

TEST_F(SdpTargets, LoadsAndStores) {
  std::vector<uint8_t> bytes(2 * kLanes);
  Lanes l(9);
  for (uint8_t& byte : bytes) {
    byte = static_cast<uint8_t>(l.any());
  }
  std::vector<int32_t> a(kLanes);
  std::vector<int32_t> b(kLanes);
  std::vector<uint8_t> back(2 * kLanes);
  for (const bool wide : {false, true}) {
    (wide ? scalar_sdp_target().load16 : scalar_sdp_target().load8)(bytes.data(), a);
    for (const ChipTarget& target : chip_targets()) {
      (wide ? target.sdp.load16 : target.sdp.load8)(bytes.data(), b);
      EXPECT_EQ(a, b) << target.name;
      std::fill(back.begin(), back.end(), uint8_t{0});
      (wide ? target.sdp.store16 : target.sdp.store8)(b, back.data());
      EXPECT_TRUE(std::equal(back.begin(), back.begin() + (wide ? 2 * kLanes : kLanes), bytes.begin())) << target.name;
    }
  }
}

/// The one-pass chain against stage after stage.
TEST_F(SdpTargets, Chains) {
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    Lanes l(seed);
    SdpPlan plan;
    plan.lanes = std::array{8, 16, 32}[static_cast<size_t>(seed % 3)];
    plan.in = plan.proc = plan.out = seed % 2 == 0 ? hw::Precision::kInt8 : hw::Precision::kInt16;
    for (SdpStage* stage : {&plan.x1, &plan.x2}) {
      *stage = l.stage();
      stage->on = l.coin();
      stage->algo = Alu::kSum;
      stage->prelu = false;
      stage->alu_from_memory = stage->mul_from_memory = l.coin();
    }
    if (l.coin()) {
      plan.out_converter = {.offset = l.integer(), .scale = static_cast<int16_t>(l.any()), .shift = static_cast<uint32_t>(seed % 40)};
    }
    ASSERT_TRUE(sdp_is_chain(plan));
    std::array<std::unique_ptr<SdpOperands>, 2> operands = {std::make_unique<SdpOperands>(), std::make_unique<SdpOperands>()};
    std::array<bool, 2> per_lane = {l.coin(), l.coin()};
    for (size_t s = 0; s < 2; ++s) {
      for (size_t i = 0; i < kLanes; ++i) {
        const size_t from = per_lane[s] ? i : i % static_cast<size_t>(plan.lanes);
        operands[s]->alu[i] = from == i ? l.integer() : operands[s]->alu[from];
        operands[s]->mul[i] = from == i ? static_cast<int16_t>(l.any()) : operands[s]->mul[from];
      }
    }
    SdpChain chain = make_sdp_chain(plan);
    for (size_t s = 0; s < 2; ++s) {
      const SdpStage& stage = s == 0 ? plan.x1 : plan.x2;
      const bool lanes = per_lane[s] && stage.alu_from_memory;
      if (per_lane[s] && !lanes) {  // registers hold for every lane
        operands[s]->alu.fill(operands[s]->alu[0]);
        operands[s]->mul.fill(operands[s]->mul[0]);
      }
      set_chain_operands(stage, *operands[s], lanes, s, chain);
    }
    std::vector<int32_t> data(kLanes);
    for (int32_t& value : data) {
      value = l.integer();
    }
    std::vector<int32_t> staged = data;
    for (size_t s = 0; s < 2; ++s) {
      const SdpStage& stage = s == 0 ? plan.x1 : plan.x2;
      if (stage.on) {
        sdp_x_stage(stage, *operands[s], staged);
      }
    }
    const bool wide = plan.out == hw::Precision::kInt16;
    sdp_convert(plan.out_converter, wide ? 16 : 8, staged);
    std::vector<uint8_t> want(kLanes * 2);
    (wide ? scalar_sdp_target().store16 : scalar_sdp_target().store8)(staged, want.data());
    for (const ChipTarget& target : vector_targets()) {
      std::vector<uint8_t> got(kLanes * 2);
      target.sdp.chain(chain, data.data(), kLanes, got.data());
      ASSERT_EQ(got, want) << target.name << " seed " << seed;
    }
  }
}

/// Bias, multiplier and ReLU of a channel, as quantised layers have them, on sums of known size: single precision decides
/// where it can. Random sums, and for every output the sums around the half where it turns.
TEST_F(SdpTargets, ChainsOfBoundedSums) {
  std::mt19937 random(11);
  const auto below = [&](int64_t limit) { return static_cast<int32_t>(random() % static_cast<uint64_t>(2 * limit) - static_cast<uint64_t>(limit)); };
  for (int round = 0; round < 4000; ++round) {
    SdpPlan plan;
    plan.lanes = 32;
    plan.x1.on = plan.x1.alu = plan.x1.mul = true;
    plan.x1.relu = round % 2 == 0;
    plan.x1.algo = Alu::kSum;
    plan.x1.alu_from_memory = plan.x1.mul_from_memory = true;
    plan.x1.mul_shift = random() % (round % 3 == 0 ? 10 : 34);
    const int64_t bound = int64_t{1} << (8 + random() % 23);
    SdpOperands operands;
    for (size_t i = 0; i < kLanes; ++i) {
      operands.alu[i] = i < 32 ? below(std::min<int64_t>(bound, 1 << 30)) : operands.alu[i % 32];
      operands.mul[i] = i < 32 ? static_cast<int16_t>(random()) : operands.mul[i % 32];
    }
    SdpChain chain = make_sdp_chain(plan);
    chain.bound = bound;
    set_chain_operands(plan.x1, operands, false, 0, chain);
    std::vector<int32_t> data(kLanes);
    for (size_t i = 0; i < kLanes; ++i) {
      data[i] = below(bound);
      if (i % 2 == 0 && operands.mul[i] != 0) {  // near a half, one sum to either side of it too
        const double half = static_cast<double>(below(130)) + 0.5;
        const double at = std::ldexp(half, static_cast<int>(plan.x1.mul_shift)) / operands.mul[i] - operands.alu[i];
        data[i] = std::abs(at) < static_cast<double>(bound) - 2 ? static_cast<int32_t>(std::lround(at)) + static_cast<int32_t>(random() % 3) - 1 : data[i];
      }
    }
    if (round % 4 == 1) {  // the last surface of few channels
      chain.used = static_cast<int>(1 + random() % 16);
      for (size_t i = 0; i < kLanes; ++i) {
        data[i] = static_cast<int>(i % 32) < chain.used ? data[i] : 0;
      }
    }
    std::vector<int32_t> staged = data;
    sdp_x_stage(plan.x1, operands, staged);
    sdp_convert(plan.out_converter, 8, staged);
    std::vector<uint8_t> want(kLanes);
    scalar_sdp_target().store8(staged, want.data());
    for (const ChipTarget& target : vector_targets()) {
      std::vector<uint8_t> got(kLanes);
      target.sdp.chain(chain, data.data(), kLanes, got.data());
      ASSERT_EQ(got, want) << target.name << " round " << round;
    }
  }
}

TEST(ChipTargets, AnUnknownNameIsAnError) {
  EXPECT_EQ(chip_targets().back().name, "reference");
  for (const ChipTarget& target : chip_targets()) {
    EXPECT_EQ((*find_chip_target(target.name))->name, target.name);
  }
  const auto unknown = find_chip_target("avx1024");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("'avx1024'"), std::string::npos) << unknown.error().message;
  EXPECT_NE(unknown.error().message.find("reference"), std::string::npos) << "what there is: " << unknown.error().message;
  FlatMemory memory;
  Chip chip(*hw::find_config("nv_small").value(), memory, "avx1024");
  EXPECT_FALSE(chip.read_register(0));
  EXPECT_FALSE(chip.write_register(0x1004, 0));
}

}  // namespace
}  // namespace medlar::chip
