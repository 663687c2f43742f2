#include "nibble/formats/pickle_machine.h"

#include <algorithm>
#include <array>
#include <bit>

#include "nibble/core/error.h"
#include "nibble/formats/pickle_globals.h"
#include "nibble/formats/pickle_reader.h"
#include "nibble/formats/pickle_tensor.h"

namespace nibble {
namespace {

constexpr unsigned char kStop = '.';
void add_entries(PickleValue& target, const PickleItems& items) {
  auto* dict = std::get_if<PickleDict>(&target.content);
  if (dict == nullptr || items.size() % 2 != 0)
    throw_error("the pickle is damaged: it sets {} items of {}", items.size(), kind_of(target));
  for (std::size_t i = 0; i < items.size(); i += 2)
    dict->entries.emplace_back(items[i], items[i + 1]);
}

void add_items(PickleValue& target, const PickleItems& items) {
  auto* list = std::get_if<PickleList>(&target.content);
  if (list == nullptr) throw_error("the pickle is damaged: it appends to {}", kind_of(target));
  list->items.insert(list->items.end(), items.begin(), items.end());
}

}  // namespace

// At least 7 bytes of text go with most values of a real checkpoint; a pickle of nothing but
// one-byte values would ask for 50 times its size in memory.
PickleMachine::PickleMachine(std::span<const std::byte> bytes)
    : reader_(bytes, "the pickle"),
      most_values_(65536 + bytes.size() / 7),
      most_memos_(bytes.size() / 2) {
  if (bytes.size() > kLargestPickle)
    throw_error("the pickle has {} bytes; at most {} are accepted", bytes.size(), kLargestPickle);
}

PickleDocument PickleMachine::run() && {
  for (;;) {
    const auto code = reader_.number<unsigned char>();
    if (code == kStop) break;
    (this->*step_for(code))();
  }
  document_.root_ = pop_value();
  return std::move(document_);
}

const std::vector<PickleMachine::Opcode>& PickleMachine::opcodes() {
  static const std::vector<Opcode> list = {
      {0x80, &PickleMachine::protocol},
      {0x95, &PickleMachine::frame},
      {'(', &PickleMachine::mark},
      {'0', &PickleMachine::pop},
      {'1', &PickleMachine::pop_to_mark},
      {'2', &PickleMachine::duplicate},
      {'N', &PickleMachine::none},
      {0x88, &PickleMachine::yes},
      {0x89, &PickleMachine::no},
      {'K', &PickleMachine::whole_number<std::uint8_t>},   // BININT1
      {'M', &PickleMachine::whole_number<std::uint16_t>},  // BININT2
      {'J', &PickleMachine::whole_number<std::int32_t>},   // BININT
      {0x8a, &PickleMachine::long_number},                 // LONG1
      {'G', &PickleMachine::float_number},
      {'U', &PickleMachine::text<std::uint8_t>},    // SHORT_BINSTRING
      {'X', &PickleMachine::text<std::uint32_t>},   // BINUNICODE
      {0x8c, &PickleMachine::text<std::uint8_t>},   // SHORT_BINUNICODE
      {0x8d, &PickleMachine::text<std::uint64_t>},  // BINUNICODE8
      {']', &PickleMachine::empty_list},
      {')', &PickleMachine::empty_tuple},
      {'}', &PickleMachine::empty_dict},
      {0x85, &PickleMachine::short_tuple<1>},
      {0x86, &PickleMachine::short_tuple<2>},
      {0x87, &PickleMachine::short_tuple<3>},
      {'t', &PickleMachine::tuple},
      {'a', &PickleMachine::append},
      {'e', &PickleMachine::appends},
      {'s', &PickleMachine::set_item},
      {'u', &PickleMachine::set_items},
      {'c', &PickleMachine::global},
      {0x93, &PickleMachine::stack_global},
      {'R', &PickleMachine::reduce},
      {'b', &PickleMachine::build},
      {'Q', &PickleMachine::storage_reference},  // BINPERSID
      {'q', &PickleMachine::put<std::uint8_t>},
      {'r', &PickleMachine::put<std::uint32_t>},
      {0x94, &PickleMachine::memoize},
      {'h', &PickleMachine::get<std::uint8_t>},
      {'j', &PickleMachine::get<std::uint32_t>},
  };
  return list;
}

PickleMachine::Step PickleMachine::step_for(unsigned char code) {
  static const std::array<Step, 256> table = [] {
    std::array<Step, 256> steps{};
    for (const Opcode& opcode : opcodes()) steps[opcode.code] = opcode.step;
    return steps;
  }();
  if (table[code] == nullptr) {
    throw_error(
        "the pickle uses the opcode 0x{:02x}, which a state_dict never needs; nothing was run. "
        "Save "
        "the parameters alone: torch.save(model.state_dict(), path)",
        code);
  }
  return table[code];
}

template <typename T>
void PickleMachine::push(T content) {
  if (document_.values_.size() >= most_values_)
    throw_error("the pickle has more than {} values, too many for its size", most_values_);
  document_.values_.push_back({std::move(content)});
  stack_.push_back(&document_.values_.back());
}

PickleValue& PickleMachine::top() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back()))
    throw_error("the pickle is damaged: it takes a value that is not there");
  return *stack_.back();
}

