// SPDX-License-Identifier: Apache-2.0
#include "conv_case.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <cstring>
#include <sstream>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/bytes.hpp"

namespace medlar::test {
namespace {

uint64_t number(const nlohmann::json& value) {
  return value.is_string() ? std::stoull(value.get<std::string>(), nullptr, 0) : value.get<uint64_t>();
}

chip::Ram ram_of(const nlohmann::json& block) {
  return block.at("ram") == "dram" ? chip::Ram::kDram : chip::Ram::kSram;
}

/// Register words of both groups of every block, as the writes of a case leave them.
class Registers {
 public:
  explicit Registers(hw::RegisterMap map) : map_(map) {
    for (hw::Block block : hw::kBlocks) {
      for (auto& words : words_[static_cast<size_t>(block)]) {
        words.assign(hw::kBlockBytes / 4, 0);
        hw::reset_words(block, map, words);
      }
    }
  }

  /// True when the write enabled CDMA, which the cases do last.
  bool write(const std::string& name, uint32_t value) { return write(hw::find_register(name, map_), value); }
  bool write(uint32_t address, uint32_t value) { return write(hw::find_register(address, map_), value); }

  ConvOperation operation() const {
    ConvOperation op;
    op.conv.cdma = decode<hw::CdmaGroup>();
    op.conv.csc = decode<hw::CscGroup>();
    op.conv.cmac = decode<hw::CmacAGroup>();
    op.conv.cacc = decode<hw::CaccGroup>();
    op.sdp = decode<hw::SdpGroup>();
    return op;
  }

 private:
  bool write(const std::optional<hw::RegisterRef>& ref, uint32_t value) {
    if (!ref) {
      return false;
    }
    const auto block = static_cast<size_t>(ref->block);
    if (ref->info->name == "S_POINTER") {
      group_[block] = value & 1;
      return false;
    }
    words_[block][group_[block]][ref->info->offset / 4] = value;
    return ref->block == hw::Block::kCdma && ref->info->name == "D_OP_ENABLE" && (value & 1) != 0;
  }

  template <typename Group>
  Group decode() const {
    const auto block = static_cast<size_t>(Group::kBlock);
    return Group::decode(words_[block][group_[block]], map_);
  }

