// SPDX-License-Identifier: Apache-2.0
#include "compiler/io_formats.hpp"

#include <algorithm>
#include <array>

namespace medlar::compiler {
namespace {

struct LayoutName {
  std::string_view name;
  IoLayout layout;
};

constexpr std::array kLayouts = {
    LayoutName{"chw", IoLayout::kChw},        LayoutName{"linear", IoLayout::kChw},         LayoutName{"chw8", IoLayout::kChwAtoms},
    LayoutName{"chw16", IoLayout::kChwAtoms}, LayoutName{"chw32", IoLayout::kChwAtoms},     LayoutName{"hwc4", IoLayout::kHwc4},
    LayoutName{"dla_hwc4", IoLayout::kHwc4},  LayoutName{"dla_linear", IoLayout::kDlaLinear},
};

Result<IoFormat> parse_format(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view type = text.substr(0, colon);
  const std::string_view name = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  const auto found = std::find_if(kLayouts.begin(), kLayouts.end(), [&](const LayoutName& l) { return l.name == name; });
  const bool host = type == "fp32";
  if (found == kLayouts.end() || (type != "int8" && type != "fp16" && !host)) {
    return fail(Code::kInvalidArgument, "'{}' is no I/O format: write fp32:chw, or int8 or fp16, a colon and chw, chw8, chw16, chw32, hwc4 or dla_linear",
                text);
  }
  if (host && found->layout != IoLayout::kChw) {
    return fail(Code::kInvalidArgument, "'{}': fp32 tensors are chw", text);
  }
  return IoFormat{std::string(type), found->layout, std::string(text)};
}

/// The wish for tensor `index` of `count`; a single wish is everybody's.
Result<IoFormat> wish_at(const std::vector<IoFormat>& formats, size_t index, size_t count) {
  if (formats.size() != count && formats.size() > 1) {
    return fail(Code::kInvalidArgument, "{} I/O formats for {} tensors: give one for each, or one for all", formats.size(), count);
  }
  return formats.empty() ? IoFormat{} : formats[formats.size() == 1 ? 0 : index];
}

std::string_view layout_of(const DlaBinding& binding, uint32_t atom) {
  if (binding.components != 0) {
    return "hwc4";
  }
  const uint32_t channels = atom / hw::bytes_per_element(binding.precision);
  return channels == 32 ? "chw32" : (channels == 16 ? "chw16" : (channels == 8 ? "chw8" : "chw4"));
}

Status check_binding(const IoFormat& wish, const DlaBinding& binding, bool input, uint32_t atom) {
  const std::string is = binding_format(binding, atom);
  if (wish.layout == IoLayout::kChw && wish.type == "fp32") {
    return {};
  }
  if (wish.layout == IoLayout::kDlaLinear || wish.layout == IoLayout::kChw) {
    return fail(Code::kUnsupported, "tensor '{}': {} is wanted; the chip reads and writes {} here, and converts no planar tensors", binding.tensor,
                wish.text, is);
  }
  if (wish.layout == IoLayout::kHwc4 && !input) {
    return fail(Code::kUnsupported, "output '{}': {} is wanted; images are for inputs alone", binding.tensor, wish.text);
  }
  if (wish.layout == IoLayout::kHwc4 && binding.components == 0) {
    return fail(Code::kUnsupported, "input '{}': {} is wanted; that takes 1, 3 or 4 channels (it has {}) and undilated convolutions as only readers",
                binding.tensor, wish.text, binding.c);
  }
  const std::string wanted = wish.layout == IoLayout::kHwc4 ? wish.type + ":hwc4" : wish.text;
  return wanted == is ? Status{} : fail(Code::kUnsupported, "tensor '{}': {} is wanted, the DLA has {} here", binding.tensor, wish.text, is);
}

/// Every DLA segment that has the tensor as input (or output) has it as wished; at least one does unless the host keeps it.
Status check_tensor(const Plan& plan, const std::string& name, const IoFormat& wish, bool input, uint32_t atom) {
  bool found = false;
  for (const Segment& segment : plan.segments) {
    for (const DlaBinding& binding : input ? segment.bindings_in : segment.bindings_out) {
      if (binding.tensor == name) {
        found = true;
        MEDLAR_TRY(check_binding(wish, binding, input, atom));
      }
    }
  }
  if (!found && (wish.type != "fp32" || wish.layout != IoLayout::kChw)) {
    return fail(Code::kUnsupported, "tensor '{}': {} is wanted, but no DLA segment {} it: only fp32:chw is possible", name, wish.text,
                input ? "reads" : "writes");
  }
  return {};
}

}  // namespace

Result<std::vector<IoFormat>> parse_io_formats(std::string_view text) {
  std::vector<IoFormat> formats;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    MEDLAR_ASSIGN(IoFormat format, parse_format(text.substr(0, comma)));
    formats.push_back(std::move(format));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return formats;
}

Result<std::vector<std::string>> forced_cubes(const std::vector<std::string>& inputs, const std::vector<IoFormat>& formats) {
  std::vector<std::string> names;
  for (size_t i = 0; i < inputs.size(); ++i) {
    MEDLAR_ASSIGN(const IoFormat wish, wish_at(formats, i, inputs.size()));
    if (wish.layout == IoLayout::kChwAtoms) {
      names.push_back(inputs[i]);
    }
  }
  return names;
}

Status check_io_formats(const Plan& plan, const hw::HwConfig& config, const std::vector<IoFormat>& inputs,
                        const std::vector<IoFormat>& outputs) {
  for (const bool input : {true, false}) {
    const std::vector<std::string>& names = input ? plan.inputs : plan.outputs;
    for (size_t i = 0; i < names.size(); ++i) {
      MEDLAR_ASSIGN(const IoFormat wish, wish_at(input ? inputs : outputs, i, names.size()));
      MEDLAR_TRY(check_tensor(plan, names[i], wish, input, config.memory_atom));
    }
  }
  return {};
}

std::string binding_format(const DlaBinding& binding, uint32_t memory_atom) {
  return fmt::format("{}:{}", hw::precision_name(binding.precision), layout_of(binding, memory_atom));
}

}  // namespace medlar::compiler
