#include "nibble/formats/model_file.h"

#include "nibble/core/error.h"
#include "nibble/formats/test_models.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

class ModelFileTest : public FolderTest {
 protected:
  void expect_unreadable(const std::string& content, const std::string& because) const {
    const fs::path path = folder_ / "bad.pt";
    write_file_atomically(path, content);
    const std::string sentence = sentence_of([&] { load_model(path); });
    EXPECT_NE(sentence.find(path.string()), std::string::npos) << sentence;
    EXPECT_NE(sentence.find(because), std::string::npos) << sentence;
  }
};

TEST_F(ModelFileTest, TheNameChoosesTheFormat) {
  for (const char* name : {"m.pt", "m.pth", "m.safetensors", "caf\xC3\xA9 1.2.pt", "..x.pt"}) {
    const Model model = word_model();
    save_model(model, folder_ / name);
    expect_same(load_model(folder_ / name), model);
  }
  const Model quantized = quantized_model(word_model(), Scheme::kInt8);
  save_model(quantized, folder_ / "q.safetensors");
  expect_same(load_model(folder_ / "q.safetensors"), quantized);
}

TEST_F(ModelFileTest, TheContentDecidesWhenReading) {
  save_model(word_model(), folder_ / "m.safetensors");
  fs::rename(folder_ / "m.safetensors", folder_ / "m.pt");
  expect_same(load_model(folder_ / "m.pt"), word_model());
}

TEST_F(ModelFileTest, TheSameModelGivesTheSameBytes) {
  for (const char* name : {"m.pt", "m.safetensors"}) {
    save_model(word_model(), folder_ / name);
    const std::string bytes = read_file(folder_ / name);
    save_model(load_model(folder_ / name), folder_ / name);
    EXPECT_EQ(read_file(folder_ / name), bytes);
  }
}

TEST_F(ModelFileTest, ACheckpointCarriesItsTrainingsState) {
  const fs::path path = folder_ / "m.pt";
  const std::vector<float> floats{1.5F, -0.0F, 1e-42F};
  const std::vector<double> doubles{0.1, 1e300};
  const std::vector<std::int64_t> whole{-1, std::int64_t{1} << 40};
  save_checkpoint(word_model(),
                  {{"floats", std::span(floats)},
                   {"doubles", std::span(doubles)},
                   {"whole", std::span(whole)},
                   {"text", "caf\xC3\xA9"}},
                  path);
  expect_same(load_model(path), word_model());
  const StoredTraining stored = load_training(path);
  expect_same(stored.model, word_model());
  ASSERT_EQ(stored.state.size(), 4U);
  const auto& read = std::get<std::vector<float>>(stored.state.at("floats"));
  EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(read)), std::as_bytes(std::span(floats))));
  EXPECT_EQ(std::get<std::vector<double>>(stored.state.at("doubles")), doubles);
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(stored.state.at("whole")), whole);
  EXPECT_EQ(std::get<std::string>(stored.state.at("text")), "caf\xC3\xA9");
}

TEST_F(ModelFileTest, FilesWithoutAStateCannotBeResumed) {
  save_model(word_model(), folder_ / "m.pt");
  EXPECT_NE(sentence_of([&] { load_training(folder_ / "m.pt"); }).find("--keep-state"),
            std::string::npos);
  save_model(word_model(), folder_ / "m.safetensors");
  EXPECT_NE(
      sentence_of([&] { load_training(folder_ / "m.safetensors"); }).find("only a checkpoint"),
      std::string::npos);
  EXPECT_TRUE(is_checkpoint_name("a/m.pt"));
  EXPECT_FALSE(is_checkpoint_name("a/m.safetensors"));
}

