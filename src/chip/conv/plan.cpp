// SPDX-License-Identifier: Apache-2.0
// Register checks of the convolution core (NVDLA programming guide, convolution limits) and the ConvJob they allow.
#include "chip/conv/plan.hpp"

#include <algorithm>
#include <string_view>

#include "base/checked.hpp"
#include "hw/cube.hpp"

namespace medlar::chip {
namespace {

constexpr uint32_t kMaxKernelSide = 32;
constexpr uint32_t kMaxClipTruncate = 16;  // 48-bit accumulator, 32-bit delivery

template <typename... Args>
tl::unexpected<Error> fault(std::string_view reg, std::string_view field, uint64_t value,
                            fmt::format_string<Args...> limit, Args&&... args) {
  return fail(Code::kFault, "{}: {} = {}: {}", reg, field, value, fmt::format(limit, std::forward<Args>(args)...));
}

/// Two blocks must hold the same value.
Status same(std::string_view reg, std::string_view field, uint64_t value, std::string_view other, uint64_t expected) {
  if (value != expected) {
    return fault(reg, field, value, "{} holds {}", other, expected);
  }
  return {};
}

Result<hw::Precision> precision(const hw::HwConfig& config, std::string_view reg, uint32_t code) {
  if (code > 2 || !config.supports(static_cast<hw::Precision>(code))) {
    return fault(reg, "precision", code, "{} does not compute it (0 INT8, 1 INT16, 2 FP16)", config.name);
  }
  return static_cast<hw::Precision>(code);
}

int32_t sign_extend_16(uint32_t bits) { return static_cast<int16_t>(static_cast<uint16_t>(bits)); }

Status plan_mode(const hw::HwConfig& config, const ConvRegisters& r, ConvJob& job) {
  MEDLAR_TRY(same("CSC.D_MISC_CFG", "CONV_MODE", r.csc.conv_mode, "CDMA", r.cdma.conv_mode));
  MEDLAR_TRY(same("CMAC.D_MISC_CFG", "CONV_MODE", r.cmac.conv_mode, "CDMA", r.cdma.conv_mode));
  MEDLAR_TRY(same("CACC.D_MISC_CFG", "CONV_MODE", r.cacc.conv_mode, "CDMA", r.cdma.conv_mode));
  MEDLAR_TRY(same("CSC.D_DATAIN_FORMAT", "DATAIN_FORMAT", r.csc.datain_format, "CDMA", r.cdma.datain_format));
  MEDLAR_TRY(same("CSC.D_MISC_CFG", "PROC_PRECISION", r.csc.proc_precision, "CDMA", r.cdma.proc_precision));
  MEDLAR_TRY(same("CMAC.D_MISC_CFG", "PROC_PRECISION", r.cmac.proc_precision, "CDMA", r.cdma.proc_precision));
  MEDLAR_TRY(same("CACC.D_MISC_CFG", "PROC_PRECISION", r.cacc.proc_precision, "CDMA", r.cdma.proc_precision));
  MEDLAR_ASSIGN(job.precision, precision(config, "CDMA.D_MISC_CFG.PROC_PRECISION", r.cdma.proc_precision));
  if (r.cdma.in_precision > 2) {
    return fault("CDMA.D_MISC_CFG", "IN_PRECISION", r.cdma.in_precision, "0 INT8, 1 INT16, 2 FP16");
  }
  job.in_precision = static_cast<hw::Precision>(r.cdma.in_precision);
  if (r.cdma.conv_mode != 0) {
    if (!config.winograd) {
      return fault("CDMA.D_MISC_CFG", "CONV_MODE", r.cdma.conv_mode, "{} has no Winograd mode", config.name);
    }
    if (r.cdma.datain_format != 0) {
      return fault("CDMA.D_DATAIN_FORMAT", "DATAIN_FORMAT", 1, "Winograd takes feature data only");
    }
    job.mode = ConvMode::kWinograd;
  } else {
    job.mode = r.cdma.datain_format != 0 ? ConvMode::kImage : ConvMode::kDirect;
  }
  return {};
}

void plan_machine(const hw::HwConfig& config, ConvJob& job) {
  job.machine = {.atomic_c = config.atomic_c,
                 .kernels_per_group = config.kernels_per_group(job.precision),
                 .channels_per_atom = config.channels_per_atom(job.precision),
                 .memory_atom = config.memory_atom,
                 .entry_bytes = config.cbuf_entry_bytes,
                 .bank_entries = config.cbuf_bank_entries};
}

Status plan_sizes(const ConvRegisters& r, ConvJob& job) {
  MEDLAR_TRY(same("CSC.D_BATCH_NUMBER", "BATCHES", r.csc.batches, "CDMA", r.cdma.batches));
  MEDLAR_TRY(same("CACC.D_BATCH_NUMBER", "BATCHES", r.cacc.batches, "CDMA", r.cdma.batches));
  MEDLAR_TRY(same("CSC.D_WEIGHT_SIZE_EXT_1", "WEIGHT_KERNEL", r.csc.weight_kernel, "CDMA", r.cdma.weight_kernel));
  MEDLAR_TRY(same("CSC.D_DATAOUT_SIZE_1", "DATAOUT_CHANNEL", r.csc.dataout_channel, "WEIGHT_KERNEL", r.csc.weight_kernel));
  MEDLAR_TRY(same("CACC.D_DATAOUT_SIZE_0", "DATAOUT_WIDTH", r.cacc.dataout_width, "CSC", r.csc.dataout_width));
  MEDLAR_TRY(same("CACC.D_DATAOUT_SIZE_0", "DATAOUT_HEIGHT", r.cacc.dataout_height, "CSC", r.csc.dataout_height));
  MEDLAR_TRY(same("CACC.D_DATAOUT_SIZE_1", "DATAOUT_CHANNEL", r.cacc.dataout_channel, "CSC", r.csc.dataout_channel));
  const uint64_t pixels = (uint64_t{r.csc.dataout_width} + 1) * (uint64_t{r.csc.dataout_height} + 1);
  MEDLAR_TRY(same("CSC.D_ATOMICS", "ATOMICS", uint64_t{r.csc.atomics} + 1, "DATAOUT_SIZE_0", pixels));
  job.batches = r.cdma.batches + 1;
  job.in_w = r.cdma.datain_width + 1;
  job.in_h = r.csc.datain_height_ext + 1;
  job.fetch_h = r.cdma.datain_height + 1;
  job.in_c = r.cdma.datain_channel + 1;
  job.entries_per_slice = r.cdma.entries + 1;
  job.kernels = r.csc.weight_kernel + 1;
  job.kernel_w = r.csc.weight_width_ext + 1;
  job.kernel_h = r.csc.weight_height_ext + 1;
  job.kernel_c = r.csc.weight_channel_ext + 1;
  job.out_w = r.csc.dataout_width + 1;
  job.out_h = r.csc.dataout_height + 1;
  job.dilation_x = r.csc.x_dilation_ext + 1;
  job.dilation_y = r.csc.y_dilation_ext + 1;
  job.stride_x = r.csc.conv_x_stride_ext + 1;
  job.stride_y = r.csc.conv_y_stride_ext + 1;
  job.pad_left = r.cdma.pad_left;
  job.pad_right = r.cdma.pad_right;
  job.pad_top = r.cdma.pad_top;
  job.pad_bottom = r.cdma.pad_bottom;
  return {};
}

Status plan_values(const ConvRegisters& r, ConvJob& job) {
  job.pad_value = job.precision == hw::Precision::kInt8 ? static_cast<int8_t>(r.csc.pad_value & 0xff)
                                                        : sign_extend_16(r.csc.pad_value);
  job.side_pad_value = sign_extend_16(r.cdma.pad_value);
  job.clip_truncate = r.cacc.clip_truncate;
  if (job.clip_truncate > kMaxClipTruncate) {
    return fault("CACC.D_CLIP_CFG", "CLIP_TRUNCATE", job.clip_truncate, "at most {}", kMaxClipTruncate);
  }
  job.pra_truncate = r.csc.pra_truncate;
  job.converter = {.enable = r.cdma.cvt_en != 0,
                   .mean_enable = r.cdma.mean_format != 0,
                   .offset = sign_extend_16(r.cdma.cvt_offset),
                   .scale = sign_extend_16(r.cdma.cvt_scale),
                   .truncate = r.cdma.cvt_truncate,
                   .mean = {sign_extend_16(r.cdma.mean_ry), sign_extend_16(r.cdma.mean_gu),
                            sign_extend_16(r.cdma.mean_bv), sign_extend_16(r.cdma.mean_ax)}};
  job.nan_to_zero = r.cdma.nan_to_zero != 0;
  if (job.converter.enable && job.in_precision == hw::Precision::kFp16) {
    return fault("CDMA.D_CVT_CFG", "CVT_EN", 1, "the converter takes integers, IN_PRECISION is FP16");
  }
  if (job.mode != ConvMode::kImage && !job.converter.enable && job.in_precision != job.precision) {
    return fault("CDMA.D_MISC_CFG", "IN_PRECISION", r.cdma.in_precision, "PROC_PRECISION is {} and the converter is off",
                 r.cdma.proc_precision);
  }
  if (job.mode != ConvMode::kImage &&
      hw::bytes_per_element(job.in_precision) != hw::bytes_per_element(job.precision)) {
    return fault("CDMA.D_MISC_CFG", "IN_PRECISION", r.cdma.in_precision,
                 "features keep their element size, PROC_PRECISION is {}", r.cdma.proc_precision);
  }
  return {};
}

void plan_sources(const ConvRegisters& r, ConvJob& job) {
  const auto ram = [](uint32_t type) { return type != 0 ? Ram::kDram : Ram::kSram; };
  const Ram weight_ram = ram(r.cdma.weight_ram_type);
  job.data = {.ram = ram(r.cdma.datain_ram_type),
              .address = r.cdma.datain_addr_0(),
              .line_stride = r.cdma.line_stride,
              .surf_stride = r.cdma.surf_stride,
              .batch_stride = r.cdma.batch_stride};
  job.weights = {.ram = weight_ram, .address = r.cdma.weight_addr(), .bytes = r.cdma.weight_bytes};
  job.compressed = r.cdma.weight_format != 0;
  job.mask = {.ram = weight_ram, .address = r.cdma.wmb_addr(), .bytes = r.cdma.wmb_bytes};
  job.group_sizes = {.ram = weight_ram, .address = r.cdma.wgs_addr()};
  job.reuse_data = r.cdma.data_reuse != 0;
  job.reuse_weights = r.cdma.weight_reuse != 0;
  job.keep_data = r.cdma.skip_data_rls != 0;
  job.keep_weights = r.cdma.skip_weight_rls != 0;
  job.released_slices = r.csc.rls_slices + 1;
  job.data_banks = r.cdma.data_bank + 1;
  job.weight_banks = r.cdma.weight_bank + 1;
}

Status check_sources(const hw::HwConfig& config, const ConvRegisters& r, const ConvJob& job) {
  MEDLAR_TRY(same("CSC.D_MISC_CFG", "DATA_REUSE", r.csc.data_reuse, "CDMA", r.cdma.data_reuse));
  MEDLAR_TRY(same("CSC.D_MISC_CFG", "WEIGHT_REUSE", r.csc.weight_reuse, "CDMA", r.cdma.weight_reuse));
  MEDLAR_TRY(same("CSC.D_MISC_CFG", "SKIP_DATA_RLS", r.csc.skip_data_rls, "CDMA", r.cdma.skip_data_rls));
  MEDLAR_TRY(same("CSC.D_MISC_CFG", "SKIP_WEIGHT_RLS", r.csc.skip_weight_rls, "CDMA", r.cdma.skip_weight_rls));
  MEDLAR_TRY(same("CSC.D_WEIGHT_FORMAT", "WEIGHT_FORMAT", r.csc.weight_format, "CDMA", r.cdma.weight_format));
  MEDLAR_TRY(same("CSC.D_WEIGHT_BYTES", "WEIGHT_BYTES", r.csc.weight_bytes, "CDMA", r.cdma.weight_bytes));
  MEDLAR_TRY(same("CSC.D_BANK", "DATA_BANK", r.csc.data_bank, "CDMA", r.cdma.data_bank));
  MEDLAR_TRY(same("CSC.D_BANK", "WEIGHT_BANK", r.csc.weight_bank, "CDMA", r.cdma.weight_bank));
  if (job.compressed && !config.weight_compression) {
    return fault("CDMA.D_WEIGHT_FORMAT", "WEIGHT_FORMAT", 1, "{} has no weight compression", config.name);
  }
  if (!config.sram && (job.data.ram == Ram::kSram || job.weights.ram == Ram::kSram)) {
    return fault("CDMA.D_DAIN_RAM_TYPE", "RAM_TYPE", 0, "{} has no second memory port", config.name);
  }
  if (job.batches > config.max_batch) {
    return fault("CDMA.D_BATCH_NUMBER", "BATCHES", job.batches, "{} takes at most {}", config.name, config.max_batch);
  }
  const uint32_t mask_banks = job.compressed ? 1 : 0;
  if (job.data_banks + job.weight_banks + mask_banks > config.cbuf_banks) {
    return fault("CDMA.D_BANK", "DATA_BANK + WEIGHT_BANK", job.data_banks + job.weight_banks,
                 "CBUF has {} banks ({} for the weight mask)", config.cbuf_banks, mask_banks);
  }
  return {};
}

/// Output positions along one axis; 0 when the kernel does not fit.
uint64_t positions(uint64_t input, uint64_t pads, uint64_t kernel, uint64_t dilation, uint64_t stride) {
  const uint64_t reach = (kernel - 1) * dilation + 1;
  return input + pads < reach ? 0 : (input + pads - reach) / stride + 1;
}

Status check_padding(const ConvRegisters& r, const ConvJob& job) {
  const uint32_t reach_x = (job.kernel_w - 1) * job.dilation_x + 1;
  const uint32_t reach_y = (job.kernel_h - 1) * job.dilation_y + 1;
  MEDLAR_TRY(same("CSC.D_ZERO_PADDING", "PAD_LEFT", r.csc.pad_left, "CDMA", r.cdma.pad_left));
  MEDLAR_TRY(same("CSC.D_ZERO_PADDING", "PAD_TOP", r.csc.pad_top, "CDMA", r.cdma.pad_top));
  if (job.pad_left >= reach_x || job.pad_right >= reach_x) {
    return fault("CDMA.D_ZERO_PADDING", "PAD_LEFT, PAD_RIGHT", std::max(job.pad_left, job.pad_right),
                 "less than the dilated kernel width {}", reach_x);
  }
  if (job.pad_top >= reach_y || job.pad_bottom >= reach_y) {
    return fault("CDMA.D_ZERO_PADDING", "PAD_TOP, PAD_BOTTOM", std::max(job.pad_top, job.pad_bottom),
                 "less than the dilated kernel height {}", reach_y);
  }
  return {};
}

Status check_output(const ConvJob& job) {
  const uint64_t w = positions(job.in_w, job.pad_left + job.pad_right, job.kernel_w, job.dilation_x, job.stride_x);
  const uint64_t h = positions(job.in_h, job.pad_top + job.pad_bottom, job.kernel_h, job.dilation_y, job.stride_y);
  if (job.out_w != w) {
    return fault("CSC.D_DATAOUT_SIZE_0", "DATAOUT_WIDTH", job.out_w, "input, padding, kernel and stride give {}", w);
  }
  if (job.out_h != h) {
    return fault("CSC.D_DATAOUT_SIZE_0", "DATAOUT_HEIGHT", job.out_h, "input, padding, kernel and stride give {}", h);
  }
  return {};
}

struct Entries {
  uint64_t per_line = 0;
  uint64_t lines = 0;
};

Status check_entries(const ConvRegisters& r, const ConvJob& job, Entries wanted) {
  const uint64_t entries = wanted.per_line;
  MEDLAR_TRY(same("CSC.D_ENTRY_PER_SLICE", "ENTRIES", r.csc.entries, "CDMA", r.cdma.entries));
  if (job.entries_per_slice != entries) {
    return fault("CDMA.D_ENTRY_PER_SLICE", "ENTRIES", job.entries_per_slice, "one line of the input takes {}", entries);
  }
  const uint64_t needed = entries * wanted.lines;
  const uint64_t capacity = uint64_t{job.data_banks} * job.machine.bank_entries;
  if (needed * job.batches > capacity) {
    return fault("CDMA.D_BANK", "DATA_BANK", job.data_banks, "the input takes {} entries, the banks hold {}",
                 needed * job.batches, capacity);
  }
  return {};
}

Status check_weights(const ConvRegisters& r, const ConvJob& job) {
  const uint64_t per_kernel = job.kernel_elements() * job.element_bytes();
  if (uint64_t{r.cdma.byte_per_kernel} + 1 != per_kernel) {
    return fault("CDMA.D_WEIGHT_SIZE_0", "BYTE_PER_KERNEL", uint64_t{r.cdma.byte_per_kernel} + 1,
                 "kernel size and channels give {}", per_kernel);
  }
  const uint64_t capacity = uint64_t{job.weight_banks} * job.machine.bank_entries * job.machine.entry_bytes;
  const uint64_t blob = weight_blob_bytes(job);
  if (!job.compressed && job.weights.bytes < blob) {
    return fault("CDMA.D_WEIGHT_BYTES", "WEIGHT_BYTES", job.weights.bytes, "{} kernels of {} bytes take {}", job.kernels,
                 per_kernel, blob);
  }
  const uint64_t group = per_kernel * std::min(job.kernels, job.machine.kernels_per_group);
  if (!job.compressed && group > capacity) {
    return fault("CDMA.D_BANK", "WEIGHT_BANK", job.weight_banks, "one kernel group takes {} bytes, the banks hold {}",
                 group, capacity);
  }
  if (job.keep_weights && !job.compressed && blob > capacity) {
    return fault("CDMA.D_MISC_CFG", "SKIP_WEIGHT_RLS", 1, "all weights take {} bytes, the banks hold {}", blob, capacity);
  }
  const uint64_t mask_bank = uint64_t{job.machine.bank_entries} * job.machine.entry_bytes;
  if (job.compressed && group / job.element_bytes() > mask_bank * 8) {
    return fault("CDMA.D_WEIGHT_SIZE_0", "BYTE_PER_KERNEL", per_kernel, "the mask of one kernel group fits a bank of {} bytes",
                 mask_bank);
  }
  if (job.compressed && job.mask.bytes * 8 < job.weight_elements()) {
    return fault("CDMA.D_WMB_BYTES", "WMB_BYTES", job.mask.bytes, "{} weights take one bit each", job.weight_elements());
  }
  return {};
}

Status check_kernel(const ConvJob& job) {
  if (job.kernel_w > kMaxKernelSide || job.kernel_h > kMaxKernelSide) {
    return fault("CSC.D_WEIGHT_SIZE_EXT_0", "WEIGHT_WIDTH_EXT, WEIGHT_HEIGHT_EXT", std::max(job.kernel_w, job.kernel_h),
                 "at most {}", kMaxKernelSide);
  }
  return {};
}

/// Lines of the input: those that CDMA fetches, and with data reuse some that CBUF still holds.
Status check_height(const ConvJob& job) {
  if (job.in_h != job.fetch_h && !job.reuse_data) {
    return fault("CSC.D_DATAIN_SIZE_EXT_0", "DATAIN_HEIGHT_EXT", job.in_h, "CDMA fetches {} lines", job.fetch_h);
  }
  return {};
}

Status check_direct(const ConvRegisters& r, const ConvJob& job) {
  MEDLAR_TRY(same("CSC.D_DATAIN_SIZE_EXT_0", "DATAIN_WIDTH_EXT", r.csc.datain_width_ext, "CDMA", r.cdma.datain_width));
  MEDLAR_TRY(check_height(job));
  MEDLAR_TRY(same("CSC.D_DATAIN_SIZE_EXT_1", "DATAIN_CHANNEL_EXT", r.csc.datain_channel_ext, "CDMA", r.cdma.datain_channel));
  MEDLAR_TRY(same("CSC.D_WEIGHT_SIZE_EXT_1", "WEIGHT_CHANNEL_EXT", r.csc.weight_channel_ext, "CDMA", r.cdma.datain_channel));
  if (r.csc.y_extension != 0) {
    return fault("CSC.D_POST_Y_EXTENSION", "Y_EXTENSION", r.csc.y_extension, "only images are extended");
  }
  MEDLAR_TRY(check_kernel(job));
  MEDLAR_TRY(check_padding(r, job));
  MEDLAR_TRY(check_output(job));
  return check_entries(r, job, {.per_line = feature_entries_per_slice(job), .lines = job.in_h});
}

Result<const hw::PixelFormat*> pixel_format(const ConvRegisters& r, const ConvJob& job) {
  const hw::PixelFormat* format = hw::find_pixel_format(r.cdma.pixel_format);
  if (format == nullptr) {
    return fault("CDMA.D_DATAIN_FORMAT", "PIXEL_FORMAT", r.cdma.pixel_format, "no such format");
  }
  if (r.cdma.pixel_mapping != 0) {
    return fault("CDMA.D_DATAIN_FORMAT", "PIXEL_MAPPING", r.cdma.pixel_mapping, "only pitch linear (0)");
  }
  const hw::Precision stored = format->is_float  ? hw::Precision::kFp16
                               : format->bits == 8 ? hw::Precision::kInt8
                                                   : hw::Precision::kInt16;
  if (job.in_precision != stored) {
    return fault("CDMA.D_MISC_CFG", "IN_PRECISION", r.cdma.in_precision, "format {} is {}", format->name,
                 hw::precision_name(stored));
  }
  if (!job.converter.enable && job.precision != stored) {
    return fault("CDMA.D_MISC_CFG", "PROC_PRECISION", r.cdma.proc_precision, "format {} is {} and the converter is off",
                 format->name, hw::precision_name(stored));
  }
  return format;
}

/// Where the pixels lie: offset, lines, second plane.
Status plan_pixels(const ConvRegisters& r, const hw::PixelFormat& format, ConvJob& job) {
  job.pixels = {.format = r.cdma.pixel_format,
                .sign_override = r.cdma.pixel_sign_override != 0,
                .x_offset = r.cdma.pixel_x_offset,
                .address_1 = r.cdma.datain_addr_1(),
                .line_stride_1 = r.cdma.uv_line_stride};
  if (job.in_c != format.components()) {
    return fault("CDMA.D_DATAIN_SIZE_1", "DATAIN_CHANNEL", job.in_c, "format {} has {} components", format.name,
                 format.components());
  }
  const uint32_t offset = job.pixels.x_offset * format.bytes_plane0;
  if (offset >= job.machine.memory_atom) {
    return fault("CDMA.D_PIXEL_OFFSET", "PIXEL_X_OFFSET", job.pixels.x_offset,
                 "{} bytes, the first pixel lies in the first atom of {} bytes", offset, job.machine.memory_atom);
  }
  const uint64_t line = uint64_t{job.pixels.x_offset + job.in_w} * format.bytes_plane0;
  if (line > job.data.line_stride) {
    return fault("CDMA.D_LINE_STRIDE", "LINE_STRIDE", job.data.line_stride, "one line takes {} bytes", line);
  }
  const uint64_t line_1 = uint64_t{job.in_w} * format.bytes_plane1 +
                          job.pixels.x_offset * format.bytes_plane1 % job.machine.memory_atom;
  if (format.planes == 2 && line_1 > job.pixels.line_stride_1) {
    return fault("CDMA.D_LINE_UV_STRIDE", "UV_LINE_STRIDE", job.pixels.line_stride_1, "one line takes {} bytes", line_1);
  }
  return {};
}

/// Kernel of an image: its columns are folded into channels.
Status plan_image_kernel(const ConvRegisters& r, ConvJob& job) {
  if (job.kernel_w != 1 || job.dilation_x != 1 || job.dilation_y != 1) {
    return fault("CSC.D_WEIGHT_SIZE_EXT_0, D_DILATION_EXT", "WEIGHT_WIDTH_EXT or dilation",
                 std::max({job.kernel_w, job.dilation_x, job.dilation_y}), "1 for images");
  }
  if (job.kernel_c % job.in_c != 0) {
    return fault("CSC.D_WEIGHT_SIZE_EXT_1", "WEIGHT_CHANNEL_EXT", job.kernel_c, "whole columns of {} components", job.in_c);
  }
  if (r.csc.y_extension > 2) {
    return fault("CSC.D_POST_Y_EXTENSION", "Y_EXTENSION", r.csc.y_extension, "0, 1 or 2");
  }
  job.y_extension = 1u << r.csc.y_extension;
  if (job.y_extension > 1 && job.kernel_c * job.y_extension > job.machine.atomic_c) {
    return fault("CSC.D_POST_Y_EXTENSION", "Y_EXTENSION", r.csc.y_extension, "{} rows of {} elements, an atom has {}",
                 job.y_extension, job.kernel_c, job.machine.atomic_c);
  }
  job.kernel_w = job.kernel_c / job.in_c;
  job.kernel_c = job.in_c;
  return {};
}

Status check_image(const ConvRegisters& r, ConvJob& job) {
  MEDLAR_ASSIGN(const hw::PixelFormat* format, pixel_format(r, job));
  MEDLAR_TRY(same("CSC.D_DATAIN_SIZE_EXT_0", "DATAIN_WIDTH_EXT", r.csc.datain_width_ext, "CDMA", r.cdma.datain_width));
  MEDLAR_TRY(check_height(job));
  MEDLAR_TRY(same("CSC.D_DATAIN_SIZE_EXT_1", "DATAIN_CHANNEL_EXT", r.csc.datain_channel_ext, "CDMA", r.cdma.datain_channel));
  if (job.batches != 1) {
    return fault("CDMA.D_BATCH_NUMBER", "BATCHES", job.batches, "1 for images");
  }
  MEDLAR_TRY(plan_pixels(r, *format, job));
  MEDLAR_TRY(plan_image_kernel(r, job));
  MEDLAR_TRY(check_kernel(job));
  MEDLAR_TRY(check_padding(r, job));
  MEDLAR_TRY(check_output(job));
  const uint64_t line = uint64_t{job.pad_left + job.in_w + job.pad_right} * job.in_c * job.element_bytes();
  return check_entries(r, job, {.per_line = ceil_div<uint64_t>(line, job.machine.entry_bytes), .lines = job.in_h});
}

/// Sizes of the input as CSC sees it: padded, strides folded into channels.
Status check_winograd_input(const ConvRegisters& r, const ConvJob& job) {
  const uint32_t w = job.pad_left + job.in_w + job.pad_right;
  const uint32_t h = job.pad_top + job.in_h + job.pad_bottom;
  if (w % (4 * job.stride_x) != 0 || h % (4 * job.stride_y) != 0) {
    return fault("CDMA.D_ZERO_PADDING", "padded width or height", w % (4 * job.stride_x) != 0 ? w : h,
                 "a multiple of four strides");
  }
  MEDLAR_TRY(same("CSC.D_DATAIN_SIZE_EXT_0", "DATAIN_WIDTH_EXT", uint64_t{r.csc.datain_width_ext} + 1, "the padded input", w / job.stride_x));
  MEDLAR_TRY(same("CSC.D_DATAIN_SIZE_EXT_0", "DATAIN_HEIGHT_EXT", uint64_t{r.csc.datain_height_ext} + 1, "the padded input", h / job.stride_y));
  MEDLAR_TRY(same("CDMA.D_DATAIN_SIZE_EXT_0", "DATAIN_WIDTH_EXT", r.cdma.datain_width_ext, "CSC", r.csc.datain_width_ext));
  MEDLAR_TRY(same("CDMA.D_DATAIN_SIZE_EXT_0", "DATAIN_HEIGHT_EXT", r.cdma.datain_height_ext, "CSC", r.csc.datain_height_ext));
  MEDLAR_TRY(same("CSC.D_DATAOUT_SIZE_0", "DATAOUT_WIDTH", uint64_t{job.out_w} + 4, "the padded input", w / job.stride_x));
  MEDLAR_TRY(same("CSC.D_DATAOUT_SIZE_0", "DATAOUT_HEIGHT", uint64_t{job.out_h} + 4, "the padded input", h / job.stride_y));
  const uint64_t channels = uint64_t{job.in_c} * job.stride_x * job.stride_y;
  MEDLAR_TRY(same("CSC.D_DATAIN_SIZE_EXT_1", "DATAIN_CHANNEL_EXT", uint64_t{r.csc.datain_channel_ext} + 1, "whole atoms and strides", channels));
  return same("CSC.D_WEIGHT_SIZE_EXT_1", "WEIGHT_CHANNEL_EXT", job.kernel_c, "DATAIN_CHANNEL_EXT", channels);
}

Status check_winograd(const ConvRegisters& r, ConvJob& job) {
  if (job.kernel_w != 4 || job.kernel_h != 4 || job.dilation_x != 1 || job.dilation_y != 1 || job.stride_x != 1 ||
      job.stride_y != 1) {
    return fault("CSC.D_WEIGHT_SIZE_EXT_0, D_CONV_STRIDE_EXT, D_DILATION_EXT", "kernel width", job.kernel_w,
                 "Winograd takes 4 x 4 transformed kernels, stride and dilation of CSC are 1");
  }
  if (job.batches != 1 || r.csc.y_extension != 0 || r.csc.pad_left != 0 || r.csc.pad_top != 0) {
    return fault("CDMA.D_BATCH_NUMBER, CSC.D_POST_Y_EXTENSION, CSC.D_ZERO_PADDING", "BATCHES", job.batches,
                 "Winograd takes one batch, no extension, and CDMA pads");
  }
  job.in_h = job.fetch_h;
  job.in_c = round_up(job.in_c, job.machine.channels_per_atom);
  job.stride_x = r.cdma.conv_x_stride + 1;
  job.stride_y = r.cdma.conv_y_stride + 1;
  MEDLAR_TRY(check_winograd_input(r, job));
  const uint64_t atoms = uint64_t{job.kernel_c} * job.element_bytes() / job.machine.memory_atom;
  const uint64_t entries = (uint64_t{job.out_w} + 4) / 4 * atoms;
  return check_entries(r, job, {.per_line = entries, .lines = uint64_t{job.out_h} + 4});
}

}  // namespace

uint64_t feature_entries_per_slice(const ConvJob& job) {
  const uint64_t atoms = ceil_div<uint64_t>(uint64_t{job.in_c} * hw::bytes_per_element(job.in_precision), job.machine.memory_atom);
  const uint64_t per_entry = std::max<uint64_t>(1, job.machine.entry_bytes / job.machine.memory_atom);
  const uint64_t full = atoms / per_entry * job.in_w;
  const uint64_t rest = atoms % per_entry;
  // Three atoms of four are stored as a whole entry a column (CBUF packs one, two or four columns).
  return full + (rest == 3 ? job.in_w : ceil_div<uint64_t>(rest * job.in_w, per_entry));
}

uint64_t weight_blob_bytes(const ConvJob& job) { return job.weight_elements() * job.element_bytes(); }

Result<ConvJob> plan_convolution(const hw::HwConfig& config, const ConvRegisters& registers) {
  ConvJob job;
  MEDLAR_TRY(plan_mode(config, registers, job));
  plan_machine(config, job);
  MEDLAR_TRY(plan_sizes(registers, job));
  MEDLAR_TRY(plan_values(registers, job));
  plan_sources(registers, job);
  MEDLAR_TRY(check_sources(config, registers, job));
  switch (job.mode) {
    case ConvMode::kDirect:
      MEDLAR_TRY(check_direct(registers, job));
      break;
    case ConvMode::kImage:
      MEDLAR_TRY(check_image(registers, job));
      break;
    case ConvMode::kWinograd:
      MEDLAR_TRY(check_winograd(registers, job));
      break;
  }
  MEDLAR_TRY(check_weights(registers, job));
  return job;
}

}  // namespace medlar::chip
