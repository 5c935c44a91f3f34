// SPDX-License-Identifier: Apache-2.0
#include "bind.hpp"

#include <nanobind/trampoline.h>

namespace medlar::python {
namespace {

/// A Python object with batch_size(), get_batch(names) -> addresses or None, read_cache() and
/// write_cache(bytes).
class PyCalibrator : public Calibrator {
 public:
  NB_TRAMPOLINE(Calibrator, 5);
  CalibrationAlgorithm algorithm() const override {
    nb::gil_scoped_acquire lock;
    return static_cast<CalibrationAlgorithm>(nb::cast<int>(nb_trampoline_object().attr("algorithm")()));
  }
  int batchSize() const override {
    nb::gil_scoped_acquire lock;
    return nb::cast<int>(nb_trampoline_object().attr("batch_size")());
  }
  bool getBatch(Span<const void*> bindings, const std::vector<std::string>& names) override {
    nb::gil_scoped_acquire lock;
    const nb::object batch = nb_trampoline_object().attr("get_batch")(names);
    if (batch.is_none()) {
      return false;
    }
    size_t i = 0;
    for (const nb::handle address : batch) {
      if (i == bindings.size()) {
        throw InvalidArgument("get_batch returned more addresses than there are inputs");
      }
      bindings[i++] = reinterpret_cast<const void*>(nb::cast<uintptr_t>(address));
    }
    return i == bindings.size();
  }
  std::vector<std::byte> readCache() override {
    nb::gil_scoped_acquire lock;
    const nb::object cache = nb_trampoline_object().attr("read_cache")();
    if (cache.is_none()) {
      return {};
    }
    const nb::bytes data = nb::cast<nb::bytes>(cache);
    const auto span = span_of(data);
    return {span.begin(), span.end()};
  }
  void writeCache(Span<const std::byte> cache) override {
    nb::gil_scoped_acquire lock;
    nb_trampoline_object().attr("write_cache")(to_bytes(cache));
  }

