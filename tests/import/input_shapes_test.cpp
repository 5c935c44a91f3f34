// SPDX-License-Identifier: Apache-2.0
// --shapes, open batches and open dimensions.
#include "import/input_shapes.hpp"

#include "import/onnx_import.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medlar::import {
namespace {

using graph::Shape;
using testing::ElementsAre;
using testing::HasSubstr;

FileInput input(std::string name, std::vector<FileDim> dims) {
  return {.name = std::move(name), .has_shape = true, .dims = std::move(dims)};
}

const FileDim kBatch{.size = graph::kUnknownDim, .symbol = "batch"};
const FileDim kOpen{.size = graph::kUnknownDim, .symbol = ""};

TEST(InputShapes, AnOpenBatchBecomesOneWithANotice) {
  const auto result = resolve_input_shapes({input("x", {kBatch, {3}, {8}}), input("y", {{2}})}, {});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_THAT(result->shapes, ElementsAre(Shape{1, 3, 8}, Shape{2}));
  EXPECT_THAT(result->notices,
              ElementsAre("input x: its batch is open and becomes 1 (--shapes x:1x3x8 sets another)"));
  EXPECT_EQ(result->symbols.at("batch"), 1);
}

TEST(InputShapes, OtherOpenDimensionsShowTheFlag) {
  const auto result =
      resolve_input_shapes({input("x", {kBatch, {3}, {-1, "height"}, kOpen}), input("s", {{2}, kOpen})}, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message,
            "dimension 2 ('height') of input x is open; give its size with --shapes x:1x3x?x?,s:2x?");
}

TEST(InputShapes, NamedShapesBindSymbolsOfOtherInputs) {
  const auto result = resolve_input_shapes({input("a", {kBatch, {4}}), input("b", {{3}, kBatch})}, {{"a", {7, 4}}});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_THAT(result->shapes, ElementsAre(Shape{7, 4}, Shape{3, 7}));
  EXPECT_TRUE(result->notices.empty());
}

TEST(InputShapes, ASymbolWithTwoSizesBindsNothing) {
  const auto result = resolve_input_shapes({input("a", {kBatch}), input("b", {kBatch}), input("c", {{3}, kBatch})},
                                           {{"a", {7}}, {"b", {8}}});
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("dimension 1 ('batch') of input c is open"));
}

TEST(InputShapes, ContradictionsAreErrors) {
  const std::vector<FileInput> inputs = {input("x", {kBatch, {3}}), input("y", {{2}})};
  EXPECT_EQ(resolve_input_shapes(inputs, {{"x", {1, 4}}}).error().message,
            "--shapes gives dimension 1 of input x as 4, the model fixes it to 3");
  EXPECT_EQ(resolve_input_shapes(inputs, {{"x", {1, 3, 1}}}).error().message,
            "--shapes gives input x 3 dimensions, the model has 2");
  EXPECT_EQ(resolve_input_shapes(inputs, {{"z", {1}}}).error().message,
            "--shapes names z, which is not an input; the inputs are: x, y");
}

TEST(InputShapes, AnInputWithoutShapeTakesTheGivenOne) {
  const FileInput unknown{.name = "u", .has_shape = false, .dims = {}};
  EXPECT_THAT(resolve_input_shapes({unknown}, {{"u", {5, 6}}})->shapes, ElementsAre(Shape{5, 6}));
  EXPECT_THAT(resolve_input_shapes({unknown}, {}).error().message, HasSubstr("input u has no shape in the model"));
}

TEST(ParseShapes, TakesNamesWithColons) {
  const auto shapes = parse_shapes("x:1x3x224x224,a:0:2,s:7");
  ASSERT_TRUE(shapes) << shapes.error().message;
  EXPECT_EQ(shapes->size(), 3u);
  EXPECT_EQ(shapes->at("x"), (Shape{1, 3, 224, 224}));
  EXPECT_EQ(shapes->at("a:0"), Shape{2});
  EXPECT_TRUE(parse_shapes("")->empty());
}

TEST(ParseShapes, RefusesOthers) {
  for (const char* text : {"x", "x:", ":1", "x:1x", "x:ax1", "x:0", "x:-1x2", "x:1,x:2", "x:1x?",
                           "x:99999999999999999999"}) {
    const auto shapes = parse_shapes(text);
    ASSERT_FALSE(shapes) << text;
    EXPECT_THAT(shapes.error().message, HasSubstr("--shapes")) << text;
  }
}

}  // namespace
}  // namespace medlar::import
