// How --help looks: one line or paragraph for each option, its default or "required" at the end,
// wrapped.
#pragma once

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

namespace nibble::cli {

std::shared_ptr<CLI::FormatterBase> help_formatter();

// What CLI11 found wrong with the arguments, as one sentence that says where help is.
std::string sentence_for(const CLI::ParseError& error, const CLI::App& program);

}  // namespace nibble::cli
