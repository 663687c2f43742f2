// The data sets nibble knows by name, and how a DATA argument of the command line becomes Examples.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nibble/data/examples.h"
#include "nibble/data/readers.h"

namespace nibble {

struct DataSet {
  std::string name;         // "sst2", "fashion-mnist"
  std::string description;  // one line
  std::string origin;       // where it comes from, for people
};
const std::vector<DataSet>& catalogue();

// Where the files of a data set are now: $NIBBLE_DATA/NAME or $NIBBLE_DATA itself,
// ../shared/data/NAME beside the working folder, the user's cache ($XDG_CACHE_HOME or ~/.cache,
// then nibble/NAME), for fashion-mnist also /usr/share/datasets/fashion-mnist. Nothing when none of
// them has all its files. An Error for a name that is not in the catalogue.
std::optional<std::filesystem::path> find_data_set(std::string_view name);

// Downloads into the user's cache and checks SHA-256; returns the folder. An Error says when there
// is no network or the bytes are not the expected ones (nothing is kept then), or which package of
// the system holds the data set. A data set that is found already is not fetched again. `address`,
// if given, is the folder to fetch from instead of the public one ("file:///..." in tests).
std::filesystem::path fetch_data_set(std::string_view name, const std::string& address = {});

struct TrainAndTest {
  Examples training;
  std::optional<Examples> test;
};

// The file that holds the training part of DATA, as below.
std::filesystem::path training_file(const std::string& data);

// DATA is a catalogue name (found, else fetched), a folder, or one file (training only; see
// readers.h). A folder holds one of train.tsv, train.csv, train.txt or train-images-idx3-ubyte[.gz]
// and, if there is a test part, one of test.* or t10k-images-idx3-ubyte[.gz]. A folder that has the
// name of a data set is meant by ./NAME. Labels of the test part must occur in training.
TrainAndTest load_data(const std::string& data);

}  // namespace nibble
