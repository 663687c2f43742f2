#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/formats/checkpoint_pt.h"
#include "nibble/formats/model_checks.h"
#include "nibble/formats/setting_value.h"
#include "nibble/formats/state_dict_writer.h"
#include "nibble/formats/torch_pickle.h"
#include "nibble/formats/zip_writer.h"

namespace nibble {
namespace {

// The dict of the whole checkpoint.
class CheckpointPickle {
 public:
  CheckpointPickle(const Model& model, const StateViews& state) {
    pickle_.begin_dict();
    pickle_.text("model_state_dict");
    std::visit([this](const auto& stage) { write_state_dict(pickle_, stage); }, model.network);
    provenance(model.provenance);
    pickle_.text("labels");
    texts(model.labels);
    featurizer(model.featurizer);
    if (std::holds_alternative<QuantizedMlp>(model.network)) {
      pickle_.text("scheme");
      pickle_.text(name_of(model.scheme()));
    }
    if (!state.empty()) training_state(state);
    pickle_.end_dict();
  }

  std::string finish() && { return std::move(pickle_).finish(); }
  const std::vector<TensorRecord>& records() const { return pickle_.records(); }

 private:
  void training_state(const StateViews& state) {
    pickle_.text("training_state");
    pickle_.begin_dict();
    for (const auto& [name, value] : state) {
      pickle_.text(name);
      std::visit([this](const auto& content) { state_value(content); }, value);
    }
    pickle_.end_dict();
  }

  void state_value(const std::string& text) { pickle_.text(text); }
  template <typename T>
  void state_value(std::span<const T> numbers) {
    pickle_.array(numbers);
  }

  void provenance(const Provenance& provenance) {
    pickle_.text("hyperparameters");
    pickle_.begin_dict();
    for (const auto& [name, text] : provenance.settings) {
      pickle_.text(name);
      setting(name, text);
    }
    pickle_.end_dict();
    pickle_.text("epoch");
    pickle_.whole(provenance.epoch);
    pickle_.text("validation_accuracy");
    pickle_.tensor_of(provenance.validation_accuracy);
    pickle_.text("validation_loss");
    pickle_.tensor_of(provenance.validation_loss);
  }

  // "hidden" is a list even when it has one size, so that whoever reads it need not ask.
  void setting(const std::string& name, const std::string& text) {
    const auto numbers = numbers_from_text(text);
    if (numbers && (name == "hidden" || numbers->size() > 1)) {
      pickle_.begin_list();
      for (const SettingNumber& value : *numbers) number(value);
      return pickle_.end_list();
    }
    if (text == "true" || text == "false") return pickle_.boolean(text == "true");
    if (numbers && numbers->size() == 1) return number(numbers->front());
    pickle_.text(text);
  }

  void number(const SettingNumber& value) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return pickle_.integer(*integer);
    pickle_.tensor_of(std::get<double>(value));
  }

  void texts(const std::vector<std::string>& values) {
    pickle_.begin_list();
    for (const std::string& value : values) pickle_.text(value);
    pickle_.end_list();
  }

  void featurizer(const Featurizer& featurizer) {
    const auto* numeric = std::get_if<Numeric>(&featurizer);
    pickle_.text("vocabulary");
    if (const Vocabulary* words = word_list(featurizer)) {
      texts(words->words());
    } else {
      pickle_.none();
    }
    pickle_.text("featurizer");
    pickle_.begin_dict();
    pickle_.text("kind");
    pickle_.text(numeric != nullptr         ? "numeric"
                 : hashes_words(featurizer) ? "hashed_words"
                                            : "bag_of_words");
    if (numeric != nullptr) {
      pickle_.text("columns");
      pickle_.whole(numeric->columns);
      pickle_.text("scale");
      pickle_.tensor_of(static_cast<double>(numeric->scale));
    }
    pickle_.end_dict();
  }

  TorchPickle pickle_;
};

}  // namespace

// The records and their order are those of torch.save in PyTorch 2.x; 1.13 ignores the ones that it
// does not know.
void write_checkpoint(const Model& model, std::string_view archive, AtomicFile& file,
                      const StateViews& state) {
  require_sound(model);
  CheckpointPickle pickle(model, state);
  const std::vector<TensorRecord> records = pickle.records();
  const auto path = [archive](std::string_view name) {
    return fmt::format("{}/{}", archive, name);
  };

  ZipWriter zip(file);
  zip.add(path("data.pkl"), std::move(pickle).finish());
  zip.add(path(".format_version"), "1");
  zip.add(path(".storage_alignment"), fmt::format("{}", kCacheLine));
  zip.add(path("byteorder"), "little");
  for (std::size_t i = 0; i < records.size(); ++i) {
    zip.add(path(fmt::format("data/{}", i)), records[i].size, records[i].source);
  }
  zip.add(path("version"), "3\n");
  // 40 digits that tell one archive from another; PyTorch takes them from the same two things.
  zip.add(path(".data/serialization_id"),
          fmt::format("{:020}{:020}", zip.names_crc(), zip.contents_crc()));
  zip.finish();
}

}  // namespace nibble
