// Collects the labels of a file: names to indices.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "nibble/data/examples.h"
#include "nibble/data/lines.h"

namespace nibble {

class LabelColumn {
 public:
  // With known labels, only those are taken and they keep their indices. Without, every label is,
  // and finish() gives indices in sorted order: by number if all names are whole numbers, else by
  // code point.
  explicit LabelColumn(const LabelNames& known);

  // White space around the name does not count. An Error, with the place, when nothing is left,
  // when it is longer than 256 bytes or holds control characters (then the row's TAB stands
  // elsewhere), or when it is not known.
  void add(std::string_view name, const Place& place);
  // Moves labels and names into `examples`.
  void finish(Examples& examples);

 private:
  Label index_of(std::string_view name, const Place& place);

  bool closed_;  // no new names
  LabelNames names_;
  std::unordered_map<std::string, Label> indices_;
  std::vector<Label> labels_;
};

// The names in the order that LabelColumn gives them.
void sort_label_names(LabelNames& names);

}  // namespace nibble
