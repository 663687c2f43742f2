// The data sets nibble knows by name, and how a DATA argument of the command line becomes Examples.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/data/examples.h"

namespace nibble {

struct DataSet {
  std::string name;         // "sst2", "fashion-mnist"
  std::string description;  // one line
  std::string origin;       // where it comes from, for people
};
const std::vector<DataSet>& catalogue();

// Where the files of a data set are now: $NIBBLE_DATA/NAME, ../shared/data/NAME beside the working
// folder, the user's cache ($XDG_CACHE_HOME or ~/.cache, then nibble/NAME), for fashion-mnist also
// /usr/share/datasets/fashion-mnist. Nothing when none of them has all its files.
std::optional<std::filesystem::path> find_data_set(std::string_view name);

// Downloads into the user's cache and checks SHA-256; returns the folder. An Error says when there
// is no network or the bytes are not the expected ones (nothing is kept then). A data set that is
// found already is not fetched again.
std::filesystem::path fetch_data_set(std::string_view name);

struct TrainAndTest {
  Examples training;
  std::optional<Examples> test;
};

// DATA is a catalogue name (found, else fetched), a folder with train.* and test.* files or IDX
// files, or one file (training only). Label names are shared between both parts. The file's kind
// goes by its content and ending: IDX (also .gz), .csv with numbers (label last), otherwise
// sentence TAB label.
TrainAndTest load_data(const std::string& data);

// One file, with labels matched to those already known when `known_labels` is not empty (an unknown
// label is an Error).
Examples load_examples(const std::filesystem::path& path, const LabelNames& known_labels = {});

}  // namespace nibble
