// SPDX-License-Identifier: Apache-2.0
// The Booth rows of FP16 products: which rows a weight selects, and where a table of one channel's data keeps them.
#pragma once

#include <array>
#include <cstdint>

#include "chip/conv/half/half.hpp"

namespace medlar::chip {

// Booth rows of one channel's data, by digit and by the inversion carried in from the digit below: rows 0 and 4 carry
// none; the inversions of digits 3 and 7 are rows of their own.
inline constexpr int kDigits = 5;        // 0, +1, +2, -1, -2
inline constexpr int kInversions = 3;    // none, the data's sign, its complement
inline constexpr int kRowVectors = 2 * kDigits + 6 * kDigits * kInversions + 2 * kInversions;

inline constexpr std::array<int, 8> kRowStart = {0, 5, 20, 35, 50, 55, 70, 85};
inline constexpr int kInversionStart3 = 100;
inline constexpr int kInversionStart7 = 103;

/// Where the five rows of one half of a weight's digits lie, in bytes from the table.
struct RowOffsets {
  uint16_t row[4];
  uint16_t inversion;
  uint16_t unused[3];
};

constexpr int digit_of(uint32_t code) {
  constexpr std::array<int, 8> kDigit = {0, 1, 1, 2, 4, 3, 3, 0};
  return kDigit[code & 7];
}
constexpr int inversion_of(int digit) { return digit == 0 ? 0 : digit <= 2 ? 1 : 2; }
constexpr int negated(int digit) { return digit == 0 ? 0 : digit <= 2 ? digit + 2 : digit - 2; }

/// Rows of digits first..first+3 for the nine weight bits `bits` (lowest: the bit below the first digit).
constexpr RowOffsets rows_of(uint32_t bits, int first, bool negative) {
  RowOffsets offsets{};
  int below = 0;
  for (int i = 0; i < 4; ++i) {
    int digit = digit_of(bits >> (2 * i));
    digit = negative ? negated(digit) : digit;
    const int index = i == 0 ? digit : digit * kInversions + below;
    offsets.row[i] = static_cast<uint16_t>((kRowStart[static_cast<size_t>(first + i)] + index) * 64);
    below = inversion_of(digit);
  }
  offsets.inversion = static_cast<uint16_t>(((first == 0 ? kInversionStart3 : kInversionStart7) + below) * 64);
  return offsets;
}

static_assert(sizeof(RowOffsets) == kHalfRowListBytes);

struct RowLookup {
  RowOffsets low[2][kHalfLowLists];    ///< [negative][mantissa bits 0-7]
  RowOffsets high[2][kHalfHighLists];  ///< [negative][mantissa bits 7-13]
};

constexpr RowLookup make_lookup() {
  RowLookup lookup{};
  for (uint32_t negative = 0; negative < 2; ++negative) {
    for (uint32_t bits = 0; bits < kHalfLowLists; ++bits) {
      lookup.low[negative][bits] = rows_of(bits << 1, 0, negative != 0);
    }
    for (uint32_t bits = 0; bits < kHalfHighLists; ++bits) {
      lookup.high[negative][bits] = rows_of(bits, 4, negative != 0);
    }
  }
  return lookup;
}

alignas(64) inline constexpr RowLookup kLookup = make_lookup();

inline const RowOffsets& row_list(uint16_t offset) {
  return *reinterpret_cast<const RowOffsets*>(reinterpret_cast<const uint8_t*>(&kLookup) + offset);
}

}  // namespace medlar::chip
