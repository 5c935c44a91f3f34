// SPDX-License-Identifier: Apache-2.0
#include "program.hpp"

#include <array>
#include <sstream>

#include <archive.h>
#include <archive_entry.h>

namespace medlar::test {
namespace {

using hw::Block;
using Words = std::vector<uint32_t>;

/// Register files of all blocks, two groups each.
class Replay {
 public:
  explicit Replay(hw::RegisterMap map) : map_(map) {
    for (Block block : hw::kBlocks) {
      for (Words& words : files_[static_cast<size_t>(block)]) {
        words.assign(hw::kBlockBytes / 4, 0);
        hw::reset_words(block, map, words);
      }
    }
  }

  void write(uint32_t address, uint32_t value) {
    const auto ref = hw::find_register(address, map_);
    if (!ref) {
      return;
    }
    if (ref->info->name == "S_POINTER") {
      producer_[static_cast<size_t>(ref->block)] = value & 1;
      return;
    }
    Words& words = file(ref->block);
    words[ref->info->offset / 4] = value;
    if (ref->block == Block::kBdma) {
      bdma_write(ref->info->name, words);
    } else if (ref->info->name == "D_OP_ENABLE" && (value & 1) != 0) {
      enabled(ref->block);
    }
  }

  std::vector<timing::Snapshot> operations;

 private:
  Words& file(Block block) {
    const auto i = static_cast<size_t>(block);
    return files_[i][producer_[i]];
  }
  template <typename Group>
  Group group() {
    return Group::decode(file(Group::kBlock), map_);
  }
  std::optional<hw::PdpGroup> pooling_behind(const hw::SdpGroup& sdp) {
    return sdp.output_dst != 0 ? std::optional(group<hw::PdpGroup>()) : std::nullopt;
  }
  void enabled(Block block) {
    if (block == Block::kCdma) {
      const auto sdp = group<hw::SdpGroup>();
      operations.push_back(timing::ConvSnapshot{group<hw::CdmaGroup>(), group<hw::CscGroup>(),
                                                group<hw::CaccGroup>(), group<hw::SdpRdmaGroup>(), sdp,
                                                pooling_behind(sdp)});
    } else if (block == Block::kSdp && group<hw::SdpGroup>().flying_mode == 0) {
      const auto sdp = group<hw::SdpGroup>();
      operations.push_back(timing::SdpSnapshot{group<hw::SdpRdmaGroup>(), sdp, pooling_behind(sdp)});
    } else if (block == Block::kPdp && group<hw::PdpGroup>().flying_mode == hw::value::kPdpFlyingOffFlying) {
      operations.push_back(timing::PdpSnapshot{group<hw::PdpRdmaGroup>(), group<hw::PdpGroup>()});
    }
  }
  void bdma_write(std::string_view name, const Words& words) {
    if (name == "CFG_OP") {
      transfers_.push_back(hw::BdmaGroup::decode(words, map_));
    } else if (name.starts_with("CFG_LAUNCH")) {
      operations.push_back(timing::BdmaSnapshot{std::exchange(transfers_, {})});
    }
  }

  hw::RegisterMap map_;
  std::array<std::array<Words, 2>, hw::kBlockCount> files_;
  std::array<size_t, hw::kBlockCount> producer_{};
  std::vector<hw::BdmaGroup> transfers_;
};

}  // namespace

std::map<std::string, std::string> read_programs(const std::filesystem::path& path) {
  std::map<std::string, std::string> programs;
  archive* reader = archive_read_new();
  archive_read_support_format_all(reader);
  archive_read_support_filter_all(reader);
  archive_entry* entry = nullptr;
  if (archive_read_open_filename(reader, path.c_str(), 1 << 16) == ARCHIVE_OK) {
    while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
      const std::filesystem::path name = archive_entry_pathname(entry);
      if (name.filename() == "input.txn") {
        std::string text(static_cast<size_t>(archive_entry_size(entry)), '\0');
        archive_read_data(reader, text.data(), text.size());
        programs[name.parent_path().filename().string()] = std::move(text);
      }
    }
  }
  archive_read_free(reader);
  return programs;
}

std::vector<timing::Snapshot> snapshots_of(const std::string& program, hw::RegisterMap map) {
  Replay replay(map);
  std::istringstream lines(program);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string command, address, value;
    words >> command >> address >> value;
    if (command == "write_reg") {
      replay.write((static_cast<uint32_t>(std::stoul(address, nullptr, 0)) & 0xffff) << 2,
                   static_cast<uint32_t>(std::stoul(value, nullptr, 0)));
    }
  }
  return std::move(replay.operations);
}

}  // namespace medlar::test
