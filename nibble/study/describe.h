// Turns what a study worked with into what its report tells: data summary, layer lines, settings.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nibble/report/study_result.h"
#include "nibble/study/pipeline.h"
#include "nibble/study/variants.h"

namespace nibble {

DataSummary describe_data(const PreparedData& data, const DataOptions& options);

// One line for each Linear layer, with its bytes in each variant.
std::vector<LayerLine> describe_layers(const MlpShape& shape,
                                       const std::vector<StoredVariant>& variants);

// Every setting that decides the result, by its option's name, as text; those that few change only
// where they differ from their defaults.
std::map<std::string, std::string> describe_settings(const DataOptions& data,
                                                     const std::vector<std::size_t>& hidden,
                                                     const TrainSettings& training);

}  // namespace nibble
