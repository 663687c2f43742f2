#include "nibble/formats/c_header.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <type_traits>
#include <vector>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/core/thousands.h"
#include "nibble/formats/c_header_code.h"
#include "nibble/formats/model_checks.h"

namespace nibble {
namespace {

constexpr std::size_t kLineLength = 110;
constexpr int kLowestHalfExponent = -25;  // of a half's fraction as a whole number, for exponent 0
constexpr int kHalfExponents = 31;

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// The shortest decimal number that reads back as this float.
std::string c_number(float value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text + "f";
}
template <typename Integer>
requires std::is_integral_v<Integer> std::string c_number(Integer value) {
  return fmt::format("{}", value);
}

// A string literal. Octal escapes cannot run into what follows, as hexadecimal ones can; "??" could
// begin a trigraph.
std::string c_text(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    if (is_letter_or_digit(c) || c == ' ' || c == '-' || c == '.') {
      literal += c;
    } else {
      literal += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    }
  }
  return literal + '"';
}

// Collects the header and refuses to go on when it gets too long.
class Header {
 public:
  Header(std::string_view name, std::size_t most) : name_(name), most_(most) {}

  void add(std::string_view code) { text_ += named(code, name_); }

  template <typename T>
  void array(std::string_view type, std::string_view what, const T& values) {
    add(fmt::format("\nstatic const {} @_{}[{}] = {{\n", type, what, values.size()));
    std::size_t line_begin = text_.size();
    for (const auto& value : values) {
      text_ += c_number(value);
      text_ += ',';
      if (text_.size() - line_begin < kLineLength) continue;
      text_ += '\n';
      line_begin = text_.size();
    }
    text_ += "\n};\n";
  }
  void texts(std::string_view what, const std::vector<std::string>& values) {
    add(fmt::format("\nstatic const char *const @_{}[{}] = {{\n", what, values.size()));
    for (const std::string& value : values) text_ += c_text(value) + ",\n";
    text_ += "};\n";
  }
  std::string finish() {
    if (text_.size() <= most_) return std::move(text_);
    throw_error(
        "the C header would be {} bytes long, more than the limit of {}; a compiler needs minutes "
        "and "
        "gigabytes for such a file. Train a smaller model (--max-features, --hidden), store it in "
        "fewer "
        "bits, or raise the limit with --max-header",
        with_thousands(text_.size()), with_thousands(most_));
  }

 private:
  std::string name_;
  std::size_t most_;
  std::string text_;
};

// The weights and the call of one layer.
class LayerCode {
 public:
  LayerCode(Header& header, std::size_t layer) : header_(header), layer_(layer) {}

  std::string write(const F32Matrix& weight, std::span<const float> bias) {
    header_.array("float", part("weights"), weight.values);
    return call("float_layer", {"weights"}, weight.rows, weight.columns, bias);
  }
  std::string write(const F16Matrix& weight, std::span<const float> bias) {
    header_.array("uint16_t", part("weights"), weight.codes.values);
    return call("half_layer", {"weights"}, weight.codes.rows, weight.codes.columns, bias);
  }
  std::string write(const Int8Matrix& weight, std::span<const float> bias) {
    header_.array("int8_t", part("codes"), weight.codes.values);
    header_.array("float", part("scales"), weight.scales);
    return call("int8_layer", {"codes", "scales"}, weight.codes.rows, weight.codes.columns, bias);
  }
  std::string write(const Int4Matrix& weight, std::span<const float> bias) {
    header_.array("uint8_t", part("codes"), weight.codes.values);
    header_.array("uint16_t", part("scales"), weight.scales.values);
    const bool by_inputs = weight.axis == GroupAxis::kInputs;
    return call(by_inputs ? "int4_layer" : "int4_sparse_layer", {"codes", "scales"},
                weight.codes.rows, weight.outputs, bias);
  }
  template <typename Other>
  std::string write(const Other& /*weight*/, std::span<const float> /*bias*/) {
    throw_error(
        "a C header can hold f32, f16, int8 and int4; convert the float model with one of them "
        "(--scheme int8)");
  }

