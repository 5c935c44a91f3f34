// SPDX-License-Identifier: Apache-2.0
// Where inputs and outputs lie, and what has to move between the engines.
#include "runtime/digits_engine.hpp"
#include "umd/tensor_io.hpp"

#include <cstring>

#include <gtest/gtest.h>

namespace medlar::runtime {
namespace {

using test::Digits;
using test::digits;

class BindingsTest : public testing::Test {
 protected:
  void SetUp() override {
    context_ = digits_.context();
    ASSERT_NE(context_, nullptr);
    auto outputs = context_->run(digits_.inputs[0]);
    ASSERT_TRUE(outputs) << outputs.error().to_string();
    wanted_ = outputs->at(output_).bytes;
  }

  Digits digits_ = digits("nv_small", hw::Precision::kInt8);
  std::shared_ptr<ExecutionContext> context_;
  const std::string input_ = digits_.engine.plan.inputs[0];
  const std::string output_ = digits_.engine.plan.outputs[0];
  ByteBuffer wanted_;
};

TEST_F(BindingsTest, HostMemoryIsWrittenWhereItIsBound) {
  ByteBuffer bytes(wanted_.size());
  RunReport report;
  const Status status = context_->run(
      {{input_, Binding::input(digits_.inputs[0].at(input_))}, {output_, Binding::host(bytes)}}, &report);
  ASSERT_TRUE(status) << status.error().to_string();
  EXPECT_EQ(bytes, wanted_);
  EXPECT_EQ(report.count(HandOver::kCopied), 0u) << "the host segment writes in place";
}

TEST_F(BindingsTest, EveryConversionIsListed) {
  RunReport report;
  ASSERT_TRUE(context_->run(digits_.inputs[0], &report));
  std::vector<std::string> conversions;
  for (const SegmentRun& run : report.segments) {
    for (const TensorMove& move : run.moves) {
      if (move.how == HandOver::kConverted) {
        conversions.push_back(move.why);
        EXPECT_GT(move.bytes, 0u);
      }
    }
  }
  EXPECT_EQ(conversions,
            (std::vector<std::string>{"float32 rows to int8 image", "int8 cube to float32 rows"}));
}

TEST_F(BindingsTest, DeviceMemoryInRowsIsSharedWithTheHostSegment) {
  auto memory = digits_.module->allocate(wanted_.size() + 64);
  ASSERT_TRUE(memory);
  RunReport report;
  const Status status = context_->run({{input_, Binding::input(digits_.inputs[0].at(input_))},
                                       {output_, Binding::device(*memory, Layout::kRows, 64)}},
                                      &report);
  ASSERT_TRUE(status) << status.error().to_string();
  EXPECT_EQ(report.count(HandOver::kCopied), 0u);
  const MutableBytes bytes = *(*memory)->map();
  EXPECT_EQ(std::memcmp(bytes.data() + 64, wanted_.data(), wanted_.size()), 0);
}

TEST_F(BindingsTest, InputInTheDevicesLayoutIsNotConverted) {
  const LoadedEngine::Io& io = **context_->engine().find_io(input_);
  ASSERT_TRUE(io.device);
  auto memory = digits_.module->allocate(io.device->size + 32);
  ASSERT_TRUE(memory);
  ASSERT_TRUE(umd::pack_tensor(*io.device, digits_.inputs[0].at(input_).as<float>(), io.scale,
                               (*memory)->map()->subspan(32), io.zero));
  graph::Tensor result;
  RunReport report;
  const Status status = context_->run(
      {{input_, Binding::device(*memory, Layout::kDevice, 32)}, {output_, Binding::output(result)}}, &report);
  ASSERT_TRUE(status) << status.error().to_string();
  EXPECT_EQ(result.bytes, wanted_);
  EXPECT_EQ(report.segments[0].moves[0].how, HandOver::kInPlace);
  EXPECT_EQ(report.count(HandOver::kConverted), 1u) << "only behind the DLA";
}

TEST_F(BindingsTest, MistakesAreNamed) {
  ByteBuffer small(3);
  ByteBuffer right(wanted_.size());
  const Binding in = Binding::input(digits_.inputs[0].at(input_));
  const auto message = [&](const Bindings& bindings) {
    const Status status = context_->run(bindings);
    EXPECT_FALSE(status);
    return status ? std::string() : status.error().message;
  };
  EXPECT_NE(message({{input_, in}}).find("output '" + output_ + "' is missing"), std::string::npos);
  EXPECT_NE(message({{output_, Binding::host(right)}}).find("input '" + input_ + "' is missing"),
            std::string::npos);
  EXPECT_NE(message({{input_, in}, {output_, Binding::host(small)}}).find("3 are bound"), std::string::npos);
  EXPECT_NE(message({{input_, Binding::input(ByteView(small))}, {output_, Binding::host(right)}})
                .find("3 are bound"),
            std::string::npos);
  EXPECT_NE(message({{input_, in}, {output_, Binding::input(ByteView(right))}}).find("may only be read"),
            std::string::npos);
  EXPECT_NE(
      message({{input_, in}, {output_, Binding::host(right)}, {"x", in}}).find("no input or output 'x'"),
      std::string::npos);
  auto memory = digits_.module->allocate(4096);
  ASSERT_TRUE(memory);
  EXPECT_NE(message({{input_, Binding::device(*memory, Layout::kDevice, 4)}, {output_, Binding::host(right)}})
                .find("multiple of 32"),
            std::string::npos);
  EXPECT_NE(message({{input_, in}, {output_, Binding::device(*memory, Layout::kDevice)}})
                .find("only host segments"),
            std::string::npos);
}

TEST_F(BindingsTest, ContextsShareOneLoad) {
  const auto loaded = digits_.load();
  auto first = ExecutionContext::create(loaded);
  auto second = ExecutionContext::create(loaded);
  ASSERT_TRUE(first && second);
  EXPECT_GT(loaded->device_bytes(), 0u);
  EXPECT_LT((*first)->device_bytes(), loaded->device_bytes());
  EXPECT_EQ((*second)->run(digits_.inputs[0])->at(output_).bytes, wanted_);
  EXPECT_EQ((*first)->run(digits_.inputs[0])->at(output_).bytes, wanted_);
}

TEST(Layouts, RowsAndCubesThatAgree) {
  loadable::Tensor t;
  t.type = loadable::DataType::kHalf;
  t.n = 1, t.c = 40, t.h = 1, t.w = 1;
  t.strides = {2, 32, 32};
  EXPECT_TRUE(is_rows(t, graph::DataType::kFloat16));
  EXPECT_FALSE(is_rows(t, graph::DataType::kFloat32)) << "another element";
  t.strides[2] = 64;
  EXPECT_FALSE(is_rows(t, graph::DataType::kFloat16)) << "gaps between the surfaces";
  t.c = 16;
  EXPECT_TRUE(is_rows(t, graph::DataType::kFloat16)) << "one surface";
  t.w = 2;
  EXPECT_FALSE(is_rows(t, graph::DataType::kFloat16)) << "channels are innermost in a cube";
}

}  // namespace
}  // namespace medlar::runtime
