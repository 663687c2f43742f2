#include "nibble/formats/protobuf.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "nibble/core/error.h"
#include "nibble/formats/test_models.h"

namespace nibble {
namespace {

using namespace std::string_literals;

std::optional<WireField> first_field(const std::string& bytes) {
  WireReader reader(bytes_of(bytes), "the test");
  return reader.next();
}

class ProtobufTest : public FolderTest {
 protected:
  std::string written_message(const WireMessage& message) const {
    return written([&](AtomicFile& file) { message.write(file); });
  }
};

// The encoding page's own example: field 1, varint 150, is 08 96 01.
TEST_F(ProtobufTest, NumbersAreWrittenAsTheSpecificationShows) {
  WireMessage message;
  message.integer(1, 150);
  EXPECT_EQ(written_message(message), "\x08\x96\x01");
  WireMessage text;
  text.text(2, "testing");
  EXPECT_EQ(written_message(text), "\x12\x07testing");
  WireMessage outer;
  outer.message(3, message);
  EXPECT_EQ(written_message(outer), "\x1a\x03\x08\x96\x01");
  EXPECT_EQ(outer.size(), 5U);
}

TEST_F(ProtobufTest, EveryLengthOfANumberComesBack) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t value :
         {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) - 1, ~std::uint64_t{0} - bit}) {
      WireMessage message;
      message.integer(5, static_cast<std::int64_t>(value));
      const std::string bytes = written_message(message);
      EXPECT_EQ(bytes.size(), 1 + varint_size(value));
      EXPECT_EQ(first_field(bytes)->value, value);
    }
  }
}

TEST_F(ProtobufTest, ALengthCanTakeMoreBytesThanItNeeds) {
  WireMessage message;
  message.begin_message(1, 3, 4);
  message.append([] {
    WireMessage inner;
    inner.text(2, "x");
    return inner;
  }());
  const std::string bytes = written_message(message);
  EXPECT_EQ(bytes, "\x0a\x83\x80\x80\x00\x12\x01x"s);
  EXPECT_EQ(text_of(first_field(bytes)->message()), "\x12\x01x");
}

TEST(WireReader, FieldsComeInOrderAndUnknownOnesAreViews) {
  const std::string bytes = "\x08\x01\x15\x00\x00\x80\x3f\x1a\x02hi\x21"s + std::string(8, '\x01');
  WireReader reader(bytes_of(bytes), "the test");
  EXPECT_EQ(reader.next()->integer(), 1);
  EXPECT_EQ(reader.next()->float32(), 1.0F);
  EXPECT_EQ(reader.next()->text(), "hi");
  EXPECT_EQ(reader.next()->value, 0x0101010101010101U);
  EXPECT_FALSE(reader.next().has_value());
}

TEST(WireReader, RefusesWhatNoWriterWrites) {
  const auto refused = [](const std::string& bytes, const std::string& because) {
    expect_refused([&] { first_field(bytes); }, because);
  };
  refused("\x08"s, "ends too early");
  refused("\x08\xff"s, "ends too early");
  refused("\x0a\x05hi"s, "ends too early");
  refused("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s, "ends too early");  // 2^64 - 1 bytes
  refused("\x08" + std::string(9, '\xff') + "\x02", "more than 64 bits");
  refused("\x08" + std::string(10, '\xff'), "more than 64 bits");
  refused("\x00\x01"s, "numbered 0");
  refused("\xf8\xff\xff\xff\x7f\x01"s, "numbered");
  for (const char type : {'\x0b', '\x0c', '\x0e', '\x0f'})
    refused(std::string(1, type), "wire type");
  expect_refused([] { first_field("\x08\x01")->text(); }, "expected text");
  expect_refused([] { first_field("\x0a\x01x")->integer(); }, "whole number");
}

}  // namespace
}  // namespace nibble
