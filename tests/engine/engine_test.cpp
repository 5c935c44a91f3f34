// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.hpp"

#include <random>

#include "base/hash.hpp"
#include "support/test_data.hpp"

namespace medlar::engine {
namespace {

const hw::DeviceProfile& device(std::string_view name) {
  return **hw::find_device(name);
}

Engine sample_engine() {
  Engine engine;
  engine.model = "digits.onnx";
  engine.device = device("nv_small").name;
  engine.fingerprint = device_fingerprint(device("nv_small"));
  engine.precision = "int8";
  engine.preprocess = "{}";
  compiler::Plan& plan = engine.plan;
  plan.tensors = {{"image", graph::DataType::kFloat32, {1, 1, 28, 28}}, {"logits", graph::DataType::kFloat32, {1, 10}}};
  plan.inputs = {"image"};
  plan.outputs = {"logits"};
  compiler::DlaBinding in{.tensor = "image", .scale = 0.5f, .w = 28, .h = 28, .c = 1, .line_stride = 224, .bytes = 6272};
  compiler::DlaBinding out{.tensor = "logits", .scale = 0.25f, .w = 1, .h = 1, .c = 10, .bytes = 16};
  out.channel_scale = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  plan.segments = {{compiler::Engine::kDla, "dla0", {1, 2, 3}, {"image"}, {"logits"}, {in}, {out}, {}}};
  plan.segments[0].memory = {.weights = 100, .input = 6272, .output = 16, .intermediate = 64, .intermediate_bound = 64,
                             .intermediate_unshared = 128, .sram = 0};
  plan.segments.push_back({compiler::Engine::kCpu, "cpu1", {4}, {"logits"}, {"logits"}, {}, {}, {}});
  plan.placements = {{"conv1", "Conv", compiler::Engine::kDla, 0, "int8", "", "", 1000, 7000, 1e-6}};
  plan.transitions = {{0, 1, {"logits"}, 3e-4}};
  plan.hw_ops = {{0, 0, "CONV", "conv1", {"conv1", "relu1"}, 1000}};
  return engine;
}

TEST(Engine, RoundTripIsDeterministic) {
  const Engine engine = sample_engine();
  const ByteBuffer bytes = serialize(engine);
  EXPECT_EQ(bytes, serialize(engine));
  const Result<Engine> read = deserialize(bytes, "x.engine");
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(serialize(*read), bytes);
  EXPECT_EQ(read->plan.segments[0].bindings_in[0].line_stride, 224u);
  EXPECT_TRUE(read->plan.segments[0].bindings_in[0].channel_scale.empty());
  EXPECT_EQ(read->plan.segments[0].bindings_out[0].channel_scale, engine.plan.segments[0].bindings_out[0].channel_scale);
  EXPECT_EQ(read->plan.segments[0].memory, engine.plan.segments[0].memory);
  EXPECT_EQ(read->plan.placements[0].bytes, 7000u);
  ASSERT_EQ(read->plan.transitions.size(), 1u);
  EXPECT_EQ(read->plan.transitions[0].tensors, std::vector<std::string>{"logits"});
  EXPECT_EQ(read->plan.hw_ops[0].origins, (std::vector<std::string>{"conv1", "relu1"}));
}

TEST(Engine, FactorsOfChannelsAreOneAChannelAndPositive) {
  for (const std::vector<float>& factors : {std::vector<float>(9, 1.0f), std::vector<float>{1, 2, 3, 4, 0, 6, 7, 8, 9, 10}}) {
    Engine engine = sample_engine();
    engine.plan.segments[0].bindings_out[0].channel_scale = factors;
    const auto read = deserialize(serialize(engine), "x.engine");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Code::kCorrupt);
  }
}

TEST(Engine, IsRefusedOnAnotherDevice) {
  const Engine engine = sample_engine();
  EXPECT_TRUE(check_device(engine, device("nv_small"), "x.engine"));
  const Status refused = check_device(engine, device("nv_full"), "x.engine");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kDeviceMismatch);
  EXPECT_NE(refused.error().message.find("x.engine"), std::string::npos);
  EXPECT_NE(refused.error().message.find(device("nv_full").name), std::string::npos);
}

TEST(Engine, EveryTruncationAndFlipIsRefused) {
  const ByteBuffer bytes = serialize(sample_engine());
  for (size_t size = 0; size < bytes.size(); size += 7) {
    EXPECT_FALSE(deserialize(ByteView(bytes).first(size), "short")) << size;
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    ByteBuffer altered = bytes;
    altered[at] ^= 0x41;
    EXPECT_FALSE(deserialize(altered, "altered")) << at;
  }
}

// The checksum hides the body from the test above: recompute it, so that the structure checks meet hostile bytes.
TEST(Engine, HostileBodiesNeverCrash) {
  const ByteBuffer bytes = serialize(sample_engine());
  std::mt19937 random(3);
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    ByteBuffer altered = bytes;
    for (int flips = 0; flips < 1 + round % 4; ++flips) {
      altered[32 + random() % (altered.size() - 32)] = static_cast<uint8_t>(random());
    }
    const uint64_t checksum = hash64(ByteView(altered).subspan(32));
    store_le(altered.data() + 24, checksum);
    accepted += deserialize(altered, "hostile") ? 1 : 0;
  }
  EXPECT_LT(accepted, 20000);
}

}  // namespace
}  // namespace medlar::engine
