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

// One float32 tensor of the state_dict and where its numbers come from.
struct Record {
  std::string name;
  std::vector<std::size_t> shape;
  ZipWriter::Source source;

  std::uint64_t elements() const {
    std::uint64_t product = 1;
    for (const std::size_t size : shape) product *= size;
    return product;
  }
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

// Linear, ReLU and Dropout take one number each in an nn.Sequential.
std::vector<Record> records_of(const Mlp& mlp) {
  std::vector<Record> records;
  for (std::size_t l = 0; l < mlp.layers.size(); ++l) {
    const Linear* layer = &mlp.layers[l];
    records.push_back(
        {fmt::format("{}.weight", 3 * l),
         {layer->outputs(), layer->inputs()},
         [layer](const ZipWriter::Sink& sink) { give_transposed(layer->weight, sink); }});
    records.push_back(
        {fmt::format("{}.bias", 3 * l), {layer->outputs()}, [layer](const ZipWriter::Sink& sink) {
           sink(std::as_bytes(std::span(layer->bias)));
         }});
  }
  return records;
}

void write_sizes(PickleWriter& pickle, const std::vector<std::size_t>& sizes) {
  pickle.begin_tuple();
  for (const std::size_t size : sizes) pickle.integer(static_cast<std::int64_t>(size));
  pickle.end_tuple();
}

std::vector<std::size_t> contiguous_strides(const std::vector<std::size_t>& shape) {
  std::vector<std::size_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

// torch._utils._rebuild_tensor_v2(storage, offset, sizes, strides, requires_grad, hooks)
void write_tensor(PickleWriter& pickle, const Record& record, std::size_t key) {
  pickle.global("torch._utils", "_rebuild_tensor_v2");
  pickle.begin_tuple();
  pickle.begin_tuple();
  pickle.text("storage");
  pickle.global("torch", "FloatStorage");
  pickle.text(fmt::format("{}", key));
  pickle.text("cpu");
  pickle.integer(static_cast<std::int64_t>(record.elements()));
  pickle.end_tuple();
  pickle.persistent_id();
  pickle.integer(0);
  write_sizes(pickle, record.shape);
  write_sizes(pickle, contiguous_strides(record.shape));
  pickle.boolean(false);
  pickle.begin_ordered_dict();
  pickle.end_dict();
  pickle.end_tuple();
  pickle.call();
}

void write_number(PickleWriter& pickle, const SettingNumber& number) {
  if (const auto* whole = std::get_if<std::int64_t>(&number)) return pickle.integer(*whole);
  pickle.number(std::get<double>(number));
}

// "hidden" is a list even when it has one size, so that whoever reads it need not ask.
void write_setting(PickleWriter& pickle, const std::string& name, const std::string& text) {
  const auto numbers = numbers_from_text(text);
  if (numbers && (name == "hidden" || numbers->size() > 1)) {
    pickle.begin_list();
    for (const SettingNumber& number : *numbers) write_number(pickle, number);
    return pickle.end_list();
  }
  if (text == "true" || text == "false") return pickle.boolean(text == "true");
  if (numbers && numbers->size() == 1) return write_number(pickle, numbers->front());
  pickle.text(text);
}

void write_texts(PickleWriter& pickle, const std::vector<std::string>& texts) {
  pickle.begin_list();
  for (const std::string& text : texts) pickle.text(text);
  pickle.end_list();
}

void write_featurizer(PickleWriter& pickle, const Featurizer& featurizer) {
  const auto* bag = std::get_if<BagOfWords>(&featurizer);
  pickle.text("vocabulary");
  if (bag != nullptr) {
    write_texts(pickle, bag->vocabulary.words());
  } else {
    pickle.none();
  }
  pickle.text("featurizer");
  pickle.begin_dict();
  pickle.text("kind");
  pickle.text(bag != nullptr ? "bag_of_words" : "numeric");
  if (const auto* numeric = std::get_if<Numeric>(&featurizer)) {
    pickle.text("columns");
    pickle.integer(static_cast<std::int64_t>(numeric->columns));
    pickle.text("scale");
    pickle.number(static_cast<double>(numeric->scale));
  }
  pickle.end_dict();
}

void write_provenance(PickleWriter& pickle, const Provenance& provenance) {
  pickle.text("hyperparameters");
  pickle.begin_dict();
  for (const auto& [name, text] : provenance.settings) {
    pickle.text(name);
    write_setting(pickle, name, text);
  }
  pickle.end_dict();
  pickle.text("epoch");
  pickle.integer(static_cast<std::int64_t>(provenance.epoch));
  pickle.text("validation_accuracy");
  pickle.number(provenance.validation_accuracy);
  pickle.text("validation_loss");
  pickle.number(provenance.validation_loss);
}

std::string pickle_of(const Model& model, const std::vector<Record>& records) {
  PickleWriter pickle;
  pickle.begin_dict();
  pickle.text("model_state_dict");
  pickle.begin_ordered_dict();
  for (std::size_t i = 0; i < records.size(); ++i) {
    pickle.text(records[i].name);
    write_tensor(pickle, records[i], i);
  }
  pickle.end_dict();
  write_provenance(pickle, model.provenance);
  pickle.text("labels");
  write_texts(pickle, model.labels);
  write_featurizer(pickle, model.featurizer);
  pickle.end_dict();
  return std::move(pickle).finish();
}

}  // namespace

// The records and their order are those of torch.save in PyTorch 2.x; 1.13 ignores the ones that it
// does not know.
void write_checkpoint(const Model& model, std::string_view archive, AtomicFile& file) {
  const auto* mlp = std::get_if<Mlp>(&model.network);
  if (mlp == nullptr) {
    throw_error(
        "a PyTorch checkpoint holds float models, but this one is quantized to {}; write a "
        ".safetensors file",
        name_of(model.scheme()));
  }
  require_sound(model);
  const std::vector<Record> records = records_of(*mlp);
  const auto path = [archive](std::string_view name) {
    return fmt::format("{}/{}", archive, name);
  };

  ZipWriter zip(file);
  zip.add(path("data.pkl"), pickle_of(model, records));
  zip.add(path(".format_version"), "1");
  zip.add(path(".storage_alignment"), fmt::format("{}", kCacheLine));
  zip.add(path("byteorder"), "little");
  for (std::size_t i = 0; i < records.size(); ++i) {
    zip.add(path(fmt::format("data/{}", i)), records[i].elements() * sizeof(float),
            records[i].source);
  }
  zip.add(path("version"), "3\n");
  // 40 digits that tell one archive from another; PyTorch takes them from the same two things.
  zip.add(path(".data/serialization_id"),
          fmt::format("{:020}{:020}", zip.names_crc(), zip.contents_crc()));
  zip.finish();
}

}  // namespace nibble
