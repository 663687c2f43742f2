#include "nibble/formats/checkpoint_pt.h"

#include "nibble/core/error.h"
#include "nibble/formats/byte_reader.h"
#include "nibble/formats/pickle_reader.h"
#include "nibble/formats/pickle_writer.h"
#include "nibble/formats/test_models.h"
#include "nibble/formats/zip_reader.h"
#include "nibble/formats/zip_writer.h"
#include "nibble/quant/half.h"

namespace nibble {
namespace {

// A tensor of a checkpoint made by hand.
struct HandTensor {
  std::string name;
  std::string storage_type = "FloatStorage";
  std::string key;
  std::int64_t elements = 0;
  std::int64_t offset = 0;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
};

void write_tuple(PickleWriter& pickle, const std::vector<std::int64_t>& numbers) {
  pickle.begin_tuple();
  for (const std::int64_t number : numbers) pickle.integer(number);
  pickle.end_tuple();
}

void write_tensor(PickleWriter& pickle, const HandTensor& tensor) {
  pickle.text(tensor.name);
  pickle.global("torch._utils", "_rebuild_tensor_v2");
  pickle.begin_tuple();
  pickle.begin_tuple();
  pickle.text("storage");
  pickle.global("torch", tensor.storage_type);
  pickle.text(tensor.key);
  pickle.text("cpu");
  pickle.integer(tensor.elements);
  pickle.end_tuple();
  pickle.persistent_id();
  pickle.integer(tensor.offset);
  write_tuple(pickle, tensor.shape);
  write_tuple(pickle, tensor.strides);
  pickle.boolean(false);
  pickle.begin_ordered_dict();
  pickle.end_dict();
  pickle.end_tuple();
  pickle.call();
}

std::string state_dict_of(const std::vector<HandTensor>& tensors) {
  PickleWriter pickle;
  pickle.begin_ordered_dict();
  for (const HandTensor& tensor : tensors) write_tensor(pickle, tensor);
  pickle.end_dict();
  return std::move(pickle).finish();
}

template <typename T>
std::string raw(std::initializer_list<T> values) {
  return std::string(reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T));
}

std::size_t bytes_of_element(const std::string& storage_type) {
  if (storage_type == "DoubleStorage") return 8;
  return storage_type == "FloatStorage" ? 4 : 2;
}

class CheckpointTest : public FolderTest {
 protected:
  std::string saved(const Model& model) const {
    return written([&](AtomicFile& file) { write_checkpoint(model, "model", file); });
  }
  std::string archive_of(const std::string& pickle,
                         const std::vector<std::pair<std::string, std::string>>& records) const {
    return written([&](AtomicFile& file) {
      ZipWriter zip(file);
      zip.add("archive/data.pkl", pickle);
      for (const auto& [name, content] : records) zip.add("archive/" + name, content);
      zip.finish();
    });
  }
  // One Linear layer, 2 inputs and 3 outputs, in float32 unless changed.
  HandTensor weight_{"fc.weight", "FloatStorage", "0", 6, 0, {3, 2}, {2, 1}};
  HandTensor bias_{"fc.bias", "FloatStorage", "1", 3, 0, {3}, {1}};
  std::string weight_bytes_ = raw<float>({1, 2, 3, 4, 5, 6});  // row o, column i
  std::string bias_bytes_ = raw<float>({7, 8, 9});

