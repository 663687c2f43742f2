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

enum class SplitKind { kSklearn, kStratified };
// "sklearn", "stratified"; an Error for anything else.
SplitKind split_kind_named(std::string_view name);
std::string_view name_of(SplitKind kind);

struct DataOptions {
  std::string data;             // catalogue name, folder or file: data/catalogue.h
  std::string test_file;        // replaces the test part that `data` brings; empty: keep it
  std::string validation_file;  // validates instead of a part of training; empty: split
  SplitKind split = SplitKind::kSklearn;
  double validation_fraction = 0.2;
  std::uint32_t split_seed = 42;
  std::size_t max_features = 10'000;
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
};

// Vocabulary and scaling are fitted on the training part alone. An Error says what is wrong with
// the data.
PreparedData prepare_data(const DataOptions& options);

// The same features for further examples (a test file that comes with `eval`, say).
DataPart make_part(Examples examples, const Featurizer& featurizer);

// Texts: their vocabulary, of `max_features` words at most. Numbers: Examples::scale.
Featurizer fit_featurizer(const Examples& training, std::size_t max_features);

}  // namespace nibble
