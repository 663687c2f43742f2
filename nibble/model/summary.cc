#include "nibble/model/summary.h"

#include <algorithm>
#include <array>
#include <numeric>

#include <fmt/format.h>

#include "nibble/core/thousands.h"

namespace nibble {
namespace {

// Weights and bias of one layer, whichever stage the network is in.
struct StoredLayer {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::size_t bytes = 0;
  std::string encoding;
  bool is_factor = false;
};

StoredLayer stored(const Linear& layer) {
  return {layer.inputs(), layer.outputs(), layer.parameters() * sizeof(float), "f32", false};
}

// int4's groups in words, all others by the name that the model file gives them.
std::string encoding_text(const EncodedMatrix& weight) {
  const auto* int4 = std::get_if<Int4Matrix>(&weight);
  if (int4 == nullptr) return encoding_name(weight);
  return fmt::format("int4, groups of {} {}", kInt4Group,
                     int4->axis == GroupAxis::kOutputs ? "outputs" : "inputs");
}

// Of fixed ranges, the limits: "int8, inputs -3.1 to 3.1".
std::string encoding_text(const QuantizedLinear& layer) {
  if (!layer.input) return encoding_text(layer.weight);
  const auto& [scale, zero] = *layer.input;
  return fmt::format("{}, inputs {:.4g} to {:.4g}", encoding_text(layer.weight),
                     zero == 0 ? 0.0F : -127.0F * scale,
                     zero == 0 ? 255.0F * scale : 127.0F * scale);
}

StoredLayer stored(const QuantizedLinear& layer) {
  const EncodedBytes bytes = stored_bytes(layer.weight);
  return {input_count(layer.weight), output_count(layer.weight),
          bytes.codes + bytes.scales + layer.bias.size() * sizeof(float), encoding_text(layer),
          layer.is_factor};
}

std::vector<StoredLayer> stored_layers(const Model& model) {
  std::vector<StoredLayer> result;
  if (const auto* mlp = std::get_if<Mlp>(&model.network)) {
    for (const Linear& layer : mlp->layers) result.push_back(stored(layer));
  } else {
    for (const QuantizedLinear& layer : std::get<QuantizedMlp>(model.network).layers)
      result.push_back(stored(layer));
  }
  return result;
}

LayerSummary linear_summary(std::size_t index, const StoredLayer& layer) {
  return {fmt::format("{}: Linear", index),
          layer.inputs,
          layer.outputs,
          layer.inputs * layer.outputs + layer.outputs,
          layer.inputs * layer.outputs,
          layer.bytes,
          layer.encoding};
}

LayerSummary step_summary(std::string name, std::size_t width) {
  return {std::move(name), width, width, 0, 0, 0, ""};
}

// "0.3" is every hidden layer's rate, "0.1,0.2" has one for each.
std::string dropout_name(const Provenance& provenance, std::size_t layer) {
  const auto found = provenance.settings.find("dropout");
  if (found == provenance.settings.end()) return "Dropout";
  std::string_view rates = found->second;
  for (std::size_t l = 0; l < layer && rates.find(',') != std::string_view::npos; ++l)
    rates.remove_prefix(rates.find(',') + 1);
  return fmt::format("Dropout ({})", rates.substr(0, rates.find(',')));
}

std::size_t sum_of(const std::vector<LayerSummary>& layers, std::size_t LayerSummary::*field) {
  return std::accumulate(
      layers.begin(), layers.end(), std::size_t{0},
      [field](std::size_t sum, const LayerSummary& layer) { return sum + layer.*field; });
}

constexpr std::size_t kColumns = 7;
using Cells = std::array<std::string, kColumns>;

std::string number_cell(std::size_t number) { return number == 0 ? "" : with_thousands(number); }

Cells cells_of(const LayerSummary& layer) {
  const auto shape = [](std::size_t width) {
    return width == 0 ? std::string() : fmt::format("[rows, {}]", width);
  };
  return {layer.name,
          shape(layer.inputs),
          shape(layer.outputs),
          number_cell(layer.parameters),
          number_cell(layer.multiply_adds),
          number_cell(layer.bytes),
          layer.encoding};
}

// Numbers end at the same column, words begin at the same column.
std::string line_of(const Cells& cells, const std::array<std::size_t, kColumns>& widths) {
  std::string line;
  for (std::size_t c = 0; c < kColumns; ++c) {
    const bool is_number = c >= 3 && c <= 5;
    line += is_number ? fmt::format("{:>{}}  ", cells[c], widths[c])
                      : fmt::format("{:<{}}  ", cells[c], widths[c]);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + '\n';
}

}  // namespace

ModelSummary summarize(const Model& model) {
  ModelSummary summary;
  const std::vector<StoredLayer> layers = stored_layers(model);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const std::size_t index = 3 * l;
    summary.layers.push_back(linear_summary(index, layers[l]));
    if (l + 1 == layers.size()) break;
    if (layers[l].is_factor) continue;
    const std::size_t width = layers[l].outputs;
    summary.layers.push_back(step_summary(fmt::format("{}: ReLU", index + 1), width));
    summary.layers.push_back(
        step_summary(fmt::format("{}: {}", index + 2, dropout_name(model.provenance, l)), width));
  }
  summary.total.name = "Total";
  for (const auto field :
       {&LayerSummary::parameters, &LayerSummary::multiply_adds, &LayerSummary::bytes})
    summary.total.*field = sum_of(summary.layers, field);
  return summary;
}

std::string render(const ModelSummary& summary) {
  std::vector<Cells> table = {
      {"Layer", "Input", "Output", "Parameters", "Multiply-adds", "Bytes", "Encoding"}};
  for (const LayerSummary& layer : summary.layers) table.push_back(cells_of(layer));
  table.push_back(cells_of(summary.total));

  std::array<std::size_t, kColumns> widths{};
  for (const Cells& cells : table) {
    for (std::size_t c = 0; c < kColumns; ++c) widths[c] = std::max(widths[c], cells[c].size());
  }
  const std::size_t gaps = 2 * (kColumns - 1);
  const std::string rule(std::accumulate(widths.begin(), widths.end(), gaps), '-');

  std::string text;
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (i == 1 || i + 1 == table.size()) text += rule + '\n';
    text += line_of(table[i], widths);
  }
  return text;
}

}  // namespace nibble
