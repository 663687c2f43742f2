#include "nibble/quant/encodings.h"

#include <cstdint>
#include <span>

#include <fmt/format.h>

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

std::size_t input_rows(const GroupedMatrix& matrix) { return matrix.inputs; }
std::size_t input_rows(const PqMatrix& matrix) { return matrix.inputs; }

template <typename T>
std::size_t output_columns(const Matrix<T>& matrix) {
  return matrix.columns;
}
template <typename Encoded>
std::size_t output_columns(const Encoded& matrix) {
  return matrix.codes.columns;
}
std::size_t output_columns(const Int4Matrix& matrix) { return matrix.outputs; }
std::size_t output_columns(const GroupedMatrix& matrix) { return matrix.outputs; }
std::size_t output_columns(const PqMatrix& matrix) { return matrix.outputs; }

std::string name(const F32Matrix& /*matrix*/) { return "f32"; }
std::string name(const F16Matrix& /*matrix*/) { return "f16"; }
std::string name(const Bf16Matrix& /*matrix*/) { return "bf16"; }
std::string name(const Int8Matrix& /*matrix*/) { return "int8"; }
std::string name(const Int8TorchMatrix& /*matrix*/) { return "int8-torch"; }
std::string name(const Int4Matrix& matrix) {
  return matrix.axis == GroupAxis::kOutputs ? "int4:outputs" : "int4:inputs";
}
std::string name(const GroupedMatrix& matrix) {
  return fmt::format("{}:{}{}", name_of(matrix.form.kind), text_of(matrix.form.block),
                     matrix.form.asymmetric ? ":asym" : "");
}
std::string name(const PqMatrix& matrix) { return text_of(matrix.form); }

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
EncodedBytes bytes(const GroupedMatrix& matrix) {
  return {bytes_of(matrix.codes), bytes_of(matrix.scales) + bytes_of(matrix.zeros)};
}
EncodedBytes bytes(const PqMatrix& matrix) {
  return {bytes_of(matrix.codes) + bytes_of(matrix.norm_codes),
          bytes_of(matrix.centroids) + bytes_of(matrix.norms)};
}

}  // namespace

std::size_t input_count(const EncodedMatrix& matrix) {
  return std::visit([](const auto& encoded) { return input_rows(encoded); }, matrix);
}

std::size_t output_count(const EncodedMatrix& matrix) {
  return std::visit([](const auto& encoded) { return output_columns(encoded); }, matrix);
}

std::string encoding_name(const EncodedMatrix& matrix) {
  return std::visit([](const auto& encoded) { return name(encoded); }, matrix);
}

EncodedBytes stored_bytes(const EncodedMatrix& matrix) {
  return std::visit([](const auto& encoded) { return bytes(encoded); }, matrix);
}

Matrix<float> decode(const EncodedMatrix& matrix) {
  return std::visit([](const auto& encoded) -> Matrix<float> { return decode(encoded); }, matrix);
}

}  // namespace nibble
