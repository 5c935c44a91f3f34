// SPDX-License-Identifier: Apache-2.0
// SDP: finds the bytes of every line, surface by surface, and runs the lines on all threads. Lines that the memory port
// cannot show in place go through copies, one after the other.
#include "chip/sdp/sdp.hpp"

#include <algorithm>
#include <memory>
#include <mutex>

#include "base/parallel.hpp"
#include "chip/sdp/line.hpp"

namespace medlar::chip {
namespace {

class SdpRun {
 public:
  SdpRun(const SdpPlan& plan, const SdpOperation& operation, MemoryPort& memory, PackedCube* to_pdp)
      : plan_(plan), operation_(operation), memory_(memory), to_pdp_(to_pdp), serial_(plan, operation) {}

  Status run();
  SdpCounters counters() const;

 private:
  struct Position {
    int batch = 0;
    int surface = 0;
    int y = 0;
  };

  /// Rows [first, first + rows).
  struct Band {
    int first = 0;
    int rows = 0;
  };
  /// A line that is seen in place, and its surface.
  struct SeenLine {
    SdpLine line;
    int surface = 0;
  };
  Status run_band(const Band& band);
  Status run_surface(int surface, const Band& band, std::vector<SeenLine>& seen);
  /// Of one surface, from what fetch_all_channel_operands has fetched.
  std::array<const uint8_t*, 3> channel_operands(int surface) const;
  /// First bytes of a surface's band where all its lines are seen at once: lines without gaps, in one piece of memory.
  struct Windows {
    int first = 0;  ///< Row.
    std::array<uint8_t*, 2> in{};
    std::array<uint8_t*, 3> operand{};
    std::array<uint8_t*, 2> out{};
  };
  Windows open_windows(int surface, const Band& band);
  /// True when all surfaces of a flying operation are seen at once, so that pieces of it can be computed in any order.
  bool open_pieces();
  Status fetch_all_channel_operands();
  std::vector<AccPiece> cut_pieces() const;
  Status run_pieces();
  void run_piece(const AccPiece& piece, SdpWorker& worker, int32_t* sums) const;
  /// Points `line` at the bytes in place; false when some of them cannot be seen.
  bool resolve(const Position& at, const Windows& windows, SdpLine& line);
  Status run_copied(const Position& at);
  void run_seen(const std::vector<SeenLine>& lines);
  void add(const SdpCounters& counters);

  const int32_t* conv_line(const Position& at) const;
  uint64_t in_address(const Position& at, int part) const { return plan_.source.row(at.surface * plan_.in_parts() + part, at.y); }
  uint64_t out_address(const Position& at, int part) const {
    return plan_.destination.row(at.surface * plan_.out_parts() + part, at.y) +
           uint64_t{plan_.batch_stride} * static_cast<uint64_t>(at.batch);
  }
  uint64_t line_bytes(const FeatureCube& cube) const { return uint64_t{cube.atom} * static_cast<uint64_t>(plan_.w); }
  uint8_t* packed_line(const Position& at, int part) const {
    return to_pdp_->bytes.data() + to_pdp_->row_offset(at.surface * plan_.out_parts() + part, at.y);
  }
  std::array<const SdpOperandSource*, 3> sources() const { return {&plan_.x1_source, &plan_.x2_source, &plan_.y_source}; }

