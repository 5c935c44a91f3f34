// SPDX-License-Identifier: Apache-2.0
// Greedy: the most error for the least time first, until the rest is within the budget. Where the time does not reach that far and
// what is left is many times the budget, everything.
#include "host/half_choice.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace medlar::host {
namespace {

/// Rough rates of a large core, by cycle: multiplications in INT8 (half as many in FP16) and bytes of memory.
constexpr double kMacs = 2048.0;
constexpr double kBytes = 20.0;
/// Bytes that the conversions of one value move: INT8 to FP16 in three passes, back in two.
constexpr double kToHalf = 11.0;
constexpr double kToInt8 = 7.0;
/// So many times the budget make an output worthless: speed is no use then.
constexpr double kWorthless = 4.0;

class Choice {
 public:
  explicit Choice(const HalfQuestion& question)
      : question_(question), half_(question.stored.size()), sources_(question.stored.size()) {
    for (size_t i = 0; i < half_.size(); ++i) {
      for (const size_t reader : question.stored[i].readers) {
        sources_[reader].push_back(i);
      }
      left_ += question.rounding[i] + question.weights[i];
    }
    for (size_t i = 0; i < half_.size(); ++i) {
      time_left_ += question.delay * layer_time(i);
    }
  }

  std::vector<size_t> run() {
    const double budget = question_.budget * question_.budget;
    while (left_ > budget && extend()) {
    }
    if (left_ > kWorthless * kWorthless * budget && all_fit()) {
      half_.assign(half_.size(), true);
    }
    std::vector<size_t> chosen;
    for (size_t i = 0; i < half_.size(); ++i) {
      if (half_[i]) {
        chosen.push_back(i);
      }
    }
    return chosen;
  }

 private:
  struct Move {
    std::vector<size_t> layers;
    double gain = 0.0;
    double time = 0.0;

    /// Error for time; time that is saved is worth any.
    double worth() const { return time > 0.0 ? gain / time : std::numeric_limits<double>::infinity(); }
  };

  double values(size_t i) const { return static_cast<double>(question_.stored[i].values); }

  double layer_time(size_t i) const {
    double moved = values(i);
    for (const size_t source : sources_[i]) {
      moved += values(source);
    }
    const double slower = half_[i] ? 2.0 : 1.0;
    return slower * std::max(static_cast<double>(question_.stored[i].macs) / kMacs, moved / kBytes);
  }

  double conversion_time(size_t i) const {
    const std::vector<size_t>& readers = question_.stored[i].readers;
    const auto other = [&](size_t reader) { return half_[reader] != half_[i]; };
    const bool needed = std::any_of(readers.begin(), readers.end(), other);
    return needed ? values(i) * (half_[i] ? kToInt8 : kToHalf) / kBytes : 0.0;
  }

  bool exact(size_t i) const {
    const std::vector<size_t>& readers = question_.stored[i].readers;
    return half_[i] &&
           std::all_of(readers.begin(), readers.end(), [&](size_t reader) { return half_[reader]; });
  }

  /// Time and remaining error of these tensors, and of the layers that write them.
  std::pair<double, double> state_of(const std::vector<size_t>& tensors) const {
    double time = 0.0;
    double error = 0.0;
    for (const size_t i : tensors) {
      time += layer_time(i) + conversion_time(i);
      error += (exact(i) ? 0.0 : question_.rounding[i]) + (half_[i] ? 0.0 : question_.weights[i]);
    }
    return {time, error};
  }

  void set(const std::vector<size_t>& layers, bool half) {
    for (const size_t layer : layers) {
      half_[layer] = half;
    }
  }

  Move move_of(std::vector<size_t> layers) {
    std::erase_if(layers, [&](size_t layer) { return half_[layer]; });
    std::vector<size_t> touched = layers;
    for (const size_t layer : layers) {
      touched.insert(touched.end(), sources_[layer].begin(), sources_[layer].end());
    }
    std::sort(touched.begin(), touched.end());
    touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
    const auto [time_before, error_before] = state_of(touched);
    set(layers, true);
    const auto [time_after, error_after] = state_of(touched);
    set(layers, false);
    return {std::move(layers), error_before - error_after, time_after - time_before};
  }

  /// One more layer, or one more tensor between layers; false when none helps or fits.
  bool extend() {
    Move best;
    for (size_t i = 0; i < half_.size(); ++i) {
      std::vector<size_t> around = question_.stored[i].readers;
      around.push_back(i);
      for (std::vector<size_t> layers : {std::vector<size_t>{i}, around}) {
        Move move = move_of(std::move(layers));
        const bool helps = move.gain > 0.0 && move.time <= time_left_;
        if (helps && (best.layers.empty() || move.worth() > best.worth())) {
          best = std::move(move);
        }
      }
    }
    set(best.layers, true);
    time_left_ -= best.time;
    left_ -= best.gain;
    return !best.layers.empty();
  }

  /// All layers in FP16 need no conversions.
  bool all_fit() {
    std::vector<size_t> all(half_.size());
    std::iota(all.begin(), all.end(), size_t{0});
    constexpr double kRounding = 1.0 + 1e-9;
    return move_of(std::move(all)).time <= kRounding * time_left_;
  }

  const HalfQuestion& question_;
  std::vector<bool> half_;
  std::vector<std::vector<size_t>> sources_;  ///< What the layers that write a tensor read.
  double left_ = 0.0, time_left_ = 0.0;
};

}  // namespace

std::vector<size_t> choose_half(const HalfQuestion& question) {
  return Choice(question).run();
}

}  // namespace medlar::host
