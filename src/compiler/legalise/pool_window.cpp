// SPDX-License-Identifier: Apache-2.0
// Cutting of pooling windows.
#include "compiler/legalise/pool_window.hpp"

#include <algorithm>

#include "hw/limits.hpp"

namespace medlar::compiler {
namespace {

using hw::kLimits;

/// One axis of a maximum over `kernel` elements as two: first `front` elements at stride 1, then the rest.
struct AxisCut {
  int front = 1, rest = 1;
  int front_begin = 0, front_end = 0, rest_begin = 0, rest_end = 0;
};

AxisCut cut_axis(int kernel, int begin, int end) {
  const int largest = static_cast<int>(kLimits.pdp.kernel.max);
  AxisCut cut;
  cut.front = kernel > largest ? largest : 1;
  cut.rest = kernel - cut.front + 1;
  cut.front_begin = std::min(begin, cut.front - 1);
  cut.front_end = std::min(end, cut.front - 1);
  cut.rest_begin = begin - cut.front_begin;
  cut.rest_end = end - cut.front_end;
  return cut;
}

}  // namespace

Verdict check_pdp(const Window& window) {
  const hw::PdpLimits& limits = kLimits.pdp;
  const struct { Reason reason; std::string_view name; int value; hw::Range range; } rules[] = {
      {Reason::kPoolWindow, "window width", window.kernel_w, limits.kernel},
      {Reason::kPoolWindow, "window height", window.kernel_h, limits.kernel},
      {Reason::kStride, "horizontal stride", window.stride_x, limits.stride},
      {Reason::kStride, "vertical stride", window.stride_y, limits.stride},
      {Reason::kPadding, "left padding", window.pad_left, limits.pad},
      {Reason::kPadding, "right padding", window.pad_right, limits.pad},
      {Reason::kPadding, "top padding", window.pad_top, limits.pad},
      {Reason::kPadding, "bottom padding", window.pad_bottom, limits.pad}};
  for (const auto& rule : rules) {
    if (rule.value < 0 || !rule.range.contains(static_cast<uint64_t>(rule.value))) {
      return Refusal{rule.reason,
                     fmt::format("{} is {}, possible are {} to {}", rule.name, rule.value, rule.range.min, rule.range.max),
                     ""};
    }
  }
  if (window.pad_left >= window.kernel_w || window.pad_top >= window.kernel_h || window.pad_right >= window.kernel_w ||
      window.pad_bottom >= window.kernel_h) {
    return Refusal{Reason::kPadding, fmt::format("padding {},{} covers the whole window", window.pad_left, window.pad_top),
                   ""};
  }
  if (window.dilation_x != 1 || window.dilation_y != 1) {
    return Refusal{Reason::kDilation, fmt::format("dilation is {},{}, possible is 1", window.dilation_x, window.dilation_y),
                   ""};
  }
  return std::nullopt;
}

std::vector<Window> max_stages(Window window) {
  constexpr size_t kMostStages = 16;
  const auto large = [](int kernel) { return kernel > static_cast<int>(kLimits.pdp.kernel.max); };
  std::vector<Window> stages;
  while ((large(window.kernel_w) || large(window.kernel_h)) && stages.size() < kMostStages) {
    const AxisCut x = cut_axis(window.kernel_w, window.pad_left, window.pad_right);
    const AxisCut y = cut_axis(window.kernel_h, window.pad_top, window.pad_bottom);
    stages.push_back({.kernel_h = y.front, .kernel_w = x.front, .pad_top = y.front_begin, .pad_left = x.front_begin,
                      .pad_bottom = y.front_end, .pad_right = x.front_end});
    window.kernel_w = x.rest;
    window.kernel_h = y.rest;
    window.pad_left = x.rest_begin;
    window.pad_right = x.rest_end;
    window.pad_top = y.rest_begin;
    window.pad_bottom = y.rest_end;
  }
  stages.push_back(window);
  return stages;
}

std::vector<Window> global_stages(int w, int h, int largest) {
  std::vector<Window> stages;
  const auto block = [&](int size) { return size > largest ? static_cast<int>(kLimits.pdp.kernel.max) : 1; };
  while (w > largest || h > largest) {
    const int x = block(w);
    const int y = block(h);
    const int next_w = (w + x - 1) / x;
    const int next_h = (h + y - 1) / y;
    stages.push_back({.kernel_h = y, .kernel_w = x, .stride_y = y, .stride_x = x, .pad_bottom = next_h * y - h,
                      .pad_right = next_w * x - w});
    w = next_w;
    h = next_h;
  }
  stages.push_back({.kernel_h = h, .kernel_w = w});
  return stages;
}

std::vector<Window> even_stages(int w, int h, int largest) {
  const auto divisor = [&](int size) {
    int d = std::min(size, largest);
    while (size % d != 0) {
      --d;
    }
    return d;
  };
  std::vector<Window> stages;
  do {
    const int x = divisor(w);
    const int y = divisor(h);
    if ((x == 1 && w > 1) || (y == 1 && h > 1)) {
      return {};
    }
    stages.push_back({.kernel_h = y, .kernel_w = x, .stride_y = y, .stride_x = x});
    w /= x;
    h /= y;
  } while (w > 1 || h > 1);
  return stages;
}

std::vector<AxisRegion> average_regions(const AverageAxis& axis) {
  const int low = axis.counts_padding ? -axis.pad_begin : 0;
  const int high = axis.counts_padding ? axis.in + axis.pad_end : axis.in;
  std::vector<AxisRegion> regions;
  for (int o = 0; o < axis.out; ++o) {
    const int begin = o * axis.stride - axis.pad_begin;
    const int start = std::max(begin, low);
    const int kernel = std::min(begin + axis.kernel, high) - start;
    const bool joins = !regions.empty() && regions.back().kernel == kernel &&
                       regions.back().start + regions.back().count * axis.stride == start;
    if (joins) {
      ++regions.back().count;
    } else {
      regions.push_back({.first = o, .count = 1, .start = start, .kernel = kernel});
    }
  }
  return regions;
}

}  // namespace medlar::compiler
