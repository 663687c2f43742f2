#include "nibble/formats/strict_json.h"

#include <utility>

#include "nibble/core/error.h"

namespace nibble {
namespace {

class TextsReader : public StrictJson {
 public:
  using StrictJson::StrictJson;
  std::vector<std::string> texts;

  bool start_array(std::size_t /*elements*/) override {
    if (std::exchange(open_, true)) refuse("a list inside of the list");
    return true;
  }
  bool end_array() override { return true; }
  bool string(string_t& value) override {
    if (!open_) refuse("text instead of a list");
    texts.push_back(std::move(value));
    return true;
  }

 private:
  bool open_ = false;
};

class TextMapReader : public StrictJson {
 public:
  using StrictJson::StrictJson;
  std::map<std::string, std::string> texts;

  bool start_object(std::size_t /*elements*/) override {
    if (std::exchange(open_, true)) refuse("an object inside of the object");
    return true;
  }
  bool end_object() override { return true; }
  bool key(string_t& name) override {
    key_ = std::move(name);
    return true;
  }
  bool string(string_t& value) override {
    if (!open_) refuse("text instead of an object");
    if (!texts.emplace(key_, std::move(value)).second)
      throw_error("{} has the key '{}' twice", what(), key_);
    return true;
  }

 private:
  bool open_ = false;
  std::string key_;
};

}  // namespace

void StrictJson::read(std::string_view text) { nlohmann::json::sax_parse(text, this); }

void StrictJson::refuse(std::string_view found) const {
  throw_error("{} has {} where none is expected", what_, found);
}

bool StrictJson::null() { refuse("null"); }
bool StrictJson::boolean(bool /*value*/) { refuse("true or false"); }
bool StrictJson::number_integer(number_integer_t value) {
  refuse(fmt::format("the number {}", value));
}
bool StrictJson::number_unsigned(number_unsigned_t value) {
  refuse(fmt::format("the number {}", value));
}
bool StrictJson::number_float(number_float_t /*value*/, const string_t& text) {
  refuse(fmt::format("the number {}", text));
}
bool StrictJson::string(string_t& /*value*/) { refuse("text"); }
bool StrictJson::binary(binary_t& /*value*/) { refuse("binary data"); }
bool StrictJson::start_object(std::size_t /*elements*/) { refuse("an object"); }
bool StrictJson::key(string_t& name) { refuse(fmt::format("the key '{}'", name)); }
bool StrictJson::end_object() { refuse("the end of an object"); }
bool StrictJson::start_array(std::size_t /*elements*/) { refuse("a list"); }
bool StrictJson::end_array() { refuse("the end of a list"); }

bool StrictJson::parse_error(std::size_t position, const std::string& /*token*/,
                             const nlohmann::json::exception& /*problem*/) {
  throw_error("{} is not valid JSON at byte {}", what_, position);
}

std::vector<std::string> read_json_texts(std::string_view json, std::string_view what) {
  TextsReader reader(what);
  reader.read(json);
  return std::move(reader.texts);
}

std::map<std::string, std::string> read_json_text_map(std::string_view json,
                                                      std::string_view what) {
  TextMapReader reader(what);
  reader.read(json);
  return std::move(reader.texts);
}

}  // namespace nibble
