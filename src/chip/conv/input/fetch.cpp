// SPDX-License-Identifier: Apache-2.0
// CDMA and CSC's padding in one pass.
#include "chip/conv/input/fetch.hpp"

#include "base/bytes.hpp"
#include "base/checked.hpp"
#include "base/parallel.hpp"
#include "chip/conv/input/convert.hpp"
#include "chip/memory/dma.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace medlar::chip {
namespace {

using ByteTable = std::array<uint8_t, 256>;

/// A surface of one line: atoms in memory, columns in the window.
struct Columns {
  const uint8_t* from = nullptr;
  uint8_t* to = nullptr;
  uint64_t atom = 0;    ///< Bytes from one column to the next in memory.
  uint64_t column = 0;  ///< And in the window.
  uint64_t room = 0;    ///< From `to` to the end of its column.
  uint32_t count = 0;
  uint32_t bytes = 0;  ///< Used part of an atom.
};

/// Whole atoms, sign bits turned (kFlip) or not; what it writes past the used part of a column is overwritten by the next. The last columns write
/// their used part alone: the next line may be another thread's.
template <size_t kAtom, uint64_t kFlip>
void copy_atoms(const Columns& c) {
  const uint64_t end = (c.count - 1) * c.column + c.room;
  for (uint32_t x = 0; x < c.count; ++x) {
    std::array<uint64_t, kAtom / 8> words;
    std::memcpy(words.data(), c.from + x * c.atom, kAtom);
    for (uint64_t& word : words) {
      word ^= kFlip;
    }
    const uint64_t at = x * c.column;
    std::memcpy(c.to + at, words.data(), at + kAtom <= end ? kAtom : c.bytes);
  }
}

template <uint64_t kFlip>
void copy_bytes(const Columns& c) {
  if (c.atom == 32) {
    copy_atoms<32, kFlip>(c);
  } else if (c.atom == 8) {
    copy_atoms<8, kFlip>(c);
  } else {
    for (uint32_t x = 0; x < c.count; ++x) {
      for (uint32_t i = 0; i < c.bytes; ++i) {
        c.to[x * c.column + i] = static_cast<uint8_t>(c.from[x * c.atom + i] ^ (kFlip & 0xff));
      }
    }
  }
}

constexpr uint32_t kSplitElements = 16;  // of an atom of 32 bytes

/// write_window for whole atoms of INT16.
void split_atoms(const Columns& c, uint64_t plane_bytes) {
  for (uint32_t x = 0; x < c.count; ++x) {
    std::array<int16_t, kSplitElements> values;
    std::array<int16_t, kSplitElements> high;
    std::array<int16_t, kSplitElements> low;
    std::memcpy(values.data(), c.from + x * c.atom, sizeof(values));
    for (uint32_t i = 0; i < kSplitElements; ++i) {
      low[i] = static_cast<int16_t>(static_cast<int16_t>(values[i] << 8) >> 8);
      high[i] = static_cast<int16_t>(static_cast<int16_t>(values[i] >> 8) - (low[i] >> 15));
    }
    std::memcpy(c.to + x * c.column, high.data(), sizeof(high));
    std::memcpy(c.to + x * c.column + plane_bytes, low.data(), sizeof(low));
  }
}

class WindowFetcher {
 public:
  WindowFetcher(const ConvJob& job, WindowForm form, MemoryPort& memory, ConvWindow& window)
      : job_(job),
        form_(form),
        window_(window),
        memory_(memory),
        reader_(memory, job.data.ram),
        input_{.batches = job.batches,
               .h = job.fetch_h,
               .w = job.in_w,
               .c = job.in_c,
               .pitch = round_up(job.in_c, 4u),
               .element_bytes = job.element_bytes(),
               .bytes = {}},
        shape_(shape_window(job, input_, form, window)),
        unit_(form == WindowForm::kWords ? 2 : input_.element_bytes) {
    make_padding();
    make_table();
  }

  Status run() {
    for (uint32_t batch = 0; batch < job_.batches; ++batch) {
      if (see_surfaces(batch)) {
        fill_lines(batch);
        continue;
      }
      for (uint32_t y = 0; y < shape_.lines; ++y) {
        MEDLAR_TRY(fill_line(batch, y));
      }
      MEDLAR_TRY(touch_unused_lines(batch));
    }
    return {};
  }