  const SdpPlan& plan_;
  const SdpOperation& operation_;
  MemoryPort& memory_;
  PackedCube* to_pdp_;
  const AccCube* conv_ = nullptr;  ///< The band at hand.
  int conv_first_ = 0;
  SdpWorker serial_;
  SdpCounters total_;
  std::mutex total_mutex_;
  std::array<std::vector<uint8_t>, 3> channel_operands_;
  std::vector<Windows> windows_;  ///< Of whole surfaces, for pieces.
};

const int32_t* SdpRun::conv_line(const Position& at) const {
  const auto line = (static_cast<size_t>(at.batch) * static_cast<size_t>(plan_.surfaces) + static_cast<size_t>(at.surface)) *
                        static_cast<size_t>(conv_->h) + static_cast<size_t>(at.y - conv_first_);
  return conv_->data.data() + line * static_cast<size_t>(plan_.w) * static_cast<size_t>(plan_.lanes);
}

std::array<const uint8_t*, 3> SdpRun::channel_operands(int surface) const {
  std::array<const uint8_t*, 3> operands{};
  for (size_t i = 0; i < operands.size(); ++i) {
    const SdpOperandSource& source = *sources()[i];
    if (source.on && !source.per_element) {
      operands[i] = channel_operands_[i].data() + size_t{source.cube.atom} * static_cast<size_t>(surface);
    }
  }
  return operands;
}

SdpRun::Windows SdpRun::open_windows(int surface, const Band& band) {
  Windows windows{.first = band.first};
  const auto open = [&](const FeatureCube& cube, uint64_t address, Access access) -> uint8_t* {
    const uint64_t bytes = line_bytes(cube) * static_cast<uint64_t>(band.rows);
    if (band.rows > 1 && cube.line_stride != line_bytes(cube)) {
      return nullptr;
    }
    const auto view = memory_.view(cube.ram, address, bytes, access);
    return view.size() == bytes ? view.data() : nullptr;
  };
  const Position top{0, surface, band.first};
  for (int part = 0; part < plan_.in_parts() && !plan_.flying; ++part) {
    windows.in[static_cast<size_t>(part)] = open(plan_.source, in_address(top, part), Access::kRead);
  }
  for (size_t i = 0; i < windows.operand.size(); ++i) {
    const SdpOperandSource& source = *sources()[i];
    if (source.on && source.per_element) {
      windows.operand[i] = open(source.cube, source.cube.row(surface, band.first), Access::kRead);
    }
  }
  const bool to_memory = !plan_.compare && !plan_.to_pdp && plan_.batches == 1;
  for (int part = 0; part < plan_.out_parts() && to_memory; ++part) {
    windows.out[static_cast<size_t>(part)] = open(plan_.destination, out_address(top, part), Access::kWrite);
  }
  return windows;
}

bool SdpRun::resolve(const Position& at, const Windows& windows, SdpLine& line) {
  const auto see = [&](const FeatureCube& cube, uint64_t address, Access access, uint8_t* window) {
    if (window != nullptr) {
      return window + static_cast<uint64_t>(at.y - windows.first) * line_bytes(cube);
    }
    const auto view = memory_.view(cube.ram, address, line_bytes(cube), access);
    return view.size() == line_bytes(cube) ? view.data() : nullptr;
  };
  bool seen = true;
  if (plan_.flying) {
    line.conv = conv_line(at);
  }
  for (int part = 0; part < plan_.in_parts() && !plan_.flying; ++part) {
    const auto p = static_cast<size_t>(part);
    line.in[p] = see(plan_.source, in_address(at, part), Access::kRead, windows.in[p]);
    seen = seen && line.in[p] != nullptr;
  }
  for (size_t i = 0; i < line.operand.size(); ++i) {
    const SdpOperandSource& source = *sources()[i];
    if (source.on && source.per_element) {
      line.operand[i] = see(source.cube, source.cube.row(at.surface, at.y), Access::kRead, windows.operand[i]);
      seen = seen && line.operand[i] != nullptr;
    }
  }
  for (int part = 0; part < plan_.out_parts() && !plan_.compare; ++part) {
    const auto p = static_cast<size_t>(part);
    line.out[p] = plan_.to_pdp ? packed_line(at, part) : see(plan_.destination, out_address(at, part), Access::kWrite, windows.out[p]);
    seen = seen && line.out[p] != nullptr;
  }
  return seen;
}

Status SdpRun::run_copied(const Position& at) {
  SdpLine line{.atoms = static_cast<size_t>(plan_.w)};
  std::vector<DmaReader> readers;
  readers.reserve(5);
  const auto fetch = [&](const FeatureCube& cube, uint64_t address) -> Result<const uint8_t*> {
    readers.emplace_back(memory_, cube.ram);
    MEDLAR_ASSIGN(const auto view, readers.back().fetch(address, line_bytes(cube)));
    return view.data();
  };
  if (plan_.flying) {
    line.conv = conv_line(at);
  }
  for (int part = 0; part < plan_.in_parts() && !plan_.flying; ++part) {
    MEDLAR_ASSIGN(line.in[static_cast<size_t>(part)], fetch(plan_.source, in_address(at, part)));
  }
  for (size_t i = 0; i < line.operand.size(); ++i) {
    const SdpOperandSource& source = *sources()[i];
    if (source.on && source.per_element) {
      MEDLAR_ASSIGN(line.operand[i], fetch(source.cube, source.cube.row(at.surface, at.y)));
    }
  }
  std::array<std::vector<uint8_t>, 2> out;
  for (int part = 0; part < plan_.out_parts() && !plan_.compare; ++part) {
    std::vector<uint8_t>& bytes = out[static_cast<size_t>(part)];
    bytes.resize(line_bytes(plan_.destination));
    line.out[static_cast<size_t>(part)] = plan_.to_pdp ? packed_line(at, part) : bytes.data();
  }
  serial_.start_surface(at.surface, channel_operands(at.surface));
  serial_.run_line(line);
  for (int part = 0; part < plan_.out_parts() && !plan_.compare && !plan_.to_pdp; ++part) {
    MEDLAR_TRY(memory_.write(plan_.destination.ram, out_address(at, part), out[static_cast<size_t>(part)]));
  }
  return {};
}

void SdpRun::add(const SdpCounters& c) {
  const std::lock_guard lock(total_mutex_);
  total_.unequal = total_.unequal || c.unequal;
  total_.lut.underflow += c.lut.underflow;
  total_.lut.overflow += c.lut.overflow;
  total_.lut.hybrid += c.lut.hybrid;
  total_.lut.le_hit += c.lut.le_hit;
  total_.lut.lo_hit += c.lut.lo_hit;
  total_.out_saturation += c.out_saturation;
  total_.nan_inputs += c.nan_inputs;
  total_.inf_inputs += c.inf_inputs;
  total_.nan_outputs += c.nan_outputs;
}

void SdpRun::run_seen(const std::vector<SeenLine>& lines) {
  // Below this a thread costs more than it saves. Numbers take several times as long as integers.
  const int64_t grain_elements = plan_.is_float() && plan_.flying ? 1 << 13 : 1 << 16;
  const int64_t grain = std::max<int64_t>(1, grain_elements / (static_cast<int64_t>(plan_.w) * plan_.lanes));
  const auto run_lines = [&](SdpWorker& worker, int64_t begin, int64_t end) {
    int surface = -1;
    for (int64_t i = begin; i < end; ++i) {
      const SeenLine& seen = lines[static_cast<size_t>(i)];
      if (seen.surface != surface) {
        surface = seen.surface;
        worker.start_surface(surface, channel_operands(surface));
      }
      worker.run_line(seen.line);
    }
  };
  const auto count = static_cast<int64_t>(lines.size());
  if (count <= grain || parallel_threads() == 1) {
    run_lines(serial_, 0, count);
    return;
  }
  parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    SdpWorker worker(plan_, operation_);
    run_lines(worker, begin, end);
    add(worker.counters());
  });
}

