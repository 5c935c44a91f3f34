// SPDX-License-Identifier: Apache-2.0
// Runs an NVDLA loadable (NVIDIA's compiler's or ours) on a simulated device.
#pragma once

#include "chip/tracer.hpp"
#include "graph/graph.hpp"
#include "hw/device.hpp"
#include "sample/source.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace medlar::api {

/// The loadable's inputs as float32 tensors of shape [n, c, h, w].
Result<std::vector<sample::InputSpec>> loadable_inputs(ByteView bytes, std::string_view name);

/// One input from a file, as sample::load_tensor, but a file may lack the channels that pad an image's pixels
/// (3 of 4): the tensor then has the file's.
Result<graph::Tensor> load_loadable_input(const std::filesystem::path& path, const sample::InputSpec& input);

class Module;

/// On a module that is booted.
Result<std::map<std::string, graph::Tensor>> run_loadable(Module& module, ByteView bytes, std::string_view name,
                                                          const std::map<std::string, graph::Tensor>& inputs);

/// Inputs by name, float32 NCHW; outputs likewise, by name. Integer formats hold the stored integers (scale 1).
/// `device` empty: the open configuration whose memory atoms and convolution buffer the file was compiled for, nvdla-nv_full
/// where they do not tell.
/// `tracer` (may be null) sees the device's registers and memory ports.
Result<std::map<std::string, graph::Tensor>> run_loadable(ByteView bytes, std::string_view name, std::string_view device,
                                                          const std::map<std::string, graph::Tensor>& inputs,
                                                          chip::Tracer* tracer = nullptr);

/// The device that run_loadable takes.
Result<const hw::DeviceProfile*> loadable_device(ByteView bytes, std::string_view name, std::string_view device);

}  // namespace medlar::api