TEST_F(ModelFileTest, WhatCannotBeWrittenLeavesTheOldFile) {
  const fs::path path = folder_ / "m.pt";
  save_model(word_model(), path);
  const std::string before = read_file(path);
  expect_refused([&] { save_model(quantized_model(word_model(), Scheme::kInt4), path); },
                 path.string());
  EXPECT_EQ(read_file(path), before);
  for (const char* name : {"m.gguf", "m", "safetensors"})
    expect_refused([&] { save_model(word_model(), folder_ / name); },
                   ".safetensors, .pt, .pth or .onnx");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(ModelFileTest, OtherFilesAreRefusedWithASentence) {
  expect_unreadable("", "is empty");
  expect_unreadable("hello", "neither a PyTorch checkpoint");
  expect_unreadable("PK", "no end record");
  expect_unreadable("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.",
                    "before PyTorch 1.6");
  expect_unreadable(std::string("\x02\0\0\0\0\0\0\0{}", 10), "not written by nibble");
  EXPECT_THROW(load_model(folder_), Error);
  EXPECT_THROW(load_model(folder_ / "missing.pt"), Error);
}

const SharedMatrix<std::int8_t>& codes_of_layer(const Model& model, std::size_t layer) {
  return std::get<Int8Matrix>(std::get<QuantizedMlp>(model.network).layers.at(layer).weight).codes;
}

// 64 x 64 codes lie at a multiple of 64 in the file.
Model model_of_64() {
  return {Numeric{64, 1.0F}, {"a", "b"}, initialised_mlp({64, {64}, 2}, 3), {}};
}

TEST_F(ModelFileTest, QuantizedWeightsStayInTheMappedFile) {
  const fs::path path = folder_ / "m.safetensors";
  save_model(quantized_model(model_of_64(), Scheme::kInt8), path);
  const Model model = load_model(path);
  EXPECT_EQ(codes_of_layer(model, 0).owner, codes_of_layer(model, 1).owner);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(codes_of_layer(model, 0).values.data()) % 64, 0U);
}

TEST_F(ModelFileTest, ALoadedModelOutlivesItsFileReplacedOrRemoved) {
  const fs::path path = folder_ / "m.safetensors";
  const Model original = quantized_model(model_of_64(), Scheme::kInt8);
  save_model(original, path);
  const Model loaded = load_model(path);
  Model other = model_of_64();
  std::get<Mlp>(other.network).layers[0].weight.values[0] = 5.0F;
  save_model(quantized_model(other, Scheme::kInt8), path);
  expect_same(loaded, original);
  fs::remove(path);
  expect_same(loaded, original);
}

std::string long_word(std::size_t index) { return "word" + std::to_string(10000 + index); }

// The lab's network, all zero (sizes do not depend on the numbers), with a vocabulary of 10,000
// words and 90 kB of text.
Model reference_model() {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < 10000; ++i) words.push_back(long_word(i).substr(0, 9));
  return {BagOfWords{Vocabulary(std::move(words))},
          {"negative", "positive"},
          Mlp({10000, {512, 256, 128, 64}, 2}),
          {}};
}

// Any codes and scales in matrices of the right sizes: choosing them takes minutes under the
// sanitizers.
Model int4_form(const Model& model) {
  QuantizedMlp quantized{Scheme::kInt4, {}};
  for (const Linear& layer : std::get<Mlp>(model.network).layers) {
    const bool first = quantized.layers.empty();
    Int4Matrix weight;
    weight.outputs = layer.outputs();
    weight.axis = first ? GroupAxis::kOutputs : GroupAxis::kInputs;
    weight.codes = Matrix<std::uint8_t>(layer.inputs(), layer.outputs() / 2);
    weight.scales = first ? Matrix<std::uint16_t>(layer.inputs(), layer.outputs() / kInt4Group)
                          : Matrix<std::uint16_t>(layer.inputs() / kInt4Group, layer.outputs());
    quantized.layers.push_back({std::move(weight), layer.bias});
  }
  return {model.featurizer, model.labels, std::move(quantized), model.provenance};
}

TEST_F(ModelFileTest, TheReferenceNetworkFitsItsBounds) {
  constexpr double kMegabyte = 1024.0 * 1024.0;
  const Model model = reference_model();
  const auto size_in = [&](Scheme scheme) {
    const fs::path path = folder_ / "m.safetensors";
    const Model stored =
        scheme == Scheme::kInt4 ? int4_form(model) : quantized_model(model, scheme);
    save_model(stored, path);
    const StorageBreakdown storage = storage_breakdown(stored, path);
    EXPECT_LT(storage.rest(), 4096U);
    EXPECT_EQ(storage.vocabulary, 100'000U);
    EXPECT_EQ(storage.biases, 962U * 4);
    return static_cast<double>(storage.file) / kMegabyte;
  };
  EXPECT_LE(size_in(Scheme::kInt4), 2.95);
  EXPECT_LE(size_in(Scheme::kInt8), 5.2);
  EXPECT_LE(size_in(Scheme::kF16), 10.2);
  save_model(model, folder_ / "m.pt");
  expect_same(load_model(folder_ / "m.pt"), model);
  const StorageBreakdown storage = storage_breakdown(model, folder_ / "m.pt");
  EXPECT_EQ(storage.weights, 5'292'160U * 4);
  EXPECT_LT(storage.rest(), 8192U);
}

}  // namespace
}  // namespace nibble
