#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include "layer.h"

#include "nibble/core/threads.h"
#include "nibble/kernels/float_dense.h"
#include "nibble/kernels/int4_dense.h"
#include "nibble/kernels/int8_dense.h"

namespace nibble::peers {
namespace {

constexpr std::uint16_t kHalfOne = 0x3C00;

// A thread's share of the outputs: a matrix, bias and outputs of its own.
struct Piece {
  std::size_t first = 0;
  std::size_t outputs = 0;
  AlignedVector<float> bias;
  Matrix<float> y;
  std::function<void()> run;
  Finish finish() const { return {bias.data(), true}; }
  OutputRows rows() { return {y.values.data(), y.columns}; }
};

struct Operands {
  Shape shape;
  Matrix<float> x;
  AlignedVector<std::uint8_t> bytes;
  std::vector<RowScale> scales;
  std::vector<Piece> pieces;
  std::unique_ptr<ThreadPool> pool;
  std::size_t byte_stride() const { return round_up(shape.inputs, 64); }
  FloatRows floats() const { return {x.values.data(), shape.inputs, shape.rows}; }
  QuantizedRows quantized() const {
    return {bytes.data(), byte_stride(), shape.rows, scales.data()};
  }
};

void fill(Operands& all) {
  for (std::size_t row = 0; row < all.shape.rows; ++row) {
    for (std::size_t i = 0; i < all.shape.inputs; ++i) {
      all.x.at(row, i) = static_cast<float>(x_at(row, i));
      all.bytes[row * all.byte_stride() + i] = static_cast<std::uint8_t>(x_at(row, i));
    }
  }
}

template <typename T>
Matrix<T> weights_of(const Shape& shape, const Piece& piece) {
  Matrix<T> w(shape.inputs, piece.outputs);
  for (std::size_t i = 0; i < shape.inputs; ++i) {
    for (std::size_t o = 0; o < piece.outputs; ++o)
      w.at(i, o) = static_cast<T>(w_at(i, piece.first + o));
  }
  return w;
}

// As stored: two outputs in a byte, each code + 8.
Matrix<std::uint8_t> int4_codes(const Matrix<std::int8_t>& w) {
  Matrix<std::uint8_t> codes(w.rows, (w.columns + 1) / 2);
  for (std::size_t i = 0; i < w.rows; ++i) {
    for (std::size_t o = 0; o < w.columns; ++o)
      codes.at(i, o / 2) |= static_cast<std::uint8_t>((w.at(i, o) + 8) << (o % 2 * 4));
  }
  return codes;
}

void prepare_f32(Operands& all, Piece& piece) {
  auto weights =
      std::make_shared<F32Panels>(pack_f32_panels(view_of(weights_of<float>(all.shape, piece))));
  piece.run = [&all, &piece, weights] {
    f32_dense(all.floats(), *weights, piece.finish(), piece.rows());
  };
}

void prepare_int8(Operands& all, Piece& piece) {
  auto weights = std::make_shared<Int8Panels>(pack_int8_panels(
      view_of(weights_of<std::int8_t>(all.shape, piece)), std::vector<float>(piece.outputs, 1.0F)));
  auto workspace = std::make_shared<std::vector<std::uint32_t>>(
      int8_dense_workspace(all.shape.rows, all.shape.inputs));
  piece.run = [&all, &piece, weights, workspace] {
    int8_dense(all.quantized(), *weights, piece.finish(), piece.rows(), workspace->data());
  };
}

void prepare_int4(Operands& all, Piece& piece) {
  const Matrix<std::uint8_t> codes = int4_codes(weights_of<std::int8_t>(all.shape, piece));
  const std::size_t groups = round_up(all.shape.inputs, kGroup) / kGroup;
  const std::vector<std::uint16_t> scales(groups * piece.outputs, kHalfOne);
  auto weights = std::make_shared<Int4Panels>(pack_int4_panels(
      {codes.values.data(), scales.data(), all.shape.inputs, piece.outputs}, false));
  auto workspace = std::make_shared<std::vector<std::int32_t>>(
      int4_dense_workspace(all.shape.rows, all.shape.inputs));
  piece.run = [&all, &piece, weights, workspace] {
    int4_dense(all.quantized(), *weights, piece.finish(), piece.rows(), workspace->data());
  };
}

void prepare(const std::string& type, Operands& all, Piece& piece) {
  if (type == "f32") return prepare_f32(all, piece);
  if (type == "int8") return prepare_int8(all, piece);
  if (type == "int4") return prepare_int4(all, piece);
  throw std::invalid_argument("nibble has no layer of type " + type);
}

std::vector<Piece> cut(const Shape& shape, std::size_t threads) {
  std::vector<Piece> pieces(threads);
  for (std::size_t p = 0; p < threads; ++p) {
    pieces[p].first = p * shape.outputs / threads;
    pieces[p].outputs = (p + 1) * shape.outputs / threads - pieces[p].first;
    pieces[p].bias.resize(padded_outputs(pieces[p].outputs));
    pieces[p].y = Matrix<float>(shape.rows, padded_outputs(pieces[p].outputs));
  }
  return pieces;
}

void run_all(Operands& all) {
  if (all.pieces.size() == 1) return all.pieces[0].run();
  all.pool->run(all.pieces.size(), [&all](std::size_t piece) { all.pieces[piece].run(); });
}

double result_of(const Operands& all, std::size_t row, std::size_t output) {
  const auto piece = std::ranges::find_if(
      all.pieces, [&](const Piece& p) { return output < p.first + p.outputs; });
  return piece->y.at(row, output - piece->first);
}

}  // namespace

Layer nibble_layer(const std::string& type, const Shape& shape, std::size_t threads) {
  auto all = std::make_shared<Operands>();
  all->shape = shape;
  all->x = Matrix<float>(shape.rows, shape.inputs);
  all->bytes.resize(shape.rows * all->byte_stride());
  all->scales.resize(shape.rows);
  all->pieces = cut(shape, threads);
  all->pool = std::make_unique<ThreadPool>(threads);
  fill(*all);
  for (Piece& piece : all->pieces) prepare(type, *all, piece);
  return {[all] { run_all(*all); },
          [all](std::size_t row, std::size_t output) { return result_of(*all, row, output); },
          true};
}

}  // namespace nibble::peers
