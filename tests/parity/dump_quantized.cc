// For quantize_dynamic_parity.py: computes int8-torch by the reference code and writes every
// intermediate value, so that PyTorch can be asked for the same ones.
//
//   dump_quantized network IN OUT
//     IN   a line of whole numbers: layers, sizes (layers + 1 of them), rows, entries; then raw:
//          for each layer weights [inputs][outputs] and biases (float32); then the rows: offsets
//          (uint64, rows + 1), indices (uint32), values (float32).
//     OUT  raw: for each layer weight scale (float32), weight codes (int8), input scale (float32),
//          input zero point (int32), input codes (uint8, [rows][inputs]), outputs before ReLU
//          (float32); then the logits of the whole network (float32).
//   dump_quantized ranges IN OUT
//     IN   raw pairs (float32): smallest and largest input of a call.
//     OUT  raw pairs: scale (float32), zero point (int32).
//
// All little-endian.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/core/error.h"
#include "nibble/core/file.h"
#include "nibble/data/rows.h"
#include "nibble/network/mlp.h"
#include "nibble/network/reference_forward.h"
#include "nibble/quant/activations.h"
#include "nibble/quant/quantized_mlp.h"
#include "nibble/quant/reference_forward.h"

namespace {

using namespace nibble;

class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : rest_(bytes) {}

  template <typename Container>
  void fill(Container& values) {
    const std::size_t size = values.size() * sizeof(values[0]);
    if (size > rest_.size()) throw_error("the input ends {} bytes too early", size - rest_.size());
    if (size > 0) std::memcpy(values.data(), rest_.data(), size);
    rest_.remove_prefix(size);
  }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

template <typename Container>
void append(std::string& out, const Container& values) {
  out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0]));
}

template <typename T>
void append_one(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

struct Case {
  Mlp mlp;
  SparseRows rows;
};

Case read_case(const std::string& file) {
  const std::size_t end_of_line = file.find('\n');
  std::istringstream header(file.substr(0, end_of_line));
  std::size_t layers = 0;
  header >> layers;
  std::vector<std::size_t> sizes(layers + 1);
  for (std::size_t& size : sizes) header >> size;
  std::size_t rows = 0;
  std::size_t entries = 0;
  header >> rows >> entries;
  if (!header || end_of_line == std::string::npos) throw_error("the input's first line is damaged");

  Case result;
  Bytes bytes(std::string_view(file).substr(end_of_line + 1));
  for (std::size_t l = 0; l < layers; ++l) {
    Linear& layer = result.mlp.layers.emplace_back(sizes[l], sizes[l + 1]);
    bytes.fill(layer.weight.values);
    bytes.fill(layer.bias);
  }
  result.rows = {sizes[0], std::vector<std::uint64_t>(rows + 1),
                 std::vector<std::uint32_t>(entries), std::vector<float>(entries)};
  bytes.fill(result.rows.offsets);
  bytes.fill(result.rows.indices);
  bytes.fill(result.rows.values);
  if (!bytes.at_end()) throw_error("the input is longer than its first line says");
  return result;
}

// The codes of a dense matrix of inputs, zeros included.
std::vector<std::uint8_t> input_codes(const RowsView& rows, const CallQuantization& call) {
  const std::size_t columns = column_count(rows);
  const auto code = [&](float value) {
    return static_cast<std::uint8_t>(quantize_value(value, call));
  };
  std::vector<std::uint8_t> codes(row_count(rows) * columns, code(0.0F));
  if (const auto* dense = std::get_if<DenseRowsView>(&rows)) {
    std::transform(dense->values, dense->values + codes.size(), codes.begin(), code);
    return codes;
  }
  const auto& sparse = std::get<SparseRowsView>(rows);
  for (std::size_t r = 0; r < sparse.rows; ++r) {
    const auto indices = sparse.row_indices(r);
    for (std::size_t i = 0; i < indices.size(); ++i)
      codes[r * columns + indices[i]] = code(sparse.row_values(r)[i]);
  }
  return codes;
}

// Returns the layer's outputs.
Matrix<float> dump_layer(const QuantizedLinear& layer, const RowsView& rows, std::string& out) {
  const auto& weight = std::get<Int8TorchMatrix>(layer.weight);
  append_one(out, weight.scale);
  append(out, weight.codes.values);
  const CallQuantization call = choose_call_quantization(rows);
  append_one(out, call.scale);
  append_one(out, call.zero_point);
  append(out, input_codes(rows, call));
  Matrix<float> outputs = reference_logits({Scheme::kInt8Torch, {layer}}, rows);
  append(out, outputs.values);
  return outputs;
}

std::string dump_network(const std::string& file) {
  const Case input = read_case(file);
  const QuantizedMlp mlp = quantize(input.mlp, Scheme::kInt8Torch, InputKind::kSparse);
  std::string out;
  Matrix<float> y = dump_layer(mlp.layers[0], input.rows.view(), out);
  for (std::size_t l = 1; l < mlp.layers.size(); ++l) {
    relu(y);
    y = dump_layer(mlp.layers[l], view_of(y), out);
  }
  append(out, reference_logits(mlp, input.rows.view()).values);
  return out;
}

std::string dump_ranges(const std::string& file) {
  std::vector<float> ends(file.size() / sizeof(float));
  Bytes(file).fill(ends);
  std::string out;
  for (std::size_t i = 0; i + 1 < ends.size(); i += 2) {
    const CallQuantization call = choose_call_quantization(ends[i], ends[i + 1]);
    append_one(out, call.scale);
    append_one(out, call.zero_point);
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string_view what = argc == 4 ? argv[1] : "";
    if (what != "network" && what != "ranges") {
      fmt::print(stderr, "usage: dump_quantized network|ranges IN OUT\n");
      return 2;
    }
    const std::string file = read_file(argv[2]);
    write_file_atomically(argv[3], what == "network" ? dump_network(file) : dump_ranges(file));
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "dump_quantized: {}\n", error.what());
    return 2;
  }
}
