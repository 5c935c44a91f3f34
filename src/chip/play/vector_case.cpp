// SPDX-License-Identifier: Apache-2.0
// Vector cases from JSON.
#include "chip/play/vector_case.hpp"

#include <algorithm>
#include <charconv>

#include <nlohmann/json.hpp>

#include "base/checked.hpp"

namespace medlar::chip {
namespace {

using Json = nlohmann::json;

/// A number, written as a JSON number or as a string in C notation.
Result<uint64_t> number(const Json& value, std::string_view what) {
  if (value.is_number_unsigned() || (value.is_number_integer() && value.get<int64_t>() >= 0)) {
    return value.get<uint64_t>();
  }
  if (value.is_string()) {
    const std::string text = value.get<std::string>();
    const bool hex = text.starts_with("0x") || text.starts_with("0X");
    const char* const first = text.data() + (hex ? 2 : 0);
    uint64_t result = 0;
    const auto [end, error] = std::from_chars(first, text.data() + text.size(), result, hex ? 16 : 10);
    if (error == std::errc() && end == text.data() + text.size()) {
      return result;
    }
  }
  return fail(Code::kCorrupt, "{}: not a number", what);
}

Result<uint64_t> number_at(const Json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end()) {
    return fail(Code::kCorrupt, "key \"{}\" is missing", key);
  }
  return number(*it, key);
}

Status number_if(const Json& object, const char* key, uint64_t& target) {
  if (object.contains(key)) {
    MEDLAR_ASSIGN(target, number_at(object, key));
  }
  return {};
}

Result<std::string> text_at(const Json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_string()) {
    return fail(Code::kCorrupt, "key \"{}\" is missing or no text", key);
  }
  return it->get<std::string>();
}

Result<const Json*> list_at(const Json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_array()) {
    return fail(Code::kCorrupt, "key \"{}\" is missing or no list", key);
  }
  return &*it;
}

Result<VectorCase::Block> parse_block(const Json& entry, const FileSet& files, const std::string& folder) {
  VectorCase::Block block;
  MEDLAR_ASSIGN(const std::string ram, text_at(entry, "ram"));
  if (ram != "dram" && ram != "sram") {
    return fail(Code::kCorrupt, "ram \"{}\": neither dram nor sram", ram);
  }
  block.ram = ram == "dram" ? Ram::kDram : Ram::kSram;
  MEDLAR_ASSIGN(block.address, number_at(entry, "address"));
  MEDLAR_ASSIGN(const std::string file, text_at(entry, "file"));
  const auto it = files.find(folder + file);
  if (it == files.end()) {
    return fail(Code::kNotFound, "{}: no such file beside the case", file);
  }
  block.bytes = &it->second;
  MEDLAR_ASSIGN(const uint64_t bytes, number_at(entry, "bytes"));
  if (bytes != block.bytes->size()) {
    return fail(Code::kCorrupt, "{}: {} bytes, the case says {}", file, block.bytes->size(), bytes);
  }
  return block;
}

Result<VectorRegion> parse_region(const Json& entry, const FileSet& files, const std::string& folder) {
  MEDLAR_ASSIGN(const VectorCase::Block block, parse_block(entry, files, folder));
  VectorRegion region;
  region.ram = block.ram;
  region.address = block.address;
  region.bytes = block.bytes;
  MEDLAR_ASSIGN(region.file, text_at(entry, "file"));
  const std::string layout = entry.value("layout", "raw");
  region.layout = layout == "feature"  ? VectorRegion::Layout::kFeature
                  : layout == "planar" ? VectorRegion::Layout::kPlanar
                                       : VectorRegion::Layout::kRaw;
  region.fp16 = entry.value("element", "") == "fp16";
  if (region.layout == VectorRegion::Layout::kRaw) {
    return region;
  }
  MEDLAR_ASSIGN(region.w, number_at(entry, "w"));
  MEDLAR_ASSIGN(region.h, number_at(entry, "h"));
  MEDLAR_ASSIGN(region.c, number_at(entry, "c"));
  MEDLAR_ASSIGN(region.element_bytes, number_at(entry, "elem_bytes"));
  MEDLAR_ASSIGN(region.line_stride, number_at(entry, "line_stride"));
  region.atom_bytes = region.element_bytes;
  MEDLAR_TRY(number_if(entry, "atom_bytes", region.atom_bytes));
  MEDLAR_TRY(number_if(entry, "surf_stride", region.surface_stride));
  MEDLAR_TRY(number_if(entry, "plane_stride", region.surface_stride));
  MEDLAR_TRY(number_if(entry, "batches", region.batches));
  MEDLAR_TRY(number_if(entry, "batch_stride", region.batch_stride));
  if (region.element_bytes == 0 || region.atom_bytes < region.element_bytes) {
    return fail(Code::kCorrupt, "{}: atoms of {} bytes hold no element of {}", region.file, region.atom_bytes,
                region.element_bytes);
  }
  return region;
}

