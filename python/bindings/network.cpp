// SPDX-License-Identifier: Apache-2.0
#include "bind.hpp"

#include <nanobind/trampoline.h>

namespace medlar::python {
namespace {

/// A Python object with log(level, message).
class PyLogger : public Logger {
 public:
  NB_TRAMPOLINE(Logger, 1);
  void log(LogLevel level, std::string_view message) override {
    nb::gil_scoped_acquire lock;
    nb_trampoline.base().attr("log")(static_cast<int>(level), std::string(message));
  }
};

constexpr auto kRef = nb::rv_policy::reference_internal;

void bind_tensor(nb::module_& m) {
  nb::class_<Tensor>(m, "Tensor", "A value of a network.", nb::is_weak_referenceable())
      .def_prop_rw("name", &Tensor::name, &Tensor::setName)
      .def_prop_rw("shape", &Tensor::dims, &Tensor::setDims)
      .def_prop_rw(
          "dtype", [](const Tensor& t) { return static_cast<int>(t.type()); },
          [](Tensor& t, int type) { t.setType(static_cast<DataType>(type)); })
      .def_prop_ro("is_input", &Tensor::isInput)
      .def_prop_ro("is_output", &Tensor::isOutput)
      .def_prop_ro("is_shape_tensor", &Tensor::isShapeTensor)
      .def("set_dynamic_range", &Tensor::setDynamicRange)
      .def("reset_dynamic_range", &Tensor::resetDynamicRange)
      .def_prop_ro("dynamic_range", &Tensor::dynamicRange)
      .def_prop_rw("allowed_formats", &Tensor::allowedFormats, &Tensor::setAllowedFormats);
}

void bind_layer(nb::module_& m) {
  nb::class_<Layer>(m, "Layer", "One layer of a network.", nb::is_weak_referenceable())
      .def_prop_ro("type", [](const Layer& l) { return static_cast<int>(l.type()); })
      .def_prop_ro("onnx_operator", &Layer::onnxOperator)
      .def_prop_rw("name", &Layer::name, &Layer::setName)
      .def_prop_rw("metadata", &Layer::metadata, &Layer::setMetadata)
      .def_prop_ro("num_inputs", &Layer::numInputs)
      .def_prop_ro("num_outputs", &Layer::numOutputs)
      .def("input", &Layer::input, kRef)
      .def("output", &Layer::output, kRef)
      .def("set_input", &Layer::setInput)
      .def("set_precision", [](Layer& l, int type) { l.setPrecision(static_cast<DataType>(type)); })
      .def("reset_precision", &Layer::resetPrecision)
      .def_prop_ro("precision",
                   [](const Layer& l) {
                     return l.precision() ? std::optional<int>(static_cast<int>(*l.precision()))
                                          : std::nullopt;
                   })
      .def("set_output_type",
           [](Layer& l, int i, int type) { l.setOutputType(i, static_cast<DataType>(type)); })
      .def("reset_output_type", &Layer::resetOutputType)
      .def("output_type",
           [](const Layer& l, int i) {
             const auto type = l.outputType(i);
             return type ? std::optional<int>(static_cast<int>(*type)) : std::nullopt;
           })
      .def_prop_ro("parameter_names", &Layer::parameterNames)
      .def("get_int", &Layer::getInt)
      .def("get_float", &Layer::getFloat)
      .def("get_dims", &Layer::getDims)
      .def("get_weights", [](const Layer& l, std::string_view name) { return to_numpy(l.getWeights(name)); })
      .def("set_int", [](Layer& l, std::string_view name, int64_t v) { l.setInt(name, v); })
      .def("set_float", [](Layer& l, std::string_view name, double v) { l.setFloat(name, v); })
      .def("set_dims", [](Layer& l, std::string_view name, const Dims& v) { l.setDims(name, v); })
      .def("get_string", &Layer::getString)
      .def("set_string", [](Layer& l, std::string_view name, std::string_view v) { l.setString(name, v); })
      .def(
          "set_weights",
          [](Layer& l, std::string_view name, std::optional<Array> v) { l.setWeights(name, weights_of(v)); },
          nb::arg("name"), nb::arg("value").none());
}

using Weighted = std::optional<Array>;

void bind_additions(nb::class_<NetworkDefinition>& c) {
  using N = NetworkDefinition;
  c.def(
      "add_convolution",
      [](N& n, Tensor& x, int64_t maps, const Dims& k, Weighted w, Weighted b) -> Layer& {
        return n.addConvolutionNd(x, maps, k, weights_of(w), weights_of(b));
      },
      nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(), kRef);
  c.def(
      "add_deconvolution",
      [](N& n, Tensor& x, int64_t maps, const Dims& k, Weighted w, Weighted b) -> Layer& {
        return n.addDeconvolutionNd(x, maps, k, weights_of(w), weights_of(b));
      },
      nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(), kRef);
  c.def(
      "add_fully_connected",
      [](N& n, Tensor& x, int64_t maps, Weighted w, Weighted b) -> Layer& {
        return n.addFullyConnected(x, maps, weights_of(w), weights_of(b));
      },
      nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(), kRef);
  c.def(
      "add_pooling",
      [](N& n, Tensor& x, int type, const Dims& w) -> Layer& {
        return n.addPoolingNd(x, static_cast<PoolingType>(type), w);
      },
      kRef);
  c.def(
      "add_activation",
      [](N& n, Tensor& x, int type) -> Layer& {
        return n.addActivation(x, static_cast<ActivationType>(type));
      },
      kRef);
  c.def(
      "add_elementwise",
      [](N& n, Tensor& a, Tensor& b, int op) -> Layer& {
        return n.addElementWise(a, b, static_cast<ElementWiseOperation>(op));
      },
      kRef);
  c.def(
      "add_scale",
      [](N& n, Tensor& x, int mode, Weighted shift, Weighted scale, Weighted power, int axis) -> Layer& {
        return n.addScale(x, static_cast<ScaleMode>(mode), weights_of(shift), weights_of(scale),
                          weights_of(power), axis);
      },
      nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg().none(), nb::arg(), kRef);
  c.def(
      "add_concatenation",
      [](N& n, const std::vector<Tensor*>& xs) -> Layer& { return n.addConcatenation(xs); }, kRef);
  c.def(
      "add_matrix_multiply",
      [](N& n, Tensor& a, int oa, Tensor& b, int ob) -> Layer& {
        return n.addMatrixMultiply(a, static_cast<MatrixOperation>(oa), b, static_cast<MatrixOperation>(ob));
      },
      kRef);
  c.def(
      "add_constant",
      [](N& n, const Dims& dims, Weighted w) -> Layer& { return n.addConstant(dims, weights_of(w)); },
      nb::arg(), nb::arg().none(), kRef);
  c.def(
      "add_unary",
      [](N& n, Tensor& x, int op) -> Layer& { return n.addUnary(x, static_cast<UnaryOperation>(op)); }, kRef);
  c.def(
      "add_reduce",
      [](N& n, Tensor& x, int op, uint32_t axes, bool keep) -> Layer& {
        return n.addReduce(x, static_cast<ReduceOperation>(op), axes, keep);
      },
      kRef);
  c.def("add_slice", &N::addSlice, kRef);
  c.def("add_lrn", &N::addLRN, kRef);
  c.def(
      "add_topk",
      [](N& n, Tensor& x, int op, int k, uint32_t axes) -> Layer& {
        return n.addTopK(x, static_cast<TopKOperation>(op), k, axes);
      },
      kRef);
  c.def(
      "add_cast",
      [](N& n, Tensor& x, int type) -> Layer& { return n.addCast(x, static_cast<DataType>(type)); }, kRef);
  c.def("add_resize", &N::addResize, kRef).def("add_softmax", &N::addSoftMax, nb::arg(), nb::arg() = 0, kRef);
  c.def("add_shuffle", &N::addShuffle, kRef).def("add_parametric_relu", &N::addParametricReLU, kRef);
  c.def("add_padding", &N::addPaddingNd, kRef).def("add_identity", &N::addIdentity, kRef);
  c.def("add_gather", &N::addGather, kRef)
      .def("add_select", &N::addSelect, kRef)
      .def(
          "add_shape",
          [](N& n, Tensor& x, int type) -> Layer& { return n.addShape(x, static_cast<DataType>(type)); },
          kRef);
  c.def("add_quantize", &N::addQuantize, kRef).def("add_dequantize", &N::addDequantize, kRef);
}

void bind_indexed_additions(nb::class_<NetworkDefinition>& c) {
  using N = NetworkDefinition;
  c.def(
      "add_gather_v2",
      [](N& n, Tensor& x, Tensor& indices, int mode) -> Layer& {
        return n.addGatherV2(x, indices, static_cast<GatherMode>(mode));
      },
      kRef);
  c.def(
      "add_scatter",
      [](N& n, Tensor& x, Tensor& indices, Tensor& updates, int mode) -> Layer& {
        return n.addScatter(x, indices, updates, static_cast<ScatterMode>(mode));
      },
      kRef);
  c.def(
      "add_cumulative",
      [](N& n, Tensor& x, Tensor& axis, int op, bool exclusive, bool reverse) -> Layer& {
        return n.addCumulative(x, axis, static_cast<CumulativeOperation>(op), exclusive, reverse);
      },
      kRef);
  c.def(
      "add_fill",
      [](N& n, const Dims& dims, int op, int type) -> Layer& {
        return n.addFill(dims, static_cast<FillOperation>(op), static_cast<DataType>(type));
      },
      kRef);
  c.def("add_normalization", &N::addNormalization, kRef).def("add_einsum", &N::addEinsum, kRef);
  c.def("add_one_hot", &N::addOneHot, kRef).def("add_grid_sample", &N::addGridSample, kRef);
  c.def("add_squeeze", &N::addSqueeze, kRef).def("add_unsqueeze", &N::addUnsqueeze, kRef);
  c.def("add_non_zero", &N::addNonZero, kRef).def("add_nms", &N::addNMS, kRef);
  c.def("add_reverse_sequence", &N::addReverseSequence, kRef).def("add_assertion", &N::addAssertion, kRef);
}

void bind_parser(nb::module_& m) {
  nb::class_<OnnxParser>(m, "OnnxParser", "Reads ONNX files into a network.")
      .def(nb::init<NetworkDefinition&, Logger&>(), nb::keep_alive<1, 2>(), nb::keep_alive<1, 3>())
      .def(
          "parse",
          [](OnnxParser& p, const nb::bytes& model, std::string_view path) {
            return p.parse(span_of(model), path);
          },
          nb::arg("model"), nb::arg("path") = "")
      .def("parse_from_file", &OnnxParser::parseFromFile)
      .def_prop_ro("errors",
                   [](const OnnxParser& p) {
                     std::vector<std::pair<int, std::string>> list;
                     for (const ParserError& error : p.errors()) {
                       list.emplace_back(static_cast<int>(error.code), error.message);
                     }
                     return list;
                   })
      .def("clear_errors", &OnnxParser::clearErrors)
      .def_static("supports_operator", &OnnxParser::supportsOperator);
}

}  // namespace

void bind_network(nb::module_& m) {
  nb::class_<Logger, PyLogger>(m, "Logger", "Derive from it and define log(level: int, message: str).")
      .def(nb::init<>());
  bind_tensor(m);
  bind_layer(m);
  nb::class_<NetworkDefinition> network(m, "Network", "Tensors and layers.");
  network.def_prop_rw("name", &NetworkDefinition::name, &NetworkDefinition::setName)
      .def(
          "add_input",
          [](NetworkDefinition& n, std::string_view name, int type, const Dims& dims) -> Tensor& {
            return n.addInput(name, static_cast<DataType>(type), dims);
          },
          kRef)
      .def("mark_output", &NetworkDefinition::markOutput)
      .def("unmark_output", &NetworkDefinition::unmarkOutput)
      .def_prop_ro("num_inputs", &NetworkDefinition::numInputs)
      .def_prop_ro("num_outputs", &NetworkDefinition::numOutputs)
      .def_prop_ro("num_layers", &NetworkDefinition::numLayers)
      .def("input", &NetworkDefinition::input, kRef)
      .def("output", &NetworkDefinition::output, kRef)
      .def("layer", &NetworkDefinition::layer, kRef);
  bind_additions(network);
  bind_indexed_additions(network);
  bind_parser(m);
}

}  // namespace medlar::python
