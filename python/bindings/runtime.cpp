// SPDX-License-Identifier: Apache-2.0
#include "bind.hpp"

#include <nanobind/trampoline.h>

namespace medlar::python {
namespace {

class PyProfiler : public Profiler {
 public:
  NB_TRAMPOLINE(Profiler, 1);
  void report(const LayerTime& layer) override {
    nb::gil_scoped_acquire lock;
    nb_trampoline.base().attr("report")(layer.name, layer.modelledMs, layer.hostMs,
                                        static_cast<int>(layer.placed), layer.onnxNodes);
  }
};

std::string dims_text(const Dims& dims) {
  std::string text = "(";
  for (size_t i = 0; i < dims.size(); ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(dims[i]);
  }
  return text + ")";
}

/// Throws InvalidArgument naming the tensor, what it is and what was given.
template <typename AnyArray>
void check_array(const TensorInfo& tensor, const AnyArray& array) {
  const DataType type = type_of(array.dtype());
  bool fits = type == tensor.type && array.ndim() == tensor.dims.size();
  for (size_t i = 0; fits && i < array.ndim(); ++i) {
    fits = static_cast<int64_t>(array.shape(i)) == tensor.dims[i];
  }
  if (!fits) {
    Dims dims;
    for (size_t i = 0; i < array.ndim(); ++i) {
      dims.push_back(static_cast<int64_t>(array.shape(i)));
    }
    throw InvalidArgument(std::string(tensor.input ? "input" : "output") + " '" + tensor.name + "' is " +
                          dataTypeName(tensor.type) + " " + dims_text(tensor.dims) + ", given is " +
                          dataTypeName(type) + " " + dims_text(dims));
  }
}

/// The dict's arrays as the engine's tensors, checked; `kept` owns what was cast for them.
template <typename AnyArray, typename Bytes>
std::map<std::string, Span<Bytes>> spans_of(const Engine& engine, const nb::dict& arrays,
                                            std::vector<AnyArray>& kept) {
  std::map<std::string, Span<Bytes>> spans;
  kept.reserve(arrays.size());
  for (const auto& [key, value] : arrays) {
    std::string_view name;
    if (!nb::try_cast(key, name)) {
      throw nb::type_error("arrays are given by name: a key is no string");
    }
    const TensorInfo& tensor = engine.tensor(name);
    AnyArray& array = kept.emplace_back();
    if (!nb::try_cast(value, array)) {
      throw nb::type_error((std::string(tensor.input ? "input" : "output") + " '" + tensor.name +
                            "' takes a C-contiguous array of the CPU's")
                               .c_str());
    }
    check_array(tensor, array);
    spans.emplace(tensor.name, Span<Bytes>{static_cast<Bytes*>(array.data()), array.nbytes()});
  }
  return spans;
}

void run(ExecutionContext& context, const Engine& engine, const nb::dict& inputs, const nb::dict& outputs) {
  std::vector<Array> read;
  std::vector<WritableArray> written;
  const auto from = spans_of<Array, const std::byte>(engine, inputs, read);
  const auto to = spans_of<WritableArray, std::byte>(engine, outputs, written);
  nb::gil_scoped_release unlocked;
  context.run(from, to);
}

nb::list layer_list(const std::vector<LayerTime>& layers) {
  nb::list list;
  for (const LayerTime& layer : layers) {
    list.append(nb::make_tuple(layer.name, static_cast<int>(layer.placed), layer.onnxNodes, layer.modelledMs,
                               layer.hostMs));
  }
  return list;
}

void bind_context(nb::module_& m) {
  nb::class_<ExecutionContext>(m, "Context")
      .def("set_tensor_address",
           [](ExecutionContext& c, std::string_view name, uintptr_t address) {
             c.setTensorAddress(name, reinterpret_cast<void*>(address));
           })
      .def("get_tensor_address",
           [](const ExecutionContext& c, std::string_view name) {
             return reinterpret_cast<uintptr_t>(c.tensorAddress(name));
           })
      .def("set_input_shape", &ExecutionContext::setInputShape)
      .def("execute", &ExecutionContext::execute, Unlocked())
      .def("enqueue", &ExecutionContext::enqueue, Unlocked())
      .def("run", &run)
      .def("output_shape", &ExecutionContext::outputDims)
      .def("open_output",
           [](const ExecutionContext& c, std::string_view name) { return to_numpy(c.openOutput(name)); })
      .def("set_profiler", &ExecutionContext::setProfiler, nb::arg().none(), nb::keep_alive<1, 2>())
      .def_prop_ro("last_times",
                   [](const ExecutionContext& c) {
                     const RunTimes times = c.lastTimes();
                     return std::make_pair(times.modelledDlaMs, times.hostMs);
                   })
      .def_prop_ro("last_layers", [](const ExecutionContext& c) { return layer_list(c.lastLayers()); });
}

nb::dict reference_run(const std::string& model, const std::map<std::string, Array>& inputs,
                       const std::map<std::string, Dims>& shapes) {
  std::map<std::string, TensorView> views;
  for (const auto& [name, array] : inputs) {
    views.emplace(name, view_of(array));
  }
  std::map<std::string, OwnedWeights> results;
  {
    nb::gil_scoped_release unlocked;
    results = runReference(model, views, shapes);
  }
  nb::dict out;
  for (auto& [name, tensor] : results) {
    out[name.c_str()] = to_numpy(std::move(tensor));
  }
  return out;
}

}  // namespace

void bind_runtime(nb::module_& m) {
  nb::class_<Profiler, PyProfiler>(m, "Profiler").def(nb::init<>());
  bind_context(m);
  nb::class_<Engine>(m, "Engine")
      .def_prop_ro("model_name", &Engine::modelName)
      .def_prop_ro("device_name", &Engine::deviceName)
      .def_prop_ro("precision", &Engine::precision)
      .def_prop_ro(
          "tensors",
          [](const Engine& e) {
            nb::list list;
            for (const TensorInfo& t : e.tensors()) {
              list.append(nb::make_tuple(t.name, t.input, static_cast<int>(t.type), t.dims, t.bytes));
            }
            return list;
          })
      .def_prop_ro("num_layers", &Engine::numLayers)
      .def_prop_ro("layer_names", &Engine::layerNames)
      .def_prop_ro("device_memory_bytes", &Engine::deviceMemoryBytes)
      .def("serialize", [](const Engine& e) { return to_bytes(e.serialize()); })
      .def("inspect", &Engine::inspect)
      .def("inspect_layer", &Engine::inspectLayer)
      .def("placement_text", &Engine::placementText)
      .def("create_context", &Engine::createExecutionContext, nb::arg("core") = 0)
      .def("device", &Engine::device);
  m.def("reference_run", &reference_run);
  nb::class_<Runtime>(m, "Runtime")
      .def(nb::init<Logger&, Device>(), nb::keep_alive<1, 2>())
      .def_prop_rw("dla_core", &Runtime::dlaCore, &Runtime::setDLACore)
      .def_prop_ro("num_dla_cores", &Runtime::numDLACores)
      .def(
          "deserialize",
          [](const Runtime& r, const nb::bytes& engine, std::string_view name) {
            const auto bytes = span_of(engine);
            nb::gil_scoped_release unlocked;
            return r.deserialize(bytes, name);
          },
          nb::arg("engine"), nb::arg("name") = "engine", nb::keep_alive<0, 1>());
}

}  // namespace medlar::python
