// What the tests of this room share: small models of every kind, and files that vanish afterwards.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "nibble/core/error.h"
#include "nibble/core/file.h"
#include "nibble/model/model.h"

namespace nibble {

// Odd sizes, so that every kind of incomplete group and row occurs: 33 words, hidden 31 and 5,
// 3 labels. The last layer's bias has a negative zero and a subnormal.
inline Model word_model() {
  std::vector<std::string> words = {"caf\xC3\xA9"};
  for (int i = 1; i < 33; ++i) words.push_back("word" + std::to_string(i));
  Mlp mlp = initialised_mlp({33, {31, 5}, 3}, 7);
  mlp.layers.back().bias[0] = -0.0F;
  mlp.layers.back().bias[1] = 1e-42F;
  return {BagOfWords{Vocabulary(words)},
          {"negative", "neutral \"x\"", "positive"},
          std::move(mlp),
          {{{"dropout", "0.3"},
            {"epochs", "10"},
            {"hidden", "31,5"},
            {"learning_rate", "0.0001"},
            {"momentum", "1e-4"},
            {"note", "a,b"},
            {"resumed", "true"},
            {"rows", ""}},
           4,
           81.14,
           0.4321}};
}

inline Model hashed_model() {
  Model model = word_model();
  model.featurizer = BagOfWords{Vocabulary::hashed(33)};
  return model;
}

inline Model number_model() {
  return {Numeric{3, 1.0F / 255.0F},
          {"a", "b"},
          initialised_mlp({3, {}, 2}, 7),
          {{{"hidden", ""}}, 0, 0.0, 0.0}};
}

// Bit for bit where == would call two numbers the same: -0.0 and 0.0.
inline bool same_bits(const AlignedVector<float>& a, const AlignedVector<float>& b) {
  return std::ranges::equal(std::as_bytes(std::span(a)), std::as_bytes(std::span(b)));
}

inline void expect_same_network(const Model& a, const Model& b) {
  ASSERT_EQ(a.network.index(), b.network.index());
  EXPECT_EQ(a.network, b.network);
  if (const auto* mlp = std::get_if<Mlp>(&a.network)) {
    const auto& other = std::get<Mlp>(b.network);
    for (std::size_t l = 0; l < mlp->layers.size(); ++l) {
      EXPECT_TRUE(same_bits(mlp->layers[l].weight.values, other.layers[l].weight.values));
      EXPECT_TRUE(same_bits(mlp->layers[l].bias, other.layers[l].bias));
    }
  }
}

inline void expect_same(const Model& a, const Model& b) {
  expect_same_network(a, b);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.provenance.settings, b.provenance.settings);
  EXPECT_EQ(a.provenance.epoch, b.provenance.epoch);
  EXPECT_EQ(a.provenance.validation_accuracy, b.provenance.validation_accuracy);
  EXPECT_EQ(a.provenance.validation_loss, b.provenance.validation_loss);
  ASSERT_EQ(a.featurizer.index(), b.featurizer.index());
  if (const auto* bag = std::get_if<BagOfWords>(&a.featurizer)) {
    const Vocabulary& others = std::get<BagOfWords>(b.featurizer).vocabulary;
    EXPECT_EQ(bag->vocabulary.words(), others.words());
    EXPECT_EQ(bag->vocabulary.is_hashed(), others.is_hashed());
    EXPECT_EQ(bag->vocabulary.size(), others.size());
  } else {
    EXPECT_EQ(std::get<Numeric>(a.featurizer).columns, std::get<Numeric>(b.featurizer).columns);
    EXPECT_EQ(std::get<Numeric>(a.featurizer).scale, std::get<Numeric>(b.featurizer).scale);
  }
}

// The sentence of the Error that `action` throws; a test failure when it throws none.
inline std::string sentence_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no Error was thrown";
  return "";
}

inline void expect_refused(const std::function<void()>& action, const std::string& because) {
  const std::string sentence = sentence_of(action);
  EXPECT_NE(sentence.find(because), std::string::npos) << sentence;
}

// An empty folder for one test.
class FolderTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() /
              ("nibble_formats_" + std::string(test->name()) + std::to_string(::getpid()));
    make_folder(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // What `write` puts into a file.
  std::string written(const std::function<void(AtomicFile&)>& write) const {
    const std::filesystem::path own = folder_ / "own";
    make_folder(own);
    AtomicFile file(own / "written");
    write(file);  // not committed: a flush to disk takes longer than the whole test
    return read_file(std::filesystem::directory_iterator(own)->path());
  }

  std::filesystem::path folder_;
};

// Calls read with every prefix of a 64th of the bytes, and with the last byte missing: each must be
// an Error, and none may touch memory behind the end (the copies are of exact size, for
// AddressSanitizer).
inline void expect_truncations_refused(
    const std::string& bytes, const std::function<void(std::span<const std::byte>)>& read) {
  for (std::size_t step = 0; step <= 64; ++step) {
    const std::size_t size = step == 64 ? bytes.size() - 1 : bytes.size() * step / 64;
    const std::vector<std::byte> prefix(reinterpret_cast<const std::byte*>(bytes.data()),
                                        reinterpret_cast<const std::byte*>(bytes.data()) + size);
    EXPECT_THROW(read(prefix), Error) << size << " of " << bytes.size() << " bytes";
  }
}

}  // namespace nibble
