#include "nibble/formats/state_dict_writer.h"

#include <algorithm>
#include <string>
#include <variant>

#include <fmt/format.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

// Linear, ReLU and Dropout take one number each in an nn.Sequential.
std::string place_of(std::size_t layer) { return fmt::format("{}", 3 * layer); }

// [inputs][outputs] in memory becomes [outputs][inputs] in the file, a band of outputs at a time:
// one cache line of a weight row.
template <typename AnyMatrix>
void give_transposed(const AnyMatrix& weight, const ZipWriter::Sink& sink) {
  using T = std::remove_cvref_t<decltype(weight.row(0)[0])>;
  constexpr std::size_t kBand = kCacheLine / sizeof(T);
  AlignedVector<T> band(kBand * weight.rows);
  for (std::size_t first = 0; first < weight.columns; first += kBand) {
    const std::size_t width = std::min(kBand, weight.columns - first);
    for (std::size_t i = 0; i < weight.rows; ++i) {
      const T* from = weight.row(i).data() + first;
      for (std::size_t o = 0; o < width; ++o) band[o * weight.rows + i] = from[o];
    }
    sink(std::as_bytes(std::span(band.data(), width * weight.rows)));
  }
}

template <typename AnyMatrix>
TorchTensor transposed(std::string_view storage, const AnyMatrix& weight) {
  return {storage,
          sizeof(weight.values[0]),
          {weight.columns, weight.rows},
          [&weight](const ZipWriter::Sink& sink) { give_transposed(weight, sink); }};
}

void write_float_layer(TorchPickle& pickle, std::size_t layer, const TorchTensor& weight,
                       std::span<const float> bias) {
  pickle.text(place_of(layer) + ".weight");
  pickle.tensor(weight);
  pickle.text(place_of(layer) + ".bias");
  pickle.array(bias);
}

// What torch.ao.nn.quantized.dynamic.Linear keeps, in its order; the pair is version 3 of
// LinearPackedParams.
template <typename Scale>
void write_packed_layer(TorchPickle& pickle, std::size_t layer, const TorchTensor& weight,
                        const Scale& scale, std::span<const float> bias) {
  const std::string place = place_of(layer);
  pickle.text(place + ".scale");
  pickle.tensor_of(1.0F);
  pickle.text(place + ".zero_point");
  pickle.tensor_of(std::int64_t{0});
  pickle.text(place + "._packed_params.dtype");
  pickle.global("torch", "qint8");
  pickle.text(place + "._packed_params._packed_params");
  pickle.begin_tuple();
  pickle.quantized_tensor(weight, scale);
  pickle.array(bias);
  pickle.end_tuple();
}

// One layer's matrix in its own way.
struct LayerWriter {
  TorchPickle& pickle;
  std::size_t layer;
  std::span<const float> bias;

  void operator()(const F32Matrix& weight) const {
    write_float_layer(pickle, layer, transposed("FloatStorage", weight), bias);
  }
  void operator()(const F16Matrix& weight) const {
    write_float_layer(pickle, layer, transposed("HalfStorage", weight.codes), bias);
  }
  void operator()(const Bf16Matrix& weight) const {
    write_float_layer(pickle, layer, transposed("BFloat16Storage", weight.codes), bias);
  }
  void operator()(const Int8Matrix& weight) const {
    write_packed_layer(pickle, layer, transposed("QInt8Storage", weight.codes),
                       std::span<const float>(weight.scales), bias);
  }
  void operator()(const Int8TorchMatrix& weight) const {
    write_packed_layer(pickle, layer, transposed("QInt8Storage", weight.codes), weight.scale, bias);
  }
  template <typename Other>
  void operator()(const Other& /*weight*/) const {}
};

void require_in_torch(Scheme scheme) {
  if (scheme == Scheme::kF32 || scheme == Scheme::kF16 || scheme == Scheme::kBf16 ||
      scheme == Scheme::kInt8 || scheme == Scheme::kInt8Torch)
    return;
  throw_error(
      "PyTorch has no Linear layer with {} weights; write a .safetensors file, or choose int8, "
      "int8-torch, f16 or bf16",
      name_of(scheme));
}

void write_version(TorchPickle& pickle, const std::string& module, std::int64_t version) {
  pickle.text(module);
  pickle.begin_dict();
  pickle.text("version");
  pickle.integer(version);
  pickle.end_dict();
}

// load_state_dict asks these for how to read the packed parameters; 4 of the Linear means that
// activations take 7 bits (reduce_range).
void write_versions(TorchPickle& pickle, std::size_t layers) {
  pickle.begin_dict();
  pickle.text("_metadata");
  pickle.begin_ordered_dict();
  write_version(pickle, "", 1);
  for (std::size_t l = 0; l < layers; ++l) {
    write_version(pickle, place_of(l), 4);
    write_version(pickle, place_of(l) + "._packed_params", 3);
  }
  pickle.end_dict();
  pickle.end_dict();
  pickle.build();
}

}  // namespace

void write_state_dict(TorchPickle& pickle, const Mlp& mlp) {
  pickle.begin_ordered_dict();
  for (std::size_t l = 0; l < mlp.layers.size(); ++l) {
    const Linear& layer = mlp.layers[l];
    write_float_layer(pickle, l, transposed("FloatStorage", layer.weight), layer.bias);
  }
  pickle.end_dict();
}

void write_state_dict(TorchPickle& pickle, const QuantizedMlp& mlp) {
  require_in_torch(mlp.scheme);
  pickle.begin_ordered_dict();
  for (std::size_t l = 0; l < mlp.layers.size(); ++l)
    std::visit(LayerWriter{pickle, l, mlp.layers[l].bias}, mlp.layers[l].weight);
  pickle.end_dict();
  if (mlp.scheme == Scheme::kInt8 || mlp.scheme == Scheme::kInt8Torch)
    write_versions(pickle, mlp.layers.size());
}

}  // namespace nibble
