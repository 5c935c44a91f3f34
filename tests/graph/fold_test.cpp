// SPDX-License-Identifier: Apache-2.0
// Constant folding: shape arithmetic without help, the rest through an evaluator, names of outputs kept.
#include "graph/fold.hpp"

#include "graph/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medlar::graph {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Answers every node with one float, or fails; counts the calls.
class FakeEvaluator final : public Evaluator {
 public:
  explicit FakeEvaluator(bool works) : works_(works) {}
  Result<std::vector<Tensor>> run(const Graph&, const Node& node, const std::vector<const Tensor*>& inputs) override {
    ++calls;
    EXPECT_EQ(inputs.size(), node.inputs.size());
    if (!works_) {
      return fail(Code::kUnsupported, "no");
    }
    return std::vector<Tensor>{make_tensor<float>(DataType::kFloat32, {1}, {42})};
  }
  int calls = 0;

 private:
  bool works_;
};

std::string folded(const std::string& body, Evaluator* evaluator = nullptr, const FoldOptions& options = {}) {
  auto graph = parse("graph \"g\" {\"\": 13}\n" + body);
  EXPECT_TRUE(graph) << graph.error().message;
  const auto count = fold_constants(*graph, evaluator, options);
  EXPECT_TRUE(count) << count.error().message;
  const Status status = verify(*graph);
  EXPECT_TRUE(status) << status.error().message;
  const std::string text = print(*graph);
  return text.substr(text.find('\n') + 1);
}

TEST(Fold, ShapeChainsVanish) {
  EXPECT_EQ(folded("input %x : float32[2,3,4]\n%s = Shape(%x)\n%i = const : int64[1] [0]\n%d = Gather(%s, %i)\n"
                   "%m = const : int64[1] [-1]\n%t = Concat(%d, %m) {axis=0}\n%y = Reshape(%x, %t)\noutput %y\n"),
            "input %x : float32[2,3,4]\n%t = const : int64[2] [2,-1]\n%y = Reshape(%x, %t) : float32[2,12]\n"
            "output %y\n");
}

TEST(Fold, FloatArithmeticAroundResize) {
  const std::string text =
      folded("input %x : float32[1,2,5,5]\n%s = Shape(%x)\n%f = Cast(%s) {to=1}\n%k = const : float32[4] "
             "[1.0,1.0,2.0,1.5]\n%g = Mul(%f, %k)\n%h = Floor(%g)\n%z = Cast(%h) {to=7}\n"
             "%y = Resize(%x, _, _, %z)\noutput %y\n");
  EXPECT_THAT(text, HasSubstr("%z = const : int64[4] [1,2,10,7]"));
  EXPECT_THAT(text, HasSubstr("%y = Resize(%x, _, _, %z) : float32[1,2,10,7]"));
}

TEST(Fold, IdentityAndDropoutGo) {
  EXPECT_EQ(folded("input %x : float32[2]\n%a = Identity(%x)\n%b, %m = Dropout(%a)\n%y = Relu(%b)\noutput %y\n"),
            "input %x : float32[2]\n%y = Relu(%x) : float32[2]\noutput %y\n");
}

TEST(Fold, DropoutInTrainingOrWithItsMaskStays) {
  EXPECT_THAT(folded("input %x : float32[2]\n%a, %m = Dropout(%x)\n%y = Relu(%a)\noutput %y\noutput %m\n"),
              HasSubstr("Dropout"));
  EXPECT_THAT(folded("input %x : float32[2]\n%t = const : bool[] [1]\n%a = Dropout(%x, _, %t)\n%y = Relu(%a)\n"
                     "output %y\n"),
              HasSubstr("Dropout"));
}

