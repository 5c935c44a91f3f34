// SPDX-License-Identifier: Apache-2.0
#include "bind.hpp"

namespace medlar::python {

TensorView view_of(const Array& array) {
  TensorView view{type_of(array.dtype()), {}, {static_cast<const std::byte*>(array.data()), array.nbytes()}};
  for (size_t i = 0; i < array.ndim(); ++i) {
    view.dims.push_back(static_cast<int64_t>(array.shape(i)));
  }
  return view;
}

void bind_analysis(nb::module_& m) {
  m.def(
      "profile_engine",
      [](const nb::bytes& engine, const std::string& name, const std::string& mode, int core, uint64_t dram,
         const std::map<std::string, Array>& inputs) {
        ProfileRequest request{.mode = mode, .core = core, .dramBytesPerSecond = dram};
        for (const auto& [input, array] : inputs) {
          request.inputs.emplace(input, view_of(array));
        }
        const Span<const std::byte> bytes = span_of(engine);
        nb::gil_scoped_release unlocked;
        return profileEngine(bytes, name, request);
      },
      nb::arg("engine"), nb::arg("name"), nb::arg("mode"), nb::arg("core"), nb::arg("dram_bytes_per_second"),
      nb::arg("inputs"));
  m.def(
      "accuracy_counts",
      [](const std::string& engine, const std::string& model, const std::string& images,
         const std::string& task, uint64_t limit, uint64_t slice, uint64_t slices, double confidence,
         Logger& logger) {
        nb::gil_scoped_release unlocked;
        return accuracyCounts({.engine = engine,
                               .model = model,
                               .images = images,
                               .task = task,
                               .limit = limit,
                               .slice = slice,
                               .slices = slices,
                               .confidence = confidence},
                              logger);
      },
      nb::arg("engine"), nb::arg("model"), nb::arg("images"), nb::arg("task"), nb::arg("limit"),
      nb::arg("slice"), nb::arg("slices"), nb::arg("confidence"), nb::arg("logger"));
  m.def("describe_devices", &describeDevices);
  m.def("simulate_scenario", [](const std::string& file, uint64_t frames, Logger& logger) {
    nb::gil_scoped_release unlocked;
    return simulateScenario(file, logger, frames);
  });
}

}  // namespace medlar::python
