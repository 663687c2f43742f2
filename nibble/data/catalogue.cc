#include "nibble/data/catalogue.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "nibble/core/digest.h"
#include "nibble/core/error.h"
#include "nibble/core/file.h"
#include "nibble/data/download.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

struct RemoteFile {
  std::string name;
  std::string sha256;
};

struct Entry {
  DataSet set;
  std::vector<RemoteFile> files;
  std::string address;  // of the folder to fetch from; empty if a system package brings it
  std::string package;
  fs::path system_folder;
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all = {
      {{"sst2", "sentences of film reviews, 0 negative or 1 positive; 6,920 + 1,821 rows",
        "https://github.com/clairett/pytorch-sentiment-classification, data/SST2"},
       {{"train.tsv", "ec192f833a64da08f475488a77b0d0b47db47acd0f458bd18433fc793b569920"},
        {"test.tsv", "831169c7e2e429d6026e1bdbb542f33b636e3e596caad9602ebc953c205928b7"}},
       "https://raw.githubusercontent.com/clairett/pytorch-sentiment-classification/master/data/"
       "SST2",
       "",
       {}},
      {{"fashion-mnist", "28 x 28 pictures of clothes in 10 kinds; 60,000 + 10,000 rows",
        "Debian's package dataset-fashion-mnist"},
       {{"train-images-idx3-ubyte.gz", ""},
        {"train-labels-idx1-ubyte.gz", ""},
        {"t10k-images-idx3-ubyte.gz", ""},
        {"t10k-labels-idx1-ubyte.gz", ""}},
       "",
       "dataset-fashion-mnist",
       "/usr/share/datasets/fashion-mnist"}};
  return all;
}

std::string known_names() {
  std::string names;
  for (const Entry& entry : entries()) names += (names.empty() ? "" : ", ") + entry.set.name;
  return names;
}

const Entry* find_entry(std::string_view name) {
  const auto found =
      std::ranges::find(entries(), name, [](const Entry& entry) { return entry.set.name; });
  return found == entries().end() ? nullptr : &*found;
}

const Entry& entry_named(std::string_view name) {
  const Entry* entry = find_entry(name);
  if (entry == nullptr) {
    throw_error("there is no data set '{}'; those known are {}", name, known_names());
  }
  return *entry;
}

// The value of an environment variable; empty when it is not set.
std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Empty when neither variable is set: then there is no cache.
fs::path cache_folder() {
  const std::string cache = environment("XDG_CACHE_HOME");
  if (!cache.empty()) return fs::path(cache) / "nibble";
  const std::string home = environment("HOME");
  return home.empty() ? fs::path() : fs::path(home) / ".cache" / "nibble";
}

bool holds_files(const fs::path& folder, const Entry& entry) {
  return std::ranges::all_of(entry.files, [&](const RemoteFile& file) {
    std::error_code ignored;  // a folder that may not be looked into holds nothing for us
    return fs::is_regular_file(folder / file.name, ignored);
  });
}

std::vector<fs::path> folders_of(const Entry& entry) {
  std::vector<fs::path> folders;
  if (const fs::path own = environment("NIBBLE_DATA"); !own.empty()) {
    folders = {own / entry.set.name, own};
  }
  folders.push_back(fs::path("..") / "shared" / "data" / entry.set.name);
  if (const fs::path cache = cache_folder(); !cache.empty()) {
    folders.push_back(cache / entry.set.name);
  }
  if (!entry.system_folder.empty()) folders.push_back(entry.system_folder);
  return folders;
}

std::string fetch_file(const Entry& entry, const RemoteFile& file, const std::string& address,
                       const fs::path& folder) {
  try {
    std::string bytes = download(address + "/" + file.name);
    const std::string digest = sha256_hex(bytes);
    if (digest == file.sha256) return bytes;
    throw_error("{}/{} has SHA-256 {}, expected {}: it is not the file that was published", address,
                file.name, digest, file.sha256);
  } catch (const Error& problem) {
    throw_error(
        "cannot get the data set '{}': {}; without a network, put its files into '{}' or set "
        "NIBBLE_DATA to their folder",
        entry.set.name, problem.what(), folder.string());
  }
}

