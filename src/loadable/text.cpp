// SPDX-License-Identifier: Apache-2.0
// The dump of a loadable: lists first, then each task's descriptors in the current layout.
#include "hw/descriptors.hpp"
#include "loadable/loadable.hpp"
#include "loadable/task_view.hpp"
#include "loadable/upgrade.hpp"

#include <fmt/ranges.h>

namespace medlar::loadable {
namespace {

std::string version_text(Version v) {
  return fmt::format("{}.{}.{}", v.major, v.minor, v.sub_minor);
}

template <typename... Args>
void line(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
  out += '\n';
}

std::string flags_text(uint16_t flags) {
  static constexpr const char* kNames[] = {"alloc", "set", "input", "output", "debug"};
  std::string text;
  for (int bit = 0; bit < 5; ++bit) {
    if ((flags >> bit) & 1) {
      text += (text.empty() ? "" : "|") + std::string(kNames[bit]);
    }
  }
  return text.empty() ? "0" : text;
}

void tasks_text(std::string& out, const Loadable& l) {
  line(out, "tasks {}", l.tasks.size());
  for (size_t i = 0; i < l.tasks.size(); ++i) {
    const Task& t = l.tasks[i];
    line(out, "  task {} interface={} instance={} addresses=[{}] pre=[{}] post=[{}]", i,
         t.interface == Interface::kDla1 ? "dla" : "emu", t.instance, fmt::join(t.addresses, ","),
         fmt::join(t.pre_actions, ","), fmt::join(t.post_actions, ","));
  }
  line(out, "submits {}", l.submits.size());
  for (size_t i = 0; i < l.submits.size(); ++i) {
    line(out, "  submit {} tasks=[{}]", i, fmt::join(l.submits[i].tasks, ","));
  }
}

void memories_text(std::string& out, const Loadable& l) {
  line(out, "memories {}", l.memories.size());
  for (size_t i = 0; i < l.memories.size(); ++i) {
    const Memory& m = l.memories[i];
    std::string tail;
    if (m.bindable()) {
      tail += fmt::format(" bind={} tensor={}", m.bind_id, m.tensor_desc);
    }
    for (const Content& content : m.contents) {
      tail += fmt::format(" {}@{}", content.blob.empty() ? "-" : content.blob, content.offset);
    }
    line(out, "  memory {} {} flags={} size={} alignment={}{}", i,
         m.domain == Domain::kSystem ? "system" : "sram", flags_text(m.flags), m.size, m.alignment, tail);
  }
  line(out, "addresses {}", l.addresses.size());
  for (size_t i = 0; i < l.addresses.size(); ++i) {
    const Address& a = l.addresses[i];
    line(out, "  address {} memory={} offset={} size={}", i, a.memory, a.offset, a.size);
  }
}

void rest_text(std::string& out, const Loadable& l) {
  line(out, "events {}", l.events.size());
  for (size_t i = 0; i < l.events.size(); ++i) {
    const Event& e = l.events[i];
    line(out, "  event {} {} type={} target={} value={}", i, e.op == EventOp::kWait ? "wait" : "signal",
         e.type, e.target, e.value);
  }
  line(out, "tensors {}", l.tensors.size());
  for (size_t i = 0; i < l.tensors.size(); ++i) {
    const Tensor& t = l.tensors[i];
    line(out,
         "  tensor {} '{}' memory={} offset={} size={} format={} type={} category={} pixel_format={} "
         "mapping={} "
         "n={} c={} h={} w={} strides=[{}]",
         i, t.name, t.memory, t.offset, t.size, static_cast<int>(t.format), static_cast<int>(t.type),
         static_cast<int>(t.category), t.pixel_format, t.pixel_mapping, t.n, t.c, t.h, t.w,
         fmt::join(t.strides, ","));
  }
  line(out, "relocs {}", l.relocs.size());
  for (const Reloc& r : l.relocs) {
    line(out, "  reloc address={} memory={} offset={} interface={} sub={} type={}", r.address, r.write_id,
         r.offset, static_cast<uint32_t>(r.interface), r.sub_interface, static_cast<int>(r.type));
  }
  line(out, "blobs {}", l.blobs.size());
  for (const Blob& b : l.blobs) {
    line(out, "  blob '{}' size={} interface={} sub={} version={}", b.name, b.data.size(),
         static_cast<uint32_t>(b.interface), b.sub_interface, version_text(b.version));
  }
}

std::string op_text(const DlaTaskView& view, uint32_t i) {
  const hw::OpContainer op = view.op_body(i);
  switch (view.op(i).op_type) {
    case NVDLA_OP_TYPE_BDMA:
      return hw::to_text(op.bdma_op);
    case NVDLA_OP_TYPE_CONV:
      return hw::to_text(op.conv_op);
    case NVDLA_OP_TYPE_SDP:
      return hw::to_text(op.sdp_op);
    case NVDLA_OP_TYPE_PDP:
      return hw::to_text(op.pdp_op);
    case NVDLA_OP_TYPE_CDP:
      return hw::to_text(op.cdp_op);
    default:
      return hw::to_text(op.rubik_op);
  }
}

std::string surface_text(const DlaTaskView& view, uint32_t i) {
  const auto surface = load_le<hw::SurfaceContainer>(view.surface(i).data());
  switch (view.op(i).op_type) {
    case NVDLA_OP_TYPE_BDMA:
      return hw::to_text(surface.bdma_surface);
    case NVDLA_OP_TYPE_CONV:
      return hw::to_text(surface.conv_surface);
    case NVDLA_OP_TYPE_SDP:
      return hw::to_text(surface.sdp_surface);
    case NVDLA_OP_TYPE_PDP:
      return hw::to_text(surface.pdp_surface);
    case NVDLA_OP_TYPE_CDP:
      return hw::to_text(surface.cdp_surface);
    default:
      return hw::to_text(surface.rubik_surface);
  }
}

void dla_text(std::string& out, const Loadable& l, size_t task) {
  const auto view = dla_task(l, task);
  if (!view) {
    line(out, "task {} broken: {}", task, view.error().to_string());
    return;
  }
  line(out, "task {} dla network {}", task, hw::to_text(view->network));
  for (uint32_t i = 0; i < view->network.num_luts; ++i) {
    line(out, "  lut {} {}", i, hw::to_text(view->lut(i)));
  }
  for (uint32_t i = 0; i < view->records; ++i) {
    const hw::CommonOpDesc op = view->op(i);
    line(out, "  op {} {} {}", i, hw::op_type_name(op.op_type), hw::to_text(op));
    line(out, "    params {}", op_text(*view, i));
    line(out, "    surface {}", surface_text(*view, i));
  }
}

void emu_text(std::string& out, const Loadable& l, size_t task) {
  const auto view = emu_task(l, task);
  if (!view) {
    line(out, "task {} broken: {}", task, view.error().to_string());
    return;
  }
  line(out, "task {} emu network {}", task, hw::to_text(view->network));
  for (size_t i = 0; !view->old_layout && i < view->network.num_operations; ++i) {
    line(out, "  op {} {}", i, hw::to_text(load_le<hw::EmuOp>(view->op_list.bytes.data() + i * kEmuOpBytes)));
    line(out, "    buffers {}",
         hw::to_text(load_le<hw::EmuOpBuffers>(view->buffer_list.bytes.data() + i * kEmuBuffersBytes)));
  }
}

}  // namespace

std::string to_text(const Loadable& loadable) {
  std::string out;
  line(out, "loadable version {}", version_text(loadable.version));
  tasks_text(out, loadable);
  memories_text(out, loadable);
  rest_text(out, loadable);
  auto current = upgrade(loadable);
  if (!current) {
    line(out, "descriptors broken: {}", current.error().to_string());
    return out;
  }
  for (size_t i = 0; i < current->tasks.size(); ++i) {
    if (current->tasks[i].interface == Interface::kDla1) {
      dla_text(out, *current, i);
    } else {
      emu_text(out, *current, i);
    }
  }
  return out;
}

}  // namespace medlar::loadable
