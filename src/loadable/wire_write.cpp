// SPDX-License-Identifier: Apache-2.0
// Loadable to FlatBuffer. NVIDIA's runtime does not check for absent lists, names or versions: all are
// written.
#include "loadable/loadable.hpp"
#include "nvdla_loadable_generated.h"

namespace medlar::loadable {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;
template <typename T>
using Offsets = std::vector<flatbuffers::Offset<T>>;

wire::Version wire_version(Version v) {
  return {v.major, v.minor, v.sub_minor};
}

auto write_tasks(Builder& fb, const Loadable& l) {
  Offsets<wire::TaskListEntry> out;
  for (const Task& t : l.tasks) {
    const auto addresses = fb.CreateVector(t.addresses);
    const auto pre = fb.CreateVector(t.pre_actions);
    const auto post = fb.CreateVector(t.post_actions);
    out.push_back(wire::CreateTaskListEntry(fb, static_cast<uint16_t>(out.size()),
                                            static_cast<uint32_t>(t.interface), t.instance, addresses, pre,
                                            post));
  }
  return fb.CreateVector(out);
}

auto write_memories(Builder& fb, const Loadable& l) {
  Offsets<wire::MemoryListEntry> out;
  for (const Memory& m : l.memories) {
    Offsets<flatbuffers::String> names;
    std::vector<uint64_t> offsets;
    for (const Content& content : m.contents) {
      names.push_back(fb.CreateString(content.blob));
      offsets.push_back(content.offset);
    }
    const auto contents = fb.CreateVector(names);
    const auto places = fb.CreateVector(offsets);
    out.push_back(wire::CreateMemoryListEntry(fb, static_cast<uint16_t>(out.size()),
                                              static_cast<uint8_t>(m.domain), m.flags, m.size, m.alignment,
                                              contents, places, m.bind_id, m.tensor_desc));
  }
  return fb.CreateVector(out);
}

auto write_addresses(Builder& fb, const Loadable& l) {
  Offsets<wire::AddressListEntry> out;
  for (const Address& a : l.addresses) {
    out.push_back(
        wire::CreateAddressListEntry(fb, static_cast<uint16_t>(out.size()), a.memory, a.offset, a.size));
  }
  return fb.CreateVector(out);
}

auto write_events(Builder& fb, const Loadable& l) {
  Offsets<wire::EventListEntry> out;
  for (const Event& e : l.events) {
    out.push_back(wire::CreateEventListEntry(fb, static_cast<uint16_t>(out.size()), e.type, e.target, e.value,
                                             static_cast<uint8_t>(e.op)));
  }
  return fb.CreateVector(out);
}

auto write_blobs(Builder& fb, const Loadable& l) {
  Offsets<wire::Blob> out;
  for (const Blob& b : l.blobs) {
    const auto name = fb.CreateString(b.name);
    const auto data = fb.CreateVector(b.data);
    const wire::Version version = wire_version(b.version);
    out.push_back(wire::CreateBlob(fb, name, b.data.size(), static_cast<uint32_t>(b.interface),
                                   b.sub_interface, &version, data));
  }
  return fb.CreateVector(out);
}

auto write_tensors(Builder& fb, const Loadable& l) {
  Offsets<wire::TensorDescListEntry> out;
  for (const Tensor& t : l.tensors) {
    const auto& s = t.strides;
    out.push_back(wire::CreateTensorDescListEntry(
        fb, fb.CreateString(t.name), static_cast<uint16_t>(out.size()), t.memory, t.size, t.offset,
        static_cast<uint8_t>(t.format), static_cast<uint8_t>(t.type), static_cast<uint8_t>(t.category),
        t.pixel_format, t.pixel_mapping, t.n, t.c, t.h, t.w, s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]));
  }
  return fb.CreateVector(out);
}

auto write_relocs(Builder& fb, const Loadable& l) {
  Offsets<wire::RelocListEntry> out;
  for (const Reloc& r : l.relocs) {
    out.push_back(wire::CreateRelocListEntry(fb, r.address, r.write_id, r.offset,
                                             static_cast<uint32_t>(r.interface), r.sub_interface,
                                             static_cast<uint8_t>(r.type)));
  }
  return fb.CreateVector(out);
}

auto write_submits(Builder& fb, const Loadable& l) {
  Offsets<wire::SubmitListEntry> out;
  for (const Submit& s : l.submits) {
    const auto tasks = fb.CreateVector(s.tasks);
    out.push_back(wire::CreateSubmitListEntry(fb, static_cast<uint16_t>(out.size()), tasks));
  }
  return fb.CreateVector(out);
}

}  // namespace

ByteBuffer write(const Loadable& loadable) {
  Builder fb;
  const auto tasks = write_tasks(fb, loadable);
  const auto memories = write_memories(fb, loadable);
  const auto addresses = write_addresses(fb, loadable);
  const auto events = write_events(fb, loadable);
  const auto blobs = write_blobs(fb, loadable);
  const auto tensors = write_tensors(fb, loadable);
  const auto relocs = write_relocs(fb, loadable);
  const auto submits = write_submits(fb, loadable);
  const wire::Version version = wire_version(loadable.version);
  const auto root =
      wire::CreateLoadable(fb, &version, tasks, memories, addresses, events, blobs, tensors, relocs, submits);
  wire::FinishLoadableBuffer(fb, root);
  return {fb.GetBufferPointer(), fb.GetBufferPointer() + fb.GetSize()};
}

}  // namespace medlar::loadable
