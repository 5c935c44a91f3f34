// SPDX-License-Identifier: Apache-2.0
// The NVDLA loadable (NVIDIA's FlatBuffer container) as plain values: read, write, verify, print.
// An entry's id is its position in its list, as NVIDIA's runtime has it.
#pragma once

#include "base/bytes.hpp"
#include "base/status.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace medlar::loadable {

struct Version {
  uint8_t major = 0, minor = 0, sub_minor = 0;
  friend bool operator==(const Version&, const Version&) = default;
  friend auto operator<=>(const Version&, const Version&) = default;
};

inline constexpr Version kLoadableVersion{0, 7, 0};  ///< Container version that the compiler writes.
inline constexpr Version kDlaVersion{0, 12, 3};  ///< Descriptor version that it writes (32-byte data cubes).
inline constexpr Version kEmuVersion{0, 0, 1};
inline constexpr uint32_t kPageBytes = 4096;  ///< Alignment of memory entries, granule of pools.
inline constexpr uint32_t kMaxTaskAddresses = 6144;

enum class Interface : uint32_t { kNone = 0, kDla1 = 1, kEmu1 = 2 };
enum class Domain : uint8_t { kSystem = 0, kSram = 1 };
enum class EventOp : uint8_t { kWait = 0, kSignal = 1 };
enum class DataFormat : uint8_t { kUnknown = 0, kNchw = 1, kNhwc = 2, kNCxHWx = 3 };
enum class DataType : uint8_t {
  kUnknown = 0,
  kFloat = 1,
  kHalf = 2,
  kInt16 = 3,
  kInt8 = 4,
  kUint8 = 5,
  kUint16 = 6
};
enum class DataCategory : uint8_t { kImage = 0, kWeight = 1, kFeature = 2, kPlanar = 3, kBias = 4 };
enum class RelocType : uint8_t { kElement = 0, kLine = 1, kSurface = 2, kTensor = 3 };

/// Pixel formats 0..35 are the CDMA's; these two are feature cubes.
inline constexpr uint8_t kPixelFeature = 36;    ///< 32-byte atoms.
inline constexpr uint8_t kPixelFeatureX8 = 37;  ///< 8-byte atoms.

/// Blob::sub_interface of the two interfaces. Old files leave it 0.
inline constexpr uint32_t kSubAddr0 = 1, kSubDeps = 2, kSubOps = 3, kSubSurfs = 4, kSubLuts = 5;

/// Memory::flags bits.
inline constexpr uint16_t kMemoryAlloc = 1, kMemorySet = 2, kMemoryInput = 4, kMemoryOutput = 8,
                          kMemoryDebug = 16;

struct Blob {
  std::string name{};
  Interface interface = Interface::kNone;
  uint32_t sub_interface = 0;
  Version version{};
  ByteBuffer data{};
  friend bool operator==(const Blob&, const Blob&) = default;
};

/// A blob copied to `offset` of a memory entry that has kMemorySet.
struct Content {
  std::string blob{};
  uint64_t offset = 0;
  friend bool operator==(const Content&, const Content&) = default;
};

struct Memory {
  Domain domain = Domain::kSystem;
  uint16_t flags = 0;
  uint64_t size = 0;
  uint32_t alignment = 0;
  std::vector<Content> contents{};
  uint16_t bind_id = 0;      ///< Inputs and outputs are numbered separately, each from 0.
  uint16_t tensor_desc = 0;  ///< Of an input or output.
  bool has(uint16_t flag) const { return (flags & flag) != 0; }
  bool bindable() const { return (flags & (kMemoryInput | kMemoryOutput)) != 0; }
  friend bool operator==(const Memory&, const Memory&) = default;
};

struct Address {
  uint16_t memory = 0;
  uint64_t offset = 0;
  uint64_t size = 0;
  friend bool operator==(const Address&, const Address&) = default;
};

struct Task {
  Interface interface = Interface::kDla1;
  int16_t instance = -1;  ///< Device number, -1 any.
  std::vector<uint16_t>
      addresses{};  ///< Descriptors name their buffers by position in this list; 0 is the task itself.
  std::vector<uint16_t> pre_actions{}, post_actions{};
  friend bool operator==(const Task&, const Task&) = default;
};

struct Event {
  uint8_t type = 0;
  uint16_t target = 0;
  uint32_t value = 0;
  EventOp op = EventOp::kWait;
  friend bool operator==(const Event&, const Event&) = default;
};

struct Tensor {
  std::string name{};
  uint16_t memory = 0;
  uint64_t size = 0;
  uint64_t offset = 0;
  DataFormat format = DataFormat::kNCxHWx;
  DataType type = DataType::kInt8;
  DataCategory category = DataCategory::kFeature;
  uint8_t pixel_format = kPixelFeature;
  uint8_t pixel_mapping = 0;
  int32_t n = 1, c = 0, h = 0, w = 0;
  std::array<uint32_t, 8> strides{};  ///< [0] bytes an element, [1] line, [2] surface (feature cubes).
  friend bool operator==(const Tensor&, const Tensor&) = default;
};

/// A stride word inside a descriptor blob that changes with the strides of a bound buffer.
struct Reloc {
  uint16_t address = 0;   ///< Address entry of the bound buffer.
  uint16_t write_id = 0;  ///< Memory entry that holds the word.
  uint64_t offset = 0;    ///< Byte offset of the word inside it.
  Interface interface = Interface::kDla1;
  uint32_t sub_interface = 0;
  RelocType type = RelocType::kLine;
  friend bool operator==(const Reloc&, const Reloc&) = default;
};

struct Submit {
  std::vector<uint16_t> tasks{};
  friend bool operator==(const Submit&, const Submit&) = default;
};

struct Loadable {
  Version version = kLoadableVersion;
  std::vector<Task> tasks{};
  std::vector<Memory> memories{};
  std::vector<Address> addresses{};
  std::vector<Event> events{};
  std::vector<Blob> blobs{};
  std::vector<Tensor> tensors{};
  std::vector<Reloc> relocs{};
  std::vector<Submit> submits{};
  friend bool operator==(const Loadable&, const Loadable&) = default;
};

/// Parses and verifies a loadable of any known version, as it stands (see upgrade.hpp for old descriptor
/// layouts). Errors (kCorrupt) start with `name` and say which entry, limit and value.
Result<Loadable> read(ByteView bytes, std::string_view name);

/// Serialises: deterministic, identifier "NVDA", every list present. Does not verify.
ByteBuffer write(const Loadable& loadable);

/// Every reference inside the loadable holds: ids in range, contents fit, addresses inside their memories,
/// bind ids contiguous, each task's descriptor lists found through its address list and large enough.
Status verify(const Loadable& loadable);

/// A stable, line-oriented dump of the lists and the decoded descriptors.
std::string to_text(const Loadable& loadable);

/// Null when there is none of that name.
const Blob* find_blob(const Loadable& loadable, std::string_view name);

/// The descriptor version of a DLA or EMU task: that of its network descriptor's blob.
Result<Version> task_version(const Loadable& loadable, size_t task);

/// The bytes of the blob that fills an address entry's memory from that entry's offset.
Result<ByteView> blob_at(const Loadable& loadable, uint16_t address);

/// The entry of `task.addresses` at `index` (as descriptors name it).
Result<uint16_t> task_address(const Task& task, int64_t index);

}  // namespace medlar::loadable
