// From a DATA argument to rows that a network can be trained on: load, split, fit the features on
// the training part. `train` and `study` both start here, so that they can never disagree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "nibble/data/examples.h"
#include "nibble/data/rows.h"
#include "nibble/data/split.h"
#include "nibble/model/model.h"
#include "nibble/train/train.h"

namespace nibble {

enum class SplitKind { kSklearn, kStratified, kHashed };
// "sklearn", "stratified", "hashed"; an Error for anything else.
SplitKind split_kind_named(std::string_view name);
std::string_view name_of(SplitKind kind);

struct DataOptions {
  std::string data;             // catalogue name, folder or file: data/catalogue.h
  std::string test_file;        // replaces the test part that `data` brings; empty: keep it
  std::string validation_file;  // validates instead of a part of training; empty: split
  // Unless given: kSklearn in memory, kHashed when streamed, which allows no other.
  std::optional<SplitKind> split;
  double validation_fraction = 0.2;
  std::uint32_t split_seed = 42;
  std::size_t max_features = 10'000;
  std::size_t hash_vocabulary = 0;  // buckets that words are hashed into, instead; 0: keep words
  bool stream = false;  // read the data shard by shard instead of holding it: streamed_data.h
  std::size_t shuffle_buffer = 65'536;  // rows shuffled together when streamed

  SplitKind effective_split() const {
    return split.value_or(stream ? SplitKind::kHashed : SplitKind::kSklearn);
  }
};

// What a model and a checkpoint say of the data they were made from.
struct DataFacts {
  struct Part {
    std::size_t rows = 0;
    std::string sha256;  // of its file; empty if there was none
  };
  Featurizer featurizer;
  LabelNames label_names;
  Part training;
  Part validation;
};

// One part of the data: as it was read, and as features. The two agree row by row.
struct DataPart {
  Examples examples;
  Rows rows;

  LabelledRows labelled() const { return {view_of(rows), examples.labels}; }
};

struct PreparedData {
  std::string name;  // the DATA argument
  Featurizer featurizer;
  LabelNames label_names;
  DataPart training;
  DataPart validation;
  std::optional<DataPart> test;

  DataFacts facts() const;
};

// The parts as they were read. An Error says what is wrong with the data.
struct DataParts {
  LabelNames label_names;
  Examples training;
  Examples validation;
  std::optional<Examples> test;
};
DataParts split_data(const DataOptions& options);

// Those parts as features. Vocabulary and scaling are fitted on the training part alone. An Error
// says what is wrong with the data.
PreparedData prepare_data(const DataOptions& options);

// The same features for further examples (a test file that comes with `eval`, say).
DataPart make_part(Examples examples, const Featurizer& featurizer);

// Texts: their vocabulary, of `max_features` words at most, or `hash_vocabulary` buckets. Numbers:
// Examples::scale.
Featurizer fit_featurizer(const Examples& training, const DataOptions& options);

// The Error of --hash-vocabulary with rows of numbers.
[[noreturn]] void refuse_to_hash_numbers();

}  // namespace nibble
