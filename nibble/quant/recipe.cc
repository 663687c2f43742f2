#include "nibble/quant/recipe.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nibble/core/error.h"

namespace nibble {
namespace {

std::vector<std::string_view> pieces_of(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const std::size_t end = text.find(separator);
    pieces.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return pieces;
    text.remove_prefix(end + 1);
  }
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "1x32", "*x1".
std::optional<BlockShape> block_from(std::string_view text) {
  const std::size_t cross = text.find('x');
  if (cross == std::string_view::npos) return std::nullopt;
  const auto side = [](std::string_view part) -> std::optional<std::size_t> {
    if (part == "*") return 0;
    const auto number = whole_number(part);
    return number == std::size_t{0} ? std::nullopt : number;
  };
  const auto inputs = side(text.substr(0, cross));
  const auto outputs = side(text.substr(cross + 1));
  if (!inputs || !outputs) return std::nullopt;
  return BlockShape{*inputs, *outputs};
}

void apply_option(std::string_view option, std::string_view whole, GroupedChoice& choice) {
  if (option == "asym" && is_integer(choice.kind)) {
    choice.asymmetric = true;
  } else if (option == "tensor") {
    choice.granularity = Granularity::kTensor;
  } else if (option == "channel") {
    choice.granularity = Granularity::kChannel;
  } else if (option == "row") {
    choice.granularity = Granularity::kRow;
  } else if (option == "g32" || option == "g64" || option == "g128") {
    choice.granularity = Granularity::kGroups;
    choice.group = *whole_number(option.substr(1));
  } else if (const auto block = block_from(option)) {
    choice.granularity = Granularity::kBlock;
    choice.block = *block;
  } else {
    throw_error(
        "the encoding '{}' has the option '{}'; expected tensor, channel, row, g32, g64, g128, "
        "inputs x outputs such as 1x32, or asym (with int2 to int8)",
        whole, option);
  }
}

std::optional<Scheme> plain_scheme(std::string_view name) {
  for (const Scheme scheme : kSchemes) {
    if (name_of(scheme) == name) return scheme;
  }
  return std::nullopt;
}

LayerRecipe layer_from(std::string_view text) {
  constexpr std::string_view kRank = "rank";
  if (!text.starts_with(kRank)) return {encoding_from(text)};
  const std::size_t colon = std::min(text.find(':'), text.size());
  const auto rank = whole_number(text.substr(kRank.size(), colon - kRank.size()));
  const std::size_t plus = text.find('+');
  if (!rank || *rank == 0 || colon > plus || plus == std::string_view::npos)
    throw_error(
        "the recipe has '{}'; expected a rank and the encodings of both factors, such as "
        "rank1:int8:channel+f16",
        text);
  return {encoding_from(text.substr(colon + 1, plus - colon - 1)), *rank,
          encoding_from(text.substr(plus + 1))};
}

std::string granularity_text(const GroupedChoice& choice) {
  switch (choice.granularity) {
    case Granularity::kTensor:
      return "tensor";
    case Granularity::kChannel:
      return "channel";
    case Granularity::kRow:
      return "row";
    case Granularity::kGroups:
      return fmt::format("g{}", choice.group);
    case Granularity::kBlock:
      break;
  }
  return text_of(choice.block);
}

void require_lone(const std::vector<LayerRecipe>& layers, const std::string& text) {
  const auto is_torch = [](const LayerRecipe& layer) {
    return layer.encoding == Encoding(Scheme::kInt8Torch) ||
           (layer.rank > 0 && layer.second == Encoding(Scheme::kInt8Torch));
  };
  const bool alone = std::ranges::all_of(
      layers, [&](const LayerRecipe& layer) { return layer.rank == 0 && is_torch(layer); });
  if (!alone && std::ranges::any_of(layers, is_torch))
    throw_error("the recipe '{}' mixes int8-torch with others; it must stand alone", text);
}

}  // namespace

GroupedForm form_of(const GroupedChoice& choice, GroupAxis axis) {
  BlockShape block = choice.block;
  switch (choice.granularity) {
    case Granularity::kTensor:
      block = {0, 0};
      break;
    case Granularity::kChannel:
      block = {0, 1};
      break;
    case Granularity::kRow:
      block = {1, 0};
      break;
    case Granularity::kGroups:
      block =
          axis == GroupAxis::kOutputs ? BlockShape{1, choice.group} : BlockShape{choice.group, 1};
      break;
    case Granularity::kBlock:
      break;
  }
  return {choice.kind, block, choice.asymmetric};
}

Encoding encoding_from(std::string_view text) {
  if (is_pq_name(text)) return pq_form_from(text);
  const auto parts = pieces_of(text, ':');
  if (parts.size() == 1) {
    if (const auto scheme = plain_scheme(text)) return *scheme;
  }
  const auto kind = code_kind_named(parts.front());
  if (!kind && plain_scheme(parts.front()))
    throw_error("the encoding '{}' has options, but {} takes none", text, parts.front());
  if (!kind)
    throw_error(
        "there is no encoding '{}'; use one of f32, f16, bf16, int8, int8-torch, int4, fp8, nf4, "
        "int2 to int7, ternary, 1bit, pq4 (vectors of 4), or a recipe such as "
        "0=int4:row,1-3=int8,4=f16",
        parts.front());
  GroupedChoice choice;
  choice.kind = *kind;
  if (*kind == CodeKind::kFp8) choice.granularity = Granularity::kChannel;
  for (std::size_t i = 1; i < parts.size(); ++i) apply_option(parts[i], text, choice);
  return choice;
}

std::string text_of(const Encoding& encoding) {
  if (const auto* scheme = std::get_if<Scheme>(&encoding)) return std::string(name_of(*scheme));
  if (const auto* form = std::get_if<PqForm>(&encoding)) return text_of(*form);
  const auto& choice = std::get<GroupedChoice>(encoding);
  return fmt::format("{}:{}{}", name_of(choice.kind), granularity_text(choice),
                     choice.asymmetric ? ":asym" : "");
}

std::string text_of(const LayerRecipe& layer) {
  if (layer.rank == 0) return text_of(layer.encoding);
  return fmt::format("rank{}:{}+{}", layer.rank, text_of(layer.encoding), text_of(layer.second));
}

Recipe::Recipe(Scheme scheme) : text_(name_of(scheme)), items_{{0, 0, true, {Encoding(scheme)}}} {}

Recipe::Recipe(const std::vector<LayerRecipe>& layers) {
  std::vector<std::string> texts;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    items_.push_back({l, l, false, layers[l]});
    texts.push_back(fmt::format("{}={}", l, text_of(layers[l])));
  }
  text_ = fmt::format("{}", fmt::join(texts, ","));
}

