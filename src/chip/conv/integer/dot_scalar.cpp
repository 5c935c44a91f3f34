// SPDX-License-Identifier: Apache-2.0
// The inner product, one product at a time.
#include <cstring>

#include "chip/conv/integer/cacc.hpp"
#include "chip/conv/integer/dot.hpp"

namespace medlar::chip {
namespace {

int32_t step_bytes(const uint8_t* data, const uint8_t* weights) {
  int32_t sum = 0;
  for (int i = 0; i < 4; ++i) {
    sum += int32_t{data[i]} * int32_t{static_cast<int8_t>(weights[i])};
  }
  return sum;
}

uint32_t step_words(const uint8_t* data, const uint8_t* weights) {
  int16_t d[2];
  int16_t w[2];
  std::memcpy(d, data, 4);
  std::memcpy(w, weights, 4);
  return static_cast<uint32_t>(int32_t{d[0]} * w[0]) + static_cast<uint32_t>(int32_t{d[1]} * w[1]);
}

template <typename Step>
void run(const DotTile& tile, Step step) {
  for (int p = 0; p < tile.pixel_count; ++p) {
    for (int k = 0; k < tile.block_count * kDotLanes; ++k) {
      const uint8_t* weights = tile.weights + (k / kDotLanes) * tile.block_bytes + (k % kDotLanes) * 4;
      auto sum = static_cast<uint32_t>(tile.start[k]);
      for (uint32_t row = 0; row < tile.rows; ++row) {
        const uint8_t* w = weights + row * tile.weight_row_step;
        for (uint32_t tap = 0; tap < tile.taps; ++tap) {
          const uint8_t* d = tile.pixels[p] + row * tile.row_step + tap * tile.tap_step;
          for (uint32_t s = 0; s < tile.steps; ++s, d += 4, w += 4 * kDotLanes) {
            sum += static_cast<uint32_t>(step(d, w));
          }
        }
      }
      tile.out[k / kDotLanes][p * tile.out_step + k % kDotLanes] = static_cast<int32_t>(sum);
    }
  }
}

}  // namespace

void dot_bytes_scalar(const DotTile& tile) { run(tile, step_bytes); }
void dot_words_scalar(const DotTile& tile) { run(tile, step_words); }

namespace {

template <typename Data, typename Weight>
void run_diagonal(const DotTile& tile) {
  for (int p = 0; p < tile.pixel_count; ++p) {
    for (int k = 0; k < tile.block_count * kDotLanes; ++k) {
      const uint8_t* weights = tile.weights + (k / kDotLanes) * tile.block_bytes + (k % kDotLanes) * 4;
      auto sum = static_cast<uint32_t>(tile.start[k]);
      for (uint32_t row = 0; row < tile.rows; ++row) {
        for (uint32_t tap = 0; tap < tile.taps; ++tap) {
          Data data;
          Weight weight;
          std::memcpy(&data, tile.pixels[p] + row * tile.row_step + tap * tile.tap_step + k * sizeof(Data), sizeof(Data));
          std::memcpy(&weight, weights + row * tile.weight_row_step + tap * kDotStepBytes, sizeof(Weight));
          sum += static_cast<uint32_t>(int32_t{data} * int32_t{weight});
        }
      }
      tile.out[k / kDotLanes][p * tile.out_step + k % kDotLanes] = static_cast<int32_t>(sum);
    }
  }
}

}  // namespace

void dot_diagonal_bytes_scalar(const DotTile& tile) { run_diagonal<uint8_t, int8_t>(tile); }
void dot_diagonal_words_scalar(const DotTile& tile) { run_diagonal<int16_t, int16_t>(tile); }

void dot_runs_scalar(const DotRuns& runs) {
  for (uint32_t k = 0; k < kDotLanes; ++k) {
    uint32_t sum = 0;
    for (uint32_t r = 0; r < runs.count; ++r) {
      const DotRun& run = runs.runs[r];
      const uint8_t* weights = runs.weights + run.weights + uint64_t{runs.skipped + k} * run.bytes;
      for (uint32_t i = 0; i < run.bytes && k < runs.kernels; ++i) {
        sum += static_cast<uint32_t>((int32_t{runs.data[run.data + i]} - 128) * int32_t{static_cast<int8_t>(weights[i])});
      }
    }
    runs.out[k] = static_cast<int32_t>(sum);
  }
}

void dot_join_scalar(const DotJoin& join) {
  for (int i = 0; i < join.count; ++i) {
    join.out[i] = cacc_deliver(int64_t{join.high[i]} * 256 + join.low[i] + join.start[i], join.truncate);
  }
}

void dot_transpose_scalar(const uint8_t* from, uint64_t stride, uint8_t* to) {
  for (uint64_t k = 0; k < kDotLanes; ++k) {
    for (uint64_t step = 0; step < kDotLanes; ++step) {
      std::memcpy(to + step * kDotStepBytes + k * 4, from + k * stride + step * 4, 4);
    }
  }
}

}  // namespace medlar::chip
