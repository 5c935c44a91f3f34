// SPDX-License-Identifier: Apache-2.0
// Shape inference by hand-worked cases: opset differences, broken attributes, open dimensions, shape arithmetic.
// (ONNX's own node tests check the bulk of the rules: tests/import/node_cases_test.cpp.)
#include "graph/shape_inference.hpp"
#include "graph/shape_context.hpp"
#include "graph/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace medlar::graph {
namespace {

using testing::HasSubstr;

/// Infers `body` (which defines %y) and prints the type of %y, or the error.
std::string inferred(int opset, const std::string& body) {
  auto graph = parse("graph \"g\" {\"\": " + std::to_string(opset) + "}\n" + body + "\noutput %y\n");
  if (!graph) {
    return graph.error().message;
  }
  if (const Status status = infer_shapes(*graph); !status) {
    return status.error().message;
  }
  const std::string text = print(*graph, {.inline_elements = 0});
  const size_t line = text.find("%y = ");
  const size_t type = text.find(" : ", line);
  return text.substr(type + 3, text.find('\n', type) - type - 3);
}

struct ShapeCase {
  int opset;
  std::string body;
  std::string expected;
};

void check(const std::vector<ShapeCase>& cases) {
  for (const ShapeCase& one : cases) {
    EXPECT_THAT(inferred(one.opset, one.body), HasSubstr(one.expected)) << one.body;
  }
}

TEST(Shapes, Windows) {
  const std::string x = "input %x : float32[1,4,10,11]\ninput %w : float32[8,4,3,3]\n";
  check({
      {13, x + "%y = Conv(%x, %w)", "float32[1,8,8,9]"},
      {13, x + "%y = Conv(%x, %w) {strides=[2,3], pads=[1,0,1,2]}", "float32[1,8,5,4]"},
      {13, x + "%y = Conv(%x, %w) {dilations=[2,1], auto_pad=\"VALID\"}", "float32[1,8,6,9]"},
      {13, x + "%y = Conv(%x, %w) {strides=[2,2], auto_pad=\"SAME_UPPER\"}", "float32[1,8,5,6]"},
      {13, x + "%y = MaxPool(%x) {kernel_shape=[3,3], strides=[2,2]}", "float32[1,4,4,5]"},
      {13, x + "%y = MaxPool(%x) {kernel_shape=[3,3], strides=[2,2], ceil_mode=1}", "float32[1,4,5,5]"},
      // The fourth window of the last row would start in the padding behind the input.
      {13, "input %x : float32[1,1,5]\n%y = AveragePool(%x) {kernel_shape=[1], strides=[3], pads=[0,2], ceil_mode=1}",
       "float32[1,1,2]"},
      {13, x + "%y = ConvTranspose(%x, %v) {strides=[2,2], output_padding=[1,1], pads=[1,1,1,1]}\n"
               "input %v : float32[4,6,3,3]",
       "float32[1,6,20,22]"},
      {13, x + "%y = ConvTranspose(%x, %v) {strides=[2,2], output_shape=[21,23]}\ninput %v : float32[4,6,3,3]",
       "float32[1,6,21,23]"},
      {13, "input %x : float32[?,3,?,8]\n%y = MaxPool(%x) {kernel_shape=[2,2], strides=[2,2]}", "float32[?,3,?,4]"},
      {13, x + "%y = GlobalAveragePool(%x)", "float32[1,4,1,1]"},
  });
}

TEST(Shapes, BrokenWindows) {
  const std::string x = "input %x : float32[1,4,10,11]\ninput %w : float32[8,4,3,3]\n";
  check({
      {13, x + "%y = Conv(%x, %w) {group=2}", "node Conv_y (Conv): its input has 4 channels"},
      {13, x + "%y = Conv(%x, %w) {group=0}", "with group 0 need another number"},
      {13, x + "%y = Conv(%x, %w) {kernel_shape=[5,5]}", "attribute kernel_shape is [5,5], the weights are [3,3]"},
      {13, x + "%y = Conv(%x, %w) {strides=[0,1]}", "attribute strides is [0,1]; each must be 1 to 2147483647"},
      {13, x + "%y = Conv(%x, %w) {strides=[1]}", "attribute strides has 1 elements, must have 2"},
      {13, x + "%y = Conv(%x, %w) {pads=[-1,0,0,0]}", "attribute pads is [-1,0,0,0]"},
      {13, x + "%y = Conv(%x, %w) {dilations=[9,1]}", "its window of 19 (kernel 3, dilation 9) is larger than"},
      {13, x + "%y = Conv(%x, %w) {auto_pad=\"MAYBE\"}", "attribute auto_pad is 'MAYBE'"},
      {13, x + "%y = Conv(%x, %w) {strides=3}", "attribute strides is an integer, must be a list of integers"},
      {13, x + "%y = MaxPool(%x)", "attribute kernel_shape has 0 elements, must have 2"},
      {13, x + "%y = MaxPool(%x) {kernel_shape=[9223372036854775807,1]}", "each must be 1 to"},
      {13, "input %x : float32[4,4]\n%y = MaxPool(%x) {kernel_shape=[1]}", "its input has rank 2"},
  });
}

TEST(Shapes, LayoutsByOpset) {
  const std::string x = "input %x : float32[2,3,4]\n";
  check({
      {13, x + "%s = const : int64[3] [0,-1,2]\n%y = Reshape(%x, %s)", "float32[2,6,2]"},
      {14, x + "%s = const : int64[2] [0,5]\n%y = Reshape(%x, %s) {allowzero=1}", "24 elements of [2,3,4] do not fill"},
      {13, x + "%s = const : int64[2] [-1,-1]\n%y = Reshape(%x, %s)", "its shape has more than one -1"},
      {13, x + "%s = const : int64[1] [7]\n%y = Reshape(%x, %s)", "24 elements of [2,3,4] do not fill [7]"},
      {11, "input %x : float32[1,3,1]\n%y = Squeeze(%x) {axes=[0]}", "float32[3,1]"},
      {13, "input %x : float32[1,3,1]\n%y = Squeeze(%x)", "float32[3]"},
      {13, "input %x : float32[1,3,1]\n%s = const : int64[1] [1]\n%y = Squeeze(%x, %s)", "dimension 1 is 3"},
      {11, x + "%y = Unsqueeze(%x) {axes=[0,-1]}", "float32[1,2,3,4,1]"},
      {13, x + "%s = const : int64[1] [1]\n%y = Unsqueeze(%x, %s)", "float32[2,1,3,4]"},
      {13, x + "%y = Transpose(%x)", "float32[4,3,2]"},
      {13, x + "%y = Transpose(%x) {perm=[1,0]}", "perm has 2 elements, its input rank 3"},
      {13, x + "%y = Transpose(%x) {perm=[0,0,1]}", "axis 0 is given twice"},
      {13, x + "%y = Flatten(%x) {axis=2}", "float32[6,4]"},
      {13, x + "%y = Concat(%x, %x) {axis=-1}", "float32[2,3,8]"},
      {13, x + "input %z : float32[2,4,4]\n%y = Concat(%x, %z) {axis=0}", "does not join"},
      {11, x + "%y, %z = Split(%x) {axis=1, split=[1,2]}", "float32[2,1,4], float32[2,2,4]"},
      {13, x + "%y, %z = Split(%x) {axis=1}", "3 elements do not split into 2 parts"},
      {18, x + "%y, %z = Split(%x) {axis=1, num_outputs=2}", "float32[2,2,4], float32[2,1,4]"},
      {11, x + "%y, %z = Split(%x) {axis=1, split=[1,1]}", "parts of [1,1] do not sum up to 3"},
      {10, x + "%y = Pad(%x) {pads=[0,1,0,0,1,2]}", "float32[2,5,6]"},
      {11, x + "%s = const : int64[6] [0,1,0,0,1,-2]\n%y = Pad(%x, %s)", "float32[2,5,2]"},
      {18, x + "%s = const : int64[2] [1,1]\n%a = const : int64[1] [-1]\n%y = Pad(%x, %s, _, %a)", "float32[2,3,6]"},
      {11, x + "%s = const : int64[6] [0,0,0,0,0,-9]\n%y = Pad(%x, %s)", "leave dimension 2 no valid size"},
      {13, x + "%s = const : int64[2] [3,1]\n%y = Expand(%x, %s)", "float32[2,3,4]"},
      {13, x + "%s = const : int64[3] [1,2,3]\n%y = Tile(%x, %s)", "float32[2,6,12]"},
      {13, x + "%s = const : int64[3] [4611686018427387904,2,3]\n%y = Tile(%x, %s)", "overflows"},
  });
}

TEST(Shapes, SlicesByOpset) {
  const std::string x = "input %x : float32[10,7]\n";
  const auto slice = [&](const std::string& starts, const std::string& ends, const std::string& steps) {
    return x + "%s = const : int64[1] [" + starts + "]\n%e = const : int64[1] [" + ends +
           "]\n%a = const : int64[1] [0]\n%p = const : int64[1] [" + steps + "]\n%y = Slice(%x, %s, %e, %a, %p)";
  };
  check({
      {9, x + "%y = Slice(%x) {starts=[1,2], ends=[-1,100]}", "float32[8,5]"},
      {9, x + "%y = Slice(%x) {starts=[1], ends=[3], axes=[1]}", "float32[10,2]"},
      {13, slice("2", "9", "3"), "float32[3,7]"},
      {13, slice("-1", "-9223372036854775808", "-1"), "float32[10,7]"},
      {13, slice("8", "1", "-3"), "float32[3,7]"},
      {13, slice("100", "-100", "-4"), "float32[3,7]"},
      {13, slice("5", "5", "1"), "float32[0,7]"},
      {13, slice("0", "9", "-9223372036854775808"), "float32[0,7]"},
      {13, slice("9", "-100", "-9223372036854775808"), "float32[1,7]"},
      {13, slice("0", "9", "0"), "a step of 0"},
  });
}

TEST(Shapes, SliceRangeMatchesASlowWalk) {
  for (int64_t dim = 0; dim <= 5; ++dim) {
    for (int64_t start = -7; start <= 7; ++start) {
      for (int64_t end = -7; end <= 7; ++end) {
        for (const int64_t step : {-3, -2, -1, 1, 2, 3}) {
          // ONNX: negative ends count from the back, a start is clamped into the dimension, an end may lie one before.
          const int64_t low = step > 0 ? 0 : -1;
          const int64_t high = step > 0 ? dim : dim - 1;
          int64_t from = start < 0 ? start + dim : start;
          int64_t to = end < 0 ? end + dim : end;
          from = std::min(std::max(from, int64_t{0}), std::max(high, int64_t{0}));
          to = std::min(std::max(to, low), high);
          int64_t count = 0;
          for (int64_t at = from; dim > 0 && (step > 0 ? at < to : at > to); at += step) {
            ++count;
          }
          const SliceRange range = slice_range(dim, start, end, step);
          ASSERT_EQ(range.count, count) << dim << " " << start << " " << end << " " << step;
          ASSERT_TRUE(count == 0 || range.start == from) << dim << " " << start << " " << end << " " << step;
        }
      }
    }
  }
}

TEST(Shapes, ArithmeticOnShapes) {
  check({
      // The classic chain of PyTorch exports: view(x.size(0), -1).
      {11,
       "input %x : float32[2,3,4,4]\n%s = Shape(%x)\n%i = const : int64[] [0]\n%d = Gather(%s, %i)\n"
       "%u = Unsqueeze(%d) {axes=[0]}\n%m = const : int64[1] [-1]\n%t = Concat(%u, %m) {axis=0}\n%y = Reshape(%x, %t)",
       "float32[2,48]"},
      // An open batch stays open, the rest is known.
      {13,
       "input %x : float32[?,3,4]\n%s = Shape(%x)\n%i = const : int64[1] [0]\n%d = Gather(%s, %i)\n"
       "%m = const : int64[1] [12]\n%t = Concat(%d, %m) {axis=0}\n%y = Reshape(%x, %t)",
       "float32[?,12]"},
      {13,
       "input %x : float32[4,6]\n%s = Shape(%x)\n%two = const : int64[1] [2]\n%h = Div(%s, %two)\n%t = Mul(%h, %two)\n"
       "%y = Expand(%x, %t)",
       "float32[4,6]"},
      // Expand to Where(shape == -1, 1, shape).
      {13,
       "input %x : float32[1,6]\n%s = const : int64[2] [-1,6]\n%m = const : int64[1] [-1]\n%c = Equal(%s, %m)\n"
       "%o = const : int64[1] [1]\n%t = Where(%c, %o, %s)\n%y = Expand(%x, %t)",
       "float32[1,6]"},
      // Reversing pairs, as PyTorch's pad does.
      {13,
       "input %x : float32[5,5]\n%p = const : int64[2,2] [1,2,3,4]\n%f = const : int64[1] [-1]\n"
       "%e = const : int64[1] [-9223372036854775807]\n%z = const : int64[1] [0]\n%r = Slice(%p, %f, %e, %z, %f)\n"
       "%q = Transpose(%r)\n%t = Reshape(%q, %f)\n%y = Pad(%x, %t)",
       "float32[12,8]"},
      {15, "input %x : float32[2,3,4]\n%s = Shape(%x) {start=-2}\n%y = ConstantOfShape(%s)", "float32[3,4]"},
      {13, "input %x : float32[2,3]\n%n = Size(%x)\n%z = const : int64[] [0]\n%o = const : int64[] [2]\n"
           "%y = Range(%z, %n, %o)",
       "int64[3]"},
      {13, "input %x : float32[6,2]\n%s = Shape(%x)\n%p = ReduceProd(%s) {keepdims=1}\n%y = Reshape(%x, %p)",
       "float32[12]"},
      {13, "input %x : float32[6,2]\n%s = Shape(%x)\n%a, %b = Split(%s)\n%t = Concat(%b, %a) {axis=0}\n"
           "%y = Reshape(%x, %t)",
       "float32[2,6]"},
  });
}

TEST(Shapes, ResizeByOpset) {
  const std::string x = "input %x : float32[1,2,5,5]\n%f = const : float32[4] [1.0,1.0,2.0,1.5]\n";
  const std::string sizes = "%z = const : int64[4] [1,2,7,9]\n";
  check({
      {8, "input %x : float32[1,2,5,5]\n%y = Upsample(%x) {scales=[1.0,1.0,2.0,1.5]}", "float32[1,2,10,7]"},
      {9, x + "%y = Upsample(%x, %f)", "float32[1,2,10,7]"},
      {10, x + "%y = Resize(%x, %f)", "float32[1,2,10,7]"},
      {11, x + "%y = Resize(%x, _, %f)", "float32[1,2,10,7]"},
      {13, x + sizes + "%y = Resize(%x, _, _, %z)", "float32[1,2,7,9]"},
      {13, x + sizes + "%n = const : float32[0] []\n%y = Resize(%x, %n, %n, %z)", "float32[1,2,7,9]"},
      {18, x + "%z = const : int64[2] [10,20]\n%y = Resize(%x, _, _, %z) {axes=[2,3], keep_aspect_ratio_policy=\"not_larger\"}",
       "float32[1,2,10,10]"},
      {13, x + "%y = Resize(%x)", "it has neither scales nor sizes"},
      {13, x + "%s = const : float32[4] [1.0,1.0,-2.0,1.0]\n%y = Resize(%x, _, %s)", "is no valid size"},
      {13, x + "%s = const : float32[1] [1.0]\n%y = Resize(%x, _, %s)", "1 scales for 4 dimensions"},
      {13, "input %x : float32[1,8,2,3]\n%y = DepthToSpace(%x) {blocksize=2}", "float32[1,2,4,6]"},
      {13, "input %x : float32[1,8,2,4]\n%y = SpaceToDepth(%x) {blocksize=2}", "float32[1,32,1,2]"},
      {13, "input %x : float32[1,6,2,3]\n%y = DepthToSpace(%x) {blocksize=2}", "dimension 1 is 6, no multiple of 4"},
      {13, "input %x : float32[1,6,2,3]\n%y = DepthToSpace(%x)", "blocksize is 0"},
  });
}

TEST(Shapes, ProductsAndReductions) {
  const std::string x = "input %x : float32[2,3,4]\n";
  check({
      {13, x + "input %w : float32[4,5]\n%y = MatMul(%x, %w)", "float32[2,3,5]"},
      {13, x + "input %w : float32[4]\n%y = MatMul(%x, %w)", "float32[2,3]"},
      {13, x + "input %w : float32[5,5]\n%y = MatMul(%x, %w)", "do not multiply"},
      {13, "input %x : float32[3,2]\ninput %w : float32[5,3]\n%y = Gemm(%x, %w) {transA=1, transB=1}", "float32[2,5]"},
      {11, x + "%y = ReduceMean(%x) {axes=[1,-1], keepdims=0}", "float32[2]"},
      {18, x + "%a = const : int64[1] [1]\n%y = ReduceMean(%x, %a)", "float32[2,1,4]"},
      {18, x + "%y = ReduceMean(%x) {noop_with_empty_axes=1}", "float32[2,3,4]"},
      {13, x + "%y = ReduceMax(%x) {axes=[3]}", "axis 3 lies outside of a tensor of rank 3"},
      {13, x + "%y = ArgMax(%x) {axis=1, keepdims=0}", "int64[2,4]"},
      {13, x + "%k = const : int64[1] [2]\n%y, %i = TopK(%x, %k)", "float32[2,3,2], int64[2,3,2]"},
      {13, x + "%k = const : int64[1] [5]\n%y, %i = TopK(%x, %k)", "k is 5, the axis has 4 elements"},
      {13, x + "input %z : float32[3,1]\n%y = Add(%x, %z)", "float32[2,3,4]"},
      {13, x + "input %z : float32[2,4]\n%y = Add(%x, %z)", "[2,3,4] and [2,4] do not broadcast"},
      {13, x + "input %r : float32[2,16,4]\ninput %w : float32[2,16,4]\n%y, %h, %c = LSTM(%x, %w, %r)",
       "float32[2,2,3,4], float32[2,3,4], float32[2,3,4]"},
      {13, x + "%y = Cast(%x) {to=7}", "int64[2,3,4]"},
      {13, x + "%y = Einsum(%x, %x) {equation=\"bij, bkj -> bik\"}", "float32[2,3,3]"},
  });
}

TEST(Shapes, UnknownOperatorsKeepWhatTheFileDeclares) {
  EXPECT_EQ(inferred(13, "input %x : float32[2]\n%y = Mystery(%x) : float32[7]"), "float32[7]");
  EXPECT_EQ(inferred(13, "input %x : float32[2]\n%y = acme::Relu(%x)"), "?");
  EXPECT_FALSE(has_shape_rule("Mystery"));
  EXPECT_TRUE(has_shape_rule("Conv"));
}

TEST(Shapes, DerivedSizesReplaceDeclaredOnesButFillNoGaps) {
  EXPECT_EQ(inferred(13, "input %x : float32[2,3]\n%y = Relu(%x) : float32[9,9]"), "float32[2,3]");
  EXPECT_EQ(inferred(13, "input %x : float32[?,3]\n%y = Relu(%x) : float32[5,3]"), "float32[5,3]");
}

}  // namespace
}  // namespace medlar::graph
