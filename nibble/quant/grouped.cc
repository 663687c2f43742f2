#include "nibble/quant/grouped.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <utility>
#include <vector>

#include "nibble/core/error.h"
#include "nibble/quant/binary_code.h"
#include "nibble/quant/fp8.h"
#include "nibble/quant/half.h"
#include "nibble/quant/integer_code.h"
#include "nibble/quant/nf4.h"
#include "nibble/quant/scale_search.h"

namespace nibble {
namespace {

using scale_search::BlockWeights;

// Calls work(code) with the kind's levels; `zero_point` counts for asymmetric integers.
template <typename Work>
auto with_code(const GroupedForm& form, std::int32_t zero_point, const Work& work) {
  switch (form.kind) {
    case CodeKind::kBinary:
      return work(BinaryCode());
    case CodeKind::kTernary:
      return work(ternary_code());
    case CodeKind::kNf4:
      return work(Nf4Code());
    case CodeKind::kFp8:
      return work(Fp8Code());
    default:
      break;
  }
  const unsigned bits = integer_bits(form.kind);
  return work(form.asymmetric ? asymmetric_code(bits, zero_point) : symmetric_code(bits));
}

struct BlockParameters {
  float scale = 0.0F;
  std::int32_t zero_point = 0;
};

// Zero points for what lies between the smallest and the largest weight, drawn in step by step,
// with the scales that go with them; then the neighbours of the best.
class ZeroSearch {
 public:
  ZeroSearch(const BlockWeights& block, unsigned bits) : block_(block), bits_(bits) {
    for (const float value : block.w) {
      low_ = std::min(low_, value);
      high_ = std::max(high_, value);
    }
  }

  BlockParameters search() {
    if (std::isinf(1.0F / (high_ - low_))) return {};
    const float apart = std::max(0.97F, 1.0F - 0.5F / static_cast<float>(1 << bits_));
    float share = 1.1F;
    for (; share > 0.6F; share *= block_.w.size() > kLargeBlock ? 0.97F : apart) try_range(share);
    for (; share > 0.08F; share *= 0.9F) try_range(share);
    refine(block_.w.size() > kLargeBlock ? 0.03F : 0.01F);
    return best_;
  }

 private:
  // Up to 15 % around the best scale and two zero points to both sides.
  void refine(float apart) {
    const BlockParameters found = best_;
    for (std::int32_t zero = found.zero_point - 2; zero <= found.zero_point + 2; ++zero) {
      for (float factor = 0.85F; factor <= 1.15F; factor += apart)
        try_pair(found.scale * factor, zero);
    }
  }
  void try_range(float share) {
    const float scale = share * (high_ - low_) / static_cast<float>((1 << bits_) - 1);
    const auto zero = static_cast<std::int32_t>(std::nearbyint(-low_ * share / scale));
    for (std::int32_t near = zero - 1; near <= zero + 1; ++near) try_pair(scale, near);
  }
  void try_pair(float scale, std::int32_t zero) {
    if (zero < 0 || zero >= 1 << bits_ || scale == 0.0F) return;
    const ScaleFit fit = scale_search::fit(block_, asymmetric_code(bits_, zero), 1.0F / scale);
    if (fit.explained <= explained_) return;
    explained_ = fit.explained;
    best_ = {fit.scale, zero};
  }

  BlockWeights block_;
  unsigned bits_;
  float low_ = 0.0F;
  float high_ = 0.0F;
  double explained_ = 0.0;
  BlockParameters best_;
};

BlockParameters parameters_for(const BlockWeights& block, const GroupedForm& form) {
  if (form.asymmetric) return ZeroSearch(block, integer_bits(form.kind)).search();
  return {with_code(form, 0, [&](const auto& code) { return best_scale(block, code).scale; }), 0};
}

// One block's weights, side by side, and their importance where it differs within the block.
class GatheredBlock {
 public:
  GatheredBlock(const Matrix<float>& weight, std::span<const float> importance)
      : weight_(weight), importance_(importance) {}

  BlockWeights gather(const Block& block) {
    values_.clear();
    weighed_.clear();
    for (std::size_t i = block.input; i < block.input + block.inputs; ++i) {
      const auto row = weight_.row(i).subspan(block.output, block.outputs);
      values_.insert(values_.end(), row.begin(), row.end());
      if (!importance_.empty() && block.inputs > 1)
        weighed_.insert(weighed_.end(), block.outputs, importance_[i]);
    }
    return {values_, weighed_};
  }

