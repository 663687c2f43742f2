#include "nibble/quant/encodings.h"

#include <cstdint>
#include <span>

namespace nibble {
namespace {

const Matrix<float>& decode(const F32Matrix& matrix) { return matrix; }

template <typename T>
std::size_t input_rows(const Matrix<T>& matrix) {
  return matrix.rows;
}
template <typename Encoded>
std::size_t input_rows(const Encoded& matrix) {
  return matrix.codes.rows;
}

template <typename T>
std::size_t output_columns(const Matrix<T>& matrix) {
  return matrix.columns;
}
template <typename Encoded>
std::size_t output_columns(const Encoded& matrix) {
  return matrix.codes.columns;
}
std::size_t output_columns(const Int4Matrix& matrix) { return matrix.outputs; }

template <typename AnyMatrix>
std::size_t bytes_of(const AnyMatrix& matrix) {
  return std::span(matrix.values).size_bytes();
}

EncodedBytes bytes(const F32Matrix& matrix) { return {bytes_of(matrix), 0}; }
EncodedBytes bytes(const F16Matrix& matrix) { return {bytes_of(matrix.codes), 0}; }
EncodedBytes bytes(const Bf16Matrix& matrix) { return {bytes_of(matrix.codes), 0}; }
EncodedBytes bytes(const Int8Matrix& matrix) {
  return {bytes_of(matrix.codes), matrix.scales.size() * sizeof(float)};
}
EncodedBytes bytes(const Int8TorchMatrix& matrix) {
  return {bytes_of(matrix.codes), sizeof(matrix.scale)};
}
EncodedBytes bytes(const Int4Matrix& matrix) {
  return {bytes_of(matrix.codes), bytes_of(matrix.scales)};
}

}  // namespace

std::size_t input_count(const EncodedMatrix& matrix) {
  return std::visit([](const auto& encoded) { return input_rows(encoded); }, matrix);
}

std::size_t output_count(const EncodedMatrix& matrix) {
  return std::visit([](const auto& encoded) { return output_columns(encoded); }, matrix);
}

EncodedBytes stored_bytes(const EncodedMatrix& matrix) {
  return std::visit([](const auto& encoded) { return bytes(encoded); }, matrix);
}

Matrix<float> decode(const EncodedMatrix& matrix) {
  return std::visit([](const auto& encoded) -> Matrix<float> { return decode(encoded); }, matrix);
}

}  // namespace nibble