 private:
  /// All surfaces are seen: nothing can fail, and lines can be written by several threads.
  void fill_lines(uint32_t batch) {
    constexpr uint64_t kGrainBytes = uint64_t{32} << 10;  // Below this a thread costs more than it saves.
    const auto grain = static_cast<int64_t>(std::max<uint64_t>(1, kGrainBytes / (shape_.line_bytes + 1)));
    parallel_for(shape_.lines, grain, [&](int64_t begin, int64_t end) {
      for (int64_t y = begin; y < end; ++y) {
        (void)fill_line(batch, static_cast<uint32_t>(y));
      }
    });
  }

  Status fill_line(uint32_t batch, uint32_t y) {
    uint8_t* const to = window_.bytes.data() + (uint64_t{batch} * shape_.lines + y) * shape_.line_bytes;
    if (y < shape_.top || y - shape_.top >= job_.fetch_h) {
      pad(to, 0, shape_.columns);
      return {};
    }
    MEDLAR_TRY(fetch_line(batch, y - shape_.top, to + uint64_t{shape_.left} * shape_.pitch * unit_));
    pad(to, 0, shape_.left);
    pad(to, shape_.left + shape_.inside, shape_.columns);
    return {};
  }

  void make_padding() {
    if (shape_.top == 0 && shape_.lines <= job_.fetch_h && shape_.inside == shape_.columns) {
      return;  // none
    }
    const ByteBuffer line = padding_line(job_, input_, shape_);
    for (std::vector<uint8_t>& plane : padding_) {
      plane.resize(shape_.line_bytes);
    }
    std::vector<uint8_t> planes(2 * shape_.line_bytes);
    const uint64_t elements = uint64_t{shape_.columns} * shape_.pitch;
    write_window(line.data(), form_ == WindowForm::kRaw ? elements * unit_ : elements, form_, shape_.line_bytes, planes.data());
    std::copy_n(planes.begin(), shape_.line_bytes, padding_[0].begin());
    std::copy_n(planes.begin() + static_cast<ptrdiff_t>(shape_.line_bytes), shape_.line_bytes,
                padding_[1].begin());
  }

  /// INT8 through the converter: what each byte becomes in the bytes form.
  void make_table() {
    for (uint32_t i = 0; i < table_.size() && job_.precision == hw::Precision::kInt8; ++i) {
      const uint16_t bits = job_.converter.enable
                                ? convert_element(static_cast<int8_t>(i), job_.converter.offset,
                                                  job_.converter, hw::Precision::kInt8)
                                : static_cast<uint16_t>(i);
      table_[i] = static_cast<uint8_t>((bits ^ 0x80) & 0xff);
      converts_ = converts_ || table_[i] != (i ^ 0x80);
    }
  }

  void pad(uint8_t* line, uint32_t first, uint32_t last) const {
    if (first == last) {
      return;
    }
    const uint64_t from = uint64_t{first} * shape_.pitch * unit_;
    const uint64_t bytes = uint64_t{last - first} * shape_.pitch * unit_;
    for (uint32_t plane = 0; plane < window_.planes; ++plane) {
      std::memcpy(line + plane * window_.plane_bytes + from, padding_[plane].data() + from, bytes);
    }
  }

  uint64_t address(uint32_t batch, uint32_t y, uint32_t surface) const {
    return job_.data.address + uint64_t{batch} * job_.data.batch_stride +
           uint64_t{y} * job_.data.line_stride + uint64_t{surface} * job_.data.surf_stride;
  }

  /// Surfaces that can be seen at once: lines without gaps, in one piece of memory. True when all can.
  bool see_surfaces(uint32_t batch) {
    const uint64_t line = uint64_t{job_.in_w} * job_.machine.memory_atom;
    const uint64_t bytes = line * job_.fetch_h;
    seen_.assign(ceil_div(job_.in_c, job_.machine.memory_atom / input_.element_bytes), nullptr);
    for (uint32_t surface = 0; surface < seen_.size() && job_.data.line_stride == line; ++surface) {
      const auto view = memory_.view(job_.data.ram, address(batch, 0, surface), bytes, Access::kRead);
      seen_[surface] = view.size() == bytes ? view.data() : nullptr;
    }
    return std::find(seen_.begin(), seen_.end(), nullptr) == seen_.end();
  }

