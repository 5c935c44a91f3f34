# SPDX-License-Identifier: Apache-2.0
"""Puts every layer on the DLA or the GPU by a rule of its own, and asks the builder for a second opinion."""
import tensorrt as trt

from digits import enter_workspace

enter_workspace()

logger = trt.Logger(trt.Logger.WARNING)
builder = trt.Builder(logger)
network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
parser = trt.OnnxParser(network, logger)
if not parser.parse_from_file("model.onnx"):
    raise SystemExit("\n".join(str(parser.get_error(i)) for i in range(parser.num_errors)))

config = builder.create_builder_config()
config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
config.set_flag(trt.BuilderFlag.FP16)
config.DLA_core = 0

DLA_LAYERS = {trt.LayerType.CONVOLUTION, trt.LayerType.DECONVOLUTION, trt.LayerType.POOLING, trt.LayerType.ACTIVATION,
              trt.LayerType.ELEMENTWISE, trt.LayerType.SCALE, trt.LayerType.CONCATENATION}


def can_run_on_dla(layer):
    return layer.type in DLA_LAYERS


for i in range(network.num_layers):
    layer = network.get_layer(i)
    if can_run_on_dla(layer):
        config.set_device_type(layer, trt.DeviceType.DLA)
    else:
        config.set_device_type(layer, trt.DeviceType.GPU)

for layer in network:
    print(f"{layer.name:<12} {layer.type.name:<16} wanted on {config.get_device_type(layer).name}, "
          f"the DLA {'can' if config.can_run_on_DLA(layer) else 'cannot'} run it")

engine = builder.build_engine(network, config)
inspector = engine.create_engine_inspector()
print(inspector.get_engine_information(trt.LayerInformationFormat.ONELINE))
