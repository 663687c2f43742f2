// Options of the verbs that train: data, network, training. Each is declared once: name, default
// (the initial value of what it sets), help.
#pragma once

#include <cstddef>
#include <vector>

#include <CLI/CLI.hpp>

#include "nibble/study/pipeline.h"
#include "nibble/train/train.h"

namespace nibble::cli {

void add_data_options(CLI::App& verb, DataOptions& options);
void add_hash_option(CLI::App& verb, DataOptions& options);
void add_stream_options(CLI::App& verb, DataOptions& options);
void add_network_options(CLI::App& verb, std::vector<std::size_t>& hidden);
void add_training_options(CLI::App& verb, TrainSettings& settings);

}  // namespace nibble::cli
