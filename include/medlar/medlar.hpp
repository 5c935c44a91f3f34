// SPDX-License-Identifier: Apache-2.0
// The whole public API: a network from ONNX or layer by layer, an engine, a simulated device, inferences.
//
//   StderrLogger logger;                         // derived from medlar::Logger
//   medlar::Builder builder(logger);
//   auto network = builder.createNetwork();
//   medlar::OnnxParser parser(*network, logger);
//   if (!parser.parseFromFile("model.onnx")) { ... parser.errors() ... }
//   auto config = builder.createBuilderConfig();
//   config->setFlag(medlar::BuilderFlag::kFp16);
//   medlar::Engine engine = medlar::Runtime(logger).deserialize(builder.buildSerializedNetwork(*network,
//   *config)); auto context = engine.createExecutionContext();
#pragma once

#include "medlar/analysis.hpp"
#include "medlar/builder.hpp"
#include "medlar/calibrator.hpp"
#include "medlar/device.hpp"
#include "medlar/error.hpp"
#include "medlar/logger.hpp"
#include "medlar/network.hpp"
#include "medlar/onnx_parser.hpp"
#include "medlar/reference.hpp"
#include "medlar/runtime.hpp"
#include "medlar/types.hpp"
#include "medlar/version.hpp"