Recipe Recipe::from_text(std::string_view text) {
  Recipe recipe;
  recipe.text_ = text;
  if (text.find('=') == std::string_view::npos) {
    recipe.items_.push_back({0, 0, true, layer_from(trimmed(text))});
    return recipe;
  }
  for (const std::string_view piece : pieces_of(text, ',')) {
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos)
      throw_error("the recipe has '{}'; expected layers=encoding such as 1-3=int8", piece);
    const std::string_view layers = trimmed(piece.substr(0, equals));
    const std::size_t dash = std::min(layers.find('-'), layers.size());
    const auto first = whole_number(layers.substr(0, dash));
    const auto last = dash == layers.size() ? first : whole_number(layers.substr(dash + 1));
    const bool rest = layers == "*";
    if (!rest && (!first || !last || *first > *last))
      throw_error("the recipe names the layers '{}'; expected a layer, a range such as 1-3, or *",
                  layers);
    recipe.items_.push_back(
        {first.value_or(0), last.value_or(0), rest, layer_from(trimmed(piece.substr(equals + 1)))});
  }
  return recipe;
}

std::vector<LayerRecipe> Recipe::layers(std::size_t count) const {
  std::vector<std::optional<LayerRecipe>> named(count);
  std::optional<LayerRecipe> rest;
  for (const Item& item : items_) {
    if (item.rest) {
      if (rest) throw_error("the recipe '{}' says twice what the other layers get", text_);
      rest = item.layer;
      continue;
    }
    if (item.last >= count)
      throw_error("the recipe '{}' names layer {}, but the network's layers are 0 to {}", text_,
                  item.last, count - 1);
    for (std::size_t l = item.first; l <= item.last; ++l) {
      if (named[l]) throw_error("the recipe '{}' names layer {} twice", text_, l);
      named[l] = item.layer;
    }
  }
  std::vector<LayerRecipe> result;
  for (std::size_t l = 0; l < count; ++l) {
    if (!named[l] && !rest)
      throw_error("the recipe '{}' leaves out layer {}; name it, or all others with *", text_, l);
    result.push_back(named[l] ? *named[l] : *rest);
  }
  require_lone(result, text_);
  return result;
}

}  // namespace nibble