 private:
  nb::handle nb_trampoline_object() const { return nb_trampoline.base(); }
};

nb::tuple placement_tuple(const LayerPlacement& p) {
  return nb::make_tuple(p.layer, static_cast<int>(p.placed), p.precision, p.reasonCode, p.reason);
}

nb::list placement_list(const std::vector<LayerPlacement>& placements) {
  nb::list list;
  for (const LayerPlacement& placement : placements) {
    list.append(placement_tuple(placement));
  }
  return list;
}

/// Called without the GIL from the building thread.
BuilderConfig::Progress progress_of(nb::object callback) {
  if (callback.is_none()) {
    return {};
  }
  // Dropped with the GIL held, wherever the last copy goes.
  const std::shared_ptr<nb::object> kept(new nb::object(std::move(callback)), [](nb::object* object) {
    nb::gil_scoped_acquire lock;
    delete object;
  });
  return [kept](std::string_view what, uint64_t done, uint64_t total) {
    nb::gil_scoped_acquire lock;
    const nb::object answer = (*kept)(std::string(what), done, total);
    return answer.is_none() || nb::cast<bool>(answer);
  };
}

void bind_config(nb::module_& m) {
  nb::class_<OptimizationProfile>(m, "OptimizationProfile")
      .def(nb::init<>())
      .def("set_shape", &OptimizationProfile::setShape)
      .def("shapes", &OptimizationProfile::shapes);
  nb::class_<BuilderConfig>(m, "BuilderConfig")
      .def("set_flag", [](BuilderConfig& c, int flag) { c.setFlag(static_cast<BuilderFlag>(flag)); })
      .def("clear_flag", [](BuilderConfig& c, int flag) { c.clearFlag(static_cast<BuilderFlag>(flag)); })
      .def("get_flag",
           [](const BuilderConfig& c, int flag) { return c.flag(static_cast<BuilderFlag>(flag)); })
      .def_prop_ro("flags", &BuilderConfig::flags)
      .def_prop_rw(
          "default_device_type",
          [](const BuilderConfig& c) { return static_cast<int>(c.defaultDeviceType()); },
          [](BuilderConfig& c, int type) { c.setDefaultDeviceType(static_cast<DeviceType>(type)); })
      .def("set_device_type", [](BuilderConfig& c, const Layer& l,
                                 int type) { c.setDeviceType(l, static_cast<DeviceType>(type)); })
      .def("get_device_type",
           [](const BuilderConfig& c, const Layer& l) { return static_cast<int>(c.deviceType(l)); })
      .def("is_device_type_set", &BuilderConfig::isDeviceTypeSet)
      .def("reset_device_type", &BuilderConfig::resetDeviceType)
      .def("can_run_on_dla", &BuilderConfig::canRunOnDLA)
      .def_prop_rw("dla_core", &BuilderConfig::dlaCore, &BuilderConfig::setDLACore)
      .def("set_memory_pool_limit",
           [](BuilderConfig& c, int pool, size_t bytes) {
             c.setMemoryPoolLimit(static_cast<MemoryPoolType>(pool), bytes);
           })
      .def("get_memory_pool_limit",
           [](const BuilderConfig& c, int pool) {
             return c.memoryPoolLimit(static_cast<MemoryPoolType>(pool));
           })
      .def("add_optimization_profile", &BuilderConfig::addOptimizationProfile)
      .def_prop_ro("num_optimization_profiles", &BuilderConfig::numOptimizationProfiles)
      .def("set_calibrator", &BuilderConfig::setCalibrator, nb::arg().none(), nb::keep_alive<1, 2>())
      .def("set_calibration_path", &BuilderConfig::setCalibrationPath)
      .def_prop_rw("device", &BuilderConfig::device, &BuilderConfig::setDevice)
      .def(
          "set_progress",
          [](BuilderConfig& c, nb::object callback) { c.setProgress(progress_of(std::move(callback))); },
          nb::arg().none());
}

}  // namespace

void bind_build(nb::module_& m) {
  nb::class_<Calibrator, PyCalibrator>(m, "Calibrator").def(nb::init<>());
  bind_config(m);
  nb::class_<Builder>(m, "Builder")
      .def(nb::init<Logger&>(), nb::keep_alive<1, 2>())
      .def("create_network", &Builder::createNetwork)
      .def("create_config", &Builder::createBuilderConfig, nb::keep_alive<0, 1>())
      .def("build",
           [](const Builder& b, const NetworkDefinition& n, const BuilderConfig& c) {
             std::vector<std::byte> engine;
             {
               nb::gil_scoped_release unlocked;
               engine = b.buildSerializedNetwork(n, c);
             }
             return to_bytes(engine);
           })
      .def("check", [](const Builder& b, const NetworkDefinition& n,
                       const BuilderConfig& c) { return placement_list(b.check(n, c)); })
      .def_prop_ro("num_dla_cores", &Builder::numDLACores);
  m.def(
      "build_model",
      [](const std::string& model, const std::string& device, bool int8, const std::string& calibration,
         const std::string& calibrator, const std::string& layer_devices,
         const std::map<std::string, Dims>& shapes, bool fallback, const std::map<int, size_t>& pools,
         nb::object progress, Logger& logger) {
        std::vector<std::byte> engine;
        ModelBuild request{.model = model,
                           .device = device,
                           .int8 = int8,
                           .calibration = calibration,
                           .calibrator = calibrator,
                           .layerDevices = layer_devices,
                           .shapes = shapes,
                           .allowFallback = fallback,
                           .progress = progress_of(std::move(progress))};
        for (const auto& [pool, bytes] : pools) {
          request.pools[static_cast<MemoryPoolType>(pool)] = bytes;
        }
        {
          nb::gil_scoped_release unlocked;
          engine = buildModel(request, logger);
        }
        return to_bytes(engine);
      },
      nb::arg("model"), nb::arg("device"), nb::arg("int8"), nb::arg("calibration"), nb::arg("calibrator"),
      nb::arg("layer_devices"), nb::arg("shapes"), nb::arg("fallback"), nb::arg("pools"),
      nb::arg("progress").none(), nb::arg("logger"));
  m.def("check_model", [](const std::string& model, const std::string& device, bool int8,
                          const std::map<std::string, Dims>& shapes, Logger& logger) {
    return placement_list(
        checkModel({.model = model, .device = device, .int8 = int8, .shapes = shapes}, logger));
  });
}

}  // namespace medlar::python
