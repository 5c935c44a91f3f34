// SPDX-License-Identifier: Apache-2.0
// Shape rules of RNN, GRU and LSTM.
#include <array>

#include "graph/shape_context.hpp"

namespace medlar::graph {
namespace {

/// X is [sequence, batch, input], or [batch, sequence, input] with layout 1. R is [directions, gates * hidden, hidden].
Status recurrent(ShapeContext& context) {
  for (size_t o = 0; o < 3; ++o) {
    context.set_type(o, context.type(0));
  }
  const Shape* x = context.shape(0);
  const Shape* r = context.shape(2);
  if (x == nullptr || r == nullptr) {
    return {};
  }
  if (x->size() != 3 || r->size() != 3) {
    return context.error("its input has rank {} and its recurrence weights rank {}, must be 3", x->size(), r->size());
  }
  MEDLAR_ASSIGN(const int64_t layout, context.attr("layout", 0));
  const int64_t directions = (*r)[0];
  const int64_t hidden = (*r)[2];
  const int64_t sequence = (*x)[layout == 0 ? 0 : 1];
  const int64_t batch = (*x)[layout == 0 ? 1 : 0];
  const Shape all = layout == 0 ? Shape{sequence, directions, batch, hidden} : Shape{batch, sequence, directions, hidden};
  const Shape last = layout == 0 ? Shape{directions, batch, hidden} : Shape{batch, directions, hidden};
  MEDLAR_TRY(context.set_shape(0, all));
  MEDLAR_TRY(context.set_shape(1, last));
  return context.set_shape(2, last);
}

constexpr std::array kRules = {
    ShapeRuleEntry{"RNN", recurrent},
    ShapeRuleEntry{"GRU", recurrent},
    ShapeRuleEntry{"LSTM", recurrent},
};

}  // namespace

std::span<const ShapeRuleEntry> recurrent_shape_rules() {
  return kRules;
}

}  // namespace medlar::graph
