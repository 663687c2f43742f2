// How often a model is right, what it confuses, and what changed against another model.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "nibble/core/threads.h"
#include "nibble/data/examples.h"
#include "nibble/data/rows.h"
#include "nibble/infer/predictor.h"
#include "nibble/measure/result_row.h"

namespace nibble {

// The label with the highest logit, of every row.
std::vector<Label> answers(const Matrix<float>& logits);

// The label of every row, all rows in one call; pool may be null.
std::vector<Label> predict_labels(const Predictor& predictor, const RowsView& rows,
                                  ThreadPool* pool);

// The mean cross-entropy of the rows.
double mean_loss(const Matrix<float>& logits, std::span<const Label> truth);

// Of two lists of one length.
std::size_t count_equal(std::span<const Label> predicted, std::span<const Label> truth);

// counts[truth][predicted]; labels are 0..classes-1.
std::vector<std::vector<std::size_t>> confusion_counts(std::span<const Label> predicted,
                                                       std::span<const Label> truth,
                                                       std::size_t classes);

// Three lists of one length. A row that changed from one wrong label to another is listed but
// neither gained nor lost.
Flips flips_against(std::span<const Label> original, std::span<const Label> predicted,
                    std::span<const Label> truth);

}  // namespace nibble
