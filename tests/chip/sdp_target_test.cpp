// SPDX-License-Identifier: Apache-2.0
// SDP's vector loops against their plain twins, lane by lane, over random settings and special values.
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "chip/sdp_target.hpp"
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
  template <typename Fill, typename Run>
  void compare(Fill fill, Run run) {
    for (uint32_t seed = 0; seed < 4000; ++seed) {
      Lanes lanes(seed);
      const SdpStage stage = lanes.stage();
      std::vector<int32_t> data(kLanes);
      for (int32_t& value : data) {
        value = fill(lanes);
      }
      std::vector<int32_t> plain = data;
      std::vector<int32_t> vector = data;
      Lanes second = lanes;
      run(scalar_sdp_target(), stage, lanes, std::span<int32_t>(plain));
      run(vector_sdp_target(), stage, second, std::span<int32_t>(vector));
      ASSERT_EQ(plain, vector) << "seed " << seed << " shift " << stage.mul_shift << " algo " << int(stage.algo);
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
  std::vector<int32_t> vector = plain;
  scalar_sdp_target().widen_float(false, plain);
  vector_sdp_target().widen_float(false, vector);
  ASSERT_EQ(plain, vector);
  scalar_sdp_target().narrow_float(plain);
  vector_sdp_target().narrow_float(vector);
  ASSERT_EQ(plain, vector);
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
    for (const SdpTarget* target : {&scalar_sdp_target(), &vector_sdp_target()}) {
      std::vector<int32_t>& lanes = target == &scalar_sdp_target() ? a : b;
      (wide ? target->load16 : target->load8)(bytes.data(), lanes);
      std::fill(back.begin(), back.end(), uint8_t{0});
      (wide ? target->store16 : target->store8)(lanes, back.data());
      EXPECT_TRUE(std::equal(back.begin(), back.begin() + (wide ? 2 * kLanes : kLanes), bytes.begin())) << target->name;
    }
    EXPECT_EQ(a, b);
  }
}

}  // namespace
}  // namespace medlar::chip