PickleValue* PickleMachine::pop_value() {
  PickleValue* value = &top();
  stack_.pop_back();
  return value;
}

PickleItems PickleMachine::pop_items() {
  if (marks_.empty()) throw_error("the pickle is damaged: it closes a bracket that is not open");
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  PickleItems items(first, stack_.end());
  stack_.erase(first, stack_.end());
  marks_.pop_back();
  return items;
}

void PickleMachine::protocol() {
  const auto version = reader_.number<std::uint8_t>();
  if (version < 2 || version > 5)
    throw_error("the pickle has protocol {}; 2 to 5 can be read", version);
}

void PickleMachine::frame() { reader_.number<std::uint64_t>(); }

void PickleMachine::mark() {
  if (marks_.size() >= kDeepestPickle)
    throw_error("the pickle nests deeper than {} levels", kDeepestPickle);
  marks_.push_back(stack_.size());
}

void PickleMachine::pop() { pop_value(); }
void PickleMachine::pop_to_mark() { pop_items(); }
void PickleMachine::duplicate() { stack_.push_back(&top()); }

void PickleMachine::none() { push(PickleNone{}); }
void PickleMachine::yes() { push(true); }
void PickleMachine::no() { push(false); }

template <typename T>
void PickleMachine::whole_number() {
  push(static_cast<std::int64_t>(reader_.number<T>()));
}

// Little-endian two's complement of any length. One that is longer than 8 bytes is a seed or a hash
// and becomes the nearest double.
void PickleMachine::long_number() {
  const std::string_view digits = reader_.text(reader_.number<std::uint8_t>());
  const bool negative = !digits.empty() && static_cast<unsigned char>(digits.back()) >= 0x80;
  if (digits.size() <= sizeof(std::uint64_t)) {
    std::uint64_t number = negative ? ~std::uint64_t{0} : 0;
    for (std::size_t i = digits.size(); i-- > 0;)
      number = (number << 8) | static_cast<unsigned char>(digits[i]);
    return push(std::bit_cast<std::int64_t>(number));
  }
  double number = negative ? -1.0 : 0.0;
  for (std::size_t i = digits.size(); i-- > 0;)
    number = number * 256.0 + static_cast<unsigned char>(digits[i]);
  push(number);
}

// Big-endian, as nothing else here.
void PickleMachine::float_number() {
  push(std::bit_cast<double>(__builtin_bswap64(reader_.number<std::uint64_t>())));
}

template <typename T>
void PickleMachine::text() {
  push(reader_.text(reader_.number<T>()));
}

void PickleMachine::empty_list() { push(PickleList{}); }
void PickleMachine::empty_tuple() { push(PickleTuple{}); }
void PickleMachine::empty_dict() { push(PickleDict{}); }

