// The stack machine that a pickle is a program for. One use: read_pickle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "nibble/formats/byte_reader.h"
#include "nibble/formats/pickle_value.h"

namespace nibble {

class PickleMachine {
 public:
  explicit PickleMachine(std::span<const std::byte> bytes);
  PickleDocument run() &&;

 private:
  using Step = void (PickleMachine::*)();
  struct Opcode {
    unsigned char code;
    Step step;
  };
  static const std::vector<Opcode>& opcodes();
  static Step step_for(unsigned char code);

  // What the opcodes do, in the order of the list in pickle_machine.cc.
  void protocol();
  void frame();
  void mark();
  void pop();
  void pop_to_mark();
  void duplicate();
  void none();
  void yes();
  void no();
  template <typename T>
  void whole_number();
  void long_number();
  void float_number();
  template <typename T>
  void text();
  void empty_list();
  void empty_tuple();
  void empty_dict();
  template <std::size_t kCount>
  void short_tuple();
  void tuple();
  void append();
  void appends();
  void set_item();
  void set_items();
  void global();
  void stack_global();
  void reduce();
  void build();
  void storage_reference();
  template <typename T>
  void put();
  void memoize();
  template <typename T>
  void get();

  // The stack. Nothing below the last mark can be popped by accident.
  template <typename T>
  void push(T content);
  PickleValue* pop_value();
  PickleValue& top();
  PickleItems pop_items();
  void remember(std::uint64_t index);

  ByteReader reader_;
  PickleDocument document_;
  std::size_t most_values_;
  std::vector<PickleValue*> stack_;
  std::vector<std::size_t> marks_;  // stack sizes
  std::vector<PickleValue*> memo_;
  std::size_t most_memos_;
};

}  // namespace nibble