  std::string linear() const {
    return archive_of(state_dict_of({weight_, bias_}),
                      {{"data/0", weight_bytes_}, {"data/1", bias_bytes_}});
  }
  void expect_linear(Scheme scheme = Scheme::kF32) const {
    const std::string bytes = linear();
    Model model = read_checkpoint(bytes_of(bytes));
    EXPECT_EQ(model.scheme(), scheme);
    const LayerBytes stored = checkpoint_storage(bytes_of(bytes));
    EXPECT_EQ(stored.weights, 6 * bytes_of_element(weight_.storage_type));
    EXPECT_EQ(stored.biases, 3 * sizeof(float));
    model = with_wide_weights(std::move(model));
    const Linear& layer = std::get<Mlp>(model.network).layers.at(0);
    EXPECT_EQ(layer.weight.values, (AlignedVector<float>{1, 3, 5, 2, 4, 6}));
    EXPECT_EQ(layer.bias, (AlignedVector<float>{7, 8, 9}));
  }
  void expect_problem(const std::string& bytes, const std::string& because) const {
    expect_refused([&] { read_checkpoint(bytes_of(bytes)); }, because);
  }
};

TEST_F(CheckpointTest, ReadsWhatItWroteBitForBit) {
  for (const Model& model : {word_model(), hashed_model(), number_model()}) {
    const std::string bytes = saved(model);
    expect_same(read_checkpoint(bytes_of(bytes)), model);
    EXPECT_EQ(saved(model), bytes);
  }
}

TEST_F(CheckpointTest, EverySizeOfLayerIsTurnedRound) {
  for (const std::size_t inputs : {1, 15, 16, 17, 63, 65}) {
    for (const std::size_t outputs : {1, 2, 15, 16, 17, 31, 33}) {
      Model model{Numeric{inputs, 1.0F}, {}, initialised_mlp({inputs, {}, outputs}, 3), {}};
      for (std::size_t o = 0; o < outputs; ++o) model.labels.push_back(std::to_string(o));
      const std::string bytes = saved(model);
      expect_same(read_checkpoint(bytes_of(bytes)), model);
      // The definition: number o * inputs + i of the record is weight [i][o].
      const ZipReader archive(bytes_of(bytes));
      const auto record = archive.find("model/data/0")->bytes;
      const auto& weight = std::get<Mlp>(model.network).layers[0].weight;
      for (std::size_t o = 0; o < outputs; ++o) {
        for (std::size_t i = 0; i < inputs; ++i) {
          float number = 0.0F;
          std::memcpy(&number, record.data() + (o * inputs + i) * sizeof(float), sizeof(float));
          ASSERT_EQ(number, weight.at(i, o));
        }
      }
    }
  }
}

TEST_F(CheckpointTest, HasTheRecordsOfTorch) {
  const std::string bytes = saved(word_model());
  const ZipReader archive(bytes_of(bytes));
  for (const char* name : {"data.pkl", ".format_version", ".storage_alignment", "byteorder",
                           "data/0", "data/5", "version", ".data/serialization_id"})
    EXPECT_NE(archive.find(std::string("model/") + name), nullptr) << name;
  EXPECT_EQ(text_of(archive.find("model/version")->bytes), "3\n");
  EXPECT_EQ(archive.find("model/.data/serialization_id")->bytes.size(), 40U);
}

TEST_F(CheckpointTest, SettingsAreNumbersAndLists) {
  const std::string bytes = saved(word_model());
  const ZipReader archive(bytes_of(bytes));
  const PickleDocument document = read_pickle(archive.find("model/data.pkl")->bytes);
  const auto& root = *document.root().as<PickleDict>();
  const auto& settings = *root.find("hyperparameters")->as<PickleDict>();
  EXPECT_EQ(*settings.find("epochs")->as<std::int64_t>(), 10);
  EXPECT_TRUE(settings.find("learning_rate")->as_tensor()->shape.empty());
  EXPECT_EQ(settings.find("hidden")->as<PickleList>()->items.size(), 2U);
  EXPECT_EQ(*settings.find("momentum")->as<std::string_view>(), "1e-4");
  EXPECT_TRUE(*settings.find("resumed")->as<bool>());
  EXPECT_EQ(*root.find("epoch")->as<std::int64_t>(), 4);
  EXPECT_EQ(root.find("labels")->as<PickleList>()->items.size(), 3U);
  EXPECT_EQ(root.find("vocabulary")->as<PickleList>()->items.size(), 33U);
}

TEST_F(CheckpointTest, APlainStateDictGetsDefaults) {
  const std::string bytes = linear();
  const Model model = read_checkpoint(bytes_of(bytes));
  EXPECT_EQ(model.labels, (LabelNames{"0", "1", "2"}));
  EXPECT_EQ(std::get<Numeric>(model.featurizer).columns, 2U);
  EXPECT_EQ(std::get<Numeric>(model.featurizer).scale, 1.0F);
  EXPECT_EQ(model.provenance.epoch, 0U);
  expect_linear();
}

TEST_F(CheckpointTest, AStateDictMayBeNested) {
  for (const char* key : {"model_state_dict", "state_dict", "model"}) {
    PickleWriter pickle;
    pickle.begin_dict();
    pickle.text("optimizer");
    pickle.none();
    pickle.text(key);
    pickle.begin_ordered_dict();
    write_tensor(pickle, weight_);
    write_tensor(pickle, bias_);
    pickle.end_dict();
    pickle.end_dict();
    const std::string bytes = archive_of(std::move(pickle).finish(),
                                         {{"data/0", weight_bytes_}, {"data/1", bias_bytes_}});
    EXPECT_EQ(read_checkpoint(bytes_of(bytes)).shape(), (MlpShape{2, {}, 3})) << key;
  }
}

TEST_F(CheckpointTest, StridesAndOffsetsAreHonoured) {
  weight_ = {"fc.weight", "FloatStorage", "0", 20, 1, {3, 2}, {2, 9}};
  weight_bytes_ = raw<float>({0, 1, 0, 3, 0, 5, 0, 0, 0, 0, 2, 0, 4, 0, 6, 0, 0, 0, 0, 0});
  bias_ = {"fc.bias", "FloatStorage", "1", 6, 1, {3}, {2}};
  bias_bytes_ = raw<float>({0, 7, 0, 8, 0, 9});
  expect_linear();
}

// expand() repeats numbers without storing them again.
TEST_F(CheckpointTest, AStrideOfZeroRepeatsNumbers) {
  weight_.strides = {0, 1};
  bias_.strides = {0};
  const std::string bytes = linear();
  const Model model = read_checkpoint(bytes_of(bytes));
  const Linear& layer = std::get<Mlp>(model.network).layers.at(0);
  EXPECT_EQ(layer.weight.values, (AlignedVector<float>{1, 1, 1, 2, 2, 2}));
  EXPECT_EQ(layer.bias, (AlignedVector<float>{7, 7, 7}));
}

TEST_F(CheckpointTest, AMissingBiasIsZero) {
  const std::string bytes = archive_of(state_dict_of({weight_}), {{"data/0", weight_bytes_}});
  const Model model = read_checkpoint(bytes_of(bytes));
  EXPECT_EQ(std::get<Mlp>(model.network).layers.at(0).bias, (AlignedVector<float>{0, 0, 0}));
}

TEST_F(CheckpointTest, FloatTypesStayOrAreConverted) {
  weight_.storage_type = "DoubleStorage";
  weight_bytes_ = raw<double>({1, 2, 3, 4, 5, 6});
  expect_linear();
  const auto codes = [](std::uint16_t (*code)(float)) {
    return raw<std::uint16_t>({code(1), code(2), code(3), code(4), code(5), code(6)});
  };
  weight_.storage_type = "HalfStorage";
  weight_bytes_ = codes(f16_from_float);
  expect_linear(Scheme::kF16);
  weight_.storage_type = "BFloat16Storage";
  weight_bytes_ = codes(bf16_from_float);
  expect_linear(Scheme::kBf16);
  weight_.storage_type = "IntStorage";
  expect_problem(linear(), "holds I32 numbers");
}

TEST_F(CheckpointTest, TensorsOutOfRangeAreRefused) {
  const HandTensor good = weight_;
  const auto problem_with = [&](std::int64_t HandTensor::*field, std::int64_t value,
                                const std::string& because) {
    weight_ = good;
    weight_.*field = value;
    expect_problem(linear(), because);
  };
  for (const std::int64_t hostile :
       {std::int64_t{7}, std::int64_t{1} << 31, INT64_MAX - 5, INT64_MAX}) {
    problem_with(&HandTensor::offset, hostile, "reaches outside");
    problem_with(&HandTensor::elements, hostile, "its record has 24 bytes");
    weight_ = good;
    weight_.shape[0] = hostile;
    expect_problem(linear(), "fc.weight");
    weight_ = good;
    weight_.strides[0] = hostile;
    expect_problem(linear(), "reaches outside");
  }
  problem_with(&HandTensor::offset, 1, "reaches outside");
  problem_with(&HandTensor::elements, -1, "-1 as the size of a storage");
  weight_ = good;
  weight_.shape[1] = 0;
  expect_problem(linear(), "sizes of 1 or more");
  weight_ = good;
  weight_.key = "9";
  expect_problem(linear(), "data/9, which the file lacks");
}

TEST_F(CheckpointTest, StoragesMayBeSharedButNotToBlowUpMemory) {
  std::vector<HandTensor> tensors;
  for (int l = 0; l < 3; ++l) {
    tensors.push_back({std::to_string(l) + ".weight", "FloatStorage", "0", 4, 0, {2, 2}, {2, 1}});
    tensors.push_back({std::to_string(l) + ".bias", "FloatStorage", "0", 4, 0, {2}, {1}});
  }
  const std::string record = raw<float>({1, 2, 3, 4});
  std::string bytes = archive_of(state_dict_of(tensors), {{"data/0", record}});
  EXPECT_EQ(read_checkpoint(bytes_of(bytes)).shape(), (MlpShape{2, {2, 2}, 2}));

  tensors.clear();
  for (int l = 0; l < 200; ++l) {
    const std::string name = std::to_string(l);
    tensors.push_back({name + ".weight", "FloatStorage", "0", 10000, 0, {100, 100}, {100, 1}});
    tensors.push_back({name + ".bias", "FloatStorage", "0", 10000, 0, {100}, {1}});
  }
  bytes = archive_of(state_dict_of(tensors), {{"data/0", std::string(40000, '\0')}});
  expect_problem(bytes, "much larger than the file");
}

TEST_F(CheckpointTest, NetworksOfOtherKindsAreRefusedByName) {
  const auto problem = [&](const std::vector<HandTensor>& tensors, const std::string& because) {
    expect_problem(
        archive_of(state_dict_of(tensors), {{"data/0", weight_bytes_}, {"data/1", bias_bytes_}}),
        because);
  };
  problem({}, "no tensors");
  problem({bias_}, "'fc' has no weight");
  problem({weight_, weight_, bias_}, "'fc.weight' stands twice");
  HandTensor norm = bias_;
  norm.name = "norm.weight";
  problem({weight_, bias_, norm}, "'norm' has a weight of shape [3] and no running mean");
  norm.name = "norm.running_mean";
  problem({weight_, bias_, norm}, "'norm' lacks a part");
  norm.name = "hidden.alpha";
  problem({weight_, bias_, norm}, "'hidden.alpha' of shape [3] belongs neither");
  HandTensor next_weight = weight_;
  HandTensor next_bias = bias_;
  next_weight.name = "fc2.weight";
  next_bias.name = "fc2.bias";
  problem({weight_, bias_, next_weight, next_bias},
          "'fc' gives 3 numbers, but 'fc2' after it takes 2");
}

TEST_F(CheckpointTest, NaNIsRefused) {
  weight_bytes_ = raw<float>({1, 2, 3, NAN, 5, 6});
  expect_problem(linear(), "NaN");
  Model model = word_model();
  std::get<Mlp>(model.network).layers[1].bias[0] = INFINITY;
  expect_refused([&] { saved(model); }, "biases of layer 1");
}

TEST_F(CheckpointTest, OtherFilesOfTorchAreRefused) {
  expect_problem(archive_of("\x80\x02N.", {{"code/__torch__.py", ""}}), "TorchScript");
  expect_problem(archive_of("\x80\x02N.", {{"constants.pkl", ""}}), "TorchScript");
  expect_problem(archive_of("\x80\x02N.", {{"byteorder", "big"}}), "big-endian");
  expect_problem(archive_of("\x80\x02N.", {}), "holds None");
  expect_problem(archive_of("\x80\x02"
                            "cposix\nsystem\nU\x02ls\x85R.",
                            {}),
                 "'posix.system'");
  expect_problem(written([](AtomicFile& file) { ZipWriter(file).finish(); }), "no data.pkl");
}

TEST_F(CheckpointTest, QuantizedModelsAreReadAsTheyWereWritten) {
  for (const Scheme scheme : {Scheme::kF16, Scheme::kBf16, Scheme::kInt8, Scheme::kInt8Torch}) {
    const Model model = quantized_model(word_model(), scheme);
    const std::string bytes = saved(model);
    expect_same(read_checkpoint(bytes_of(bytes)), model);
  }
  expect_refused([&] { saved(quantized_model(word_model(), Scheme::kInt4)); }, "int4 weights");
}

TEST_F(CheckpointTest, CutShortAnywhereItIsRefused) {
  expect_truncations_refused(saved(word_model()),
                             [](std::span<const std::byte> bytes) { read_checkpoint(bytes); });
}

// Every byte that matters is under a checksum or checked by itself; all others (times, versions,
// padding) may change without changing the model.
TEST_F(CheckpointTest, AnyFlippedByteIsRefusedOrHarmless) {
  const Model model = number_model();
  const std::string bytes = saved(model);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(~damaged[i]);
    try {
      expect_same(read_checkpoint(bytes_of(damaged)), model);
    } catch (const Error&) {
      continue;
    }
  }
}

}  // namespace
}  // namespace nibble
