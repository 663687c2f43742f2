// Options that several verbs share, each declared once: name, default (the initial value of what it
// sets), help.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "nibble/study/pipeline.h"
#include "nibble/train/train.h"

namespace nibble::cli {

// The type name of an option that takes one of a few words ("on|off"): help shows it, completion
// offers the words.
std::string one_of(const std::vector<std::string_view>& words);

void add_model_argument(CLI::App& verb, std::filesystem::path& model);
void add_data_options(CLI::App& verb, DataOptions& options);
// "512,256" sets {512, 256}, "none" sets {}.
CLI::Option* add_sizes_option(CLI::App& verb, const std::string& name,
                              std::vector<std::size_t>& sizes, const std::string& description);
void add_network_options(CLI::App& verb, std::vector<std::size_t>& hidden);
void add_training_options(CLI::App& verb, TrainSettings& settings);
void add_threads_option(CLI::App& verb, std::size_t& threads);
void add_quiet_option(CLI::App& verb, bool& quiet);
CLI::Option* add_output_option(CLI::App& verb, std::filesystem::path& output,
                               const std::string& kind, const std::string& description);

}  // namespace nibble::cli
