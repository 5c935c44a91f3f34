// SPDX-License-Identifier: Apache-2.0
// Offset allocation by placement order: a greedy best fit turns an order into offsets, a hill climb improves the order.
#include "compiler/back/allocator.hpp"

#include <algorithm>
#include <numeric>

#include "base/checked.hpp"

namespace medlar::compiler::back {
namespace {

constexpr int kMaxRounds = 600;         // Orders tried beyond the first.
constexpr uint64_t kMaxWork = 4000000;  // Pair checks in all, so that very large graphs stay fast.

struct Placed {
  uint64_t begin, end;
};

bool alive_together(const LiveRange& a, const LiveRange& b) { return a.first <= b.last && b.first <= a.last; }

/// A small generator of our own: std:: distributions differ between libraries, and output must not.
class Sequence {
 public:
  size_t below(size_t bound) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<size_t>(state_ >> 33) % bound;
  }

 private:
  uint64_t state_ = 0x9e3779b97f4a7c15ULL;
};

class Placer {
 public:
  Placer(std::span<const LiveRange> ranges, uint64_t alignment) : ranges_(ranges), sizes_(ranges.size()) {
    std::transform(ranges.begin(), ranges.end(), sizes_.begin(),
                   [&](const LiveRange& r) { return round_up(r.bytes, alignment); });
    offsets_.resize(ranges.size());
  }

  /// Places the ranges in that order; returns the pool's size.
  uint64_t place(const std::vector<size_t>& order) {
    uint64_t top = 0;
    for (size_t position = 0; position < order.size(); ++position) {
      const size_t id = order[position];
      neighbours_.clear();
      for (size_t earlier = 0; earlier < position; ++earlier) {
        const size_t other = order[earlier];
        if (sizes_[other] != 0 && alive_together(ranges_[id], ranges_[other])) {
          neighbours_.push_back({offsets_[other], offsets_[other] + sizes_[other]});
        }
      }
      std::sort(neighbours_.begin(), neighbours_.end(),
                [](const Placed& a, const Placed& b) { return a.begin < b.begin; });
      offsets_[id] = best_gap(sizes_[id]);
      top = std::max(top, offsets_[id] + sizes_[id]);
    }
    return top;
  }

  const std::vector<uint64_t>& offsets() const { return offsets_; }
  uint64_t end_of(size_t id) const { return offsets_[id] + sizes_[id]; }
  uint64_t size_of(size_t id) const { return sizes_[id]; }

 private:
  /// The tightest hole between neighbours that holds `size`, else the end of the last neighbour.
  uint64_t best_gap(uint64_t size) const {
    uint64_t cursor = 0;
    uint64_t best = UINT64_MAX;
    uint64_t best_slack = UINT64_MAX;
    for (const Placed& n : neighbours_) {
      if (n.begin > cursor && n.begin - cursor >= size && n.begin - cursor - size < best_slack) {
        best = cursor;
        best_slack = n.begin - cursor - size;
      }
      cursor = std::max(cursor, n.end);
    }
    return best == UINT64_MAX ? cursor : best;
  }

  std::span<const LiveRange> ranges_;
  std::vector<uint64_t> sizes_;
  std::vector<uint64_t> offsets_;
  std::vector<Placed> neighbours_;
};

/// Moves one range that reaches the top of the pool to an earlier place in the order, or swaps it with another.
std::vector<size_t> mutate(const std::vector<size_t>& order, const Placer& placer, uint64_t top, Sequence& random) {
  std::vector<size_t> at_top;
  for (size_t position = 0; position < order.size(); ++position) {
    if (placer.end_of(order[position]) == top) {
      at_top.push_back(position);
    }
  }
  std::vector<size_t> next = order;
  const size_t from = at_top[random.below(at_top.size())];
  if (from != 0 && random.below(2) == 0) {
    const size_t to = random.below(from);
    std::rotate(next.begin() + static_cast<ptrdiff_t>(to), next.begin() + static_cast<ptrdiff_t>(from),
                next.begin() + static_cast<ptrdiff_t>(from) + 1);
  } else {
    std::swap(next[from], next[random.below(next.size())]);
    std::swap(next[random.below(next.size())], next[random.below(next.size())]);
  }
  return next;
}

}  // namespace

uint64_t allocation_lower_bound(std::span<const LiveRange> ranges, uint64_t alignment) {
  uint64_t best = 0;
  for (const LiveRange& at : ranges) {  // The maximum is reached where some range begins.
    uint64_t alive = 0;
    for (const LiveRange& r : ranges) {
      alive += r.first <= at.first && at.first <= r.last ? round_up(r.bytes, alignment) : 0;
    }
    best = std::max(best, alive);
  }
  return best;
}

Allocation allocate(std::span<const LiveRange> ranges, uint64_t alignment, uint64_t enough) {
  Allocation result;
  result.lower_bound = allocation_lower_bound(ranges, alignment);
  Placer placer(ranges, alignment);
  std::vector<size_t> order(ranges.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return placer.size_of(a) > placer.size_of(b); });
  uint64_t current = placer.place(order);
  result.bytes = current;
  result.offsets = placer.offsets();
  Sequence random;
  const uint64_t pairs = std::max<uint64_t>(1, ranges.size() * ranges.size() / 2);
  const auto rounds = static_cast<int>(std::min<uint64_t>(kMaxRounds, kMaxWork / pairs));
  for (int round = 0; round < rounds && result.bytes > std::max(result.lower_bound, enough); ++round) {
    placer.place(order);
    const std::vector<size_t> next = mutate(order, placer, current, random);
    const uint64_t bytes = placer.place(next);
    if (bytes <= current) {  // Sideways moves keep the search going on plateaus.
      order = next;
      current = bytes;
    }
    if (bytes < result.bytes) {
      result.bytes = bytes;
      result.offsets = placer.offsets();
    }
  }
  return result;
}

}  // namespace medlar::compiler::back
