#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "nibble/core/error.h"
#include "nibble/formats/checkpoint_pt.h"
#include "nibble/formats/model_checks.h"
#include "nibble/formats/pickle_writer.h"
#include "nibble/formats/setting_value.h"
#include "nibble/formats/zip_writer.h"

namespace nibble {
namespace {

// Outputs turned round at a time: 16 float32 are one cache line of a weight row.
constexpr std::size_t kBand = kCacheLine / sizeof(float);

// A tensor's numbers, to be stored under data/N.
struct Record {
  std::uint64_t size = 0;  // bytes
  ZipWriter::Source source;
};

// [inputs][outputs] in memory becomes [outputs][inputs] in the file, a band of outputs at a time.
void give_transposed(const Matrix<float>& weight, const ZipWriter::Sink& sink) {
  AlignedVector<float> band(kBand * weight.rows);
  for (std::size_t first = 0; first < weight.columns; first += kBand) {
    const std::size_t width = std::min(kBand, weight.columns - first);
    for (std::size_t i = 0; i < weight.rows; ++i) {
      const float* from = weight.row(i).data() + first;
      for (std::size_t o = 0; o < width; ++o) band[o * weight.rows + i] = from[o];
    }
    sink(std::as_bytes(std::span(band.data(), width * weight.rows)));
  }
}

std::vector<std::size_t> contiguous_strides(const std::vector<std::size_t>& shape) {
  std::vector<std::size_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

// The pickle and, as it grows, the records that it refers to.
class CheckpointPickle {
 public:
  CheckpointPickle(const Model& model, const StateViews& state) {
    pickle_.begin_dict();
    pickle_.text("model_state_dict");
    state_dict(std::get<Mlp>(model.network));
    provenance(model.provenance);
    pickle_.text("labels");
    texts(model.labels);
    featurizer(model.featurizer);
    if (!state.empty()) training_state(state);
    pickle_.end_dict();
  }

  std::string finish() && { return std::move(pickle_).finish(); }
  const std::vector<Record>& records() const { return records_; }

 private:
  // Linear, ReLU and Dropout take one number each in an nn.Sequential.
  void state_dict(const Mlp& mlp) {
    pickle_.begin_ordered_dict();
    for (std::size_t l = 0; l < mlp.layers.size(); ++l) {
      const Linear* layer = &mlp.layers[l];
      pickle_.text(fmt::format("{}.weight", 3 * l));
      tensor("FloatStorage", sizeof(float), {layer->outputs(), layer->inputs()},
             [layer](const ZipWriter::Sink& sink) { give_transposed(layer->weight, sink); });
      pickle_.text(fmt::format("{}.bias", 3 * l));
      tensor("FloatStorage", sizeof(float), {layer->outputs()},
             [layer](const ZipWriter::Sink& sink) { sink(std::as_bytes(std::span(layer->bias))); });
    }
    pickle_.end_dict();
  }

  // torch._utils._rebuild_tensor_v2(storage, offset, sizes, strides, requires_grad, hooks)
  void tensor(std::string_view storage, std::size_t element_size,
              const std::vector<std::size_t>& shape, ZipWriter::Source source) {
    std::uint64_t elements = 1;
    for (const std::size_t size : shape) elements *= size;
    pickle_.global("torch._utils", "_rebuild_tensor_v2");
    pickle_.begin_tuple();
    pickle_.begin_tuple();
    pickle_.text("storage");
    pickle_.global("torch", storage);
    pickle_.text(fmt::format("{}", records_.size()));
    pickle_.text("cpu");
    whole(elements);
    pickle_.end_tuple();
    pickle_.persistent_id();
    pickle_.integer(0);
    sizes(shape);
    sizes(contiguous_strides(shape));
    pickle_.boolean(false);
    pickle_.begin_ordered_dict();
    pickle_.end_dict();
    pickle_.end_tuple();
    pickle_.call();
    records_.push_back({elements * element_size, std::move(source)});
  }

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
  void state_value(std::span<const float> numbers) { array("FloatStorage", numbers); }
  void state_value(std::span<const double> numbers) { array("DoubleStorage", numbers); }
  void state_value(std::span<const std::int64_t> numbers) { array("LongStorage", numbers); }

  template <typename T>
  void array(std::string_view storage, std::span<const T> numbers) {
    tensor(storage, sizeof(T), {numbers.size()},
           [numbers](const ZipWriter::Sink& sink) { sink(std::as_bytes(numbers)); });
  }

  void sizes(const std::vector<std::size_t>& values) {
    pickle_.begin_tuple();
    for (const std::size_t value : values) whole(value);
    pickle_.end_tuple();
  }

  void whole(std::uint64_t value) { pickle_.integer(static_cast<std::int64_t>(value)); }

  // A float64 tensor without dimensions: PyTorch 1.13 refuses plain floats when weights_only is
  // set, and float(tensor) gives the same number.
  void real(double value) {
    tensor("DoubleStorage", sizeof(double), {},
           [value](const ZipWriter::Sink& sink) { sink(std::as_bytes(std::span(&value, 1))); });
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
    whole(provenance.epoch);
    pickle_.text("validation_accuracy");
    real(provenance.validation_accuracy);
    pickle_.text("validation_loss");
    real(provenance.validation_loss);
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
    real(std::get<double>(value));
  }

  void texts(const std::vector<std::string>& values) {
    pickle_.begin_list();
    for (const std::string& value : values) pickle_.text(value);
    pickle_.end_list();
  }

  void featurizer(const Featurizer& featurizer) {
    const auto* bag = std::get_if<BagOfWords>(&featurizer);
    pickle_.text("vocabulary");
    if (bag != nullptr) {
      texts(bag->vocabulary.words());
    } else {
      pickle_.none();
    }
    pickle_.text("featurizer");
    pickle_.begin_dict();
    pickle_.text("kind");
    pickle_.text(bag != nullptr ? "bag_of_words" : "numeric");
    if (bag == nullptr) {
      const auto& numeric = std::get<Numeric>(featurizer);
      pickle_.text("columns");
      whole(numeric.columns);
      pickle_.text("scale");
      real(static_cast<double>(numeric.scale));
    }
    pickle_.end_dict();
  }

  PickleWriter pickle_;
  std::vector<Record> records_;
};

}  // namespace

// The records and their order are those of torch.save in PyTorch 2.x; 1.13 ignores the ones that it
// does not know.
void write_checkpoint(const Model& model, std::string_view archive, AtomicFile& file,
                      const StateViews& state) {
  if (!std::holds_alternative<Mlp>(model.network)) {
    throw_error(
        "a PyTorch checkpoint holds float models, but this one is quantized to {}; write a "
        ".safetensors file",
        name_of(model.scheme()));
  }
  require_sound(model);
  CheckpointPickle pickle(model, state);
  const std::vector<Record> records = pickle.records();
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