template <std::size_t kCount>
void PickleMachine::short_tuple() {
  PickleItems items(kCount);
  for (std::size_t i = kCount; i-- > 0;) items[i] = pop_value();
  push(PickleTuple{std::move(items)});
}

void PickleMachine::tuple() { push(PickleTuple{pop_items()}); }

void PickleMachine::append() {
  const PickleValue* item = pop_value();
  add_items(top(), {item});
}

void PickleMachine::appends() {
  const PickleItems items = pop_items();
  add_items(top(), items);
}

void PickleMachine::set_item() {
  const PickleValue* value = pop_value();
  const PickleValue* key = pop_value();
  add_entries(top(), {key, value});
}

void PickleMachine::set_items() {
  const PickleItems items = pop_items();
  add_entries(top(), items);
}

void PickleMachine::global() {
  const std::string_view module = reader_.line();
  push(allowed_global(module, reader_.line()));
}

void PickleMachine::stack_global() {
  const PickleValue* name = pop_value();
  const PickleValue* module = pop_value();
  push(allowed_global(as_expected<std::string_view>(*module, "the module of a global"),
                      as_expected<std::string_view>(*name, "the name of a global")));
}

// "Call this with these arguments": only the few names of the list, and they only describe data.
void PickleMachine::reduce() {
  const PickleValue* packed = pop_value();
  const PickleItems& arguments = as_expected<PickleTuple>(*packed, "the arguments of a call").items;
  const PickleValue* callee = pop_value();
  switch (as_expected<PickleGlobal>(*callee, "the name of a call").kind) {
    case PickleGlobalKind::kOrderedDict:
      if (!arguments.empty()) throw_error("the pickle makes an OrderedDict in an unknown way");
      return push(PickleDict{});
    case PickleGlobalKind::kSize:
      return push(PickleTuple{dimensions_of(*argument(arguments, 0))});
    case PickleGlobalKind::kRebuildTensor:
      return push(std::make_unique<const PickleTensor>(tensor_from(arguments)));
    case PickleGlobalKind::kRebuildQuantizedTensor:
      return push(std::make_unique<const PickleTensor>(quantized_tensor_from(arguments)));
    case PickleGlobalKind::kRebuildParameter: {
      const PickleTensor* tensor = argument(arguments, 0)->as_tensor();
      if (tensor == nullptr) throw_error("the pickle has a parameter that is not a tensor");
      return push(std::make_unique<const PickleTensor>(*tensor));
    }
    case PickleGlobalKind::kIgnored:
      return push(PickleNone{});
    case PickleGlobalKind::kPerTensor:
    case PickleGlobalKind::kPerChannel:
      throw_error("the pickle calls the name of a quantization, which is no function");
    case PickleGlobalKind::kStorage:
      throw_error("the pickle makes a storage by itself; expected a reference to a record");
  }
}

// Sets attributes of an object; the only one with any is the `_metadata` of a state_dict, which
// says nothing that is needed.
void PickleMachine::build() {
  pop_value();
  if (top().as<PickleDict>() == nullptr)
    throw_error("the pickle sets attributes of {}; expected a state_dict", kind_of(top()));
}

void PickleMachine::storage_reference() {
  const PickleValue* packed = pop_value();
  push(storage_from(as_expected<PickleTuple>(*packed, "a reference to a record").items));
}

void PickleMachine::remember(std::uint64_t index) {
  PickleValue& value = top();
  if (index >= most_memos_)
    throw_error("the pickle numbers a value {}, more than it can hold", index);
  if (index >= memo_.size()) memo_.resize(index + 1, nullptr);
  memo_[index] = &value;
}

template <typename T>
void PickleMachine::put() {
  remember(reader_.number<T>());
}

void PickleMachine::memoize() { remember(memo_.size()); }

template <typename T>
void PickleMachine::get() {
  const auto index = reader_.number<T>();
  if (index >= memo_.size() || memo_[index] == nullptr)
    throw_error("the pickle asks for value {}, which it never numbered", index);
  stack_.push_back(memo_[index]);
}

PickleDocument read_pickle(std::span<const std::byte> bytes) { return PickleMachine(bytes).run(); }

}  // namespace nibble
