// nibble's own model file: a safetensors file that says everything in its metadata.
//
// __metadata__, all text:
//   format               "nibble"
//   format_version       "1", or "2" for what version 1 cannot say: mixed schemes; a file of a
//   newer
//                        version is refused
//   scheme               "f32", "f16", "bf16", "int8", "int8-torch", "int4", "mixed"
//   encodings            mixed only: each layer's (encoded_tensors.h)
//   layer_sizes          "10000,512,256,128,64,2"
//   group_axes           int4 only: for each layer "outputs" or "inputs" (quant/int4.h)
//   featurizer           "bag_of_words", "hashed_words" (version 2: no vocabulary, a bucket
//                        for each input; text/vocabulary.h says which word's) or "numeric"
//   input_scale          numeric only: what every input is multiplied with
//   labels               ["negative","positive"]
//   settings             {"epochs":"10", ...}
//   epoch, validation_accuracy (per cent), validation_loss
//   check_inputs, check_logits   inputs and what the model gives for them (check_vectors.h)
//   tensors_sha256       of all bytes behind the header
// The last three are read by read_stored_checks alone; files of nibbles before them lack them.
// Tensors of layer l, input-major as in memory:
//   layers.l.weight      f32, f16, bf16: F32, F16, BF16 [inputs, outputs]; int8, int8-torch: I8
//   [inputs,
//                        outputs]; int4: U8 [inputs, ceil(outputs/2)]
//   layers.l.scales      int8: F32 [outputs]; int8-torch: F32 [1]; int4: F16, shape by group axis
//                        grouped encodings (quant/grouped.h): weight U8 [bytes], scales F16 and, if
//                        asymmetric, zeros U8 [blocks of inputs, blocks of outputs]
//                        product quantization (quant/pq.h): weight U8 [bytes], centroids F16
//                        [books * centroids, width] and, with norms, norm_codes U8 [inputs], norms
//                        F16 [1, norms]
//   layers.l.bias        F32 [outputs]
//   vocabulary           bag_of_words only: U8, the words in column order with a line feed between
//                        two of them (no word holds one); where the metadata say vocabulary_coding
//                        "front-range" (version 2), that as word_coding.h compresses it
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

#include "nibble/core/shared_file.h"
#include "nibble/formats/check_vectors.h"
#include "nibble/model/model.h"

namespace nibble {

// The file is not committed. A QuantizedMlp of scheme f32 is read back as the Mlp that it is.
void write_nibble_model(const Model& model, AtomicFile& file);
// How many bytes it would write.
std::size_t nibble_model_bytes(const Model& model);
// With an owner of the file's bytes, codes stay where they lie in the file if that is at a multiple
// of 64, and the model shares the owner; what is copied is given back to the system as it is read.
// Without one, all are copied.
Model read_nibble_model(std::span<const std::byte> file, const SharedFile& owner = nullptr);

// What the file says about how to check it. `model` is what read_nibble_model gave. An Error if the
// tensors do not have the digest that is stored with them.
struct StoredChecks {
  bool has_digest = false;
  std::vector<CheckVector> vectors;
};
StoredChecks read_stored_checks(std::span<const std::byte> file, const Model& model);

// The metadata above, for files that keep them in another form (onnx.h).
std::map<std::string, std::string> model_metadata(const Model& model);
// The other way: sets labels and provenance. An Error if they are of a newer version or incomplete.
void read_description(const std::map<std::string, std::string>& metadata, Model& model);

}  // namespace nibble
