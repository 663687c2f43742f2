#include <limits>

#include "nibble/core/error.h"
#include "nibble/formats/byte_reader.h"
#include "nibble/formats/pickle_globals.h"
#include "nibble/formats/pickle_reader.h"
#include "nibble/formats/pickle_writer.h"
#include "nibble/formats/test_models.h"

namespace nibble {
namespace {

using namespace std::string_literals;

// The root value, as T, of a pickle of these opcodes.
template <typename T>
T value_of(const std::string& opcodes) {
  const std::string bytes = "\x80\x02" + opcodes + ".";
  const PickleDocument document = read_pickle(bytes_of(bytes));
  const T* value = document.root().as<T>();
  if (value == nullptr) throw_error("the pickle holds {}", kind_of(document.root()));
  return *value;
}

void expect_problem(const std::string& opcodes, const std::string& because) {
  const std::string bytes = "\x80\x02" + opcodes + ".";
  expect_refused([&] { read_pickle(bytes_of(bytes)); }, because);
}

// Opcodes as Python's pickle.dumps writes them; the expected values are Python's.
TEST(PickleReader, ReadsNumbers) {
  EXPECT_EQ(value_of<std::int64_t>("K\xFF"), 255);
  EXPECT_EQ(value_of<std::int64_t>("M\xFF\xFF"), 65535);
  EXPECT_EQ(value_of<std::int64_t>("J\xFE\xFF\xFF\xFF"), -2);
  EXPECT_EQ(value_of<std::int64_t>("\x8a\x00"s), 0);
  EXPECT_EQ(value_of<std::int64_t>("\x8a\x05\x00\x00\x00\x00\x01"s), std::int64_t{1} << 32);
  EXPECT_EQ(value_of<std::int64_t>("\x8a\x01\xFF"), -1);
  EXPECT_EQ(value_of<std::int64_t>("\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80"s),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(value_of<double>("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00"s), 0x1p63);
  EXPECT_EQ(value_of<double>("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\xFF"s), -0x1p64);
  EXPECT_EQ(value_of<double>("G?\xF8\x00\x00\x00\x00\x00\x00"s), 1.5);
}

TEST(PickleReader, ReadsConstantsAndText) {
  EXPECT_NO_THROW(value_of<PickleNone>("N"));
  EXPECT_TRUE(value_of<bool>("\x88"));
  EXPECT_FALSE(value_of<bool>("\x89"));
  const std::string text =
      "\x80\x02X\x03\x00\x00\x00"
      "abc."s;
  EXPECT_EQ(*read_pickle(bytes_of(text)).root().as<std::string_view>(), "abc");
  const std::string protocol4 =
      "\x80\x04\x95\x07\x00\x00\x00\x00\x00\x00\x00\x8c\x03"
      "abc\x94."s;
  EXPECT_EQ(*read_pickle(bytes_of(protocol4)).root().as<std::string_view>(), "abc");
}

TEST(PickleReader, ReadsContainersAndTheMemo) {
  // x = [1]; (x, x, {'k': x}, ())
  const std::string bytes =
      "\x80\x02(]q\x00K\x01"
      "ah\x00}X\x01\x00\x00\x00kh\x00s)t."s;
  const PickleDocument document = read_pickle(bytes_of(bytes));
  const auto& items = document.root().as<PickleTuple>()->items;
  ASSERT_EQ(items.size(), 4U);
  EXPECT_EQ(items[0], items[1]);
  EXPECT_EQ(*items[0]->as<PickleList>()->items.at(0)->as<std::int64_t>(), 1);
  EXPECT_EQ(items[2]->as<PickleDict>()->find("k"), items[0]);
  EXPECT_EQ(items[2]->as<PickleDict>()->find("other"), nullptr);
  EXPECT_TRUE(items[3]->as<PickleTuple>()->items.empty());
}

TEST(PickleReader, ReadsATensorOfTorch) {
  const std::string bytes =
      "\x80\x02"
      "ctorch._utils\n_rebuild_tensor_v2\n(("
      "X\x07\x00\x00\x00storagectorch\nHalfStorage\nX\x01\x00\x00\x00"
      "7X\x03\x00\x00\x00"
      "cpuK\x0Ct"
      "QK\x01K\x02K\x03\x86K\x04K\x01\x86\x89"
      "ccollections\nOrderedDict\n)RtR."s;
  const PickleDocument document = read_pickle(bytes_of(bytes));
  const PickleTensor* tensor = document.root().as_tensor();
  ASSERT_NE(tensor, nullptr);
  EXPECT_EQ(tensor->storage.key, "7");
  EXPECT_EQ(tensor->storage.elements, 12U);
  EXPECT_EQ(tensor->storage.element, ElementType::kF16);
  EXPECT_EQ(tensor->offset, 1U);
  EXPECT_EQ(tensor->shape, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(tensor->strides, (std::vector<std::uint64_t>{4, 1}));
}

TEST(PickleReader, AListMayContainItself) {
  const std::string bytes =
      "\x80\x02]q\x00h\x00"
      "a."s;
  const PickleDocument document = read_pickle(bytes_of(bytes));
  EXPECT_EQ(document.root().as<PickleList>()->items.at(0), &document.root());
}

// pickle.dumps of an object whose __reduce__ is (os.system, ("echo pwned",)).
TEST(PickleReader, NothingIsRun) {
  const std::string call =
      "(X\x0a\x00\x00\x00"
      "echo pwnedtR"s;
  for (const std::string name : {"posix\nsystem\n", "os\nsystem\n", "builtins\neval\n",
                                 "torch\nload\n", "torch.nn.modules.linear\nLinear\n"}) {
    std::string dotted = name.substr(0, name.size() - 1);
    dotted[dotted.find('\n')] = '.';
    const std::string opcodes = fmt::format("c{}{}", name, call);
    expect_problem(opcodes, fmt::format("'{}'", dotted));
    expect_problem(opcodes, "nothing of it was run");
    expect_problem(opcodes, "torch.save(model.state_dict()");
  }
  expect_problem("X\x05\x00\x00\x00posixX\x06\x00\x00\x00system\x93"s + call, "'posix.system'");
}

TEST(PickleReader, OpcodesThatTorchNeverWritesAreRefused) {
  for (const char code : "IFSVLlio}dPB\x81\x82\x92"s) {
    if (code == '}') continue;
    expect_problem(std::string(1, code) + "\n\n", "opcode");
  }
  expect_problem("\x80\x01", "protocol 1");
  expect_problem("\x80\x06", "protocol 6");
}

TEST(PickleReader, DamagedProgramsAreRefused) {
  for (const std::string opcodes :
       {"",  "a",       "]a", "(]a", "N]s",  "}NNu",  "(NN}u", "t",
        "e", "(Nt\x86", "0",  "1",   "2",    "R",     "NR",    "N)R",
        "b", "N)b",     "Q",  ")Q",  "\x93", "h\x01", "q\x01", "j\x01\x01\x01\x01"})
    EXPECT_THROW(value_of<PickleNone>(opcodes), Error) << opcodes;
  expect_problem("]r\xFF\xFF\xFF\xFF", "numbers a value");
  expect_problem("}(K\x01u", "sets 1 items");
  expect_problem("K\x01}b", "sets attributes");
}

TEST(PickleReader, DamagedTensorsAreRefused) {
  const std::string rebuild = "ctorch._utils\n_rebuild_tensor_v2\n";
  const std::string storage =
      "(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x00"
      "0X\x03\x00\x00\x00"
      "cpuK\x04tQ"s;
  expect_problem(rebuild + "(tR", "more are needed");
  expect_problem(rebuild + "(NNNNtR", "the storage of a tensor");
  expect_problem(rebuild + "(" + storage + "J\xFF\xFF\xFF\xFFK\x01\x85K\x01\x85tR", "-1");
  expect_problem(rebuild + "(" + storage + "K\x00"s + "K\x01\x85" + "J\xFE\xFF\xFF\xFF\x85tR",
                 "a stride of a tensor");
  expect_problem(rebuild + "(" + storage + "K\x00"s + "K\x01\x85K\x01K\x01\x86tR",
                 "1 sizes and 2 strides");
  expect_problem("ctorch\nSize\n(" + std::string(65, 'N') + "t\x85R", "65 dimensions");
  expect_problem("(X\x06\x00\x00\x00moduletQ"s, "'module'");
  expect_problem("ctorch\nFloatStorage\n)R", "by itself");
}

TEST(PickleReader, DepthAndSizeAreBounded) {
  expect_problem(std::string(kDeepestPickle + 1, '('), "deeper");
  expect_problem(std::string(1'000'000, ']'), "too many");
  EXPECT_THROW(read_pickle(bytes_of(std::string(kLargestPickle + 1, 'N'))), Error);
}

TEST(PickleReader, LengthsNear2To63AreRefused) {
  expect_problem("\x8d\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", "ends too early");
  expect_problem("X\xFF\xFF\xFF\xFF", "ends too early");
  expect_problem("cno line feed", "no line feed");
}

TEST(PickleWriter, WritesWhatTheReaderReads) {
  PickleWriter writer;
  writer.begin_tuple();
  for (const std::int64_t number :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{2147483647}, std::int64_t{2147483648},
        std::numeric_limits<std::int64_t>::min()})
    writer.integer(number);
  writer.text("caf\xC3\xA9");
  writer.boolean(true);
  writer.none();
  writer.begin_dict();
  writer.text("k");
  writer.begin_list();
  writer.end_list();
  writer.end_dict();
  writer.end_tuple();
  const std::string bytes = std::move(writer).finish();

  const PickleDocument document = read_pickle(bytes_of(bytes));
  const auto& items = document.root().as<PickleTuple>()->items;
  ASSERT_EQ(items.size(), 9U);
  EXPECT_EQ(*items[1]->as<std::int64_t>(), -1);
  EXPECT_EQ(*items[2]->as<std::int64_t>(), 2147483647);
  EXPECT_EQ(*items[3]->as<std::int64_t>(), 2147483648);
  EXPECT_EQ(*items[4]->as<std::int64_t>(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(*items[5]->as<std::string_view>(), "caf\xC3\xA9");
  EXPECT_TRUE(*items[6]->as<bool>());
  EXPECT_NE(items[7]->as<PickleNone>(), nullptr);
  EXPECT_TRUE(items[8]->as<PickleDict>()->find("k")->as<PickleList>()->items.empty());
}

}  // namespace
}  // namespace nibble
