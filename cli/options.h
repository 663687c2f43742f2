// Options that several verbs share, each declared once: name, default (the initial value of what it
// sets), help.
#pragma once

#include <charconv>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "nibble/formats/model_file.h"
#include "nibble/quant/scheme.h"

namespace nibble::cli {

// The type name of an option that takes one of a few words ("on|off"): help shows it, completion
// offers the words.
std::string one_of(const std::vector<std::string_view>& words);

// "a,b" -> {"a", "b"}.
std::vector<std::string_view> between_commas(std::string_view text);

template <typename Number>
CLI::Validator number_check() {
  return CLI::Validator(
      [](const std::string& text) {
        Number value{};
        const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (code == std::errc() && end == text.data() + text.size()) return std::string();
        if (code == std::errc::result_out_of_range)
          return fmt::format("expected a number up to {}, got '{}'",
                             std::numeric_limits<Number>::max(), text);
        return fmt::format("expected a {}, got '{}'",
                           std::is_integral_v<Number> ? "whole number of 0 or more" : "number",
                           text);
      },
      "");
}

// A whole number (type name N) or any number (X), with the value it has now as default. Text that
// is no such number, or out of its type's range, is refused with a sentence.
template <typename Number>
CLI::Option* add_number(CLI::App& verb, const std::string& name, Number& value,
                        const std::string& description) {
  return verb.add_option(name, value, description)
      ->type_name(std::is_integral_v<Number> ? "N" : "X")
      ->check(number_check<Number>())
      ->capture_default_str();
}

void add_model_argument(CLI::App& verb, std::filesystem::path& model);
// --scheme; not required unless made so.
CLI::Option* add_scheme_option(CLI::App& verb, const std::function<void(Scheme)>& set);
// How to read it: --key.
void add_load_options(CLI::App& verb, LoadOptions& load);
// "512,256" sets {512, 256}, "none" sets {}.
CLI::Option* add_sizes_option(CLI::App& verb, const std::string& name,
                              std::vector<std::size_t>& sizes, const std::string& description);
void add_threads_option(CLI::App& verb, std::size_t& threads,
                        const std::string& description =
                            "Threads to use; 0 means all processors. Results do not "
                            "depend on it");
void add_quiet_option(CLI::App& verb, bool& quiet);
CLI::Option* add_output_option(CLI::App& verb, std::filesystem::path& output,
                               const std::string& kind, const std::string& description);

}  // namespace nibble::cli