  hw::RegisterMap map_;
  std::array<std::array<std::vector<uint32_t>, 2>, hw::kBlockCount> words_;
  std::array<size_t, hw::kBlockCount> group_{};
};

int64_t round_shift(int64_t value, uint32_t shift) {
  if (shift == 0) {
    return value;
  }
  const int64_t magnitude = ((std::abs(value) >> (shift - 1)) + 1) >> 1;
  return value < 0 ? -magnitude : magnitude;
}

/// FP32 to FP16, nearest even, saturating; NaN stays NaN.
uint16_t to_half(uint32_t bits) {
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  const float value = std::abs(std::bit_cast<float>(bits));
  if (value != value) {
    return 0x7e00;
  }
  if (value >= 65504.0f) {
    return sign | 0x7bff;
  }
  int exponent = 0;
  std::frexp(value, &exponent);
  const int unit = std::max(exponent - 11, -24);  // of the last place
  const double scaled = std::nearbyint(std::ldexp(double{value}, -unit));
  const double rounded = std::ldexp(scaled, unit);
  if (rounded < std::ldexp(1.0, -14)) {
    return sign | static_cast<uint16_t>(std::ldexp(rounded, 24));
  }
  std::frexp(rounded, &exponent);
  const auto mantissa = static_cast<uint32_t>(std::ldexp(rounded, 11 - exponent));
  return static_cast<uint16_t>(sign | static_cast<uint32_t>(exponent + 14) << 10 | (mantissa & 0x3ff));
}

uint16_t convert(const hw::SdpGroup& sdp, int32_t value) {
  if (sdp.proc_precision == 2) {
    return to_half(static_cast<uint32_t>(value));
  }
  const int64_t offset = static_cast<int32_t>(sdp.cvt_offset);
  const int64_t scale = static_cast<int16_t>(sdp.cvt_scale);
  const int64_t wide = std::clamp<int64_t>(round_shift((value - offset) * scale, sdp.cvt_shift), -65536, 65535);
  const int64_t limit = sdp.out_precision == 0 ? 128 : 32768;
  return static_cast<uint16_t>(std::clamp(wide, -limit, limit - 1));
}

bool is_nan(uint16_t half) { return (half & 0x7fff) > 0x7c00; }

std::string compare(const nlohmann::json& expect, const Bytes& file, const hw::SdpGroup& sdp, const chip::AccCube& cube) {
  const auto w = expect.at("w").get<int>(), h = expect.at("h").get<int>(), c = expect.at("c").get<int>();
  const auto element = expect.at("elem_bytes").get<uint64_t>();
  const uint64_t lanes = expect.at("atom_bytes").get<uint64_t>() / element;
  const auto line = number(expect.at("line_stride")), surf = number(expect.at("surf_stride"));
  const auto batch_stride = expect.contains("batch_stride") ? number(expect.at("batch_stride")) : 0;
  const int batches = expect.value("batches", 1);
  if (cube.w != w || cube.h != h || cube.c != c || cube.batches != batches) {
    return fmt::format("cube {}x{}x{}x{}", cube.batches, cube.w, cube.h, cube.c);
  }
  for (int b = 0; b < batches; ++b) {
    for (int k = 0; k < c; ++k) {
      for (int i = 0; i < w * h; ++i) {
        const int y = i / w, x = i % w;
        const size_t at = ((static_cast<size_t>(b) * static_cast<size_t>(cube.surfaces()) + static_cast<size_t>(k / cube.lanes)) *
                               static_cast<size_t>(w * h) + static_cast<size_t>(i)) * static_cast<size_t>(cube.lanes) +
                          static_cast<size_t>(k % cube.lanes);
        const auto channel = static_cast<uint64_t>(k);
        const uint64_t offset = static_cast<uint64_t>(b) * batch_stride + channel / lanes * surf +
                                static_cast<uint64_t>(y) * line + (static_cast<uint64_t>(x) * lanes + channel % lanes) * element;
        const uint16_t got = element == 1 ? convert(sdp, cube.data[at]) & 0xff : convert(sdp, cube.data[at]);
        const uint16_t want = element == 1 ? file.at(offset) : load_le<uint16_t>(&file.at(offset));
        const bool both_nan = sdp.proc_precision == 2 && is_nan(got) && is_nan(want);
        if (got != want && !both_nan) {
          return fmt::format("batch {} x {} y {} channel {}: {:#x} instead of {:#x} (accumulator {:#x})", b, x, y, k, got,
                             want, static_cast<uint32_t>(cube.data[at]));
        }
      }
    }
  }
  return "";
}

}  // namespace

std::map<std::string, Bytes> read_archive(const std::filesystem::path& path) {
  std::map<std::string, Bytes> files;
  archive* reader = archive_read_new();
  archive_read_support_format_all(reader);
  archive_read_support_filter_all(reader);
  EXPECT_EQ(archive_read_open_filename(reader, path.c_str(), 1 << 16), ARCHIVE_OK) << path;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
    Bytes bytes(static_cast<size_t>(archive_entry_size(entry)));
    EXPECT_EQ(archive_read_data(reader, bytes.data(), bytes.size()), static_cast<la_ssize_t>(bytes.size()));
    files[archive_entry_pathname(entry)] = std::move(bytes);
  }
  archive_read_free(reader);
  return files;
}

