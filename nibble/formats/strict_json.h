// JSON from files that someone else wrote: nothing is accepted but what the caller asks for, keys
// must differ, and nesting is as deep as what is asked for. nlohmann's parser does the letters.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace nibble {

// Refuses every value; a reader overrides those that it expects. Every refusal is an Error.
class StrictJson : public nlohmann::json_sax<nlohmann::json> {
 public:
  // `what` is for messages ("the safetensors header").
  explicit StrictJson(std::string_view what) : what_(what) {}
  // The whole text must be one value.
  void read(std::string_view text);

  bool null() override;
  bool boolean(bool value) override;
  bool number_integer(number_integer_t value) override;
  bool number_unsigned(number_unsigned_t value) override;
  bool number_float(number_float_t value, const string_t& text) override;
  bool string(string_t& value) override;
  bool binary(binary_t& value) override;
  bool start_object(std::size_t elements) override;
  bool key(string_t& name) override;
  bool end_object() override;
  bool start_array(std::size_t elements) override;
  bool end_array() override;
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::json::exception& problem) override;

 protected:
  [[noreturn]] void refuse(std::string_view found) const;
  const std::string& what() const { return what_; }

 private:
  std::string what_;
};

// ["a", "b"]
std::vector<std::string> read_json_texts(std::string_view json, std::string_view what);
// {"a": "b"}
std::map<std::string, std::string> read_json_text_map(std::string_view json, std::string_view what);

}  // namespace nibble
