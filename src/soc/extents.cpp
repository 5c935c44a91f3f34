// SPDX-License-Identifier: Apache-2.0
// First-fit allocator over a linear range.
#include "soc/extents.hpp"

#include "base/checked.hpp"

#include <algorithm>
#include <bit>

namespace medlar::soc {

ExtentAllocator::ExtentAllocator(std::string name, uint64_t start, uint64_t size, uint64_t granule)
    : name_(std::move(name)), total_(size / granule * granule), granule_(granule) {
  if (total_ != 0) {
    free_.emplace(start, total_);
  }
}

ExtentAllocator::Run ExtentAllocator::carve(std::map<uint64_t, uint64_t>::iterator hole, uint64_t start,
                                            uint64_t size) {
  const auto [hole_start, hole_size] = *hole;
  free_.erase(hole);
  if (start > hole_start) {
    free_.emplace(hole_start, start - hole_start);
  }
  const uint64_t rest = hole_start + hole_size - (start + size);
  if (rest != 0) {
    free_.emplace(start + size, rest);
  }
  used_.emplace(start, size);
  used_bytes_ += size;
  most_used_ = std::max(most_used_, used_bytes_);
  return {start, size};
}

tl::unexpected<Error> ExtentAllocator::refuse(uint64_t size, std::string_view how) {
  ++failures_;
  if (size == 0 || size > total_) {
    return fail(Code::kResourceExhausted, "{}: {} bytes asked, the region has {}", name_, size, total_);
  }
  const ExtentStats now = stats();
  const bool fragmented = !how.empty() && now.free >= size;
  return fail(Code::kResourceExhausted, "{}: {} {}bytes asked, {} free, largest free run {}{}", name_, size, how,
              now.free, now.largest_free, fragmented ? " (fragmented)" : "");
}

Result<ExtentAllocator::Run> ExtentAllocator::allocate(uint64_t size, uint64_t alignment) {
  if (size == 0 || size > total_) {
    return refuse(size, "contiguous ");
  }
  size = round_up(size, granule_);
  alignment = std::max(alignment, granule_);
  for (auto hole = free_.begin(); hole != free_.end(); ++hole) {
    const uint64_t start = round_up(hole->first, alignment);
    const uint64_t skipped = start - hole->first;
    if (skipped <= hole->second && size <= hole->second - skipped) {
      return carve(hole, start, size);
    }
  }
  return refuse(size, "contiguous ");
}

Result<std::vector<ExtentAllocator::Run>> ExtentAllocator::allocate_scattered(uint64_t size) {
  if (size == 0 || size > total_ || round_up(size, granule_) > total_ - used_bytes_) {
    return refuse(size, "");
  }
  size = round_up(size, granule_);
  std::vector<Run> runs;
  while (size != 0) {
    const auto hole = free_.begin();
    const Run run = carve(hole, hole->first, std::min(hole->second, size));
    size -= run.size;
    runs.push_back(run);
  }
  return runs;
}

Status ExtentAllocator::release(uint64_t start) {
  const auto found = used_.find(start);
  if (found == used_.end()) {
    return fail(Code::kOutOfRange, "{}: no allocation starts at {:#x}", name_, start);
  }
  uint64_t size = found->second;
  used_.erase(found);
  used_bytes_ -= size;
  const auto next = free_.lower_bound(start);
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == start) {
      start = before->first;
      size += before->second;
      free_.erase(before);
    }
  }
  if (next != free_.end() && next->first == start + size) {
    size += next->second;
    free_.erase(next);
  }
  free_.emplace(start, size);
  return {};
}

ExtentStats ExtentAllocator::stats() const {
  ExtentStats result;
  result.total = total_;
  result.allocations = used_.size();
  result.most_used = most_used_;
  result.failures = failures_;
  for (const auto& [start, size] : free_) {
    result.free += size;
    result.largest_free = std::max(result.largest_free, size);
    const auto order = static_cast<size_t>(std::bit_width(size / granule_) - 1);
    ++result.free_runs[std::min(order, result.free_runs.size() - 1)];
  }
  return result;
}

}  // namespace medlar::soc
