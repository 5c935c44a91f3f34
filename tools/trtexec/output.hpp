// SPDX-License-Identifier: Apache-2.0
// What trtexec prints and exports, in its shape. Times are modelled device times unless a line says host.
#pragma once

#include "measure.hpp"

namespace medlar::trtexec {

void info(std::string_view line);

/// The libraries' lines in trtexec's shape: [V] if `verbose`, [I], [W], [E].
LogSink log_lines(bool verbose);
void print_options(const Options& options, const engine::Engine& engine);
/// "Layers Running on DLA", and with --verbose a line for every node.
void print_placement(const Options& options, const engine::Engine& engine);
void print_capability(const engine::Engine& engine);
void print_summary(const Options& options, const Measurement& m);
void print_profile(const Options& options, const Measurement& m);
void print_layer_info(const Options& options, const engine::Engine& engine);
void print_outputs(const Measurement& m);

/// The files that were asked for.
Status export_all(const Options& options, const engine::Engine& engine, const Measurement& m);
Status export_layer_info(const Options& options, const engine::Engine& engine);

}  // namespace medlar::trtexec
