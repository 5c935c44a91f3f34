// SPDX-License-Identifier: Apache-2.0
// Layouts of the model's inputs and outputs where a DLA segment reads or writes them, in TensorRT's words
// (`--inputIOFormats=int8:hwc4`).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "compiler/plan.hpp"

namespace medlar::compiler {

enum class IoLayout : uint8_t {
  kChw,        ///< Row-major, as the host has it: the runtime converts.
  kChwAtoms,   ///< Feature cube: chw32 in INT8, chw16 in FP16 on 32-byte atoms; chw8 on the smaller chips.
  kHwc4,       ///< Interleaved image of 1 or 4 components.
  kDlaLinear,  ///< Planar with rows of whole 64-byte units.
};

struct IoFormat {
  std::string type = "fp32";  ///< "fp32" (host), "fp16" or "int8".
  IoLayout layout = IoLayout::kChw;
  std::string text = "fp32:chw";  ///< As the user wrote it.
};

/// "int8:hwc4,fp16:chw16": one for each tensor in the model's order, or one for all. trtexec's dla_hwc4 and dla_linear are
/// understood. Empty: no wish.
Result<std::vector<IoFormat>> parse_io_formats(std::string_view text);

/// Names of the inputs that have to be feature cubes.
Result<std::vector<std::string>> forced_cubes(const std::vector<std::string>& inputs, const std::vector<IoFormat>& formats);

/// Whether the plan's bindings are what was asked for; the error names tensor, wish and limit.
Status check_io_formats(const Plan& plan, const hw::HwConfig& config, const std::vector<IoFormat>& inputs,
                        const std::vector<IoFormat>& outputs);

/// What a binding's layout is called: "int8:chw32", "fp16:hwc4", ...
std::string binding_format(const DlaBinding& binding, uint32_t memory_atom);

}  // namespace medlar::compiler