 private:
  std::string part(std::string_view what) const { return fmt::format("{}_{}", what, layer_); }

  std::string call(std::string_view function, const std::vector<std::string>& arrays,
                   std::size_t inputs, std::size_t outputs, std::span<const float> bias) {
    header_.array("float", part("bias"), bias);
    std::string arguments;
    for (const std::string& array : arrays) arguments += fmt::format("@_{}, ", part(array));
    return fmt::format("    @_{}({{}}, {}, {}@_{}, {}, {{}});\n", function, inputs, arguments,
                       part("bias"), outputs);
  }

  Header& header_;
  std::size_t layer_;
};

// The calls of all layers, from x to y and back, with a ReLU between two.
template <typename Layers>
std::string add_layers(const Layers& layers, const std::string& input, Header& header) {
  std::string calls;
  std::string from = input;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    LayerCode code(header, l);
    std::string call;
    if constexpr (std::is_same_v<typename Layers::value_type, Linear>) {
      call = code.write(layers[l].weight, layers[l].bias);
    } else {
      call = std::visit([&](const auto& weight) { return code.write(weight, layers[l].bias); },
                        layers[l].weight);
    }
    const std::string to = l % 2 == 0 ? "a" : "b";
    calls += fmt::format(fmt::runtime(call), from, to);
    if (l + 1 < layers.size())
      calls += fmt::format("    @_relu({}, {});\n", to, layers[l].bias.size());
    from = to;
  }
  return calls + fmt::format(
                     "    if (logits)\n        for (i = 0; i < @_LABELS; ++i)\n            "
                     "logits[i] = {0}[i];\n    return @_largest({0}, @_LABELS);\n",
                     from);
}

void add_layer_code(Scheme scheme, Header& header) {
  std::vector<float> powers(kHalfExponents);
  for (int exponent = 0; exponent < kHalfExponents; ++exponent)
    powers[static_cast<std::size_t>(exponent)] = std::ldexp(1.0F, kLowestHalfExponent + exponent);
  if (scheme == Scheme::kF16 || scheme == Scheme::kInt4) {
    header.array("float", "power_of_2", powers);
    header.add(kCodeOfHalf);
  }
  if (scheme == Scheme::kF32) header.add(kCodeOfFloatLayer);
  if (scheme == Scheme::kInt8 || scheme == Scheme::kInt4) header.add(kCodeOfIntegers);
  if (scheme == Scheme::kInt8) header.add(kCodeOfInt8Layer);
  if (scheme == Scheme::kInt4) header.add(kCodeOfInt4Layers);
  header.add(kCodeOfEnd);
}

// The words in the order of their bytes, for a binary search; columns may have another order.
void add_words(const Vocabulary& vocabulary, Header& header) {
  std::vector<std::size_t> order(vocabulary.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t column) { return vocabulary.word(column); });
  std::vector<std::string> words;
  std::size_t longest = 1;
  for (const std::size_t column : order) {
    words.emplace_back(vocabulary.word(column));
    longest = std::max(longest, words.back().size());
  }
  header.add(fmt::format("\n#define @_LONGEST_WORD {}\n", longest));
  header.texts("words", words);
  if (std::ranges::is_sorted(order)) return header.add("#define @_COLUMN(place) (place)\n");
  header.array("uint32_t", "columns", order);
  header.add("#define @_COLUMN(place) @_columns[place]\n");
}

bool is_scaled(const Model& model) {
  const auto* numeric = std::get_if<Numeric>(&model.featurizer);
  return numeric != nullptr && numeric->scale != 1.0F;
}

