// SPDX-License-Identifier: Apache-2.0
// Layer shape to work.
#include "timing/estimate.hpp"

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

ConvWork conv_work_of(const LayerShape& layer, const hw::HwConfig& config) {
  const hw::WeightShape weights{layer.output.c, layer.input.c, layer.kernel_h, layer.kernel_w};
  ConvWork w;
  w.precision = layer.precision;
  w.pixels = uint64_t{layer.output.w} * layer.output.h;
  w.steps = uint64_t{layer.kernel_w} * layer.kernel_h * ceil_div(layer.input.c, config.atomic_c);
  w.channels = layer.input.c;
  w.input_width = layer.input.w;
  w.kernels = layer.output.c;
  w.macs = w.pixels * weights.elements();
  w.data = {cube_bytes(layer.input, layer.precision, config), where(layer.input_in_sram)};
  w.weights = {hw::weight_blob_bytes(weights.elements(), layer.precision, config), Memory::kDram};
  w.sdp = sdp_work_of(layer, config);
  return w;
}

OpTime estimate(const LayerShape& layer, const hw::HwConfig& config, const Machine& machine) {
  const Traffic in{cube_bytes(layer.input, layer.precision, config), where(layer.input_in_sram)};
  const Traffic out{cube_bytes(layer.output, layer.precision, config), where(layer.output_in_sram)};
  switch (layer.kind) {
    case LayerShape::Kind::kConv:
      return time_of(conv_work_of(layer, config), machine);
    case LayerShape::Kind::kElementwise: {
      SdpWork w = sdp_work_of(layer, config);
      w.input = in;
      return time_of(w, std::nullopt, machine);
    }
    case LayerShape::Kind::kPool:
      return time_of(PdpWork{in.bytes, in, out}, machine);
    case LayerShape::Kind::kLrn:
      return time_of(CdpWork{uint64_t{layer.input.w} * layer.input.h * layer.input.c, in, out}, machine);
    case LayerShape::Kind::kCopy:
      return time_of(CopyWork{CopyWork::Engine::kRubik, in, out}, machine);
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
