// A recipe: how each layer is to be stored, as text.
//
//   recipe    = name | layers "=" encoding {"," layers "=" encoding}
//   layers    = N | N "-" M | "*"                     counted from 0; "*": all not named otherwise
//   encoding  = whole | pq | "rank" N ":" whole "+" whole
//                                                     rank: factors [inputs][N] and [N][outputs]
//   whole     = name {":" option}
//   name      = f32 f16 bf16 int8 int8-torch int4 | 1bit ternary int2 .. int8 nf4 fp8
//   option    = tensor | channel | row | g32 | g64 | g128 | RxC (block_shape.h) | asym
//   pq        = "pq" D ["x" BITS] {":" tensor | channel | norm}  product quantization (pq.h)
//
// "int8", "int4" and the floats without options are the schemes of scheme.h; with options, and for
// all other names, grouped.h's. Without an option 1bit .. int7 and nf4 take groups of 32, fp8
// one scale for each channel. A lone name means all layers. Groups run along the outputs in a
// first layer that is fed with sparse rows, else along the inputs. int8-torch, whose scales belong
// to whole calls, stands alone only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nibble/quant/grouped.h"
#include "nibble/quant/int4.h"
#include "nibble/quant/pq.h"
#include "nibble/quant/scheme.h"

namespace nibble {

enum class Granularity : std::uint8_t { kTensor, kChannel, kRow, kGroups, kBlock };

// A GroupedForm whose groups have no direction yet.
struct GroupedChoice {
  CodeKind kind = CodeKind::kInt4;
  Granularity granularity = Granularity::kGroups;
  std::size_t group = 32;
  BlockShape block;  // of kBlock
  bool asymmetric = false;
  friend bool operator==(const GroupedChoice&, const GroupedChoice&) = default;
};
GroupedForm form_of(const GroupedChoice& choice, GroupAxis axis);

using Encoding = std::variant<Scheme, GroupedChoice, PqForm>;
// One `whole` or `pq` of the grammar above; an Error that says what is wrong with it.
Encoding encoding_from(std::string_view text);
std::string text_of(const Encoding& encoding);

struct LayerRecipe {
  Encoding encoding = Scheme::kF32;
  std::size_t rank = 0;            // 0: one matrix; else `encoding` is the first factor's
  Encoding second = Scheme::kF32;  // factor
  friend bool operator==(const LayerRecipe&, const LayerRecipe&) = default;
};
std::string text_of(const LayerRecipe& layer);

class Recipe {
 public:
  // All layers in one scheme.
  Recipe(Scheme scheme);  // NOLINT(google-explicit-constructor): every scheme is a recipe
  // One for each layer.
  explicit Recipe(const std::vector<LayerRecipe>& layers);
  // An Error that says what is wrong with the text.
  static Recipe from_text(std::string_view text);

  // As it was given.
  const std::string& text() const { return text_; }
  // For each of so many layers; an Error if the recipe names others, leaves some out, or names one
  // twice.
  std::vector<LayerRecipe> layers(std::size_t count) const;

 private:
  struct Item {
    std::size_t first = 0;
    std::size_t last = 0;
    bool rest = false;  // "*"
    LayerRecipe layer;
  };
  Recipe() = default;
  std::string text_;
  std::vector<Item> items_;
};

}  // namespace nibble
