// SPDX-License-Identifier: Apache-2.0
// Where every layer of a model would run, and what that takes: `build` without calibration data and without a file.
#pragma once

#include "api/build.hpp"

namespace medlar::api {

/// The engine that build() would make, payloads left out. INT8 without calibration data compiles with assumed ranges:
/// placements and sizes do not depend on them.
Result<engine::Engine> check(const BuildRequest& request);

/// Placement table, totals, transitions and memory.
std::string check_to_text(const engine::Engine& checked);
std::string check_to_json(const engine::Engine& checked);
/// One self-contained page.
Result<std::string> check_to_html(const engine::Engine& checked);

/// The request's model with engine, precision, reason and modelled time on every node (doc_string and metadata), as bytes
/// of an ONNX file.
Result<ByteBuffer> annotate(const BuildRequest& request, const engine::Engine& checked);

/// Share of the multiply-accumulates that run on the DLA, 0 to 1; 1 for a model without any.
double dla_share(const engine::Engine& checked);

}  // namespace medlar::api