  Result<const uint8_t*> atoms_of(uint32_t batch, uint32_t y, uint32_t surface) {
    const uint64_t line = uint64_t{job_.in_w} * job_.machine.memory_atom;
    if (seen_[surface] != nullptr) {
      return seen_[surface] + y * line;
    }
    MEDLAR_ASSIGN(const ByteView atoms, reader_.fetch(address(batch, y, surface), line));
    return atoms.data();
  }

  /// The last surface first: it may be narrower than an atom, and what is written too much comes right
  /// afterwards.
  Status fetch_line(uint32_t batch, uint32_t y, uint8_t* to) {
    const uint32_t lanes = job_.machine.memory_atom / input_.element_bytes;
    for (uint32_t surface = ceil_div(job_.in_c, lanes); surface-- > 0;) {
      MEDLAR_ASSIGN(const uint8_t* const atoms, atoms_of(batch, y, surface));
      const uint32_t first = surface * lanes;
      const Columns columns{.from = atoms,
                            .to = to + uint64_t{first} * unit_,
                            .atom = job_.machine.memory_atom,
                            .column = uint64_t{shape_.pitch} * unit_,
                            .room = uint64_t{shape_.pitch - first} * unit_,
                            .count = shape_.inside,
                            .bytes = std::min(lanes, shape_.pitch - first) * input_.element_bytes};
      write(columns);
    }
    return {};
  }

  void write(const Columns& c) const {
    if (form_ == WindowForm::kRaw) {
      copy_bytes<0>(c);
      return;
    }
    if (form_ == WindowForm::kBytes && !converts_) {
      copy_bytes<0x8080808080808080u>(c);
      return;
    }
    if (form_ == WindowForm::kSplitWords && c.bytes == kSplitElements * 2) {
      split_atoms(c, window_.plane_bytes);
      return;
    }
    for (uint32_t x = 0; x < c.count; ++x) {
      const uint8_t* from = c.from + x * c.atom;
      uint8_t* to = c.to + x * c.column;
      if (form_ == WindowForm::kSplitWords) {
        write_window(from, c.bytes / 2, form_, window_.plane_bytes, to);
      } else if (form_ == WindowForm::kBytes) {
        for (uint32_t i = 0; i < c.bytes; ++i) {
          to[i] = table_[from[i]];
        }
      } else {
        for (uint32_t i = 0; i < c.bytes; ++i) {
          store_le<int16_t>(to + 2 * i, static_cast<int8_t>(table_[from[i]] ^ 0x80));
        }
      }
    }
  }

  /// CDMA reads lines that no window uses as well; memory that is not there must be found.
  Status touch_unused_lines(uint32_t batch) {
    const uint32_t used = shape_.lines <= shape_.top ? 0 : shape_.lines - shape_.top;
    for (uint32_t y = used; y < job_.fetch_h; ++y) {
      for (uint32_t surface = 0;
           surface < ceil_div(job_.in_c, job_.machine.memory_atom / input_.element_bytes); ++surface) {
        MEDLAR_TRY(atoms_of(batch, y, surface));
      }
    }
    return {};
  }

  const ConvJob& job_;
  WindowForm form_;
  ConvWindow& window_;
  MemoryPort& memory_;
  DmaReader reader_;
  std::vector<const uint8_t*> seen_;  ///< By surface; null: line after line.
  ConvCube input_;  ///< Sizes only.
  WindowShape shape_;
  uint64_t unit_;  ///< Bytes of an element in the window.
  std::array<std::vector<uint8_t>, 2> padding_;
  ByteTable table_{};
  bool converts_ = false;
};

}  // namespace

bool can_fetch_window(const ConvJob& job) {
  const bool stays = job.keep_data || job.released_slices < uint64_t{job.in_h} * job.batches;
  const bool converts = job.converter.enable && job.precision != hw::Precision::kInt8;
  const bool flushes = job.nan_to_zero && job.in_precision == hw::Precision::kFp16;
  return job.mode == ConvMode::kDirect && !job.reuse_data && !stays &&
         !converts && !flushes && job.in_h == job.fetch_h;
}

Status fetch_window(const ConvJob& job, WindowForm form, MemoryPort& memory, ConvWindow& window) {
  return WindowFetcher(job, form, memory, window).run();
}

}  // namespace medlar::chip
