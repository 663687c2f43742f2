#include "nibble/formats/safetensors.h"

#include "nibble/core/error.h"
#include "nibble/formats/byte_reader.h"
#include "nibble/formats/strict_json.h"
#include "nibble/formats/test_models.h"

namespace nibble {
namespace {

class SafetensorsTest : public FolderTest {
 protected:
  // Names against the file order, an empty tensor and a scalar.
  Safetensors sample() const {
    return {{{"format", "test"}, {"quote", "\"\n\xC3\xA9"}},
            {{"z", ElementType::kI8, {3}, bytes_of(data_.substr(0, 3))},
             {"c", ElementType::kF32, {2, 2}, bytes_of(data_.substr(0, 16))},
             {"a", ElementType::kF16, {1, 3}, bytes_of(data_.substr(0, 6))},
             {"b", ElementType::kF32, {}, bytes_of(data_.substr(4, 4))},
             {"e", ElementType::kU8, {0, 5}, {}}}};
  }
  std::string sample_bytes() const {
    return written([this](AtomicFile& file) { write_safetensors(sample(), file); });
  }
  std::string_view data_ = "0123456789abcdef";
};

// A file with this header and `data` bytes of data.
std::string file_of(const std::string& header, std::size_t data) {
  std::string bytes;
  append_number(bytes, std::uint64_t{header.size()});
  return bytes + header + std::string(data, 'x');
}

void expect_problem(const std::string& bytes, const std::string& because) {
  expect_refused([&] { read_safetensors(bytes_of(bytes)); }, because);
}

TEST_F(SafetensorsTest, ReadsWhatItWrote) {
  const std::string bytes = sample_bytes();
  const Safetensors read = read_safetensors(bytes_of(bytes));
  const Safetensors expected = sample();
  EXPECT_EQ(read.metadata, expected.metadata);
  ASSERT_EQ(read.tensors.size(), expected.tensors.size());
  for (const SafeTensor& tensor : expected.tensors) {
    const SafeTensor* found = read.find(tensor.name);
    ASSERT_NE(found, nullptr) << tensor.name;
    EXPECT_EQ(found->type, tensor.type);
    EXPECT_EQ(found->shape, tensor.shape);
    EXPECT_EQ(text_of(found->bytes), text_of(tensor.bytes));
  }
  EXPECT_EQ(read.find("d"), nullptr);
}

TEST_F(SafetensorsTest, DataStartAt64AndGoByWhatDividesTheirBytes) {
  const std::string bytes = sample_bytes();
  const Safetensors read = read_safetensors(bytes_of(bytes));
  const auto offset = [&](std::string_view name) {
    return reinterpret_cast<const char*>(read.find(name)->bytes.data()) - bytes.data();
  };
  EXPECT_EQ(offset("e") % 64, 0);
  EXPECT_EQ(offset("c"), offset("e"));
  EXPECT_EQ(offset("b"), offset("c") + 16);
  EXPECT_EQ(offset("a"), offset("b") + 4);
  EXPECT_EQ(offset("z"), offset("a") + 6);
  EXPECT_EQ(sample_bytes(), bytes);
}

TEST_F(SafetensorsTest, CutShortAnywhereItIsRefused) {
  expect_truncations_refused(sample_bytes(),
                             [](std::span<const std::byte> bytes) { read_safetensors(bytes); });
}

TEST_F(SafetensorsTest, AnyFlippedByteIsRefusedOrHarmless) {
  const std::string bytes = sample_bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x01);
    try {
      read_safetensors(bytes_of(damaged));
    } catch (const Error&) {
      continue;  // the sanitizers watch for anything worse
    }
  }
}

TEST(Safetensors, AcceptsWhatTheFormatAllows) {
  const std::string bytes = file_of(R"({"b":{"data_offsets":[4,6],"shape":[1,1],"dtype":"BF16"},)"
                                    R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}   )",
                                    6);
  const Safetensors read = read_safetensors(bytes_of(bytes));
  EXPECT_EQ(read.find("a")->bytes.size(), 4U);
  EXPECT_EQ(read.find("b")->type, ElementType::kBf16);
  EXPECT_TRUE(read_safetensors(bytes_of(file_of("{}", 0))).tensors.empty());
}

TEST(Safetensors, HostileLengthsAreRefused) {
  for (const std::uint64_t size :
       {std::uint64_t{1} << 63, UINT64_MAX, kLargestSafetensorsHeader + 1}) {
    std::string bytes = file_of("{}", 10);
    std::memcpy(bytes.data(), &size, sizeof(size));
    expect_problem(bytes, "at most 100000000");
  }
  std::string bytes = file_of("{}", 0);
  bytes[0] = 3;
  expect_problem(bytes, "ends too early");
  expect_problem("", "ends too early");
  expect_problem(file_of("[]", 0), "does not begin with '{'");
  expect_problem(file_of(" {}", 0), "does not begin with '{'");
}

