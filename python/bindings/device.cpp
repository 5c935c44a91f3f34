// SPDX-License-Identifier: Apache-2.0
#include "bind.hpp"

#include <cstring>

namespace medlar::python {
namespace {

/// The buffer's memory as a NumPy array, without a copy; the array keeps the memory.
nb::object array_of(const Buffer& buffer, int type, const Dims& dims, size_t offset) {
  const auto element = static_cast<DataType>(type);
  const size_t bytes = volume(dims) * elementBytes(element);
  if (offset > buffer.size() || bytes > buffer.size() - offset) {
    throw OutOfRange("an array of " + std::to_string(bytes) + " bytes at offset " + std::to_string(offset) +
                     " of a buffer of " + std::to_string(buffer.size()));
  }
  auto* kept = new Buffer(buffer);
  const nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<Buffer*>(p); });
  std::vector<size_t> shape(dims.begin(), dims.end());
  return nb::cast(nb::ndarray<nb::numpy>(static_cast<std::byte*>(buffer.data()) + offset, shape.size(),
                                         shape.data(), owner, nullptr, dlpack_type(element)));
}

void* pointer(uintptr_t address) {
  return reinterpret_cast<void*>(address);
}

void bind_queues(nb::module_& m) {
  nb::class_<Event>(m, "Event")
      .def("record", &Event::record)
      .def("synchronize", &Event::synchronize, Unlocked())
      .def_prop_ro("done", &Event::done)
      .def("modelled_ms_since", &Event::modelledMsSince,
           "Milliseconds that the device would take, as modelled.")
      .def("host_ms_since", &Event::hostMsSince, "Milliseconds that this computer took.");
  nb::class_<Stream>(m, "Stream")
      .def("synchronize", &Stream::synchronize, Unlocked())
      .def_prop_ro("done", &Stream::done)
      .def("wait", &Stream::wait)
      .def("copy", [](const Stream& s, uintptr_t to, uintptr_t from,
                      size_t n) { s.copy(pointer(to), pointer(from), n); })
      .def("fill", [](const Stream& s, uintptr_t to, int value, size_t n) { s.fill(pointer(to), value, n); })
      .def("host", [](const Stream& s, nb::object call) {
        const std::shared_ptr<nb::object> kept(new nb::object(std::move(call)), [](nb::object* object) {
          nb::gil_scoped_acquire lock;
          delete object;
        });
        s.host([kept] {
          nb::gil_scoped_acquire lock;
          (*kept)();
        });
      });
}

}  // namespace

void bind_device(nb::module_& m) {
  bind_queues(m);
  nb::class_<Buffer>(m, "Buffer", "Memory of the module, mapped here.")
      .def_prop_ro("address", [](const Buffer& b) { return reinterpret_cast<uintptr_t>(b.data()); })
      .def_prop_ro("size", &Buffer::size)
      .def("export_fd", &Buffer::exportFd)
      .def("free", &Buffer::reset)
      .def("array", &array_of, nb::arg("dtype"), nb::arg("shape"), nb::arg("offset") = 0);
  nb::class_<Device>(m, "Device", "A simulated module.")
      .def(nb::new_([](std::string_view name) { return Device::open(name); }), nb::arg("name") = "")
      .def_static("current", &Device::current, Unlocked())
      .def_static("set_current", &Device::setCurrent)
      .def_static("names", &Device::names)
      .def_static("default_name", &Device::defaultName)
      .def_prop_ro("name", &Device::name)
      .def_prop_ro("label", &Device::label)
      .def_prop_ro("num_dla_cores", &Device::numDLACores)
      .def_prop_ro("memory",
                   [](const Device& d) {
                     const MemoryInfo info = d.memory();
                     return std::make_pair(info.totalBytes, info.allocatedBytes);
                   })
      .def("allocate", &Device::allocate)
      .def("import_fd", &Device::importFd, nb::arg("fd"), nb::arg("read_only") = false)
      .def("close_fd", &Device::closeFd)
      .def("check_range",
           [](const Device& d, uintptr_t address, size_t n) { d.checkRange(pointer(address), n); })
      .def("create_stream", &Device::createStream)
      .def("create_event", &Device::createEvent)
      .def("synchronize", &Device::synchronize, Unlocked());
  m.def("copy_bytes", [](uintptr_t to, uintptr_t from, size_t n) {
    nb::gil_scoped_release unlocked;
    std::memmove(pointer(to), pointer(from), n);
  });
  m.def("fill_bytes", [](uintptr_t to, int value, size_t n) { std::memset(pointer(to), value, n); });
}

}  // namespace medlar::python