Status SdpRun::run_surface(int surface, const Band& band, std::vector<SeenLine>& seen) {
  const Windows windows = open_windows(surface, band);
  for (int y = band.first; y < band.first + band.rows; ++y) {
    for (int batch = 0; batch < plan_.batches; ++batch) {
      SdpLine line{.atoms = static_cast<size_t>(plan_.w)};
      if (resolve({batch, surface, y}, windows, line)) {
        seen.push_back({.line = line, .surface = surface});
      } else {
        MEDLAR_TRY(run_copied({batch, surface, y}));
      }
    }
  }
  return {};
}

/// Surface after surface; the lines that are seen of several together, on all threads.
Status SdpRun::run_band(const Band& band) {
  std::vector<SeenLine> seen;
  const size_t lines = static_cast<size_t>(band.rows) * static_cast<size_t>(plan_.batches);  // of a surface
  seen.reserve(lines * static_cast<size_t>(plan_.surfaces));
  for (int surface = 0; surface < plan_.surfaces; ++surface) {
    const size_t before = seen.size();
    MEDLAR_TRY(run_surface(surface, band, seen));
    if (seen.size() < before + lines) {  // the others went through copies
      run_seen(seen);
      seen.clear();
    }
  }
  run_seen(seen);
  return {};
}

bool SdpRun::open_pieces() {
  const AccFeed* const conv = operation_.conv;
  if (!plan_.flying || !conv->piece || plan_.compare || plan_.batches != 1 || conv->shape.surfaces() != plan_.surfaces) {
    return false;
  }
  windows_.reserve(static_cast<size_t>(plan_.surfaces));
  for (int surface = 0; surface < plan_.surfaces; ++surface) {
    Windows windows = open_windows(surface, {.first = 0, .rows = plan_.h});
    for (int part = 0; part < plan_.out_parts() && plan_.to_pdp; ++part) {
      windows.out[static_cast<size_t>(part)] = packed_line({0, surface, 0}, part);
    }
    bool seen = true;
    for (int part = 0; part < plan_.out_parts(); ++part) {
      seen = seen && windows.out[static_cast<size_t>(part)] != nullptr;
    }
    for (size_t i = 0; i < windows.operand.size(); ++i) {
      seen = seen && (!sources()[i]->on || !sources()[i]->per_element || windows.operand[i] != nullptr);
    }
    if (!seen) {
      return false;
    }
    windows_.push_back(windows);
  }
  return true;
}

