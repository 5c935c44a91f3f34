// SPDX-License-Identifier: Apache-2.0
// The fast convolutions against the written-out one: exactly equal over random shapes, on every vector unit.
#include <random>

#include <gtest/gtest.h>

#include "base/checked.hpp"
#include "base/parallel.hpp"
#include "chip/conv/compute.hpp"
#include "chip/conv/reference.hpp"

namespace medlar::chip {
namespace {

enum class Data { kRandom, kLowest, kSmall, kPowers };

struct Problem {
  ConvJob job;
  ConvCube cube;
  ByteBuffer weights;
};

uint32_t pick(std::mt19937& random, uint32_t low, uint32_t high) {
  return std::uniform_int_distribution<uint32_t>(low, high)(random);
}

void fill(std::mt19937& random, hw::Precision precision, Data data, ByteBuffer& bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    const bool high_byte = precision == hw::Precision::kInt8 || i % 2 == 1;
    bytes[i] = data == Data::kLowest ? (high_byte ? 0x80 : 0) : static_cast<uint8_t>(random());
    if (precision == hw::Precision::kFp16 && high_byte) {
      // Exponents near one another (kSmall) or all of them, NaN rarely.
      const uint32_t exponent = data == Data::kSmall ? pick(random, 12, 18) : pick(random, 0, 30);
      const bool special = pick(random, 0, 4000) == 0;
      bytes[i] = static_cast<uint8_t>((bytes[i] & 0x83) | (special ? 31u : exponent) << 2);
    }
    if (data == Data::kPowers) {  // FP16 with fractions of 0, 1/4 and 3/4: sums that cancel and halves to round
      const uint32_t fraction = pick(random, 0, 2) == 0 ? bytes[i] & 3u : 0;
      bytes[i] = high_byte ? static_cast<uint8_t>((bytes[i] & 0x80) | pick(random, 0, 30) << 2 | fraction) : 0;
    }
  }
}

ConvJob random_job(std::mt19937& random, hw::Precision precision) {
  ConvJob job;
  job.precision = job.in_precision = precision;
  const bool whole = precision != hw::Precision::kInt8 || pick(random, 0, 1) == 0;
  const uint32_t atom = whole ? 32 : 8;
  job.machine = {.atomic_c = whole ? 64u : pick(random, 0, 1) == 0 ? 32u : 8u,
                 .kernels_per_group = (whole ? 32u : 8u) / job.element_bytes(),
                 .channels_per_atom = atom / job.element_bytes(),
                 .memory_atom = atom,
                 .entry_bytes = 128,
                 .bank_entries = 256};
  job.batches = pick(random, 0, 3) == 0 ? pick(random, 1, 3) : 1;
  job.in_w = pick(random, 1, 14);
  job.in_h = job.fetch_h = pick(random, 1, 10);
  job.in_c = pick(random, 0, 2) == 0 ? pick(random, 1, 9) : pick(random, 1, 140);
  job.kernels = pick(random, 1, 90);
  job.kernel_w = pick(random, 1, std::min(job.in_w, 5u));
  job.kernel_h = pick(random, 1, std::min(job.in_h, 5u));
  job.kernel_c = job.in_c;
  job.stride_x = pick(random, 1, 3);
  job.stride_y = pick(random, 1, 3);
  job.pad_value = static_cast<int16_t>(random());
  if (precision == hw::Precision::kInt8) {
    job.pad_value = static_cast<int8_t>(job.pad_value);
  }
  job.clip_truncate = pick(random, 0, 2) == 0 ? 0 : pick(random, 1, 16);
  if (pick(random, 0, 3) == 0) {
    job.mode = ConvMode::kImage;
    job.batches = 1;
    job.in_c = job.kernel_c = pick(random, 0, 2) == 0 ? 1 : pick(random, 3, 4);
    const uint32_t line = job.kernel_w * job.kernel_c;
    job.y_extension = line * 4 <= job.machine.atomic_c ? 1u << pick(random, 0, 2) : 1;
  } else {
    job.dilation_x = (job.kernel_w - 1) * 2 < job.in_w ? pick(random, 1, 2) : 1;
    job.dilation_y = (job.kernel_h - 1) * 2 < job.in_h ? pick(random, 1, 2) : 1;
  }
  const uint32_t reach_x = (job.kernel_w - 1) * job.dilation_x + 1;
  const uint32_t reach_y = (job.kernel_h - 1) * job.dilation_y + 1;
  job.pad_left = pick(random, 0, reach_x - 1);
  job.pad_right = pick(random, 0, reach_x - 1);
  job.pad_top = pick(random, 0, reach_y - 1);
  job.pad_bottom = pick(random, 0, reach_y - 1);
  job.out_w = (job.in_w + job.pad_left + job.pad_right - reach_x) / job.stride_x + 1;
  job.out_h = (job.in_h + job.pad_top + job.pad_bottom - reach_y) / job.stride_y + 1;
  return job;
}

Problem make_problem(std::mt19937& random, const ConvJob& job, Data data) {
  Problem problem{.job = job, .cube = {}, .weights = {}};
  const bool image = job.mode == ConvMode::kImage;
  problem.cube = {.batches = job.batches,
                  .h = job.in_h,
                  .w = job.in_w + (image ? job.pad_left + job.pad_right : 0),
                  .c = job.in_c,
                  .pitch = image ? job.in_c : round_up(job.in_c, 4u),
                  .element_bytes = job.element_bytes(),
                  .bytes = {}};
  problem.cube.bytes.resize(problem.cube.batch_bytes() * job.batches);
  fill(random, job.precision, data, problem.cube.bytes);
  for (uint64_t i = 0; i < problem.cube.bytes.size() / job.element_bytes(); ++i) {
    if (i % problem.cube.pitch >= job.in_c) {
      std::fill_n(problem.cube.bytes.begin() + static_cast<int64_t>(i * job.element_bytes()), job.element_bytes(), 0);
    }
  }
  problem.weights.resize(job.weight_elements() * job.element_bytes());
  fill(random, job.precision, data, problem.weights);
  return problem;
}

void compute(const Problem& problem, const ChipTarget& target, ConvScratch& scratch, AccCube& out) {
  ConvCompute compute(problem.job, target, scratch);
  compute.set_data(problem.cube);
  compute.set_weights({.first = 0, .count = problem.job.kernels}, problem.weights);
  compute.run(0, out);
}

/// The same in bands of rows.
AccCube compute_in_bands(const Problem& problem, const ChipTarget& target, int rows) {
  AccCube whole = make_acc_cube(problem.job);
  AccCube band;
  ConvScratch scratch;
  ConvCompute compute(problem.job, target, scratch);
  compute.set_data(problem.cube);
  compute.set_weights({.first = 0, .count = problem.job.kernels}, problem.weights);
  for (int first = 0; first < whole.h; first += rows) {
    resize_acc_cube(problem.job, std::min(rows, whole.h - first), band);
    std::fill(band.data.begin(), band.data.end(), -1);
    compute.run(static_cast<uint32_t>(first), band);
    const auto line = static_cast<ptrdiff_t>(whole.w) * whole.lanes;
    for (int plane = 0; plane < whole.batches * whole.surfaces(); ++plane) {
      std::copy_n(band.data.begin() + plane * band.h * line, band.h * line, whole.data.begin() + (plane * whole.h + first) * line);
    }
  }
  return whole;
}

/// The same in pieces of a few pixels and of all the surfaces of a tile of kernels.
AccCube compute_in_pieces(const Problem& problem, const ChipTarget& target, int64_t largest) {
  AccCube whole = make_acc_cube(problem.job);
  ConvScratch scratch;
  ConvCompute compute(problem.job, target, scratch);
  compute.set_data(problem.cube);
  compute.set_weights({.first = 0, .count = problem.job.kernels}, problem.weights);
  compute.start_pieces();
  const int step = static_cast<int>(kTileKernels) / whole.lanes;
  const int64_t plane = int64_t{whole.w} * whole.h;
  for (int surface = 0; surface < whole.surfaces(); surface += step) {
    for (int64_t first = 0; first < plane; first += largest) {
      const AccPiece piece{.first_pixel = first, .pixels = std::min(largest, plane - first), .first_surface = surface,
                           .surfaces = std::min(step, whole.surfaces() - surface)};
      std::vector<int32_t> sums(static_cast<size_t>(piece.pixels * piece.surfaces * whole.lanes), -1);
      compute.run_piece(piece, sums.data());
      for (int s = 0; s < piece.surfaces; ++s) {
        std::copy_n(sums.begin() + s * piece.pixels * whole.lanes, piece.pixels * whole.lanes,
                    whole.data.begin() + ((surface + s) * plane + first) * whole.lanes);
      }
    }
  }
  return whole;
}

void expect_all_equal(const Problem& problem, const std::string& what) {
  const KernelRange all{.first = 0, .count = problem.job.kernels};
  AccCube expected = make_acc_cube(problem.job);
  ConvWindow window;
  make_window(problem.job, problem.cube, WindowForm::kRaw, window);
  ConvScratch scratch;
  convolve_reference(problem.job, window, all, problem.weights, expected);
  for (const ChipTarget& target : chip_targets()) {
    AccCube out = make_acc_cube(problem.job);
    compute(problem, target, scratch, out);
    ASSERT_EQ(out.data, expected.data) << target.name << ' ' << what;
    if (problem.job.precision != hw::Precision::kFp16) {
      ASSERT_EQ(compute_in_bands(problem, target, 2).data, expected.data) << target.name << " in bands " << what;
    }
    if (ConvCompute(problem.job, target, scratch).has_pieces()) {
      ASSERT_EQ(compute_in_pieces(problem, target, 7).data, expected.data) << target.name << " in pieces " << what;
    }
  }
}

class ConvComputeShapes : public testing::TestWithParam<hw::Precision> {};

TEST_P(ConvComputeShapes, EqualsTheReferenceOnRandomShapes) {
  std::mt19937 random(17);
  const int cases = GetParam() == hw::Precision::kFp16 ? 24 : 60;  // the written-out FP16 is slow
  for (int i = 0; i < cases; ++i) {
    const ConvJob job = random_job(random, GetParam());
    const auto data = static_cast<Data>(i % 3);
    expect_all_equal(make_problem(random, job, data),
                     fmt::format("case {}: {}x{}x{} kernel {}x{} k {}", i, job.in_w, job.in_h, job.in_c, job.kernel_w,
                                 job.kernel_h, job.kernels));
  }
}

/// Depthwise layers as compilers emit them: as many kernels as channels, each with weights for its own channel only.
TEST_P(ConvComputeShapes, Diagonals) {
  std::mt19937 random(23);
  for (int i = 0; i < 24; ++i) {
    ConvJob job = random_job(random, GetParam());
    if (job.mode != ConvMode::kDirect) {
      continue;
    }
    job.in_c = job.kernel_c = job.kernels = i % 4 == 0 ? pick(random, 65, 180) : pick(random, 6, 66);
    Problem problem = make_problem(random, job, static_cast<Data>(i % 3));
    const KernelShape shape = kernel_shape(job);
    const uint64_t unit = job.element_bytes();
    for (uint32_t k = 0; k < job.kernels; ++k) {
      const uint32_t first = k / job.machine.kernels_per_group * job.machine.kernels_per_group;
      const WeightGroup group{.kernels = std::min(job.machine.kernels_per_group, job.kernels - first), .shape = shape,
                              .atomic_c = job.machine.atomic_c, .y_extension = 1};
      for (uint32_t tap = 0; tap < shape.rows * shape.taps; ++tap) {
        for (uint32_t c = 0; c < shape.depth; ++c) {
          if (c != k) {
            const uint64_t at = first * job.kernel_elements() + weight_offset(group, k - first, tap / shape.taps, tap % shape.taps, c);
            std::fill_n(problem.weights.begin() + static_cast<ptrdiff_t>(at * unit), unit, uint8_t{0});
          }
        }
      }
    }
    expect_all_equal(problem, fmt::format("diagonal {}: {} channels", i, job.kernels));
  }
}

/// One output pixel, as in fully connected layers.
TEST_P(ConvComputeShapes, SinglePixels) {
  std::mt19937 random(31);
  for (int i = 0; i < 24; ++i) {
    ConvJob job = random_job(random, GetParam());
    if (job.mode != ConvMode::kDirect) {
      continue;
    }
    job.batches = 1;
    job.pad_left = job.pad_right = job.pad_top = job.pad_bottom = 0;
    job.dilation_x = job.dilation_y = 1;
    job.in_w = job.kernel_w;
    job.in_h = job.fetch_h = job.kernel_h;
    job.out_w = job.out_h = 1;
    expect_all_equal(make_problem(random, job, static_cast<Data>(i % 3)), fmt::format("single {}: {} channels, {} kernels", i, job.in_c, job.kernels));
  }
}

/// Three atoms: a large product, one whose sum lies within a few bits of half of what CACC then keeps, and the large one
/// again with the other sign, so that the middle one's rounding shows.
TEST(ConvComputeHalves, SumsNearHalvesOfTheAccumulatorsLastBit) {
  std::mt19937 random(43);
  const auto power = [&](uint32_t low, uint32_t high) {
    return static_cast<uint16_t>((random() & 0x8000) | pick(random, low, high) << 10 | (pick(random, 0, 2) == 0 ? random() & 0x300 : 0));
  };
  for (int i = 0; i < 8; ++i) {
    ConvJob job = random_job(random, hw::Precision::kFp16);
    job.mode = ConvMode::kDirect;
    job.batches = job.y_extension = job.dilation_x = job.dilation_y = job.stride_x = job.stride_y = 1;
    job.pad_left = job.pad_right = job.pad_top = job.pad_bottom = 0;
    job.in_c = job.kernel_c = 2;
    job.in_w = job.kernel_w = 3;
    job.kernel_h = job.out_w = 1;
    job.in_h = job.fetch_h = job.out_h = 40;
    job.kernels = job.machine.kernels_per_group;
    Problem problem = make_problem(random, job, Data::kSmall);
    // Triples of columns (taps): `channels` elements each, `step` elements apart.
    const auto fill_triples = [&](uint8_t* at, size_t channels, size_t step, uint16_t sign) {
      const uint16_t large = power(25, 30);
      const uint16_t middle[] = {power(8, 12), power(1, 4)};
      for (size_t c = 0; c < channels; ++c) {
        store_le<uint16_t>(at + c * 2, c == 0 ? large : 0);
        store_le<uint16_t>(at + (step + c) * 2, c < 2 ? middle[c] : 0);
        store_le<uint16_t>(at + (2 * step + c) * 2, c == 0 ? large ^ sign : 0);
      }
    };
    const size_t pitch = problem.cube.pitch;
    for (size_t line = 0; line < job.in_h * job.batches; ++line) {
      fill_triples(problem.cube.bytes.data() + line * 3 * pitch * 2, pitch, pitch, 0);
    }
    for (size_t k = 0; k < job.kernels; ++k) {
      fill_triples(problem.weights.data() + k * 4, 2, size_t{job.kernels} * 2, 0x8000);
    }
    expect_all_equal(problem, fmt::format("halves {}", i));
  }
}

/// Many atoms of few channels.
TEST(ConvComputeHalves, ChainsOfAtoms) {
  std::mt19937 random(41);
  for (int i = 0; i < 40; ++i) {
    ConvJob job = random_job(random, hw::Precision::kFp16);
    job.mode = ConvMode::kDirect;
    job.y_extension = job.dilation_x = job.dilation_y = 1;
    job.in_c = job.kernel_c = pick(random, 1, 2);
    job.in_w = job.kernel_w = pick(random, 4, 9);
    job.in_h = job.fetch_h = job.kernel_h = pick(random, 4, 9);
    job.pad_left = job.pad_right = job.pad_top = job.pad_bottom = 3;
    job.out_w = 6 / job.stride_x + 1;
    job.out_h = 6 / job.stride_y + 1;
    job.kernels = pick(random, 1, 40);
    expect_all_equal(make_problem(random, job, Data::kPowers), fmt::format("chain {}", i));
  }
}

TEST_P(ConvComputeShapes, DoesNotDependOnThreads) {
  std::mt19937 random(5);
  ConvJob job = random_job(random, GetParam());
  job.kernels = 130;
  const Problem problem = make_problem(random, job, Data::kSmall);
  ConvScratch scratch;
  AccCube out[2] = {make_acc_cube(job), make_acc_cube(job)};
  const int before = parallel_threads();
  for (const int threads : {1, 2}) {
    set_parallel_threads(threads);
    compute(problem, chip_targets().front(), scratch, out[threads - 1]);
  }
  set_parallel_threads(before);
  EXPECT_EQ(out[0].data, out[1].data);
}

INSTANTIATE_TEST_SUITE_P(Precisions, ConvComputeShapes,
                         testing::Values(hw::Precision::kInt8, hw::Precision::kInt16, hw::Precision::kFp16),
                         [](const auto& param) { return std::string(hw::precision_name(param.param)); });

/// Sums beyond what one pass of 32-bit accumulators holds.
TEST(ConvComputeDepth, DeepSumsOfExtremesAreExact) {
  std::mt19937 random(3);
  for (const hw::Precision precision : {hw::Precision::kInt8, hw::Precision::kInt16}) {
    ConvJob job = random_job(random, hw::Precision::kInt16);
    job.precision = job.in_precision = precision;
    job.machine = {.atomic_c = 64, .kernels_per_group = 16, .channels_per_atom = 16, .memory_atom = 32,
                   .entry_bytes = 128, .bank_entries = 256};
    job.mode = ConvMode::kDirect;
    job.batches = job.y_extension = job.dilation_x = job.dilation_y = job.stride_x = job.stride_y = 1;
    job.pad_left = job.pad_right = job.pad_top = job.pad_bottom = 0;
    job.in_w = job.in_h = job.kernel_w = job.kernel_h = 3;
    job.out_w = job.out_h = 1;
    job.in_c = job.kernel_c = 8192;
    job.kernels = 3;
    for (const Data data : {Data::kLowest, Data::kRandom}) {
      for (const uint32_t truncate : {0u, 13u}) {
        job.clip_truncate = truncate;
        expect_all_equal(make_problem(random, job, data), "deep");
      }
    }
  }
}

TEST(ConvComputeDepth, WhatCouldSaturateTheAccumulatorTakesTheWrittenOutPath) {
  std::mt19937 random(3);
  ConvJob job = random_job(random, hw::Precision::kInt16);
  job.mode = ConvMode::kDirect;
  job.batches = job.y_extension = job.dilation_x = job.dilation_y = job.stride_x = job.stride_y = 1;
  job.pad_left = job.pad_right = job.pad_top = job.pad_bottom = 0;
  job.in_w = job.in_h = job.kernel_w = job.kernel_h = 16;
  job.out_w = job.out_h = 1;
  job.in_c = job.kernel_c = 1024;
  job.kernels = 1;
  job.clip_truncate = 16;
  const Problem problem = make_problem(random, job, Data::kLowest);
  AccCube out = make_acc_cube(job);
  ConvScratch scratch;
  compute(problem, chip_targets().front(), scratch, out);
  EXPECT_EQ(out.data[0], INT32_MAX);  // 2^30 * 2^18 = 2^48 saturates at 2^47 - 1, which delivers 2^31
}

}  // namespace
}  // namespace medlar::chip