 private:
  const Matrix<float>& weight_;
  std::span<const float> importance_;
  std::vector<float> values_;
  std::vector<float> weighed_;
};

// Codes of one block, one byte each, at their places in the whole matrix.
template <typename Code>
void write_codes(const Matrix<float>& weight, const Block& block, float scale, const Code& code,
                 AlignedVector<std::uint8_t>& codes) {
  const float inverse_scale = 1.0F / scale;
  for (std::size_t i = block.input; i < block.input + block.inputs; ++i) {
    for (std::size_t o = block.output; o < block.output + block.outputs; ++o)
      codes[i * weight.columns + o] = code.code_of(code.nearest(weight.at(i, o) * inverse_scale));
  }
}

Matrix<std::uint8_t> packed_row(AlignedVector<std::uint8_t> bytes) {
  Matrix<std::uint8_t> row;
  row.rows = 1;
  row.columns = bytes.size();
  row.values = std::move(bytes);
  return row;
}

std::int32_t zero_of(const GroupedMatrix& matrix, std::size_t block) {
  return matrix.form.asymmetric ? matrix.zeros.values[block] : 0;
}

// All levels of a block, by code.
std::array<float, 256> values_by_code(const GroupedMatrix& matrix, std::size_t block) {
  const float scale = float_from_f16(matrix.scales.values[block]);
  const std::int32_t zero = zero_of(matrix, block);
  const bool narrow = rounds_to_f16(matrix.form.kind);
  const std::size_t codes = code_limit(matrix.form.kind);
  std::array<float, 256> values{};
  with_code(matrix.form, zero, [&](const auto& code) {
    for (std::size_t c = 0; c < codes; ++c) {
      const float value = scale * code.level_of(static_cast<std::uint8_t>(c));
      values[c] = narrow ? rounded_to_f16(value) : value;
    }
  });
  return values;
}

[[noreturn]] void refuse(std::size_t layer, std::string_view what) {
  throw_error("layer {} has {}; the file is damaged", layer, what);
}

void require_codes(const GroupedMatrix& matrix, std::size_t layer) {
  const CodeKind kind = matrix.form.kind;
  const auto bytes = matrix.codes.values;
  const auto codes = unpack_codes(kind, bytes, matrix.inputs * matrix.outputs);
  if (kind == CodeKind::kFp8 && std::ranges::any_of(codes, is_fp8_nan))
    refuse(layer, "a weight that is not a number");
  if (!std::ranges::equal(pack_codes(kind, codes), bytes))
    refuse(layer, "codes that no encoder makes");
}

}  // namespace

bool rounds_to_f16(CodeKind kind) { return kind == CodeKind::kNf4 || kind == CodeKind::kFp8; }

std::string text_of(const BlockShape& shape) {
  const auto side = [](std::size_t size) { return size == 0 ? "*" : std::to_string(size); };
  return side(shape.inputs) + "x" + side(shape.outputs);
}

GroupedMatrix encode_grouped(const Matrix<float>& weight, const GroupedForm& form,
                             std::span<const float> importance) {
  assert(!form.asymmetric || is_integer(form.kind));
  assert(importance.empty() || importance.size() == weight.rows);
  const std::size_t lines = blocks_along(weight.rows, form.block.inputs);
  const std::size_t in_line = blocks_along(weight.columns, form.block.outputs);
  Matrix<std::uint16_t> scales(lines, in_line);
  Matrix<std::uint8_t> zeros(form.asymmetric ? lines : 0, form.asymmetric ? in_line : 0);
  AlignedVector<std::uint8_t> codes(weight.values.size());
  GatheredBlock gathered(weight, importance);
  for_each_block(form.block, weight.rows, weight.columns, [&](const Block& block) {
    const BlockParameters found = parameters_for(gathered.gather(block), form);
    scales.values[block.index] = f16_scale(found.scale);
    if (form.asymmetric) zeros.values[block.index] = static_cast<std::uint8_t>(found.zero_point);
    const float scale = float_from_f16(scales.values[block.index]);
    with_code(form, found.zero_point,
              [&](const auto& code) { write_codes(weight, block, scale, code, codes); });
  });
  Matrix<std::uint8_t> packed = packed_row(pack_codes(form.kind, codes));
  return {
      form, weight.rows, weight.columns, std::move(packed), std::move(scales), std::move(zeros)};
}

Matrix<float> decode(const GroupedMatrix& matrix) {
  const auto codes =
      unpack_codes(matrix.form.kind, matrix.codes.values, matrix.inputs * matrix.outputs);
  Matrix<float> weight(matrix.inputs, matrix.outputs);
  for_each_block(matrix.form.block, matrix.inputs, matrix.outputs, [&](const Block& block) {
    const auto values = values_by_code(matrix, block.index);
    for (std::size_t i = block.input; i < block.input + block.inputs; ++i) {
      for (std::size_t o = block.output; o < block.output + block.outputs; ++o)
        weight.at(i, o) = values[codes[i * matrix.outputs + o]];
    }
  });
  return weight;
}

void GroupedRounder::round_row(std::size_t input, std::span<float> row) const {
  const GroupedForm& form = scales_.form;
  const std::size_t wide = form.block.outputs == 0 ? row.size() : form.block.outputs;
  const std::size_t line = form.block.inputs == 0 ? 0 : input / form.block.inputs;
  for (std::size_t first = 0; first < row.size(); first += wide) {
    const std::size_t block = line * scales_.scales.columns + first / wide;
    const float scale = float_from_f16(scales_.scales.values[block]);
    const std::int32_t zero = zero_of(scales_, block);
    const bool narrow = rounds_to_f16(form.kind);
    with_code(form, zero, [&](const auto& code) {
      for (std::size_t o = first; o < std::min(first + wide, row.size()); ++o) {
        const float value = scale * code.nearest(row[o] / scale);
        row[o] = narrow ? float_from_f16(f16_from_float(value)) : value;
      }
    });
  }
}

GroupedMatrix GroupedRounder::encode(const Matrix<float>& weight) const {
  AlignedVector<std::uint8_t> codes(weight.values.size());
  for_each_block(scales_.form.block, weight.rows, weight.columns, [&](const Block& block) {
    const float scale = float_from_f16(scales_.scales.values[block.index]);
    const std::int32_t zero = zero_of(scales_, block.index);
    with_code(scales_.form, zero,
              [&](const auto& code) { write_codes(weight, block, scale, code, codes); });
  });
  GroupedMatrix result = scales_;
  result.codes = packed_row(pack_codes(scales_.form.kind, codes));
  return result;
}

Matrix<std::int16_t> integer_levels(const GroupedMatrix& matrix) {
  assert(!rounds_to_f16(matrix.form.kind));
  const auto codes =
      unpack_codes(matrix.form.kind, matrix.codes.values, matrix.inputs * matrix.outputs);
  Matrix<std::int16_t> levels(matrix.inputs, matrix.outputs);
  for_each_block(matrix.form.block, matrix.inputs, matrix.outputs, [&](const Block& block) {
    const std::int32_t zero = zero_of(matrix, block.index);
    with_code(matrix.form, zero, [&](const auto& code) {
      for (std::size_t i = block.input; i < block.input + block.inputs; ++i) {
        for (std::size_t o = block.output; o < block.output + block.outputs; ++o)
          levels.at(i, o) = static_cast<std::int16_t>(code.level_of(codes[i * matrix.outputs + o]));
      }
    });
  });
  return levels;
}

void require_sound(const GroupedMatrix& matrix, std::size_t layer) {
  const GroupedForm& form = matrix.form;
  if (matrix.inputs == 0 || matrix.outputs == 0 ||
      matrix.codes.values.size() != packed_bytes(form.kind, matrix.inputs * matrix.outputs))
    refuse(layer, "codes for another number of weights");
  const std::size_t lines = blocks_along(matrix.inputs, form.block.inputs);
  const std::size_t in_line = blocks_along(matrix.outputs, form.block.outputs);
  if (matrix.scales.rows != lines || matrix.scales.columns != in_line)
    refuse(layer, "scales for another number of blocks");
  for (const std::uint16_t scale : matrix.scales.values) {
    if ((scale & 0x7FFF) >= 0x7C00) refuse(layer, "a scale that is not finite");
  }
  if (form.asymmetric != !matrix.zeros.values.empty())
    refuse(layer, "zero points where none belong, or none");
  for (const std::uint8_t zero : matrix.zeros.values) {
    if (zero >= 1U << integer_bits(form.kind)) refuse(layer, "a zero point that is no code");
  }
  require_codes(matrix, layer);
}

}  // namespace nibble
