// SPDX-License-Identifier: Apache-2.0
// Register groups to work. Sizes in registers are stored minus one.
#include "timing/snapshot.hpp"

#include "base/checked.hpp"
#include "hw/cube.hpp"
#include "timing/work_of.hpp"

#include <algorithm>

namespace medlar::timing {
namespace {

/// Every unit's RAM bit: 1 is DRAM.
Memory ram(uint32_t type) {
  return type == hw::value::kRamTypeMc ? Memory::kDram : Memory::kSram;
}

hw::Precision precision(uint32_t code) {
  return code <= 2 ? static_cast<hw::Precision>(code) : hw::Precision::kFp16;
}

/// Bytes of a cube without gaps; whole atoms.
uint64_t cube_bytes(uint64_t pixels, uint32_t channels, uint32_t element_bytes, const hw::HwConfig& config) {
  return pixels * round_up(channels * element_bytes, config.memory_atom);
}

/// One operand reader of SDP.
struct OperandReader {
  uint32_t disable, use, two_bytes, per_element, ram_type;
};

Traffic operand(const OperandReader& r, uint64_t pixels, uint32_t channels, uint32_t channel_atom,
                const hw::HwConfig& config) {
  if (r.disable != 0) {
    return {};
  }
  const uint32_t bytes = (r.two_bytes != 0 ? 2u : 1u) * (r.use == hw::value::kOperandUseBoth ? 2u : 1u);
  if (r.per_element != 0) {  // an atom a position, of as many operands as an atom of data has elements
    return {pixels * round_up(channels, channel_atom) * bytes, ram(r.ram_type)};
  }
  return {cube_bytes(1, channels, bytes, config), ram(r.ram_type)};
}

SdpWork sdp_work(const hw::SdpRdmaGroup& rdma, const hw::SdpGroup& sdp, const hw::HwConfig& config) {
  SdpWork w;
  const uint64_t positions = uint64_t{sdp.width + 1} * (sdp.height + 1);
  w.pixels = positions * (sdp.batch_number + 1);
  w.channels = sdp.channel + 1;
  w.channel_atom = config.channels_per_atom(precision(rdma.in_precision));
  w.ew = sdp.ew_bypass == 0;
  w.lut = w.ew && sdp.ew_lut_bypass == 0;
  w.single_atoms = sdp.width == 0 || sdp.batch_number != 0;
  const uint32_t operand_atom = config.channels_per_atom(precision(sdp.proc_precision));
  if (sdp.flying_mode == 0) {
    w.input = {cube_bytes(w.pixels, w.channels, hw::bytes_per_element(precision(rdma.in_precision)), config),
               ram(rdma.src_ram_type)};
  }
  w.x1 = operand({rdma.brdma_disable | sdp.bs_bypass, rdma.brdma_data_use, rdma.brdma_data_size,
                  rdma.brdma_data_mode, rdma.brdma_ram_type},
                 positions, w.channels, operand_atom, config);
  w.x2 = operand({rdma.nrdma_disable | sdp.bn_bypass, rdma.nrdma_data_use, rdma.nrdma_data_size,
                  rdma.nrdma_data_mode, rdma.nrdma_ram_type},
                 positions, w.channels, operand_atom, config);
  w.y = operand({rdma.erdma_disable | sdp.ew_bypass, rdma.erdma_data_use, rdma.erdma_data_size,
                 rdma.erdma_data_mode, rdma.erdma_ram_type},
                positions, w.channels, operand_atom, config);
  if (sdp.output_dst == hw::value::kOutputDestinationMem) {
    w.output = {cube_bytes(w.pixels, w.channels, hw::bytes_per_element(precision(sdp.out_precision)), config),
                ram(sdp.dst_ram_type)};
  }
  return w;
}

PdpWork pdp_work(const hw::PdpGroup& pdp, const hw::HwConfig& config) {
  PdpWork w;
  const uint32_t bytes = hw::bytes_per_element(precision(pdp.input_data));
  w.input_bytes = cube_bytes(uint64_t{pdp.cube_in_width + 1} * (pdp.cube_in_height + 1),
                             pdp.cube_in_channel + 1, bytes, config);
  w.output = {cube_bytes(uint64_t{pdp.cube_out_width + 1} * (pdp.cube_out_height + 1),
                         pdp.cube_out_channel + 1, bytes, config),
              ram(pdp.dst_ram_type)};
  // Rows of padding and input that the last windows reach.
  const uint64_t stride = pdp.kernel_stride_height + 1, kernel = pdp.kernel_height + 1;
  const uint64_t reached = pdp.cube_out_height * stride + kernel;
  const uint64_t input_end = uint64_t{pdp.pad_top} + pdp.cube_in_height + 1;
  w.last_row_counts = reached >= input_end;
  const uint64_t below = reached > input_end ? reached - input_end : 0;
  w.flush_bytes = ceil_div(below, stride) * (pdp.cube_out_width + 1) * config.memory_atom;
  return w;
}

/// What the reader of feature data fetches. Lines that lie side by side are fetched as one, as many as the
/// fetch grain says; the last time what is left of them.
Fetched feature_fetch(const hw::CdmaGroup& cdma, uint32_t element, const hw::HwConfig& config) {
  const uint64_t atom = config.memory_atom;
  const uint64_t width = cdma.datain_width + 1, height = cdma.datain_height + 1;
  const uint64_t surfaces = ceil_div(uint64_t{cdma.datain_channel + 1} * element, atom) * (cdma.batches + 1);
  const uint32_t atoms_per_beat = beat_bytes(config) / config.memory_atom;
  LineSet set{.first_atom = cdma.datain_addr_low_0 / atom,
              .atoms = width,
              .lines = height,
              .line_stride = cdma.line_stride / atom,
              .surfaces = surfaces,
              .surface_stride = cdma.surf_stride / atom};
  if (width == 1 && height == 1 && cdma.surf_packed != 0) {
    set.atoms = surfaces;
    set.surfaces = 1;
  } else if (cdma.line_packed != 0) {
    const uint64_t grain = std::min<uint64_t>(cdma.grains + 1, height);
    LineSet rest = set;
    rest.first_atom += height / grain * grain * width;
    rest.atoms = width * (height % grain);
    rest.lines = 1;
    set.atoms = width * grain;
    set.lines = height / grain;
    set.line_stride = set.atoms;
    const Fetched most = fetch_lines(set, atoms_per_beat), last = fetch_lines(rest, atoms_per_beat);
    return {most.requests + last.requests, most.beats + last.beats};
  }
  return fetch_lines(set, atoms_per_beat);
}

/// The pixels of an image, line by line and plane by plane.
DataFetch image_fetch(const hw::PixelFormat& format, const hw::CdmaGroup& cdma, Memory from,
                      const hw::HwConfig& config) {
  constexpr double kRequestBeats = 4;
  const uint32_t beat = config.dbb.bytes_per_cycle();
  const uint64_t pixels = cdma.pixel_x_offset + cdma.datain_width + 1, lines = cdma.datain_height + 1;
  const uint64_t beats =
      line_beats(pixels * format.bytes_plane0, beat) + line_beats(pixels * format.bytes_plane1, beat);
  const double fill = static_cast<double>(beats) / (format.planes * kRequestBeats);
  return {{beats * lines * beat, from}, std::min(1.0, fill)};
}

DataFetch conv_data(const hw::CdmaGroup& cdma, const hw::HwConfig& config) {
  if (cdma.data_reuse != 0) {
    return {};
  }
  const Memory from = ram(cdma.datain_ram_type);
  const hw::PixelFormat* format = hw::find_pixel_format(cdma.pixel_format);
  if (cdma.datain_format == hw::value::kDataFormatPixel && format != nullptr) {
    return image_fetch(*format, cdma, from, config);
  }
  return data_fetch(feature_fetch(cdma, hw::bytes_per_element(precision(cdma.in_precision)), config), from,
                    config);
}

Traffic conv_weights(const hw::CdmaGroup& cdma) {
  if (cdma.weight_reuse != 0) {
    return {};
  }
  // Compressed: the mask has a bit an element, and a 32-bit count a kernel group.
  const uint64_t masks = cdma.weight_format == hw::value::kWeightFormatCompressed ? cdma.wmb_bytes : 0;
  return {cdma.weight_bytes + masks, ram(cdma.weight_ram_type)};
}

ConvWork::Mode conv_mode(const ConvSnapshot& s) {
  return s.csc.conv_mode == hw::value::kConvModeWinograd       ? ConvWork::Mode::kWinograd
         : s.cdma.datain_format == hw::value::kDataFormatPixel ? ConvWork::Mode::kImage
                                                               : ConvWork::Mode::kDirect;
}

/// Multiply steps of a stripe.
uint64_t conv_steps(const hw::CscGroup& csc, ConvWork::Mode mode, const hw::HwConfig& config) {
  if (mode == ConvWork::Mode::kWinograd) {  // four channels of a tile at a time
    constexpr uint32_t kTileElements = 16;
    return ceil_div(csc.weight_channel_ext + 1, std::max(1u, config.atomic_c / kTileElements));
  }
  const uint32_t blocks = ceil_div(csc.weight_channel_ext + 1, config.atomic_c);
  const uint32_t rows = ceil_div(csc.weight_height_ext + 1, 1u << csc.y_extension);
  return uint64_t{rows} * (csc.weight_width_ext + 1) * blocks;
}

/// CSC's limits of a stripe by mode and batch (NV_NVDLA_CSC_sg).
Stripes stripes_of(const ConvSnapshot& s, ConvWork::Mode mode) {
  const uint64_t width = s.cacc.dataout_width + 1, height = s.cacc.dataout_height + 1;
  if (mode == ConvWork::Mode::kImage) {
    const uint64_t step = uint64_t{1} << s.csc.y_extension;
    return {.positions = round_up(width, step), .lines = height, .least = 64, .most = 64};
  }
  if (mode == ConvWork::Mode::kWinograd) {
    constexpr uint64_t kTileOutputs = 4;
    return {.positions = width * height / kTileOutputs, .outputs = kTileOutputs};
  }
  Stripes stripes{.positions = width * height, .batches = s.csc.batches + 1};
  const uint32_t batches = stripes.batches;
  stripes.most = batches == 1 ? 32 : batches <= 3 ? 16 : batches <= 7 ? 8 : batches <= 15 ? 4 : 1;
  stripes.least = std::max(1u, stripes.most / 2);
  return stripes;
}

}  // namespace

ConvWork work_of(const ConvSnapshot& s, const hw::HwConfig& config) {
  ConvWork w;
  w.precision = precision(s.csc.proc_precision);
  w.mode = conv_mode(s);
  w.stripes = stripes_of(s, w.mode);
  w.steps = conv_steps(s.csc, w.mode, config);
  w.channels = s.csc.weight_channel_ext + 1;
  w.kernels = s.csc.weight_kernel + 1;
  const bool winograd = w.mode == ConvWork::Mode::kWinograd;
  const uint64_t taps = winograd ? 9 : uint64_t{s.csc.weight_width_ext + 1} * (s.csc.weight_height_ext + 1);
  const uint64_t pixels =
      uint64_t{s.cacc.dataout_width + 1} * (s.cacc.dataout_height + 1) * (s.csc.batches + 1);
  w.macs = pixels * taps * w.channels * w.kernels;
  w.weight_room = uint64_t{s.csc.weight_bank + 1} * config.cbuf_bank_bytes();
  const uint64_t channel_bytes =
      uint64_t{s.cdma.datain_channel + 1} * hw::bytes_per_element(precision(s.cdma.in_precision));
  w.paired_surfaces = w.mode != ConvWork::Mode::kImage && channel_bytes > config.memory_atom;
  const DataFetch data = conv_data(s.cdma, config);
  w.data = data.traffic;
  w.request_fill = data.request_fill;
  w.weights = conv_weights(s.cdma);
  w.sdp = sdp_work(s.sdp_rdma, s.sdp, config);
  if (s.pdp) {
    w.pdp = pdp_work(*s.pdp, config);
  }
  return w;
}

SdpWork work_of(const SdpSnapshot& s, const hw::HwConfig& config) {
  return sdp_work(s.rdma, s.sdp, config);
}

PdpWork work_of(const PdpSnapshot& s, const hw::HwConfig& config) {
  PdpWork w = pdp_work(s.pdp, config);
  w.input = {w.input_bytes, ram(s.rdma.src_ram_type)};
  const DataFetch line = data_fetch(LineSet{.atoms = s.pdp.cube_in_width + 1}, w.input.memory, config);
  const uint64_t width = (s.pdp.cube_in_width + 1) * config.memory_atom;
  w.input.bytes = w.input_bytes / width * line.traffic.bytes;  // whole beats a line
  w.request_fill = line.request_fill;
  return w;
}

CdpWork work_of(const CdpSnapshot& s, const hw::HwConfig& config) {
  const uint64_t width = s.rdma.width + 1, height = s.rdma.height + 1;
  const uint32_t element = hw::bytes_per_element(precision(s.rdma.input_data));
  const uint64_t bytes = cube_bytes(width * height, s.rdma.channel + 1, element, config);
  return cdp_work(width, height, bytes, {ram(s.rdma.src_ram_type), ram(s.cdp.dst_ram_type)}, config);
}

CopyWork work_of(const RubikSnapshot& s, const hw::HwConfig& config) {
  const hw::RubikGroup& r = s.rubik;
  const uint64_t element = hw::bytes_per_element(precision(r.in_precision));
  const uint64_t width = r.datain_width + 1, height = r.datain_height + 1;
  const uint64_t surfaces = ceil_div(uint64_t{r.datain_channel + 1} * element, uint64_t{config.memory_atom});
  const bool from_cube = r.rubik_mode != hw::value::kRubikModeMerge;
  const uint64_t cube_at = from_cube ? r.dain_addr_low : r.daout_addr_low;
  const CopyLines cube{surfaces * height, width * config.memory_atom, cube_at,
                       from_cube ? r.dain_line_stride : r.daout_line_stride};
  const CopyLines planes{(r.datain_channel + 1) * height, width * element,
                         from_cube ? r.daout_addr_low : r.dain_addr_low,
                         from_cube ? r.daout_line_stride : r.dain_line_stride};
  const Memory from = ram(r.datain_ram_type), to = ram(r.dataout_ram_type);
  CopyWork w{.engine = CopyWork::Engine::kRubik, .input = {0, from}, .output = {0, to}};
  if (r.rubik_mode == hw::value::kRubikModeSplit) {
    add_lines(w, cube, planes, config);
  } else if (r.rubik_mode == hw::value::kRubikModeMerge) {
    add_lines(w, planes, cube, config);
  } else {  // every tap of the transposed convolution reads its own atoms of channels
    const uint64_t taps = uint64_t{r.deconv_x_stride + 1} * (r.deconv_y_stride + 1);
    const uint64_t atoms = ceil_div((r.dataout_channel + 1) * element, uint64_t{config.memory_atom});
    add_lines(w, {taps * atoms * height, cube.bytes, cube.address, cube.stride},
              {atoms * height * (r.deconv_y_stride + 1), cube.bytes * (r.deconv_x_stride + 1),
               r.daout_addr_low, r.daout_line_stride},
              config);
  }
  return w;
}

CopyWork work_of(const BdmaSnapshot& s, const hw::HwConfig& config) {
  CopyWork w;
  for (const hw::BdmaGroup& t : s.transfers) {
    const Memory from = ram(t.src_ram_type);
    w.switches += &t != s.transfers.data() && from != w.input.memory ? 1 : 0;
    CopyLines lines{uint64_t{t.line_repeat + 1} * (t.surf_repeat + 1), uint64_t{t.line_size + 1} * 32,
                    t.src_addr_low, t.src_line_stride};
    const CopyLines read = lines;
    lines.address = t.dst_addr_low;
    lines.stride = t.dst_line_stride;
    w.input.memory = from;
    w.output.memory = ram(t.dst_ram_type);
    add_lines(w, read, lines, config);
  }
  return w;
}

OpTime time_of(const Snapshot& snapshot, const hw::HwConfig& config, const Machine& machine) {
  return std::visit(
      [&](const auto& s) -> OpTime {
        using T = std::decay_t<decltype(s)>;
        if constexpr (std::is_same_v<T, SdpSnapshot>) {
          return time_of(work_of(s, config), s.pdp ? std::optional(pdp_work(*s.pdp, config)) : std::nullopt,
                         machine);
        } else {
          return time_of(work_of(s, config), machine);
        }
      },
      snapshot);
}

}  // namespace medlar::timing