TEST(Fold, OutputsKeepTheirNames) {
  EXPECT_EQ(folded("input %x : float32[2]\n%a = Relu(%x)\n%b = Exp(%a)\n%y = Identity(%a)\n%z = Identity(%a)\n"
                   "output %y\noutput %z\noutput %b\n"),
            "input %x : float32[2]\n%y = Relu(%x) @\"Relu_a\" : float32[2]\n%b = Exp(%y) : float32[2]\n"
            "%z = Identity(%y) : float32[2]\noutput %y\noutput %z\noutput %b\n");
  EXPECT_THAT(folded("input %x : float32[2]\n%y = Identity(%x)\noutput %y\n"), HasSubstr("%y = Identity(%x)"));
  EXPECT_EQ(folded("%x = const : float32[1] [2.0]\n%y = Identity(%x)\noutput %y\n"),
            "%y = const : float32[1] [2.0]\noutput %y\n");
}

TEST(Fold, CapturedNamesStay) {
  const std::string text = folded("input %x : float32[2]\n%a = Identity(%x)\n%r = Relu(%x)\n%b = Identity(%r)\n"
                                  "%y = If(%x) {then_branch=subgraph([\"a\",\"r\"], 0x00)}\noutput %y\noutput %b\n");
  EXPECT_THAT(text, HasSubstr("%a = Identity(%x)"));
  EXPECT_THAT(text, HasSubstr("%r = Relu(%x)"));
  EXPECT_THAT(text, HasSubstr("%b = Identity(%r)"));
}

TEST(Fold, TheEvaluatorComputesTheRest) {
  FakeEvaluator evaluator(true);
  EXPECT_EQ(folded("input %x : float32[1]\n%a = const : float32[1] [1.0]\n%b = Tanh(%a)\n%y = Add(%x, %b)\noutput %y\n",
                   &evaluator),
            "input %x : float32[1]\n%b = const : float32[1] [42.0]\n%y = Add(%x, %b) : float32[1]\noutput %y\n");
  EXPECT_EQ(evaluator.calls, 1);
}

TEST(Fold, WhatTheEvaluatorCannotDoStays) {
  FakeEvaluator evaluator(false);
  EXPECT_THAT(folded("%a = const : float32[1] [1.0]\n%y = Tanh(%a)\noutput %y\n", &evaluator), HasSubstr("Tanh"));
  EXPECT_EQ(evaluator.calls, 1);
}

TEST(Fold, RandomQuantisedAndHugeResultsAreNotEvaluated) {
  FakeEvaluator evaluator(true);
  const std::string scale = "%s = const : float32[] [0.5]\n%q = const : int8[1] [3]\n";
  EXPECT_THAT(folded(scale + "%y = DequantizeLinear(%q, %s)\noutput %y\n", &evaluator), HasSubstr("DequantizeLinear"));
  EXPECT_THAT(folded("%a = const : float32[1] [1.0]\n%y = RandomNormalLike(%a)\noutput %y\n", &evaluator),
              HasSubstr("RandomNormalLike"));
  EXPECT_THAT(folded("%s = const : int64[2] [100000,100000]\n%y = ConstantOfShape(%s)\noutput %y\n", &evaluator),
              HasSubstr("ConstantOfShape"));
  EXPECT_THAT(folded("%s = const : int64[1] [99]\n%y = ConstantOfShape(%s)\noutput %y\n", &evaluator,
                     {.max_bytes = 99 * 4 - 1}),
              HasSubstr("ConstantOfShape"));
  EXPECT_EQ(evaluator.calls, 0);
}

TEST(Fold, ReturnsHowManyNodesWent) {
  auto graph = parse("graph \"g\" {\"\": 13}\ninput %x : float32[2]\n%a = Identity(%x)\n%d = Exp(%x)\n%y = Relu(%a)\n"
                     "output %y\n");
  EXPECT_EQ(fold_constants(*graph, nullptr), 2);
}

TEST(Fold, ContradictionsAreErrors) {
  auto graph = parse("graph \"g\" {\"\": 13}\ninput %x : float32[2]\ninput %z : float32[3]\n%y = Add(%x, %z)\noutput %y\n");
  const auto result = fold_constants(*graph, nullptr);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "node Add_y (Add): [2] and [3] do not broadcast");
}

}  // namespace
}  // namespace medlar::graph