Result<std::vector<VectorCase::Register>> parse_registers(const Json& list) {
  std::vector<VectorCase::Register> registers;
  for (const Json& entry : list) {
    if (!entry.is_array() || entry.size() != 3 || !entry[0].is_string()) {
      return fail(Code::kCorrupt, "register {}: not [name, address, value]", registers.size());
    }
    VectorCase::Register item;
    item.name = entry[0].get<std::string>();
    MEDLAR_ASSIGN(const uint64_t address, number(entry[1], item.name));
    MEDLAR_ASSIGN(const uint64_t value, number(entry[2], item.name));
    if (address > UINT32_MAX || value > UINT32_MAX) {
      return fail(Code::kCorrupt, "register {}: address {:#x} or value {:#x} exceeds 32 bits", item.name, address, value);
    }
    item.address = static_cast<uint32_t>(address);
    item.value = static_cast<uint32_t>(value);
    registers.push_back(std::move(item));
  }
  return registers;
}

}  // namespace

std::vector<std::pair<uint64_t, uint64_t>> VectorRegion::runs() const {
  std::vector<std::pair<uint64_t, uint64_t>> result;
  if (layout == Layout::kRaw) {
    return {{0, bytes->size()}};
  }
  const uint64_t per = layout == Layout::kFeature ? atom_bytes / element_bytes : 1;
  const uint64_t atom = layout == Layout::kFeature ? atom_bytes : element_bytes;
  for (uint64_t b = 0; b < batches; ++b) {
    for (uint64_t s = 0; s < ceil_div(c, per); ++s) {
      const uint64_t used = std::min(per, c - s * per) * element_bytes;
      for (uint64_t y = 0; y < h; ++y) {
        const uint64_t base = b * batch_stride + s * surface_stride + y * line_stride;
        const uint64_t pieces = used == atom ? 1 : w;
        for (uint64_t x = 0; x < pieces; ++x) {
          result.emplace_back(base + x * atom, used == atom ? w * atom : used);
        }
      }
    }
  }
  return result;
}

Result<VectorCase> parse_vector_case(const FileSet& files, const std::string& json_path) {
  const ByteBuffer& bytes = files.at(json_path);
  const Json json = Json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (!json.is_object()) {
    return fail(Code::kCorrupt, "{}: not a JSON object", json_path);
  }
  const std::string folder = folder_of(json_path);
  VectorCase result;
  MEDLAR_ASSIGN(result.name, text_at(json, "name"));
  MEDLAR_ASSIGN(result.config, text_at(json, "config"));
  MEDLAR_ASSIGN(const uint64_t fill, number_at(json, "memory_fill"));
  result.fill = static_cast<uint8_t>(fill);
  MEDLAR_ASSIGN(const Json* memory, list_at(json, "memory"));
  for (const Json& entry : *memory) {
    MEDLAR_ASSIGN(result.memory.emplace_back(), parse_block(entry, files, folder));
  }
  MEDLAR_ASSIGN(const Json* writes, list_at(json, "registers"));
  MEDLAR_ASSIGN(result.writes, parse_registers(*writes));
  MEDLAR_ASSIGN(const Json* done, list_at(json, "done"));
  for (const Json& entry : *done) {
    result.done.push_back(entry.is_string() ? entry.get<std::string>() : std::string());
  }
  MEDLAR_ASSIGN(const Json* expect, list_at(json, "expect"));
  for (const Json& entry : *expect) {
    MEDLAR_ASSIGN(result.expect.emplace_back(), parse_region(entry, files, folder));
  }
  if (json.contains("expect_registers")) {
    MEDLAR_ASSIGN(const Json* registers, list_at(json, "expect_registers"));
    MEDLAR_ASSIGN(result.expect_registers, parse_registers(*registers));
  }
  return result;
}

}  // namespace medlar::chip