// Inputs as floats where they are counted or scaled; two layers' outputs; integers and their sums.
std::size_t stack_bytes(const Model& model, std::size_t widest, std::size_t output) {
  const bool made_here = std::holds_alternative<BagOfWords>(model.featurizer) || is_scaled(model);
  const std::size_t inputs = made_here ? model.shape().inputs * sizeof(float) : 0;
  const bool integers = model.scheme() == Scheme::kInt8 || model.scheme() == Scheme::kInt4;
  const std::size_t quantized =
      integers ? widest * sizeof(std::int16_t) + output * sizeof(std::int32_t) : 0;
  return inputs + 2 * output * sizeof(float) + quantized;
}

void require_one_scheme(const Model& model) {
  if (model.scheme() != Scheme::kMixed) return;
  throw_error(
      "a C header can hold f32, f16, int8 and int4, one for all layers; convert the float model "
      "with one of them (--scheme int8)");
}

void add_title(const Model& model, Header& header) {
  const MlpShape shape = model.shape();
  const auto sizes = shape.sizes();
  const std::size_t widest = *std::ranges::max_element(sizes);
  const std::size_t output = *std::max_element(sizes.begin() + 1, sizes.end());
  const bool text = std::holds_alternative<BagOfWords>(model.featurizer);
  header.add(fmt::format(
      "/* @: a classifier made by nibble ({}). C99 or C++, no library, no allocation, no state.\n"
      " *\n"
      " *   float logits[@_LABELS];\n"
      " *   int label = {};    its name is @_labels[label]; logits may be null\n"
      " *\n"
      " * It needs about {} bytes of stack. */\n"
      "#ifndef @_MODEL_H\n#define @_MODEL_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n"
      "#define @_INPUTS {}\n#define @_LABELS {}\n#define @_WIDEST {}\n#define @_WIDEST_OUTPUT {}\n",
      name_of(model.scheme()),
      text ? "@_predict_text(text, bytes_of_text, logits)" : "@_predict(inputs, logits)",
      stack_bytes(model, widest, output), shape.inputs, shape.outputs, widest, output));
}

void add_predict(const Model& model, Header& header) {
  const bool scaled = is_scaled(model);
  const std::string calls = std::visit(
      [&](const auto& stage) {
        return add_layers(stage.layers, scaled ? "scaled" : "inputs", header);
      },
      model.network);
  header.add(
      "\nstatic inline int @_predict(const float *inputs, float *logits)\n{\n"
      "    float a[@_WIDEST_OUTPUT], b[@_WIDEST_OUTPUT];\n    size_t i;\n");
  if (scaled)
    header.add(
        fmt::format("    float scaled[@_INPUTS];\n    for (i = 0; i < @_INPUTS; ++i)\n"
                    "        scaled[i] = inputs[i] * {};\n",
                    c_number(std::get<Numeric>(model.featurizer).scale)));
  header.add("    (void)b;\n" + calls + "}\n");
}

constexpr std::string_view kPredictText = R"(
static inline int @_predict_text(const char *text, size_t bytes, float *logits)
{
    float counts[@_INPUTS];
    @_count_words(text, bytes, counts);
    return @_predict(counts, logits);
}
)";

}  // namespace

std::string c_name_from(std::string_view stem) {
  std::string name;
  for (const char c : stem) name += is_letter_or_digit(c) ? c : '_';
  const bool begins_well = !name.empty() && !(name[0] >= '0' && name[0] <= '9') && name[0] != '_';
  return begins_well ? name : "nibble_" + name;
}

std::string c_header(const Model& model, std::string_view name, std::size_t most) {
  require_sound(model);
  require_one_scheme(model);
  if (hashes_words(model.featurizer))
    throw_error(
        "the header's code looks words up in a list, and this model has none: its words are "
        "hashed; start from a model that keeps its words");
  Header header(name, most);
  add_title(model, header);
  header.texts("labels", model.labels);
  add_layer_code(model.scheme(), header);
  add_predict(model, header);
  if (const Vocabulary* words = word_list(model.featurizer)) {
    add_words(*words, header);
    header.add(c_tables_of_characters());
    header.add(kCodeOfText);
    header.add(kPredictText);
  }
  header.add("\n#endif\n");
  return header.finish();
}

}  // namespace nibble