Status SdpRun::fetch_all_channel_operands() {
  for (size_t i = 0; i < channel_operands_.size(); ++i) {
    const SdpOperandSource& source = *sources()[i];
    if (source.on && !source.per_element) {
      channel_operands_[i].resize(size_t{source.cube.atom} * static_cast<size_t>(plan_.surfaces));
      MEDLAR_TRY(memory_.read(source.cube.ram, source.cube.base, channel_operands_[i]));
    }
  }
  return {};
}

std::vector<AccPiece> SdpRun::cut_pieces() const {
  const AccFeed& conv = *operation_.conv;
  const int64_t pixels = int64_t{plan_.w} * plan_.h;
  std::vector<AccPiece> pieces;
  for (int64_t block = 0; block < pixels; block += conv.block_pixels) {
    const int64_t end = std::min(pixels, block + conv.block_pixels);
    for (int surface = 0; surface < plan_.surfaces; surface += conv.piece_surfaces) {
      for (int64_t first = block; first < end; first += conv.piece_pixels) {
        pieces.push_back({.first_pixel = first, .pixels = std::min(conv.piece_pixels, end - first), .first_surface = surface,
                          .surfaces = std::min(conv.piece_surfaces, plan_.surfaces - surface)});
      }
    }
  }
  return pieces;
}

void SdpRun::run_piece(const AccPiece& piece, SdpWorker& worker, int32_t* sums) const {
  operation_.conv->piece(piece, sums);
  const auto first = static_cast<size_t>(piece.first_pixel);
  for (int s = 0; s < piece.surfaces; ++s) {
    const int surface = piece.first_surface + s;
    const Windows& windows = windows_[static_cast<size_t>(surface)];
    SdpLine line{.atoms = static_cast<size_t>(piece.pixels), .conv = sums + s * piece.pixels * plan_.lanes};
    for (size_t i = 0; i < line.operand.size(); ++i) {
      const SdpOperandSource& source = *sources()[i];
      if (source.on && source.per_element) {
        line.operand[i] = windows.operand[i] + first * source.cube.atom;
      }
    }
    for (size_t part = 0; part < static_cast<size_t>(plan_.out_parts()); ++part) {
      line.out[part] = windows.out[part] + first * plan_.destination.atom;
    }
    worker.start_surface(surface, channel_operands(surface));
    worker.run_line(line);
  }
}

Status SdpRun::run_pieces() {
  const AccFeed& conv = *operation_.conv;
  const std::vector<AccPiece> pieces = cut_pieces();
  constexpr int64_t kGrain = 1 << 21;  // Products; about 10 us of work. Below this a thread costs more than it saves.
  constexpr int64_t kSdpProducts = 32;  // what SDP's share of an element weighs
  const int64_t elements = conv.piece_pixels * conv.piece_surfaces * plan_.lanes;
  const int64_t grain = std::max<int64_t>(1, kGrain / (elements * (conv.products + kSdpProducts)));
  parallel_for(static_cast<int64_t>(pieces.size()), grain, [&](int64_t begin, int64_t end) {
    SdpWorker worker(plan_, operation_);
    const auto sums = std::make_unique_for_overwrite<int32_t[]>(static_cast<size_t>(elements));
    for (int64_t i = begin; i < end; ++i) {
      run_piece(pieces[static_cast<size_t>(i)], worker, sums.get());
    }
    add(worker.counters());
  });
  return {};
}

Status SdpRun::run() {
  MEDLAR_TRY(fetch_all_channel_operands());
  if (open_pieces()) {
    return run_pieces();
  }
  const int step = plan_.flying ? operation_.conv->band_rows : plan_.h;
  for (int first = 0; first < plan_.h; first += step) {
    const Band band{.first = first, .rows = std::min(step, plan_.h - first)};
    if (plan_.flying) {
      MEDLAR_ASSIGN(conv_, operation_.conv->rows(band.first, band.rows));
      conv_first_ = band.first;
    }
    MEDLAR_TRY(run_band(band));
  }
  add(serial_.counters());
  return {};
}

SdpCounters SdpRun::counters() const { return total_; }

}  // namespace

Result<SdpCounters> run_sdp(const hw::HwConfig& config, const SdpOperation& operation, MemoryPort& memory,
                            PackedCube* to_pdp) {
  MEDLAR_ASSIGN(const SdpPlan plan, plan_sdp(config, operation));
  if (plan.to_pdp) {
    const int surfaces = plan.surfaces * plan.out_parts();
    *to_pdp = {plan.w, plan.h, plan.c, surfaces, config.memory_atom, static_cast<uint32_t>(plan.out), {}};
    to_pdp->bytes.resize(to_pdp->row_offset(surfaces, 0));
  }
  SdpRun run(plan, operation, memory, to_pdp);
  MEDLAR_TRY(run.run());
  return run.counters();
}

}  // namespace medlar::chip
