#include "nibble/formats/word_coding.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "nibble/core/error.h"

namespace nibble {
namespace {

constexpr unsigned kProbabilityBits = 16;
constexpr std::size_t kLengthBits = 6;
constexpr std::size_t kMostShared = (std::size_t{1} << kLengthBits) - 1;

// The probability of a 1, learning fast at first: by 1/2, 1/3, ... to 1/24 of the distance.
class Bit {
 public:
  std::uint32_t probability() const { return probability_; }
  std::uint32_t seen() const { return seen_; }
  void learn(bool one) {
    constexpr std::uint32_t kSlowest = 24;
    const std::uint32_t pace = std::min<std::uint32_t>(seen_ + 2U, kSlowest);
    if (one) {
      probability_ = static_cast<std::uint16_t>(probability_ + (0xFFFFU - probability_) / pace);
    } else {
      probability_ = static_cast<std::uint16_t>(probability_ - probability_ / pace);
    }
    if (seen_ < kSlowest) ++seen_;
  }

 private:
  std::uint16_t probability_ = 1U << (kProbabilityBits - 1);
  std::uint16_t seen_ = 0;
};

// Kept off the ends, so that every bit costs something: 1/64 of a bit at least, which bounds what a
// hostile file can grow to.
std::uint32_t usable(std::uint32_t probability) {
  constexpr std::uint32_t kLeast = 700;
  return std::clamp<std::uint32_t>(probability, kLeast, (1U << kProbabilityBits) - kLeast);
}

class Encoder {
 public:
  void code(bool one, std::uint32_t probability) {
    const std::uint32_t bound = (range_ >> kProbabilityBits) * probability;
    if (one) {
      range_ = bound;
    } else {
      low_ += bound;
      range_ -= bound;
    }
    while (range_ < (1U << 24)) {
      range_ <<= 8;
      shift();
    }
  }
  std::string finish() {
    for (int i = 0; i < 5; ++i) shift();
    return std::move(bytes_);
  }

 private:
  // A carry may still run through the bytes that are 0xFF: they wait until it is known.
  void shift() {
    if (low_ < 0xFF000000U || low_ > 0xFFFFFFFFU) {
      const auto carry = static_cast<std::uint8_t>(low_ >> 32);
      if (!first_) bytes_ += static_cast<char>(cache_ + carry);
      first_ = false;
      bytes_.append(waiting_, static_cast<char>(0xFF + carry));
      waiting_ = 0;
      cache_ = static_cast<std::uint8_t>(low_ >> 24);
    } else {
      ++waiting_;
    }
    low_ = (low_ & 0x00FFFFFFU) << 8;
  }

  std::uint64_t low_ = 0;
  std::uint32_t range_ = 0xFFFFFFFF;
  std::uint8_t cache_ = 0;
  std::size_t waiting_ = 0;
  bool first_ = true;
  std::string bytes_;
};

class Decoder {
 public:
  explicit Decoder(std::span<const std::byte> bytes) : bytes_(bytes) {
    for (int i = 0; i < 4; ++i) code_ = code_ << 8 | next();
  }
  bool decode(std::uint32_t probability) {
    const std::uint32_t bound = (range_ >> kProbabilityBits) * probability;
    const bool one = code_ < bound;
    if (one) {
      range_ = bound;
    } else {
      code_ -= bound;
      range_ -= bound;
    }
    while (range_ < (1U << 24)) {
      range_ <<= 8;
      code_ = code_ << 8 | next();
    }
    return one;
  }
  bool at_end() const { return place_ == bytes_.size(); }

 private:
  std::uint8_t next() {
    if (at_end()) throw_error("the vocabulary ends too early; the file is damaged");
    return static_cast<std::uint8_t>(bytes_[place_++]);
  }
  std::span<const std::byte> bytes_;
  std::size_t place_ = 0;
  std::uint32_t code_ = 0;
  std::uint32_t range_ = 0xFFFFFFFF;
};

// What both sides learn alike. `coder(bit or nothing, probability)` returns the bit.
class WordModel {
 public:
  WordModel()
      : lengths_((kMostShared + 1) * (kMostShared + 1)),
        after_one_(256 * 256),
        after_two_(kTwoSlots) {}

