// SPDX-License-Identifier: Apache-2.0
#include "base/crew.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace medlar {
namespace {

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

/// Threads beyond the last part look for work in others'.
constexpr int kMaxParts = 64;

}  // namespace

struct Crew::Loop {
  struct alignas(64) Part {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };

  Loop(const Body& work, int64_t count, int64_t grain, int seats)
      : body(work), threads(seats), part_count(std::min(seats, kMaxParts)) {
    constexpr int64_t kChunks = 8;  // a thread
    chunk = std::max(grain, count / (threads * kChunks));
    for (int i = 0; i < part_count; ++i) {
      parts[static_cast<size_t>(i)].next.store(count * i / part_count, std::memory_order_relaxed);
      parts[static_cast<size_t>(i)].end = count * (i + 1) / part_count;
    }
  }

  /// Its own part first, then what others have left.
  void work(int seat) noexcept {
    try {
      for (int i = 0; i < part_count && !failed.load(); ++i) {
        Part& part = parts[static_cast<size_t>((seat + i) % part_count)];
        for (int64_t first = part.next.fetch_add(chunk); first < part.end && !failed.load(); first = part.next.fetch_add(chunk)) {
          body(first, std::min(first + chunk, part.end));
        }
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      error = error ? error : std::current_exception();
      failed.store(true);
    }
  }

  const Body& body;
  int threads;
  int part_count;
  int64_t chunk = 1;
  std::array<Part, kMaxParts> parts;
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::exception_ptr error;
};

/// The number of calls once it is no longer `seen`. Only the patient look out for it before they sleep.
uint32_t Crew::await(uint32_t seen, bool patient) const {
  constexpr auto kLookOut = std::chrono::microseconds(100);
  constexpr int kLooks = 64;  // between two looks at the clock
  const auto start = std::chrono::steady_clock::now();
  while (patient && std::chrono::steady_clock::now() - start < kLookOut) {
    for (int i = 0; i < kLooks; ++i, pause()) {
      if (const uint32_t now = calls_.load(); now != seen) {
        return now;
      }
    }
  }
  calls_.wait(seen);
  return calls_.load();
}

void Crew::help(int seat, bool patient) {
  for (uint32_t seen = 0;;) {
    inside_.fetch_add(1);
    if (Loop* const loop = loop_.load(); loop != nullptr && seat < loop->threads) {
      loop->work(seat);
    }
    inside_.fetch_sub(1);
    seen = await(seen, patient);
  }
}

void Crew::hire(int helpers) {
  static const int cores = static_cast<int>(std::thread::hardware_concurrency());  // asks the system: several us
  while (helpers_ < helpers) {
    const int seat = helpers_ + 1;
    const bool patient = seat < cores;
    try {
      std::thread([this, seat, patient] { help(seat, patient); }).detach();
    } catch (const std::system_error&) {
      return;  // the system has no more threads: the others do the work
    }
    ++helpers_;
  }
}

bool Crew::try_run(int64_t count, int64_t grain, int threads, const Body& body) {
  if (busy_.exchange(true)) {
    return false;
  }
  constexpr int kLooks = 10000;  // before the last helper is let run
  hire(threads - 1);
  Loop loop(body, count, grain, threads);
  loop_.store(&loop);
  calls_.fetch_add(1);
  calls_.notify_all();
  loop.work(0);
  loop_.store(nullptr);
  for (int looks = 0; inside_.load() != 0; ++looks) {
    looks < kLooks ? pause() : std::this_thread::yield();
  }
  busy_.store(false);
  if (loop.error) {
    std::rethrow_exception(loop.error);
  }
  return true;
}

}  // namespace medlar
