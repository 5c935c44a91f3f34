// SPDX-License-Identifier: Apache-2.0
// Layer shape to work.
#include "timing/estimate.hpp"

#include "base/checked.hpp"
#include "hw/limits.hpp"
#include "timing/work_of.hpp"

#include <algorithm>

namespace medlar::timing {
namespace {

Memory where(bool sram) {
  return sram ? Memory::kSram : Memory::kDram;
}

uint64_t cube_bytes(const hw::Dims& d, hw::Precision precision, const hw::HwConfig& config) {
  return hw::CubeLayout::packed(d, precision, config).total_bytes();
}

SdpWork sdp_work_of(const LayerShape& layer, const hw::HwConfig& config) {
  SdpWork w;
  w.pixels = uint64_t{layer.output.w} * layer.output.h;
  w.channels = layer.output.c;
  w.channel_atom = config.channels_per_atom(layer.precision);
  w.ew = layer.ew;
  const Traffic cube{cube_bytes(layer.output, layer.precision, config), where(layer.output_in_sram)};
  w.output = cube;
  Traffic* const readers[] = {layer.ew ? &w.y : &w.x1, &w.x2};
  for (uint32_t i = 0; i < layer.operands && i < std::size(readers); ++i) {
    *readers[i] = {cube.bytes, where(layer.input_in_sram)};
  }
  return w;
}

}  // namespace

uint64_t layer_macs(const LayerShape& layer) {
  if (layer.kind != LayerShape::Kind::kConv) {
    return 0;
  }
  const uint64_t taps = uint64_t{layer.kernel_w} * layer.kernel_h;
  return uint64_t{layer.output.w} * layer.output.h * layer.output.c * taps * layer.input.c /
         std::max(1u, layer.groups);
}

namespace {

/// A packed cube from an aligned address, or the pixels of an image.
DataFetch layer_data(const LayerShape& layer, const hw::HwConfig& config) {
  const Memory from = where(layer.input_in_sram);
  if (layer.image_bytes != 0) {
    return {{layer.image_bytes, from}, 1};
  }
  const hw::Dims& in = layer.input;
  const uint64_t surfaces =
      ceil_div(uint64_t{in.c} * hw::bytes_per_element(layer.precision), uint64_t{config.memory_atom});
  if (in.w == 1 && in.h == 1) {
    return data_fetch({.atoms = surfaces}, from, config);
  }
  const uint64_t surface = uint64_t{in.w} * in.h;
  return data_fetch({0, in.w, in.h, in.w, surfaces, surface}, from, config);
}

}  // namespace

ConvWork conv_work_of(const LayerShape& layer, const hw::HwConfig& config) {
  const hw::WeightShape weights{layer.output.c, layer.input.c, layer.kernel_h, layer.kernel_w};
  ConvWork w;
  w.precision = layer.precision;
  w.stripes.positions = uint64_t{layer.output.w} * layer.output.h;
  w.steps = uint64_t{layer.kernel_w} * layer.kernel_h * ceil_div(layer.input.c, config.atomic_c);
  w.channels = layer.input.c;
  w.paired_surfaces = layer.input.c * hw::bytes_per_element(layer.precision) > config.memory_atom;
  w.kernels = layer.output.c;
  w.macs = w.stripes.pixels() * weights.elements();
  const DataFetch data = layer_data(layer, config);
  w.data = data.traffic;
  w.request_fill = data.request_fill;
  w.weights = {hw::weight_blob_bytes(weights.elements(), layer.precision, config), Memory::kDram};
  w.sdp = sdp_work_of(layer, config);
  return w;
}

namespace {

/// Of a grouped convolution, the channels that one operation takes: whole groups, up to a CBUF entry.
LayerShape channel_window(const LayerShape& layer, const hw::HwConfig& config, uint64_t& count) {
  const uint32_t per_group = std::max(1u, layer.input.c / std::max(1u, layer.groups));
  const uint32_t groups = std::clamp(config.atomic_c / per_group, 1u, std::max(1u, layer.groups));
  count = ceil_div(std::max(1u, layer.groups), groups);
  LayerShape window = layer;
  window.input.c = per_group * groups;
  window.output.c = static_cast<uint32_t>(ceil_div(uint64_t{layer.output.c}, count));
  window.groups = 1;
  return window;
}

/// Banks of CBUF that one operation may fill.
struct Share {
  uint32_t data = 0, weights = 0;
};

struct Bands {
  uint32_t count = 1;
  uint64_t data_bytes = 0;    ///< All bands, with the rows that two of them share.
  uint64_t weight_bytes = 0;  ///< All bands.
  uint32_t data_banks = 0;
  uint64_t bytes() const { return data_bytes + weight_bytes; }
};

/// Bands of rows; the data of a band stay while all weights pass by.
Bands bands_with(const LayerShape& layer, const ConvWork& work, const hw::HwConfig& config, Share banks) {
  const uint32_t entries =
      hw::feature_entries_per_slice(config, layer.input.w, layer.input.c, layer.precision);
  const uint32_t fits = std::max(1u, hw::rows_in_banks(config, entries, banks.data));
  const uint32_t stride = std::max(1u, layer.input.h / std::max(1u, layer.output.h));
  const uint32_t rows = std::max(1u, layer.input.h);
  const uint32_t shared = std::min(layer.kernel_h > stride ? layer.kernel_h - stride : 0, rows - 1);
  const uint32_t fresh = fits > shared ? fits - shared : 1;
  Bands bands;
  bands.count = fits >= rows ? 1 : static_cast<uint32_t>(ceil_div(rows - shared, fresh));
  bands.data_bytes = work.data.bytes + work.data.bytes / rows * shared * (bands.count - 1);
  const bool resident = work.weights.bytes <= uint64_t{banks.weights} * config.cbuf_bank_bytes();
  bands.weight_bytes = work.weights.bytes * (resident ? 1 : bands.count);
  bands.data_banks = banks.data;
  return bands;
}

Bands best_bands(const LayerShape& layer, const ConvWork& work, const hw::HwConfig& config, CbufUse use) {
  if (use == CbufUse::kDoubleBuffered) {
    Bands bands = bands_with(layer, work, config, {config.cbuf_banks / 4, config.cbuf_banks / 4});
    bands.data_banks = config.cbuf_banks / 2;
    return bands;
  }
  Bands best = bands_with(layer, work, config, {config.cbuf_banks - 1, 1});
  for (uint32_t weights = 2; weights < config.cbuf_banks; ++weights) {
    const Bands bands = bands_with(layer, work, config, {config.cbuf_banks - weights, weights});
    best = bands.bytes() < best.bytes() ? bands : best;
  }
  return best;
}

/// A share of a stream.
Traffic share(const Traffic& whole, uint64_t count) {
  return {whole.bytes / count, whole.memory};
}

OpTime times(const OpTime& one, uint64_t count, uint64_t cycles) {
  OpTime all = one;
  all.cycles = cycles;
  all.data_cycles *= count;
  all.mac_cycles *= count;
  all.sdp_cycles *= count;
  all.translation_cycles *= count;
  all.dram_read_bytes *= count;
  all.dram_write_bytes *= count;
  all.sram_read_bytes *= count;
  all.sram_write_bytes *= count;
  all.macs *= count;
  return all;
}

}  // namespace

ConvParts conv_parts_of(const LayerShape& layer, const hw::HwConfig& config, CbufUse use) {
  uint64_t windows = 1;
  const LayerShape window = channel_window(layer, config, windows);
  ConvParts parts;
  parts.work = conv_work_of(window, config);
  const Bands bands = best_bands(window, parts.work, config, use);
  parts.count = windows * bands.count;
  ConvWork& w = parts.work;
  w.stripes.positions = ceil_div(w.stripes.positions, uint64_t{bands.count});
  w.macs = layer_macs(layer) / parts.count;
  w.data.bytes = bands.data_bytes / bands.count;
  w.weights.bytes = bands.weight_bytes / bands.count;
  w.sdp.pixels = w.stripes.pixels();
  for (Traffic* t : {&w.sdp.x1, &w.sdp.x2, &w.sdp.y, &w.sdp.output}) {
    *t = share(*t, bands.count);
  }
  parts.room_for_next = 2 * w.data.bytes <= uint64_t{bands.data_banks} * config.cbuf_bank_bytes();
  return parts;
}

namespace {

OpTime conv_time(const LayerShape& layer, const hw::HwConfig& config, const Machine& machine, CbufUse use) {
  const ConvParts parts = conv_parts_of(layer, config, use);
  const OpTime one = time_of(parts.work, machine);
  const uint64_t next = ping_pong_cycles(one, one, parts.room_for_next) - one.cycles;
  return times(one, parts.count, one.cycles + (parts.count - 1) * next);
}

}  // namespace

OpTime estimate(const LayerShape& layer, const hw::HwConfig& config, const Machine& machine, CbufUse use) {
  const Traffic in{cube_bytes(layer.input, layer.precision, config), where(layer.input_in_sram)};
  const Traffic out{cube_bytes(layer.output, layer.precision, config), where(layer.output_in_sram)};
  switch (layer.kind) {
    case LayerShape::Kind::kConv:
      return conv_time(layer, config, machine, use);
    case LayerShape::Kind::kElementwise: {
      SdpWork w = sdp_work_of(layer, config);
      w.input = in;
      return time_of(w, std::nullopt, machine);
    }
    case LayerShape::Kind::kPool:
      return time_of(PdpWork{.input_bytes = in.bytes, .input = in, .output = out}, machine);
    case LayerShape::Kind::kLrn:
      return time_of(cdp_work(layer.input.w, layer.input.h, in.bytes, {in.memory, out.memory}, config),
                     machine);
    case LayerShape::Kind::kCopy: {
      CopyWork copy{.engine = CopyWork::Engine::kRubik, .input = {0, in.memory}, .output = {0, out.memory}};
      const uint64_t in_line = uint64_t{layer.input.w} * config.memory_atom;
      const uint64_t out_line = uint64_t{layer.output.w} * config.memory_atom;
      add_lines(copy, {in.bytes / in_line, in_line}, {out.bytes / out_line, out_line}, config);
      return time_of(copy, machine);
    }
  }
  return {};
}

OpTime estimate(const LayerShape& layer, const hw::DeviceProfile& device, const hw::PowerMode& mode) {
  return estimate(layer, *device.config, machine_of(device, mode));
}

OpTime estimate(const LayerShape& layer, const hw::DeviceProfile& device) {
  return estimate(layer, device, device.mode());
}

}  // namespace medlar::timing
