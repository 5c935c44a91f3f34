// SPDX-License-Identifier: Apache-2.0
// A few threads that help one loop at a time and look out for the next one for a moment before they sleep. A sleeping
// thread joins a loop of a fraction of a millisecond when it is nearly over: operations of a chip are such loops, with
// some microseconds between them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace medlar {

/// Never destroyed: its helpers sleep when the process ends (and do not exist in a forked child, whose loops run on the
/// caller alone).
class Crew {
 public:
  using Body = std::function<void(int64_t, int64_t)>;

  Crew() = default;
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Runs body over [0, count) in chunks of at least `grain` on the caller and up to `threads` - 1 others. Each begins with
  /// a part of its own, the same in every loop, so that what one loop left in a core's cache is there in the next. False,
  /// with nothing done, while another loop runs here. Rethrows what a body throws.
  bool try_run(int64_t count, int64_t grain, int threads, const Body& body);

 private:
  struct Loop;

  void help(int seat, bool patient);
  uint32_t await(uint32_t seen, bool patient) const;
  void hire(int helpers);

  std::atomic<bool> busy_{false};
  std::atomic<uint32_t> calls_{0};  ///< Counts loops; helpers wait for it to change.
  std::atomic<Loop*> loop_{nullptr};
  std::atomic<int> inside_{0};  ///< Helpers that may look at the loop.
  int helpers_ = 0;             ///< Hired so far; touched by who is busy.
};

}  // namespace medlar
