#include "nibble/study/pipeline.h"

#include <tuple>
#include <utility>

#include "nibble/core/error.h"
#include "nibble/data/catalogue.h"
#include "nibble/text/bag_of_words.h"

namespace nibble {
namespace {

Split split_rows(const Examples& all, const DataOptions& options) {
  const double fraction = options.validation_fraction;
  switch (options.effective_split()) {
    case SplitKind::kStratified:
      return stratified_split(all.labels, fraction, options.split_seed);
    case SplitKind::kHashed:
      return hashed_split(all.rows(), fraction, options.split_seed);
    case SplitKind::kSklearn:
      break;
  }
  return shuffle_split(all.rows(), fraction, options.split_seed);
}

std::pair<Examples, Examples> split_examples(Examples all, const DataOptions& options) {
  if (!options.validation_file.empty()) {
    Examples validation = load_examples(options.validation_file, all.label_names);
    return {std::move(all), std::move(validation)};
  }
  const Split split = split_rows(all, options);
  return {select_examples(all, split.training), select_examples(all, split.validation)};
}

std::optional<Examples> choose_test(std::optional<Examples> brought, const DataOptions& options,
                                    const LabelNames& labels) {
  if (options.test_file.empty()) return brought;
  return load_examples(options.test_file, labels);
}

}  // namespace

SplitKind split_kind_named(std::string_view name) {
  if (name == "sklearn") return SplitKind::kSklearn;
  if (name == "stratified") return SplitKind::kStratified;
  if (name == "hashed") return SplitKind::kHashed;
  throw_error("there is no split '{}'; expected sklearn, stratified or hashed", name);
}

std::string_view name_of(SplitKind kind) {
  switch (kind) {
    case SplitKind::kStratified:
      return "stratified";
    case SplitKind::kHashed:
      return "hashed";
    case SplitKind::kSklearn:
      break;
  }
  return "sklearn";
}

DataFacts PreparedData::facts() const {
  const auto part = [](const DataPart& of) {
    return DataFacts::Part{of.examples.rows(), of.examples.sha256};
  };
  return {featurizer, label_names, part(training), part(validation)};
}

void refuse_to_hash_numbers() {
  throw_error("--hash-vocabulary is for texts, but the data are rows of numbers; leave it out");
}

Featurizer fit_featurizer(const Examples& training, const DataOptions& options) {
  if (training.is_text() && options.hash_vocabulary > 0)
    return BagOfWords{Vocabulary::hashed(options.hash_vocabulary)};
  if (options.hash_vocabulary > 0) refuse_to_hash_numbers();
  if (training.is_text()) return BagOfWords{fit_vocabulary(training.texts(), options.max_features)};
  return Numeric{training.numbers().columns, training.scale};
}

DataPart make_part(Examples examples, const Featurizer& featurizer) {
  Rows rows = featurize(featurizer, examples.inputs);
  return {std::move(examples), std::move(rows)};
}

DataParts split_data(const DataOptions& options) {
  TrainAndTest loaded = load_data(options.data);
  require_trainable(loaded.training);
  DataParts parts;
  parts.label_names = loaded.training.label_names;
  parts.test = choose_test(std::move(loaded.test), options, parts.label_names);
  std::tie(parts.training, parts.validation) = split_examples(std::move(loaded.training), options);
  require_trainable(parts.training);  // again: the split may have left too few rows
  return parts;
}

PreparedData prepare_data(const DataOptions& options) {
  DataParts parts = split_data(options);
  Featurizer featurizer = fit_featurizer(parts.training, options);

  PreparedData prepared{.name = options.data,
                        .featurizer = featurizer,
                        .label_names = std::move(parts.label_names),
                        .training = make_part(std::move(parts.training), featurizer),
                        .validation = make_part(std::move(parts.validation), featurizer),
                        .test = std::nullopt};
  if (parts.test) prepared.test = make_part(std::move(*parts.test), featurizer);
  return prepared;
}

}  // namespace nibble
