// SPDX-License-Identifier: Apache-2.0
// Shape rules of matrix products.
#include <array>
#include <map>

#include "graph/shape_context.hpp"

#include <fmt/ranges.h>

namespace medlar::graph {
namespace {

bool differ(int64_t a, int64_t b) {
  return a != kUnknownDim && b != kUnknownDim && a != b;
}

Status gemm(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* a = context.shape(0);
  const Shape* b = context.shape(1);
  if (a == nullptr || b == nullptr) {
    return {};
  }
  if (a->size() != 2 || b->size() != 2) {
    return context.error("its inputs have rank {} and {}, must be 2", a->size(), b->size());
  }
  MEDLAR_ASSIGN(const int64_t trans_a, context.attr("transA", 0));
  MEDLAR_ASSIGN(const int64_t trans_b, context.attr("transB", 0));
  const size_t ta = trans_a != 0 ? 1 : 0;
  const size_t tb = trans_b != 0 ? 1 : 0;
  if (differ((*a)[1 - ta], (*b)[tb])) {
    return context.error("[{}] and [{}] do not multiply", fmt::join(*a, ","), fmt::join(*b, ","));
  }
  return context.set_shape(0, {(*a)[ta], (*b)[1 - tb]});
}

/// NumPy's rule: vectors gain a dimension that the result loses again, leading dimensions broadcast.
Status matmul(ShapeContext& context, size_t second) {
  if (context.shape(0) == nullptr || context.shape(second) == nullptr) {
    return {};
  }
  Shape a = *context.shape(0);
  Shape b = *context.shape(second);
  if (a.empty() || b.empty()) {
    return context.error("a scalar cannot be multiplied as a matrix");
  }
  const bool row = a.size() == 1;
  const bool column = b.size() == 1;
  if (row) {
    a.insert(a.begin(), 1);
  }
  if (column) {
    b.push_back(1);
  }
  if (differ(a.back(), b[b.size() - 2])) {
    return context.error("[{}] and [{}] do not multiply", fmt::join(a, ","), fmt::join(b, ","));
  }
  MEDLAR_ASSIGN(Shape out, broadcast(context, {a.begin(), a.end() - 2}, {b.begin(), b.end() - 2}));
  if (!row) {
    out.push_back(a[a.size() - 2]);
  }
  if (!column) {
    out.push_back(b.back());
  }
  return context.set_shape(0, std::move(out));
}

Status mat_mul(ShapeContext& context) {
  context.set_type(0, context.type(0));
  return matmul(context, 1);
}

Status mat_mul_integer(ShapeContext& context) {
  context.set_type(0, DataType::kInt32);
  return matmul(context, 1);
}

Status qlinear_mat_mul(ShapeContext& context) {
  context.set_type(0, context.type(7));
  return matmul(context, 3);
}

Status det(ShapeContext& context) {
  context.set_type(0, context.type(0));
  const Shape* x = context.shape(0);
  if (x == nullptr || x->size() < 2) {
    return {};
  }
  return context.set_shape(0, {x->begin(), x->end() - 2});
}

/// The equation's terms: letters of each input, and of the output if it is given.
struct Equation {
  std::vector<std::string> inputs;
  std::optional<std::string> output;
};

Equation parse_equation(std::string text) {
  std::erase(text, ' ');
  Equation out;
  if (const size_t arrow = text.find("->"); arrow != std::string::npos) {
    out.output = text.substr(arrow + 2);
    text.resize(arrow);
  }
  for (size_t start = 0; start <= text.size();) {
    const size_t comma = std::min(text.find(',', start), text.size());
    out.inputs.push_back(text.substr(start, comma - start));
    start = comma + 1;
  }
  return out;
}

constexpr size_t kMaxEllipsis = 9;  ///< Dimensions that "..." may stand for: one digit each.

/// Replaces "..." by digits, counted from the right so that they broadcast.
void expand_ellipsis(std::string& term, size_t dims) {
  if (const size_t at = term.find("..."); at != std::string::npos) {
    std::string digits;
    for (size_t i = dims; i > 0; --i) {
      digits += static_cast<char>('0' + i);
    }
    term.replace(at, 3, digits);
  }
}

/// How many dimensions the "..." of a term stands for; 0 without one.
size_t ellipsis_dims(const std::string& term, size_t rank) {
  const bool open = term.find("...") != std::string::npos;
  return open && rank + 3 >= term.size() ? rank + 3 - term.size() : 0;
}

/// The output's letters when the equation leaves them out: those that occur once, in order.
std::string implied_output(const std::map<char, int>& uses) {
  std::string out;
  for (const auto& [letter, count] : uses) {
    const bool from_ellipsis = letter >= '0' && letter <= '9';
    out += count == 1 && !from_ellipsis ? std::string(1, letter) : "";
  }
  return out;
}

Status einsum(ShapeContext& context) {
  context.set_type(0, context.type(0));
  MEDLAR_ASSIGN(const std::string text, string_attribute(context.node(), "equation", ""));
  Equation equation = parse_equation(text);
  if (equation.inputs.size() != context.input_count()) {
    return context.error("equation '{}' is for {} inputs, not {}", text, equation.inputs.size(), context.input_count());
  }
  std::map<char, int64_t> sizes;
  std::map<char, int> uses;
  size_t widest = 0;
  for (size_t i = 0; i < equation.inputs.size(); ++i) {
    const Shape* shape = context.shape(i);
    std::string& letters = equation.inputs[i];
    if (shape == nullptr) {
      return {};
    }
    const size_t dims = ellipsis_dims(letters, shape->size());
    widest = std::max(widest, dims);
    expand_ellipsis(letters, dims);
    if (shape->size() != letters.size() || dims > kMaxEllipsis) {
      return context.error("equation '{}': input {} has rank {}", text, i, shape->size());
    }
    for (size_t d = 0; d < letters.size(); ++d) {
      int64_t& size = sizes.emplace(letters[d], (*shape)[d]).first->second;
      size = size == 1 || size == kUnknownDim ? (*shape)[d] : size;
      ++uses[letters[d]];
    }
  }
  std::string letters = equation.output.value_or("..." + implied_output(uses));
  expand_ellipsis(letters, widest);
  Shape out;
  for (const char letter : letters) {
    const auto found = sizes.find(letter);
    if (found == sizes.end()) {
      return context.error("equation '{}': no input has '{}'", text, letter);
    }
    out.push_back(found->second);
  }
  return context.set_shape(0, std::move(out));
}

constexpr std::array kRules = {
    ShapeRuleEntry{"Gemm", gemm},
    ShapeRuleEntry{"MatMul", mat_mul},
    ShapeRuleEntry{"MatMulInteger", mat_mul_integer},
    ShapeRuleEntry{"QLinearMatMul", qlinear_mat_mul},
    ShapeRuleEntry{"Det", det},
    ShapeRuleEntry{"Einsum", einsum},
};

}  // namespace

std::span<const ShapeRuleEntry> matrix_shape_rules() {
  return kRules;
}

}  // namespace medlar::graph
