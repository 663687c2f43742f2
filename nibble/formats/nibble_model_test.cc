#include "nibble/formats/nibble_model.h"

#include <array>
#include <initializer_list>
#include <string>
#include <utility>

#include "nibble/core/error.h"
#include "nibble/formats/byte_reader.h"
#include "nibble/formats/safetensors.h"
#include "nibble/formats/test_models.h"

namespace nibble {
namespace {

class NibbleModelTest : public FolderTest {
 protected:
  std::string saved(const Model& model) const {
    return written([&](AtomicFile& file) { write_nibble_model(model, file); });
  }
  // The model's file after `change` has had its way with the content.
  std::string changed(const Model& model, const std::function<void(Safetensors&)>& change) const {
    const std::string bytes = saved(model);
    Safetensors content = read_safetensors(bytes_of(bytes));
    change(content);
    return written([&](AtomicFile& file) { write_safetensors(content, file); });
  }
  void expect_problem(const Model& model, const std::function<void(Safetensors&)>& change,
                      const std::string& because) const {
    const std::string bytes = changed(model, change);
    expect_refused([&] { read_nibble_model(bytes_of(bytes)); }, because);
  }
  // The model with this tensor's bytes set to `value`, from `index` on.
  template <typename T>
  void expect_bad_number(const Model& model, const std::string& tensor, std::size_t index, T value,
                         const std::string& because) const {
    std::string bytes = saved(model);
    const Safetensors content = read_safetensors(bytes_of(bytes));
    ASSERT_NE(content.find(tensor), nullptr) << tensor;
    const auto start = text_of(content.find(tensor)->bytes).data() - bytes.data();
    std::memcpy(bytes.data() + start + index * sizeof(T), &value, sizeof(T));
    expect_refused([&] { read_nibble_model(bytes_of(bytes)); }, because);
  }
};

Model in_scheme(const Model& model, Scheme scheme) {
  return scheme == Scheme::kF32 ? model : quantized_model(model, scheme);
}

SafeTensor& tensor_in(Safetensors& content, std::string_view name) {
  return *std::ranges::find(content.tensors, name, &SafeTensor::name);
}

TEST_F(NibbleModelTest, ReadsWhatItWroteInEveryScheme) {
  for (const Scheme scheme : kSchemes) {
    for (const Model& original : {word_model(), number_model()}) {
      const Model model = in_scheme(original, scheme);
      const std::string bytes = saved(model);
      expect_same(read_nibble_model(bytes_of(bytes)), model);
      EXPECT_EQ(saved(model), bytes) << name_of(scheme);
    }
  }
}

TEST_F(NibbleModelTest, AFloatNetworkInQuantizedFormIsReadAsAFloatNetwork) {
  const Model model = word_model();
  Model wrapped = model;
  wrapped.network =
      quantize(std::get<Mlp>(model.network), Scheme::kF32, input_kind(model.featurizer));
  const std::string bytes = saved(wrapped);
  expect_same(read_nibble_model(bytes_of(bytes)), model);
}

TEST_F(NibbleModelTest, StoresExactlyTheEncodings) {
  const std::string bytes = saved(in_scheme(word_model(), Scheme::kInt4));
  const Safetensors content = read_safetensors(bytes_of(bytes));
  const auto expect_tensor = [&](std::string_view name, ElementType type,
                                 const std::vector<std::uint64_t>& shape) {
    const SafeTensor* tensor = content.find(name);
    ASSERT_NE(tensor, nullptr) << name;
    EXPECT_EQ(tensor->type, type) << name;
    EXPECT_EQ(tensor->shape, shape) << name;
  };
  expect_tensor("layers.0.weight", ElementType::kU8, {33, 16});
  expect_tensor("layers.0.scales", ElementType::kF16, {33, 1});  // groups along the outputs
  expect_tensor("layers.0.bias", ElementType::kF32, {31});
  expect_tensor("layers.1.weight", ElementType::kU8, {31, 3});
  expect_tensor("layers.1.scales", ElementType::kF16, {1, 5});  // groups along the inputs
  EXPECT_EQ(content.metadata.at("group_axes"), "outputs,inputs,inputs");
  EXPECT_EQ(content.metadata.at("layer_sizes"), "33,31,5,3");
  EXPECT_TRUE(text_of(content.find("vocabulary")->bytes).starts_with("caf\xC3\xA9\nword1\n"));
  EXPECT_EQ(content.tensors.size(), 10U);
}

TEST_F(NibbleModelTest, Int8StoresItsScales) {
  const std::string bytes = saved(in_scheme(word_model(), Scheme::kInt8));
  const Safetensors content = read_safetensors(bytes_of(bytes));
  EXPECT_EQ(content.find("layers.0.weight")->type, ElementType::kI8);
  EXPECT_EQ(content.find("layers.0.scales")->shape, (std::vector<std::uint64_t>{31}));
  const std::string torch_bytes = saved(in_scheme(word_model(), Scheme::kInt8Torch));
  EXPECT_EQ(read_safetensors(bytes_of(torch_bytes)).find("layers.0.scales")->shape,
            (std::vector<std::uint64_t>{1}));
}

TEST_F(NibbleModelTest, NewerVersionsAreRefusedByName) {
  expect_problem(
      word_model(), [](Safetensors& c) { c.metadata["format_version"] = "3"; },
      "format version 3, but this nibble reads versions up to 2");
  expect_problem(
      word_model(), [](Safetensors& c) { c.metadata["format_version"] = "0"; }, "version 0");
  expect_problem(
      word_model(), [](Safetensors& c) { c.metadata["format_version"] = "one"; }, "'one'");
  expect_problem(
      word_model(), [](Safetensors& c) { c.metadata.clear(); }, "not written by nibble");
}

TEST_F(NibbleModelTest, MetadataThatDoNotFitAreRefused) {
  const auto problem = [&](const std::string& key, const std::string& value,
                           const std::string& because, Scheme scheme = Scheme::kF32) {
    expect_problem(
        in_scheme(word_model(), scheme),
        [&](Safetensors& content) { content.metadata[key] = value; }, because);
  };
  problem("scheme", "int3", "int3");
  problem("scheme", "int8", "layers.0.weight");
  problem("layer_sizes", "", "''");
  problem("layer_sizes", "33", "at least 2");
  problem("layer_sizes", "33,31,5,", "''");
  problem("layer_sizes", "33,-31,5,3", "'-31'");
  problem("layer_sizes", "33,31,5,9223372036854775808", "layers.2.weight");
  problem("layer_sizes", "18446744073709551615,18446744073709551615", "layers.0.weight");
  problem("layer_sizes", "33,31,5,3,0", "layers.3.weight");
  problem("layer_sizes", "33,31,5", "7 tensors, but 5");
  problem("group_axes", "outputs,inputs", "2 group axes for 3 layers", Scheme::kInt4);
  problem("group_axes", "outputs,inputs,rows", "'rows'", Scheme::kInt4);
  problem("group_axes", "inputs,inputs,inputs", "layers.0.scales", Scheme::kInt4);
  problem("labels", R"(["a","b"])", "names 2 labels");
  problem("labels", R"(["a","b","b"])", "'b' twice");
  problem("labels", "[1,2,3]", "labels has the number 1");
  problem("labels", std::string(100'000, '['), "labels has a list");
  problem("settings", "{", "settings is not valid JSON");
  problem("featurizer", "embedding", "'embedding'");
  problem("featurizer", "numeric", "input_scale");
  problem("epoch", "-1", "'-1'");
  problem("validation_loss", "", "''");
}

TEST_F(NibbleModelTest, InputScaleMustBeAUsefulNumber) {
  for (const char* scale : {"0", "nan", "inf", "x", "1e50"}) {
    expect_problem(
        number_model(), [&](Safetensors& content) { content.metadata["input_scale"] = scale; }, "");
  }
}

TEST_F(NibbleModelTest, TensorsThatDoNotFitAreRefused) {
  const Model model = word_model();
  expect_problem(
      model, [](Safetensors& c) { tensor_in(c, "layers.1.bias").name = "other"; },
      "lacks the tensor 'layers.1.bias'");
  expect_problem(
      model,
      [](Safetensors& c) {
        c.tensors.push_back({"x", ElementType::kU8, {0}, {}});
      },
      "8 tensors, but 7");
  expect_problem(
      model,
      [](Safetensors& c) {
        tensor_in(c, "layers.1.weight").shape = {5, 31};
      },
      "expected F32 [31, 5]");
  expect_problem(
      model, [](Safetensors& c) { tensor_in(c, "layers.1.weight").type = ElementType::kI32; },
      "is I32");
  expect_problem(
      model, [](Safetensors& c) { tensor_in(c, "vocabulary").name = "words"; }, "vocabulary");
  expect_problem(
      model,
      [](Safetensors& c) {
        SafeTensor& words = tensor_in(c, "vocabulary");
        words.bytes = bytes_of("one\ntwo");
        words.shape = {7};
      },
      "2 features but its network takes 33");
}

TEST_F(NibbleModelTest, NumbersThatNoEncodingHasAreRefused) {
  const Model model = word_model();
  const auto in = [&](Scheme scheme) { return in_scheme(model, scheme); };
  expect_bad_number(model, "layers.1.weight", 3, NAN, "weights of layer 1");
  expect_bad_number(model, "layers.2.bias", 2, -INFINITY, "biases of layer 2");
  expect_bad_number<std::uint16_t>(in(Scheme::kF16), "layers.0.weight", 9, 0xFC00, "weights of");
  expect_bad_number<std::uint16_t>(in(Scheme::kBf16), "layers.0.weight", 9, 0x7F80, "weights of");
  expect_bad_number(in(Scheme::kInt8), "layers.0.scales", 1, -1.0F, "negative");
  expect_bad_number(in(Scheme::kInt8), "layers.0.scales", 1, NAN, "scales of layer 0");
  expect_bad_number(in(Scheme::kInt8Torch), "layers.1.scales", 0, INFINITY, "scales of layer 1");
  expect_bad_number<std::uint16_t>(in(Scheme::kInt4), "layers.0.scales", 5, 0x7C01, "scales of");
  // 31 outputs: the high nibble of byte 15 of a row is filler.
  expect_bad_number<std::uint8_t>(in(Scheme::kInt4), "layers.0.weight", 15, 0x08, "filler");
}

TEST_F(NibbleModelTest, AWordWithALineFeedIsNotWritten) {
  Model model = word_model();
  auto words = std::get<BagOfWords>(model.featurizer).vocabulary.words();
  words[3] = "two\nlines";
  model.featurizer = BagOfWords{Vocabulary(words)};
  expect_refused([&] { saved(model); }, "line feed");
}

TEST_F(NibbleModelTest, ModelsThatDoNotFitTogetherAreNotWritten) {
  Model model = word_model();
  model.labels.pop_back();
  expect_refused([&] { saved(model); }, "names 2 labels");
  model = word_model();
  model.featurizer = Numeric{32, 1.0F};
  expect_refused([&] { saved(model); }, "32 features");
  model = word_model();
  model.labels[0] = "\xFF";
  expect_refused([&] { saved(model); }, "not valid UTF-8");
}

constexpr std::array kRecipes = {"0=int4:row,*=f16",
                                 "0=rank1:int6:tensor+f16,*=int4",
                                 "int3:asym",
                                 "ternary:channel",
                                 "1bit:tensor",
                                 "nf4:g64",
                                 "fp8",
                                 "0=rank1:int4+f32,*=f32",
                                 "0=int5:1x3,*=bf16",
                                 "pq4",
                                 "0=pq2:channel:norm,*=f16",
                                 "pq32:norm",
                                 "0=rank2:pq1x4+f16,*=pq3:channel"};

TEST_F(NibbleModelTest, ReadsWhatItWroteOfEveryRecipe) {
  for (const char* recipe : kRecipes) {
    for (const Model& original : {word_model(), number_model()}) {
      const Model model = quantized_model(original, Recipe::from_text(recipe));
      EXPECT_EQ(model.provenance.settings.at("recipe"), recipe);
      const std::string bytes = saved(model);
      EXPECT_EQ(read_safetensors(bytes_of(bytes)).metadata.at("format_version"), "2");
      expect_same(read_nibble_model(bytes_of(bytes)), model);
      EXPECT_EQ(saved(read_nibble_model(bytes_of(bytes))), bytes) << recipe;
    }
  }
}

TEST_F(NibbleModelTest, FixedRangesOfInputsComeBack) {
  Model model = quantized_model(word_model(), Scheme::kInt8);
  auto& network = std::get<QuantizedMlp>(model.network);
  network.layers[0].input = CallQuantization{1.0F, 0};
  network.layers[1].input = CallQuantization{0.1F, 128};
  network.scheme = common_scheme(network.layers);
  EXPECT_EQ(network.scheme, Scheme::kMixed);
  const std::string bytes = saved(model);
  const auto metadata = read_safetensors(bytes_of(bytes)).metadata;
  EXPECT_EQ(metadata.at("format_version"), "2");
  EXPECT_EQ(metadata.at("encodings"), "int8@1,int8@0.1s,int8");
  expect_same(read_nibble_model(bytes_of(bytes)), model);
  for (const auto& [text, because] : std::initializer_list<std::pair<std::string, std::string>>{
           {"int8@,int8,int8", "rounded by ''"},
           {"int8@0,int8,int8", "rounded by '0'"},
           {"int8@nan,int8,int8", "rounded by 'nan'"},
           {"int8@1e-45,int8,int8", "rounded by"},
           {"int8@0.5x,int8,int8", "rounded by '0.5x'"}})
    expect_problem(
        model, [text = text](Safetensors& c) { c.metadata["encodings"] = text; }, because);
  const Model floats = quantized_model(word_model(), Recipe::from_text("0=int3,*=f16"));
  expect_problem(
      floats, [](Safetensors& c) { c.metadata["encodings"] = "int3:1x32,f16@0.5,f16"; },
      "expected int8");
}

TEST_F(NibbleModelTest, ACompressedVocabularyComesBack) {
  Model model = word_model();
  std::get<BagOfWords>(model.featurizer).stored_compressed = true;
  const std::string bytes = saved(model);
  const Model back = read_nibble_model(bytes_of(bytes));
  expect_same(back, model);
  EXPECT_TRUE(std::get<BagOfWords>(back.featurizer).stored_compressed);
  EXPECT_EQ(saved(back), bytes);
  EXPECT_EQ(read_safetensors(bytes_of(bytes)).metadata.at("format_version"), "2");
  expect_problem(
      model, [](Safetensors& c) { c.metadata["vocabulary_coding"] = "zip"; }, "coded as 'zip'");
  expect_problem(
      model, [](Safetensors& c) { c.metadata.erase("vocabulary_coding"); }, "");
}

TEST_F(NibbleModelTest, HashedWordsNeedNoVocabulary) {
  const std::string bytes = saved(hashed_model());
  const Safetensors content = read_safetensors(bytes_of(bytes));
  expect_same(read_nibble_model(bytes_of(bytes)), hashed_model());
  EXPECT_EQ(content.metadata.at("format_version"), "2");
  EXPECT_EQ(content.metadata.at("featurizer"), "hashed_words");
  EXPECT_EQ(content.find("vocabulary"), nullptr);
  EXPECT_EQ(read_stored_checks(bytes_of(bytes), hashed_model()).vectors.size(), 3U);
  expect_problem(
      hashed_model(), [](Safetensors& c) { c.metadata["featurizer"] = "bag_of_words"; },
      "lacks its vocabulary");
  expect_problem(
      word_model(), [](Safetensors& c) { c.metadata["featurizer"] = "hashed_words"; },
      "tensors, but");
  expect_problem(
      hashed_model(), [](Safetensors& c) { c.metadata["layer_sizes"] = "4294967296,31,5,3"; },
      "4294967296 buckets");
}

auto with_encodings(const std::string& text) {
  return [text](Safetensors& content) { content.metadata["encodings"] = text; };
}

TEST_F(NibbleModelTest, MixedSchemesThatMakeNoSenseAreRefused) {
  const Model model = quantized_model(word_model(), Recipe::from_text("0=int3,*=f16"));
  const std::string rest = ",f16,f16";
  for (const auto& [text, because] : std::initializer_list<std::pair<std::string, std::string>>{
           {"int3:1x32", "encodings for"},
           {"int3:g32" + rest, "encoding 'int3:g32'"},
           {"int8-torch" + rest, "encoding 'int8-torch'"},
           {"int4" + rest, "encoding 'int4'"},
           {"int9:1x32" + rest, "no encoding 'int9'"},
           {"int2:1x32" + rest, "expected U8"},
           {"int3:*x*" + rest, "expected F16"},
           {"int3:1x32:asym" + rest, "lacks the tensor 'layers.0.zeros'"},
           {"int3:1x32,f16,f16+", "factor of none"}})
    expect_problem(model, with_encodings(text), because);
  expect_bad_number<std::uint16_t>(model, "layers.0.scales", 0, 0x7C00, "not finite");
}

TEST_F(NibbleModelTest, CentroidsThatMakeNoSenseAreRefused) {
  const Model model = quantized_model(word_model(), Recipe::from_text("0=pq8:norm,*=f16"));
  for (const auto& [text, because] : std::initializer_list<std::pair<std::string, std::string>>{
           {"pq0,f16,f16", "pq0"},
           {"pq4x9,f16,f16", "pq4x9"},
           {"pq4:row,f16,f16", "'row'"},
           {"pq18446744073709551615,f16,f16", "no product quantization"},
           {"pq8:norm,f16,pq4+", "factor of none"},
           {"pq2:norm,f16,f16", "expected U8"},
           {"pq8x4:norm,f16,f16", "expected U8"},
           {"pq8:channel:norm,f16,f16", "no centroid"},
           {"pq8,f16,f16", "tensors, but"},
           {"int8:1x4,f16,f16", "expected U8"}})
    expect_problem(model, with_encodings(text), because);
  expect_bad_number<std::uint16_t>(model, "layers.0.centroids", 3, 0x7C00, "not finite");
  expect_bad_number<std::uint16_t>(model, "layers.0.norms", 0, 0xFC00, "not finite");
  expect_bad_number<std::uint8_t>(model, "layers.0.weight", 0, 0xFF, "no centroid");
  expect_bad_number<std::uint8_t>(model, "layers.0.norm_codes", 0, 0xFF, "no centroid");
}

TEST_F(NibbleModelTest, AMixedFileCutShortOrDamagedAnywhereIsRefusedOrHarmless) {
  for (const char* recipe : kRecipes) {
    const std::string bytes = saved(quantized_model(word_model(), Recipe::from_text(recipe)));
    expect_truncations_refused(bytes,
                               [](std::span<const std::byte> cut) { read_nibble_model(cut); });
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ 0x81);
      try {
        read_nibble_model(bytes_of(damaged));
      } catch (const Error&) {
        continue;  // the sanitizers watch for anything worse
      }
    }
  }
}

TEST_F(NibbleModelTest, CutShortAnywhereItIsRefused) {
  for (const Scheme scheme : kSchemes) {
    expect_truncations_refused(saved(in_scheme(word_model(), scheme)),
                               [](std::span<const std::byte> bytes) { read_nibble_model(bytes); });
  }
}

TEST_F(NibbleModelTest, BytesAtAnyPlaceGiveTheSameModel) {
  // 64 x 64 codes lie at a multiple of 64 in the file.
  const Model model = quantized_model(
      {Numeric{64, 1.0F}, {"a", "b"}, initialised_mlp({64, {64}, 2}, 3), {}}, Scheme::kInt8);
  const std::string bytes = saved(model);
  for (const std::size_t shift : {0, 1, 4, 63}) {
    write_file_atomically(folder_ / "shifted", std::string(shift, ' ') + bytes);
    const auto owner = std::make_shared<const MappedFile>(folder_ / "shifted");
    expect_same(read_nibble_model(owner->bytes().subspan(shift), owner), model);
  }
}

TEST_F(NibbleModelTest, AnyFlippedByteIsRefusedOrHarmless) {
  const std::string bytes = saved(in_scheme(number_model(), Scheme::kInt4));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int flip : {0x01, 0x80, 0xFF}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      try {
        read_nibble_model(bytes_of(damaged));
      } catch (const Error&) {
        continue;  // the sanitizers watch for anything worse
      }
    }
  }
}

}  // namespace
}  // namespace nibble
