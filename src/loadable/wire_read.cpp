// SPDX-License-Identifier: Apache-2.0
// FlatBuffer to Loadable. The buffer is hostile: FlatBuffers' verifier first, then the rules of verify().
#include "loadable/loadable.hpp"
#include "nvdla_loadable_generated.h"

#include <algorithm>

namespace medlar::loadable {
namespace {

constexpr uint32_t kMaxTables = 4'000'000;  // Above any real file; bounds the verifier's work.
constexpr uint32_t kMaxDepth = 8;           // The schema nests two tables deep.

template <typename T>
using List = flatbuffers::Vector<flatbuffers::Offset<T>>;

std::string text(const flatbuffers::String* value) {
  return value ? std::string(value->data(), value->size()) : std::string();
}

template <typename T>
std::vector<T> numbers(const flatbuffers::Vector<T>* values) {
  return values ? std::vector<T>(values->begin(), values->end()) : std::vector<T>();
}

Version version_of(const wire::Version* value) {
  return value ? Version{value->major(), value->minor(), value->sub_minor()} : Version{};
}

/// Calls `convert(entry, position)` for each entry of a list that must be present.
template <typename T, typename Out, typename Convert>
Status read_list(const List<T>* list, const char* what, std::vector<Out>& out, Convert convert) {
  if (!list) {
    return fail(Code::kCorrupt, "the {} list is absent", what);
  }
  out.reserve(list->size());
  for (uint32_t i = 0; i < list->size(); ++i) {
    const T* entry = list->Get(i);
    if constexpr (requires { entry->id(); }) {
      if (entry->id() != i) {
        return fail(Code::kCorrupt, "{} {}: id is {}, must equal the position", what, i, entry->id());
      }
    }
    MEDLAR_ASSIGN(Out value, convert(*entry, i));
    out.push_back(std::move(value));
  }
  return {};
}

Result<Task> read_task(const wire::TaskListEntry& e, uint32_t) {
  return Task{.interface = static_cast<Interface>(e.interface()),
              .instance = e.instance(),
              .addresses = numbers(e.address_list()),
              .pre_actions = numbers(e.pre_actions()),
              .post_actions = numbers(e.post_actions())};
}

Result<Memory> read_memory(const wire::MemoryListEntry& e, uint32_t i) {
  Memory memory{.domain = static_cast<Domain>(e.domain()),
                .flags = e.flags(),
                .size = e.size(),
                .alignment = e.alignment(),
                .contents = {},
                .bind_id = e.bind_id(),
                .tensor_desc = e.tensor_desc_id()};
  const uint32_t contents = e.contents() ? e.contents()->size() : 0;
  const uint32_t offsets = e.offsets() ? e.offsets()->size() : 0;
  if (contents != offsets) {
    return fail(Code::kCorrupt, "memory {}: {} contents but {} offsets", i, contents, offsets);
  }
  for (uint32_t k = 0; k < contents; ++k) {
    // FlatBuffers' verifier aligns a vector's length, not its elements of 8 bytes.
    const auto offset = load_le<uint64_t>(e.offsets()->Data() + k * sizeof(uint64_t));
    memory.contents.push_back({text(e.contents()->Get(k)), offset});
  }
  return memory;
}

Result<Address> read_address(const wire::AddressListEntry& e, uint32_t) {
  return Address{.memory = e.mem_id(), .offset = e.offset(), .size = e.size()};
}

Result<Event> read_event(const wire::EventListEntry& e, uint32_t) {
  return Event{.type = e.type(), .target = e.target(), .value = e.val(), .op = static_cast<EventOp>(e.op())};
}

Result<Blob> read_blob(const wire::Blob& e, uint32_t i) {
  Blob blob{.name = text(e.name()),
            .interface = static_cast<Interface>(e.interface()),
            .sub_interface = e.sub_interface(),
            .version = version_of(e.version()),
            .data = numbers(e.data())};
  if (e.size() != blob.data.size()) {
    return fail(Code::kCorrupt, "blob {} '{}': size says {}, data has {} bytes", i, blob.name, e.size(),
                blob.data.size());
  }
  return blob;
}

Result<Tensor> read_tensor(const wire::TensorDescListEntry& e, uint32_t) {
  return Tensor{.name = text(e.name()),
                .memory = e.mem_id(),
                .size = e.size(),
                .offset = e.offset(),
                .format = static_cast<DataFormat>(e.data_format()),
                .type = static_cast<DataType>(e.data_type()),
                .category = static_cast<DataCategory>(e.data_category()),
                .pixel_format = e.pixel_format(),
                .pixel_mapping = e.pixel_mapping(),
                .n = e.n(),
                .c = e.c(),
                .h = e.h(),
                .w = e.w(),
                .strides = {e.stride_0(), e.stride_1(), e.stride_2(), e.stride_3(), e.stride_4(),
                            e.stride_5(), e.stride_6(), e.stride_7()}};
}

Result<Reloc> read_reloc(const wire::RelocListEntry& e, uint32_t) {
  return Reloc{.address = e.address_id(),
               .write_id = e.write_id(),
               .offset = e.offset(),
               .interface = static_cast<Interface>(e.interface()),
               .sub_interface = e.sub_interface(),
               .type = static_cast<RelocType>(e.reloc_type())};
}

Result<Submit> read_submit(const wire::SubmitListEntry& e, uint32_t) {
  return Submit{.tasks = numbers(e.task_id())};
}

Result<Loadable> convert(const wire::Loadable& root) {
  Loadable l;
  l.version = version_of(root.version());
  MEDLAR_TRY(read_list(root.task_list(), "task", l.tasks, read_task));
  MEDLAR_TRY(read_list(root.memory_list(), "memory", l.memories, read_memory));
  MEDLAR_TRY(read_list(root.address_list(), "address", l.addresses, read_address));
  MEDLAR_TRY(read_list(root.event_list(), "event", l.events, read_event));
  MEDLAR_TRY(read_list(root.blobs(), "blob", l.blobs, read_blob));
  MEDLAR_TRY(read_list(root.tensor_desc_list(), "tensor", l.tensors, read_tensor));
  MEDLAR_TRY(read_list(root.reloc_list(), "reloc", l.relocs, read_reloc));
  MEDLAR_TRY(read_list(root.submit_list(), "submit", l.submits, read_submit));
  MEDLAR_TRY(verify(l));
  return l;
}

bool verifies(const ByteBuffer& bytes) {
  // Official files older than descriptor version 0.11 carry no file identifier, so none is asked for.
  flatbuffers::Verifier verifier(bytes.data(), bytes.size(), kMaxDepth, kMaxTables);
  return verifier.VerifyBuffer<wire::Loadable>(nullptr);
}

/// Some official files lost the padding in front: everything in them is aligned from the end. Four bytes and
/// a root offset that skips them bring the alignment back that accessors rely on.
ByteBuffer with_padding(const ByteBuffer& bytes) {
  constexpr uint32_t kPadding = 4;
  ByteBuffer out(kPadding);
  store_le(out.data(), load_le<uint32_t>(bytes.data()) + kPadding);
  out.insert(out.end(), bytes.begin(), bytes.end());
  return out;
}

}  // namespace

Result<Loadable> read(ByteView bytes, std::string_view name) {
  if (bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE - sizeof(uint64_t)) {
    return fail(Code::kCorrupt, "{}: {} bytes, a loadable has fewer than {}", name, bytes.size(),
                static_cast<uint64_t>(FLATBUFFERS_MAX_BUFFER_SIZE - sizeof(uint64_t)));
  }
  ByteBuffer buffer(bytes.begin(),
                    bytes.end());  // Aligned for any scalar, which the caller's view may not be.
  bool good = verifies(buffer);
  if (!good && buffer.size() > sizeof(uint64_t)) {
    buffer = with_padding(buffer);
    good = verifies(buffer);
  }
  if (!good) {
    return fail(Code::kCorrupt, "{}: not an NVDLA loadable: broken FlatBuffer ({} bytes)", name,
                bytes.size());
  }
  auto loadable = convert(*flatbuffers::GetRoot<wire::Loadable>(buffer.data()));
  if (!loadable) {
    return tl::unexpected<Error>(std::move(loadable).error().in(name));
  }
  return loadable;
}

}  // namespace medlar::loadable