std::span<uint8_t> BlockMemory::view(chip::Ram ram, uint64_t address, uint64_t size, chip::Access) {
  auto block = blocks_.upper_bound({ram, address});
  if (!allow_views || block == blocks_.begin() || size == 0) {
    return {};
  }
  --block;
  const uint64_t offset = address - block->first.second;
  if (block->first.first != ram || offset > block->second.size() || size > block->second.size() - offset) {
    return {};
  }
  return {block->second.data() + offset, size};
}

Status BlockMemory::read(chip::Ram ram, uint64_t address, std::span<uint8_t> out) {
  const bool views = std::exchange(allow_views, true);
  for (size_t i = 0; i < out.size(); ++i) {
    const auto byte = view(ram, address + i, 1, chip::Access::kRead);
    out[i] = byte.empty() ? 0xa5 : byte[0];
  }
  allow_views = views;
  return {};
}

Status BlockMemory::write(chip::Ram, uint64_t address, std::span<const uint8_t>) {
  return fail(Code::kFault, "the convolution core writes no memory, least of all {:#x}", address);
}

std::vector<ConvCase> load_cases(const std::filesystem::path& archive) {
  const auto files = read_archive(archive);
  std::vector<ConvCase> cases;
  for (const auto& [path, bytes] : files) {
    if (!path.ends_with(".json")) {
      continue;
    }
    ConvCase test;
    test.json = nlohmann::json::parse(bytes);
    test.name = test.json.at("name");
    test.config = hw::find_config(test.json.at("config").get<std::string>()).value();
    const std::string folder = path.substr(0, path.rfind('/') + 1);
    for (const auto& block : test.json.at("memory")) {
      test.memory.add(ram_of(block), number(block.at("address")), files.at(folder + block.at("file").get<std::string>()));
    }
    for (auto& expect : test.json.at("expect")) {
      expect["bytes"] = nlohmann::json::binary(files.at(folder + expect.at("file").get<std::string>()));
    }
    Registers registers(test.config->register_map);
    for (const auto& write : test.json.at("registers")) {
      if (registers.write(write.at(0).get<std::string>(), static_cast<uint32_t>(number(write.at(2))))) {
        test.operations.push_back(registers.operation());
      }
    }
    cases.push_back(std::move(test));
  }
  return cases;
}

std::vector<ConvOperation> trace_operations(const std::string& text, hw::RegisterMap map) {
  Registers registers(map);
  std::vector<ConvOperation> operations;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    char name[64];
    unsigned address = 0;
    unsigned value = 0;
    bool enabled = false;
    if (std::sscanf(line.c_str(), " reg_write( %63[A-Za-z0-9_.] , %x )", name, &value) == 2) {
      enabled = registers.write(std::string(name), value);
    } else if (std::sscanf(line.c_str(), " write_reg %x %x", &address, &value) == 2) {
      enabled = registers.write((address & 0xffff) << 2, value);
    }
    if (enabled) {
      operations.push_back(registers.operation());
    }
  }
  return operations;
}

bool passes_through(const hw::SdpGroup& sdp) {
  return sdp.bs_bypass != 0 && sdp.bn_bypass != 0 && sdp.ew_bypass != 0 && sdp.output_dst == 0 &&
         sdp.proc_precision == sdp.out_precision && sdp.flying_mode != 0;
}

std::string run_case(ConvCase& test, chip::ConvCore& core) {
  size_t index = 0;
  for (const ConvOperation& op : test.operations) {
    const auto feed = core.start(op.conv, test.memory);
    const Result<const chip::AccCube*> cube = feed ? feed->rows(0, feed->shape.h) : tl::unexpected<Error>(feed.error());
    if (!cube) {
      return cube.error().to_string();
    }
    core.finish();
    const auto& expect = test.json.at("expect").at(index++);
    if (!passes_through(op.sdp)) {
      continue;
    }
    const std::string difference = compare(expect, expect.at("bytes").get_binary(), op.sdp, **cube);
    if (!difference.empty()) {
      return difference;
    }
  }
  return "";
}

}  // namespace medlar::test