TEST(Safetensors, ShapesMustMatchTheirBytes) {
  const auto with = [](const std::string& shape, const std::string& offsets) {
    return file_of(
        R"({"a":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}", 8);
  };
  EXPECT_NO_THROW(read_safetensors(bytes_of(with("[2]", "[0,8]"))));
  expect_problem(with("[3]", "[0,8]"), "'a' of type F32 and shape [3]");
  expect_problem(with("[1]", "[0,4]"), "8 bytes of data, but its tensors need 4");
  expect_problem(with("[1]", "[4,8]"), "begins at byte 4");
  expect_problem(with("[2]", "[8,0]"), "cannot lie");
  expect_problem(with("[4]", "[0,16]"), "need 16");
  // 2^62 * 4 bytes are 0 modulo 2^64.
  expect_problem(with("[4611686018427387904]", "[0,0]"), "cannot lie");
  expect_problem(with("[4294967296,4294967296]", "[0,0]"), "cannot lie");
  expect_problem(with("[9223372036854775807]", "[0,9223372036854775807]"), "cannot lie");
  expect_problem(with("[-2]", "[0,8]"), "the number -2");
  expect_problem(with("[2.0]", "[0,8]"), "the number 2.0");
  expect_problem(with("[18446744073709551616]", "[0,8]"), "the number 18446744073709551616");
  expect_problem(with("[2]", "[0,8,8]"), "the number 8");
  expect_problem(with("[2]", "[0]"), "lacks");
  expect_problem(with("[[2]]", "[0,8]"), "a list");
  expect_problem(with("2", "[0,8]"), "the number 2");
}

TEST(Safetensors, OverlapsAndHolesAreRefused) {
  const auto with = [](const std::string& first, const std::string& second) {
    return file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
                       R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}",
                   8);
  };
  EXPECT_NO_THROW(read_safetensors(bytes_of(with("[4,8]", "[0,4]"))));
  expect_problem(with("[0,4]", "[0,4]"), "begins at byte 0");
  expect_problem(with("[0,4]", "[2,6]"), "begins at byte 2");
  expect_problem(with("[0,4]", "[6,10]"), "begins at byte 6");
}

TEST(Safetensors, HeadersOfAnotherFormAreRefused) {
  const std::string good = R"("a":{"dtype":"U8","shape":[],"data_offsets":[0,1]})";
  expect_problem(file_of("{" + good + "," + good + "}", 1), "the key 'a' twice");
  expect_problem(file_of(R"({"a":{"dtype":"U8","dtype":"U8","shape":[],"data_offsets":[0,1]}})", 1),
                 "'dtype' twice");
  expect_problem(file_of(R"({"a":{"dtype":"U8","shape":[],"shape":[],"data_offsets":[0,1]}})", 1),
                 "'shape' twice");
  expect_problem(file_of(R"({"__metadata__":{"k":"1","k":"2"}})", 0), "'k' twice");
  expect_problem(file_of(R"({"__metadata__":{},"__metadata__":{}})", 0), "twice");
  expect_problem(file_of(R"({"__metadata__":{"k":1}})", 0), "the number 1");
  expect_problem(file_of(R"({"__metadata__":{"k":{}}})", 0), "an object");
  expect_problem(file_of(R"({"a":{"dtype":"F31","shape":[],"data_offsets":[0,1]}})", 1), "'F31'");
  expect_problem(file_of(R"({"a":{"dtype":"U8","shape":[],"other":[]}})", 0), "a list");
  expect_problem(file_of(R"({"a":{"dtype":"U8","shape":[]}})", 0), "lacks");
  expect_problem(file_of(R"({"a":null})", 0), "null");
  expect_problem(file_of(R"({"a":"b"})", 0), "text");
  expect_problem(file_of("{} {}", 0), "not valid JSON");
  expect_problem(file_of("{\"a\":", 0), "not valid JSON");
  expect_problem(file_of("{\"\xFF\":{}}", 0), "not valid JSON");
}

TEST(Safetensors, DeepNestingIsRefused) {
  expect_problem(file_of(R"({"a":)" + std::string(1'000'000, '['), 0), "a list");
  std::string objects = "{";
  for (int i = 0; i < 100'000; ++i) objects += R"("a":{)";
  expect_problem(file_of(objects, 0), "an object");
}

TEST(StrictJson, ReadsFlatTexts) {
  EXPECT_EQ(read_json_texts(R"(["a","\u00e9"])", "x"), (std::vector<std::string>{"a", "\xC3\xA9"}));
  EXPECT_TRUE(read_json_texts("[]", "x").empty());
  EXPECT_EQ(read_json_text_map(R"({"a":"b"})", "x").at("a"), "b");
  for (const char* bad : {"", "{}", "[1]", "[[\"a\"]]", "\"a\"", "[\"a\"", "[] []", "null"})
    EXPECT_THROW(read_json_texts(bad, "x"), Error) << bad;
  for (const char* bad : {"", "[]", R"({"a":1})", R"({"a":{}})", R"({"a":"b","a":"c"})", "\"a\""})
    EXPECT_THROW(read_json_text_map(bad, "x"), Error) << bad;
}

}  // namespace
}  // namespace nibble