  template <typename Coder>
  std::size_t length(std::size_t value, const Coder& coder) {
    std::size_t node = 1;
    for (std::size_t bit = kLengthBits; bit-- > 0;) {
      Bit& model = lengths_[last_length_ * (kMostShared + 1) + node];
      const bool one = coder((value >> bit & 1) != 0, usable(model.probability()));
      model.learn(one);
      node = node * 2 + (one ? 1 : 0);
    }
    last_length_ = node - (kMostShared + 1);
    return last_length_;
  }

  // A byte behind the bytes `one` (nearest) and `two` of its word; 0 before its beginning.
  template <typename Coder>
  std::uint8_t byte(std::uint8_t value, std::uint8_t one_before, std::uint8_t two_before,
                    const Coder& coder) {
    std::uint32_t node = 1;
    for (unsigned bit = 8; bit-- > 0;) {
      Bit& near = after_one_[one_before * 256U + node];
      Bit& far = after_two_[two_slot(one_before, two_before, node)];
      const bool one = coder((value >> bit & 1) != 0, mixed(near, far));
      near.learn(one);
      far.learn(one);
      node = node * 2 + (one ? 1 : 0);
    }
    return static_cast<std::uint8_t>(node);
  }

 private:
  static constexpr std::size_t kTwoSlots = std::size_t{1} << 18;
  static std::size_t two_slot(std::uint32_t one, std::uint32_t two, std::uint32_t node) {
    return ((one << 16 | two << 8 | node) * 2654435761U) >> 14;
  }
  // The longer context counts for more the more it has seen.
  static std::uint32_t mixed(const Bit& near, const Bit& far) {
    const std::uint32_t weight = std::min<std::uint32_t>(far.seen(), 4);
    return usable((near.probability() + weight * far.probability()) / (weight + 1));
  }

  std::vector<Bit> lengths_;
  std::vector<Bit> after_one_;
  std::vector<Bit> after_two_;
  std::size_t last_length_ = 0;
};

constexpr std::uint8_t kEnd = '\n';

std::uint8_t before(std::string_view word, std::size_t place, std::size_t back) {
  return place < back ? 0 : static_cast<std::uint8_t>(word[place - back]);
}

std::size_t shared_bytes(std::string_view a, std::string_view b) {
  const std::size_t most = std::min({a.size(), b.size(), kMostShared});
  std::size_t shared = 0;
  while (shared < most && a[shared] == b[shared]) ++shared;
  return shared;
}

}  // namespace

std::string compress_words(std::string_view text) {
  Encoder encoder;
  WordModel model;
  const auto code = [&](bool one, std::uint32_t probability) {
    encoder.code(one, probability);
    return one;
  };
  std::string_view last;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    const std::size_t shared = model.length(shared_bytes(last, word), code);
    for (std::size_t i = shared; i <= word.size(); ++i)
      model.byte(i < word.size() ? static_cast<std::uint8_t>(word[i]) : kEnd, before(word, i, 1),
                 before(word, i, 2), code);
    last = word;
  }
  return encoder.finish();
}

std::string expand_words(std::span<const std::byte> bytes, std::size_t words) {
  if (words == 0) return "";
  Decoder decoder(bytes);
  WordModel model;
  const auto decode = [&](bool /*bit*/, std::uint32_t probability) {
    return decoder.decode(probability);
  };
  std::string text;
  std::string word;
  for (std::size_t w = 0; w < words; ++w) {
    const std::size_t shared = model.length(0, decode);
    if (shared > word.size())
      throw_error("word {} of the vocabulary shares {} bytes with one of {}; the file is damaged",
                  w, shared, word.size());
    word.resize(shared);
    for (;;) {
      const std::uint8_t byte =
          model.byte(0, before(word, word.size(), 1), before(word, word.size(), 2), decode);
      if (byte == kEnd) break;
      word += static_cast<char>(byte);
    }
    if (w > 0) text += '\n';
    text += word;
  }
  if (!decoder.at_end()) throw_error("bytes follow the vocabulary's end; the file is damaged");
  return text;
}

}  // namespace nibble
