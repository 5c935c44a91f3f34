// SPDX-License-Identifier: Apache-2.0
// Greedy choice of the weights that round the other way.
#include "compiler/quantise/rounding.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

namespace medlar::compiler {
namespace {

constexpr size_t kMostFlips = 64;
/// Large kernels, whose errors average out anyway, get fewer flips.
constexpr size_t kMostWork = 200000;

/// A weight that can move towards the sum's exact value. What the move costs for what it gains is
/// cost / (2 |sum error| - reach of its class); 1 and more is not worth it.
struct Candidate {
  double cost;
  size_t index;
};

constexpr auto kDearer = [](const Candidate& a, const Candidate& b) { return a.cost != b.cost ? a.cost > b.cost : a.index > b.index; };

/// Candidates that change the sum alike, so that the cheapest is the best whatever the sum: a heap within `Side::heaps`.
struct Class {
  double reach = 0.0;
  size_t begin = 0;
  size_t end = 0;
};

/// The candidates for one sign of the sum's error.
struct Side {
  bool built = false;
  std::vector<Class> classes;
  std::vector<Candidate> heaps;
};

/// Working memory, kept from group to group.
struct Scratch {
  std::array<Side, 2> sides;
  std::vector<Candidate> found;
  std::vector<size_t> class_of;
};

/// The weights [begin, end) of a kernel and what an error of each one counts in their sum.
class Group {
 public:
  Group(const Kernel& kernel, std::vector<double>& rounded, Scratch& scratch, size_t begin, size_t end, bool weighted)
      : kernel_(kernel), rounded_(rounded), scratch_(scratch), begin_(begin), end_(end), weighted_(weighted && !kernel.mean.empty()) {
    for (size_t i = begin; i < end; ++i) {
      sum_ += importance(i) * (rounded[i] - kernel.exact[i]);
    }
    scratch.sides[0].built = scratch.sides[1].built = false;
  }

  void settle() {
    const size_t most = std::min(kMostFlips, kMostWork / (end_ - begin_) + 1);
    for (size_t flips = 0; flips < most && flip_best(); ++flips) {
    }
  }

 private:
  double importance(size_t i) const { return weighted_ ? kernel_.mean[i / kernel_.taps] : 1.0; }


  /// Weights of one size, or of one channel, have a class together; looking back further than this would cost more than it saves.
  static size_t class_with(double reach, std::vector<Class>& classes) {
    constexpr size_t kLookBack = 16;
    for (size_t back = 1; back <= std::min(kLookBack, classes.size()); ++back) {
      if (classes[classes.size() - back].reach == reach) {
        return classes.size() - back;
      }
    }
    classes.push_back({.reach = reach});
    return classes.size() - 1;
  }

  void build(Side& side) {
    side.built = true;
    side.classes.clear();
    scratch_.found.clear();
    scratch_.class_of.clear();
    const double twice = 2.0 * std::fabs(sum_);
    const double sign = sum_ > 0.0 ? -1.0 : 1.0;
    for (size_t i = begin_; i < end_; ++i) {
      const double weight = importance(i);
      const double step = kernel_.step[i];
      const double reach = std::fabs(weight) * step;
      const double move = weight < 0.0 ? -sign * step : sign * step;
      const double error = rounded_[i] - kernel_.exact[i];
      const double after = error + move;
      if (reach >= twice || reach == 0.0 || std::fabs(after) >= step || kernel_.exact[i] == 0.0) {
        continue;
      }
      const double cost = std::fabs(weight) * (after * after - error * error) / step;
      const bool outside = kernel_.limit > 0.0 && std::fabs(rounded_[i] + move) > kernel_.limit * step * (1.0 + 1e-9);
      if (cost >= twice - reach || outside) {
        continue;  // nor later: the sum's error only shrinks
      }
      scratch_.found.push_back({cost, i});
      scratch_.class_of.push_back(class_with(reach, side.classes));
      ++side.classes[scratch_.class_of.back()].end;
    }
    arrange(side);
  }

  /// From found candidates to one heap a class.
  void arrange(Side& side) {
    size_t offset = 0;
    for (Class& c : side.classes) {
      offset += std::exchange(c.end, offset);
      c.begin = c.end;
    }
    side.heaps.resize(scratch_.found.size());
    for (size_t i = 0; i < scratch_.found.size(); ++i) {
      side.heaps[side.classes[scratch_.class_of[i]].end++] = scratch_.found[i];
    }
    for (const Class& c : side.classes) {
      std::make_heap(side.heaps.begin() + static_cast<std::ptrdiff_t>(c.begin), side.heaps.begin() + static_cast<std::ptrdiff_t>(c.end), kDearer);
    }
  }

  /// Moves the weight whose move gains most for its cost; false when none gains more than it costs.
  bool flip_best() {
    const size_t sign = sum_ > 0.0 ? 1 : 0;
    Side& side = scratch_.sides[sign];
    if (!side.built) {
      build(side);
    }
    double best = 1.0;
    Class* chosen = nullptr;
    for (Class& c : side.classes) {
      const double gain = 2.0 * std::fabs(sum_) - c.reach;
      if (c.begin != c.end && gain > 0.0 && side.heaps[c.begin].cost < best * gain) {
        best = side.heaps[c.begin].cost / gain;
        chosen = &c;
      }
    }
    if (chosen == nullptr) {
      return false;
    }
    const size_t index = side.heaps[chosen->begin].index;
    std::pop_heap(side.heaps.begin() + static_cast<std::ptrdiff_t>(chosen->begin),
                  side.heaps.begin() + static_cast<std::ptrdiff_t>(chosen->end--), kDearer);
    const double by = sum_ * importance(index) > 0.0 ? -kernel_.step[index] : kernel_.step[index];
    rounded_[index] += by;
    sum_ += importance(index) * by;
    scratch_.sides[1 - sign].built = false;  // it saw the weight where it was
    return true;
  }

  const Kernel& kernel_;
  std::vector<double>& rounded_;
  Scratch& scratch_;
  size_t begin_, end_;
  bool weighted_;
  double sum_ = 0.0;
};

/// Halves away from zero, as std::round does, for numbers of any size.
double nearest(double value) {
  constexpr double kAllWhole = 4503599627370496.0;
  return std::fabs(value) < kAllWhole ? static_cast<double>(static_cast<int64_t>(value + (value < 0.0 ? -0.5 : 0.5))) : value;
}

}  // namespace

std::vector<double> round_keeping_sums(const Kernel& kernel) {
  std::vector<double> rounded(kernel.exact.size());
  const double largest = kernel.limit > 0.0 ? kernel.limit : std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < rounded.size(); ++i) {
    rounded[i] = std::clamp(nearest(kernel.exact[i] / kernel.step[i]), -largest, largest) * kernel.step[i];
  }
  Scratch scratch;
  for (size_t begin = 0; kernel.taps > 1 && begin < rounded.size(); begin += kernel.taps) {
    Group(kernel, rounded, scratch, begin, begin + kernel.taps, false).settle();
  }
  Group(kernel, rounded, scratch, 0, rounded.size(), true).settle();
  return rounded;
}

}  // namespace medlar::compiler
