#include "options.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nibble/core/error.h"

namespace nibble::cli {
namespace {

std::size_t parse_size(const std::string& option, std::string_view text) {
  std::size_t size = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (code != std::errc() || end != text.data() + text.size() || size == 0)
    throw_error("{} got '{}'; expected sizes of 1 or more such as 512,256,128,64", option, text);
  return size;
}

// "512,256" -> {512, 256}; "none" -> {}.
std::vector<std::size_t> parse_sizes(const std::string& option, std::string_view text) {
  std::vector<std::size_t> sizes;
  if (text == "none") return sizes;
  for (const std::string_view piece : between_commas(text))
    sizes.push_back(parse_size(option, piece));
  return sizes;
}

}  // namespace

std::vector<std::string_view> between_commas(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    pieces.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return pieces;
}

std::string one_of(const std::vector<std::string_view>& words) {
  return fmt::format("{}", fmt::join(words, "|"));
}

void add_model_argument(CLI::App& verb, std::filesystem::path& model) {
  verb.add_option(
          "MODEL", model,
          "A model file: .safetensors of nibble, a PyTorch checkpoint (.pt), or ONNX (.onnx)")
      ->required()
      ->type_name("");
}

void add_load_options(CLI::App& verb, LoadOptions& load) {
  verb.add_option("--key", load.key,
                  "Where the state_dict stands in a PyTorch checkpoint's dict; without it "
                  "model_state_dict, state_dict, model, or the dict itself")
      ->type_name("NAME");
}

CLI::Option* add_sizes_option(CLI::App& verb, const std::string& name,
                              std::vector<std::size_t>& sizes, const std::string& description) {
  return verb
      .add_option_function<std::string>(
          name, [name, &sizes](const std::string& text) { sizes = parse_sizes(name, text); },
          description)
      ->type_name("SIZES")
      ->default_str(fmt::format("{}", fmt::join(sizes, ",")));
}

CLI::Option* add_scheme_option(CLI::App& verb, const std::function<void(Scheme)>& set) {
  std::vector<std::string_view> names(kSchemes.size());
  std::ranges::transform(kSchemes, names.begin(), [](Scheme scheme) { return name_of(scheme); });
  return verb
      .add_option_function<std::string>(
          "--scheme", [set](const std::string& name) { set(scheme_named(name)); },
          "int8: 8 bits, a scale for each output\n"
          "int8-torch: 8 bits, the arithmetic of PyTorch's quantize_dynamic\n"
          "int4: 4 bits, a scale for each 32 weights\n"
          "f16, bf16: 16 bits\n"
          "f32: 32 bits, nothing is lost")
      ->type_name(one_of(names));
}

void add_threads_option(CLI::App& verb, std::size_t& threads, const std::string& description) {
  add_number(verb, "--threads", threads, description);
}

void add_quiet_option(CLI::App& verb, bool& quiet) {
  verb.add_flag("--quiet", quiet, "No progress on standard error");
}

CLI::Option* add_output_option(CLI::App& verb, std::filesystem::path& output,
                               const std::string& kind, const std::string& description) {
  return verb.add_option("-o,--output", output, description)->type_name(kind)->take_last();
}

}  // namespace nibble::cli