// All files are fetched and checked before the first is written.
void fetch_all(const Entry& entry, const std::string& address, const fs::path& folder) {
  std::vector<std::string> contents;
  for (const RemoteFile& file : entry.files) {
    contents.push_back(fetch_file(entry, file, address, folder));
  }
  make_folder(folder);
  for (std::size_t i = 0; i < contents.size(); ++i) {
    write_file_atomically(folder / entry.files[i].name, contents[i]);
  }
}

constexpr const char* kTrainingFiles[] = {"train.tsv", "train.csv", "train.txt",
                                          "train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"};
constexpr const char* kTestFiles[] = {"test.tsv", "test.csv", "test.txt", "t10k-images-idx3-ubyte",
                                      "t10k-images-idx3-ubyte.gz"};

template <std::size_t Size>
std::optional<fs::path> only_one_of(const fs::path& folder, const char* const (&names)[Size]) {
  std::optional<fs::path> found;
  for (const char* name : names) {
    if (!fs::exists(folder / name)) continue;
    if (found) {
      throw_error("the folder '{}' holds both {} and {}; expected one of them", folder.string(),
                  found->filename().string(), name);
    }
    found = folder / name;
  }
  return found;
}

void require_same_kind(const Examples& test, const Examples& training) {
  if (test.is_text() != training.is_text()) {
    throw_error("'{}' holds {} but '{}' holds {}; expected the same in both", training.source,
                training.is_text() ? "text" : "numbers", test.source,
                test.is_text() ? "text" : "numbers");
  }
  if (!test.is_text() && test.numbers().columns != training.numbers().columns) {
    throw_error("'{}' has {} columns but '{}' has {}; expected the same in both", training.source,
                training.numbers().columns, test.source, test.numbers().columns);
  }
}

fs::path training_file_in(const fs::path& folder) {
  std::optional<fs::path> training = only_one_of(folder, kTrainingFiles);
  if (!training) {
    throw_error("the folder '{}' holds no training part; expected one of {}", folder.string(),
                fmt::join(kTrainingFiles, ", "));
  }
  return *std::move(training);
}

TrainAndTest load_folder(const fs::path& folder) {
  TrainAndTest parts{load_examples(training_file_in(folder)), std::nullopt};
  if (const std::optional<fs::path> test = only_one_of(folder, kTestFiles)) {
    parts.test = load_examples(*test, parts.training.label_names);
    require_same_kind(*parts.test, parts.training);
  }
  return parts;
}

// The folder that a DATA argument means, if it means one.
std::optional<fs::path> folder_named(const std::string& data) {
  if (find_entry(data) != nullptr) return fetch_data_set(data);
  if (fs::is_directory(data)) return data;
  return std::nullopt;
}

fs::path existing_file(const std::string& data) {
  if (data != "-" && !fs::exists(data)) {
    throw_error("'{}' is neither a file, nor a folder, nor a known data set ({})", data,
                known_names());
  }
  return data;
}

}  // namespace

const std::vector<DataSet>& catalogue() {
  static const std::vector<DataSet> all = [] {
    std::vector<DataSet> sets;
    for (const Entry& entry : entries()) sets.push_back(entry.set);
    return sets;
  }();
  return all;
}

std::optional<fs::path> find_data_set(std::string_view name) {
  const Entry& entry = entry_named(name);
  for (const fs::path& folder : folders_of(entry)) {
    if (holds_files(folder, entry)) return folder;
  }
  return std::nullopt;
}

fs::path fetch_data_set(std::string_view name, const std::string& address) {
  const Entry& entry = entry_named(name);
  if (const auto found = find_data_set(name)) return *found;
  if (entry.address.empty()) {
    throw_error("the data set '{}' is not here; install Debian's package {} (apt install {})", name,
                entry.package, entry.package);
  }
  const fs::path cache = cache_folder();
  if (cache.empty()) {
    throw_error("cannot fetch '{}': neither XDG_CACHE_HOME nor HOME says where the cache is", name);
  }
  fs::path folder = cache / entry.set.name;
  fetch_all(entry, address.empty() ? entry.address : address, folder);
  return folder;
}

fs::path training_file(const std::string& data) {
  if (const std::optional<fs::path> folder = folder_named(data)) return training_file_in(*folder);
  return existing_file(data);
}

TrainAndTest load_data(const std::string& data) {
  if (const std::optional<fs::path> folder = folder_named(data)) return load_folder(*folder);
  return {load_examples(existing_file(data)), std::nullopt};
}

}  // namespace nibble
