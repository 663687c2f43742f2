#!/usr/bin/python3
"""The command line from outside: help, the life of a model, determinism, streams, Ctrl-C, completion."""
import json
import os
import pty
import re
import signal
import struct
import subprocess
import unittest

from program import NIBBLE, SMALL, ProgramTest, nibble, number_rows, text_rows

VERBS = ["study", "train", "eval", "predict", "quantize", "shrink", "blame", "convert", "inspect", "diff", "bench", "data", "completion"]
NESTED = [("data", "list"), ("data", "get"), ("data", "show"), ("completion", "bash")]
SCHEMES = ["f32", "f16", "bf16", "int8", "int8-torch", "int4"]


class Help(ProgramTest):
    def test_every_verb_explains_itself_with_an_example(self):
        for verb in [(verb,) for verb in VERBS] + NESTED:
            with self.subTest(verb=verb):
                text = self.run_well(*verb, "--help")
                self.assertRegex(text, r"Examples?:.*\n +(nibble|echo|source) ")
                self.assertIn("nibble " + " ".join(verb), text)

    def test_help_fits_the_line(self):
        for verb in [()] + [(verb,) for verb in VERBS]:
            for line in self.run_well(*verb, "--help").splitlines():
                self.assertLessEqual(len(line), 120, line)

    def test_the_program_lists_its_verbs(self):
        text = self.run_well("--help")
        for verb in VERBS:
            self.assertRegex(text, rf"(?m)^  {verb} ")

    def test_defaults_of_the_lab_are_shown(self):
        text = self.run_well("train", "--help")
        for default in ["512,256,128,64", "default: 10000", "default: 0.3", "default: 32", "default: sklearn", "default: 42"]:
            self.assertIn(default, text)

    def test_no_arguments_print_the_help_and_fail(self):
        done = nibble()
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"nibble", done.stderr)

    def test_version_names_build_and_level(self):
        text = self.run_well("--version")
        self.assertRegex(text, r"^nibble \d+\.\d+\.\d+ \(\w+ build, (GCC|Clang) [\d.]+\)\n")
        self.assertRegex(text, r"CPU levels here: [\w ]*scalar; in use: \w+")

    def test_cpu_level_can_be_lowered_before_and_after_the_verb(self):
        self.assertIn("in use: scalar", self.run_well("--version", env={**os.environ, "NIBBLE_CPU": "scalar"}))
        self.run_well("--cpu", "scalar", "data", "list")
        self.run_well("data", "list", "--cpu", "scalar")
        for arguments in (("--cpu", "scalar", "--version"), ("--version", "--cpu", "scalar")):
            self.assertIn("in use: scalar", self.run_well(*arguments))
        self.assertEqual(nibble("data", "list", "--cpu", "z80").returncode, 2)


class Completion(ProgramTest):
    def complete(self, *words):
        """What bash offers for the last of the words."""
        script = self.write("completion.bash", self.run_well("completion", "bash"))
        quoted = " ".join(f"'{word}'" for word in words)
        command = (f"source {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _nibble; "
                   'printf "%s\\n" "${COMPREPLY[@]}"')
        return subprocess.run(["bash", "-c", command], capture_output=True, check=True, text=True).stdout.split()

    def test_verbs(self):
        self.assertEqual(self.complete("nibble", "qu"), ["quantize"])
        self.assertEqual(self.complete("nibble", "data", "sh"), ["show"])

    def test_options(self):
        self.assertEqual(self.complete("nibble", "train", "data.tsv", "--split-"), ["--split-seed"])
        self.assertEqual(self.complete("nibble", "eval", "--ep"), [])

    def test_words_of_an_option(self):
        self.assertEqual(self.complete("nibble", "quantize", "m.pt", "--scheme", "int"), ["int8", "int8-torch", "int4", "int3", "int2"])
        self.assertEqual(self.complete("nibble", "train", "--shuffle", "o"), ["on", "off"])

    def test_files_are_left_to_bash(self):
        self.assertEqual(self.complete("nibble", "inspect", "ch"), [])


class LifeOfAModel(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.data = cls.folder / "rows.tsv"
        cls.data.write_text(text_rows(200))
        cls.test = cls.folder / "test.tsv"
        cls.test.write_text(text_rows(60, seed=2))
        cls.model = cls.folder / "model.pt"
        done = nibble("train", cls.data, "-o", cls.model, *SMALL)
        assert done.returncode == 0, done.stderr.decode()

    def accuracy(self, model):
        return float(re.search(r"(?i)accuracy\s+([\d.]+) %", self.run_well("eval", model, self.test))[1])

    def test_eval_gives_accuracy_interval_loss_and_confusion(self):
        text = self.run_well("eval", self.model, self.test)
        self.assertGreater(self.accuracy(self.model), 90)
        self.assertIn("95 %", text)
        self.assertRegex(text, r"(?i)loss\s+[\d.]+")
        counts = [int(number) for row in re.findall(r"(?m)^\s*[01]\s+(\d+)\s+(\d+)\s*$", text) for number in row]
        self.assertEqual(sum(counts), 60)

    def test_every_scheme_is_smaller_and_still_right(self):
        for scheme in SCHEMES:
            with self.subTest(scheme=scheme):
                output = self.folder / f"{scheme}.safetensors"
                self.run_well("quantize", self.model, "--scheme", scheme, "-o", output)
                self.assertGreater(self.accuracy(output), 85)
                self.assertRegex(self.run_well("inspect", output), rf"Stored as +{scheme}\n")

    def test_half_models_are_widened_where_floats_are_needed(self):
        half, output = self.folder / "half.pt", self.folder / "from-half.safetensors"
        self.run_well("quantize", self.model, "--scheme", "f16", "-o", half)
        self.run_well("quantize", half, "--scheme", "int4", "-o", output)
        self.assertGreater(self.accuracy(output), 85)
        self.assertIn("is to blame", self.run_well("blame", half, self.data, "--scheme", "int2"))
        self.run_well("train", self.data, "-o", self.folder / "on.pt", "--init", half, *SMALL)
        done = nibble("quantize", output, "--scheme", "int8", "-o", half)
        self.assertEqual(done.returncode, 2)
        self.assertIn("quantized already, as int4", done.stderr.decode())

    def test_recipes_come_as_text_and_files(self):
        sizes = []
        toml = self.folder / "recipe.toml"
        toml.write_text('0 = "int3:row"  # words\n"*" = "int8"\n')
        for recipe in ("0=int3:row,*=int8", toml):
            output = self.folder / "recipe.safetensors"
            self.run_well("quantize", self.model, "--scheme", recipe, "-o", output)
            sizes.append(output.stat().st_size)
            self.assertGreater(self.accuracy(output), 85)
            text = self.run_well("inspect", output)
            self.assertRegex(text, r"Stored as +mixed\n")
            self.assertIn("int3:1x*", text)
            self.assertIn("0=int3:row,*=int8", text)
        self.assertEqual(*sizes)

    def test_product_quantization_runs_and_says_what_it_is(self):
        for recipe, shown in (("pq4", "pq4"), ("0=pq8:norm:channel,*=int8", "pq8:channel:norm")):
            output = self.folder / "pq.safetensors"
            self.run_well("quantize", self.model, "--scheme", recipe, "-o", output)
            self.assertGreater(self.accuracy(output), 80)
            self.assertIn(shown, self.run_well("inspect", output))
            self.run_well("verify", output)

    def test_rounding_may_look_at_data(self):
        for further, setting in ((["--rounding", "second-order"], r"rounding +second-order"), (["--rounding", "importance"], r"rounding +importance"),
                                 (["--bias-correction"], r"bias_correction +yes"), (["--without-dead-neurons"], r"dead_neurons +\d+ of \d+"),
                                 (["--epochs", "1"], r"quantized_epochs +1")):
            output = self.folder / "rounded.safetensors"
            self.run_well("quantize", self.model, "--scheme", "int2:channel", "--data", self.data, "-o", output, *further)
            self.assertGreater(self.accuracy(output), 80)
            self.assertRegex(self.run_well("inspect", output), setting)

    def test_ranges_of_inputs_may_be_fixed(self):
        for activations, said in (("static", "static:"), ("static:minmax", "static:minmax"), ("static:percentile", "static:percentile")):
            output = self.folder / "static.safetensors"
            self.run_well("quantize", self.model, "--scheme", "int8", "--activations", activations, "--data", self.data, "-o", output)
            self.assertGreater(self.accuracy(output), 85)
            text = self.run_well("inspect", output)
            self.assertIn(said, text)
            self.assertIn("int8, inputs 0 to 255", text)  # counts are their own codes
            self.run_well("verify", output)

    def test_few_words_may_be_kept(self):
        output = self.folder / "few.safetensors"
        self.run_well("quantize", self.model, "--scheme", "int8", "--keep-words", "12", "-o", output)
        text = self.run_well("inspect", output)
        self.assertIn("counts of 12 words", text)
        self.assertRegex(text, r"words_kept +12 of \d+")
        self.accuracy(output)

    def test_shrink_finds_a_small_model_that_still_works(self):
        small, tried = self.folder / "small.safetensors", self.folder / "tried.json"
        text = self.run_well("shrink", self.model, self.data, "-o", small, "--max-drop", "5", "--json", tried, "--quiet")
        self.assertIn("none is smaller", text)
        found = json.loads(tried.read_text())
        self.assertEqual(found["tried"][found["best"]]["bytes"], small.stat().st_size)
        self.assertGreater(self.accuracy(small), 80)
        self.assertLess(small.stat().st_size, self.model.stat().st_size / 2)
        done = nibble("shrink", self.model, self.data, "-o", self.folder / "none.safetensors", "--max-bytes", "1")
        self.assertEqual(done.returncode, 2)
        self.assertFalse((self.folder / "none.safetensors").exists())

    def test_shrink_hashes_words_on_request_and_says_what_it_costs(self):
        small = self.folder / "hashed.safetensors"
        text = self.run_well("shrink", self.model, self.data, "-o", small, "--max-drop", "20", "--hash-vocabulary", "500", "--quiet")
        for row in ("as it came", "kept", "hashed"):
            self.assertRegex(text, rf"(?m)^  {row} .*%")
        self.assertIn("hashed into 500 buckets", self.run_well("inspect", small))

    def test_hashed_words_go_through_every_verb(self):
        model, small, onnx = (self.folder / f"hashed.{ending}" for ending in ("pt", "int8.safetensors", "onnx"))
        self.run_well("train", self.data, "-o", model, "--hash-vocabulary", "300", "--hidden", "8", "--epochs", "20",
                      "--learning-rate", "0.01", "--quiet")
        self.assertGreater(self.accuracy(model), 80)
        text = self.run_well("inspect", model)
        self.assertIn("hashed into 300 buckets", text)
        self.assertRegex(text, r"hash_vocabulary +300")
        self.run_well("quantize", model, "--scheme", "int8", "-o", small)
        self.run_well("verify", small)
        self.run_well("convert", model, "-o", onnx)
        sentences = b"a warm tender film\na dull cold film\n"
        expected = self.run_well("predict", model, "--logits", input=sentences)
        self.assertEqual(self.run_well("predict", onnx, "--logits", input=sentences), expected)
        self.assertIn("its words hashed", self.run_well("diff", self.model, model))
        for refused, says in ((["--text", "-o", onnx], b"list"), (["-o", self.folder / "hashed.h"], b"list")):
            done = nibble("convert", model, *refused)
            self.assertEqual(done.returncode, 2)
            self.assertIn(says, done.stderr)

    def test_blame_names_the_layer_that_was_stored_badly(self):
        output, picture, small = self.folder / "blame.json", self.folder / "blame.svg", self.folder / "blamed.safetensors"
        text = self.run_well("blame", self.model, self.data, "--scheme", "1=int2:tensor,*=int8", "--json", output, "--plot", picture)
        self.assertIn("Layer 1 is to blame", text)
        self.assertEqual(json.loads(output.read_text())[0]["worst"], 1)
        self.assertIn("<svg", picture.read_text())
        self.run_well("quantize", self.model, "--scheme", "0=1bit:tensor,*=f16", "-o", small)
        self.assertIn("Layer 0 is to blame", self.run_well("blame", self.model, self.data, "--other", small))

    def test_convert_goes_to_onnx_and_back(self):
        onnx, back = self.folder / "converted.onnx", self.folder / "back.pt"
        self.run_well("convert", self.model, "-o", onnx)
        self.run_well("convert", onnx, "-o", back)
        sentences = b"a warm tender film\na dull cold film\n"
        expected = self.run_well("predict", self.model, "--logits", input=sentences)
        for model in (onnx, back):
            self.assertEqual(self.run_well("predict", model, "--logits", input=sentences), expected)
        self.assertEqual(back.read_bytes(), self.checkpoint_bytes_named("back"))

    def checkpoint_bytes_named(self, stem):
        """The model as a checkpoint whose archive has another name (torch.save takes the file's)."""
        path = self.folder / "renamed" / f"{stem}.pt"
        path.parent.mkdir(exist_ok=True)
        self.run_well("convert", self.model, "-o", path)
        return path.read_bytes()

    def test_convert_says_what_changes(self):
        small, onnx = self.folder / "small.onnx", self.folder / "wide.onnx"
        for scheme, words in (("int8", "one scale for all rows"), ("int4", "each 32 inputs"), ("f16", "")):
            self.assertIn(words, self.run_well("convert", self.model, "--scheme", scheme, "-o", small))
            self.assertIn(f"the {scheme} codes stand for",
                          self.run_well("convert", small, "--scheme", "f32", "-o", onnx))
            self.assertGreater(self.accuracy(onnx), 85)
        stored = self.folder / "grouped.safetensors"
        self.run_well("quantize", self.model, "--scheme", "int4", "-o", stored)
        self.assertIn("along its outputs", self.run_well("convert", stored, "-o", small))

    def test_diff_of_a_model_and_itself(self):
        onnx = self.folder / "twin.onnx"
        self.run_well("convert", self.model, "-o", onnx)
        text = self.run_well("diff", self.model, onnx, self.test)
        self.assertIn("The same network", text)
        self.assertRegex(text, r"Same label +60 rows, 100\.00 %\nLogits differ by 0 at most")

    def test_diff_shows_each_layer_and_the_answers(self):
        small, other = self.folder / "coarse.safetensors", self.folder / "other-sizes.pt"
        self.run_well("quantize", self.model, "--scheme", "int4", "-o", small)
        text = self.run_well("diff", self.model, small, self.test)
        self.assertIn("Scheme: f32, int4\n", text)
        self.assertNotIn("The same network", text)
        self.assertEqual(len(re.findall(r"(?m)^\d +\d+ x \d+ +[\d.e-]+ +[\d.]+ +0  input \d+, output \d+$", text)), 3)
        self.assertRegex(text, r"Same label +\d+ rows, \d+\.\d\d %\nLogits differ by 0\.\d+ at most \(row \d+\)")
        self.run_well("train", self.data, "-o", other, "--hidden", "5", "--max-features", "7", "--epochs", "1", "--quiet")
        text = self.run_well("diff", self.model, other, self.test)
        self.assertRegex(text, r"Sizes: \d+-16-8-2, 7-5-2\nWords: \d+ only in the first, 0 only in the second\n")
        self.assertIn("cannot be compared", text)

    def test_inspect_shows_layers_bytes_and_provenance(self):
        text = self.run_well("inspect", self.model)
        for expected in ["Linear", "ReLU", "Vocabulary", "Best epoch", "epochs", "Labels     2: 0, 1"]:
            self.assertIn(expected, text)
        self.assertRegex(text, r"Loads in [\d.]+ ms.*\nNeeds [\d.]+ MB of memory at most to load \(the file has [\d.]+\)")

    def test_a_model_is_known_by_its_content_not_its_name(self):
        renamed = self.write("renamed.bin", self.model.read_bytes())
        self.assertIn("Vocabulary", self.run_well("inspect", renamed))

    def test_predict_reads_a_file_a_dash_or_nothing(self):
        sentences = self.write("sentences.txt", "a warm tender film\na dull cold film\n")
        from_file = self.run_well("predict", self.model, sentences)
        self.assertEqual([line.split("\t")[0] for line in from_file.splitlines()], ["1", "0"])
        for arguments in (["-"], []):
            self.assertEqual(self.run_well("predict", self.model, *arguments, input=sentences.read_bytes()), from_file)

    def test_predict_takes_crlf_byte_order_mark_empty_and_unfinished_lines(self):
        plain = self.run_well("predict", self.model, input=b"warm\n\ndull\n")
        self.assertEqual(len(plain.splitlines()), 3)
        self.assertEqual(self.run_well("predict", self.model, input=b"\xef\xbb\xbfwarm\r\n\r\ndull"), plain)
        self.assertEqual(self.run_well("predict", self.model, input=b""), "")

    def test_logits_follow_the_probability(self):
        line = self.run_well("predict", self.model, "--logits", input=b"warm\n").rstrip("\n").split("\t")
        self.assertEqual(len(line), 4)
        low, high = float(line[2]), float(line[3])
        self.assertAlmostEqual(float(line[1]), 1 / (1 + 2.718281828459045 ** (low - high)), places=5)

    def test_batches_and_threads_do_not_change_answers(self):
        sentences = "".join(row.split("\t")[0] + "\n" for row in text_rows(500, seed=3).splitlines()).encode()
        expected = self.run_well("predict", self.model, "--logits", input=sentences)
        for more in (["--batch", 1], ["--batch", 7, "--threads", 2], ["--threads", 1]):
            self.assertEqual(self.run_well("predict", self.model, "--logits", *more, input=sentences), expected)

    def test_predict_answers_a_slow_writer_line_by_line(self):
        with subprocess.Popen([NIBBLE, "predict", self.model], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
            for sentence, label in ((b"warm\n", b"1"), (b"dull\n", b"0")):
                running.stdin.write(sentence)
                running.stdin.flush()
                self.assertTrue(running.stdout.readline().startswith(label))
            running.stdin.close()

    def test_a_reader_that_leaves_is_no_error(self):
        lines = self.write("many.txt", "warm film\n" * 200_000)
        for prefix in ("", "trap '' PIPE; "):
            done = subprocess.run(["bash", "-c", f"{prefix}'{NIBBLE}' predict '{self.model}' '{lines}' | head -n 1"],
                                  capture_output=True, check=True)
            self.assertEqual(done.stderr, b"")

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([NIBBLE, "predict", self.model], input=b"warm\n", stdout=full, stderr=subprocess.PIPE,
                                  check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"standard output", done.stderr)

    def first_loss(self, name, *more):
        log = self.folder / f"{name}.csv"
        self.run_well("train", self.data, "-o", self.folder / f"{name}.pt", "--step-log", log, *SMALL, *more)
        lines = log.read_text().splitlines()
        self.assertEqual(lines[0], "step,loss")
        self.assertEqual([line.split(",")[0] for line in lines[1:]], [str(step) for step in range(3 * 5)])
        return float(lines[1].split(",")[1])  # 160 rows in batches of 32, three epochs

    def test_training_can_start_from_given_weights_and_log_steps(self):
        plain = ["--dropout", "0", "--shuffle", "off"]
        self.assertLess(self.first_loss("again", "--init", self.model, *plain), 0.8 * self.first_loss("fresh", *plain))

    def test_optimizers_are_stored_with_their_settings(self):
        for more, shown in ((["--optimizer", "adamw", "--weight-decay", "0.1"], ["adamw", "weight_decay"]),
                            (["--optimizer", "sgd", "--momentum", "0.9"], ["sgd", "momentum"]),
                            (["--schedule", "cosine", "--warmup", "0.1"], ["schedule", "cosine", "warmup"]),
                            (["--clip-norm", "1", "--label-smoothing", "0.1", "--class-weights", "1,2"],
                             ["clip_norm", "label_smoothing", r"class_weights +1,2"]),
                            (["--class-weights", "balanced", "--dropout", "0.1,0.25", "--patience", "2"],
                             [r"class_weights +balanced", r"2: Dropout \(0.1\)", r"5: Dropout \(0.25\)", "patience"]),
                            (["--beta1", "0.8", "--beta2", "0.99", "--epsilon", "1e-6"], ["beta1", "beta2", "epsilon"])):
            model = self.folder / "optimizer.pt"
            self.run_well("train", self.data, "-o", model, *SMALL, *more)
            text = self.run_well("inspect", model)
            for word in shown:
                self.assertRegex(text, word)

    def test_adam_refuses_weight_decay_for_text(self):
        done = nibble("train", self.data, "-o", self.folder / "never.pt", "--weight-decay", "0.1", *SMALL)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"adamw", done.stderr)
        self.assertFalse((self.folder / "never.pt").exists())

    def test_streamed_and_held_data_train_alike(self):
        """Unshuffled, so that the order is the same; the settings stored differ, the weights must not."""
        def logits_of(*more):
            model = self.folder / "model.pt"
            self.run_well("train", self.data, "-o", model, "--split", "hashed", *more, *SMALL)
            return self.run_well("predict", model, self.data, "--logits")
        held = logits_of("--shuffle", "off")
        self.assertEqual(logits_of("--shuffle", "off", "--stream", "--shuffle-buffer", "50"), held)
        self.assertNotEqual(logits_of("--stream"), held)

    def test_streaming_refuses_a_split_of_the_whole(self):
        done = nibble("train", self.data, "-o", self.folder / "never.pt", "--stream", "--split", "sklearn", *SMALL)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"hashed", done.stderr)

    def test_own_validation_file_and_stratified_split(self):
        for more in (["--validation", self.test], ["--split", "stratified", "--split-seed", "7"],
                     ["--validation", self.test, "--stream"]):
            self.run_well("train", self.data, "-o", self.folder / "other.pt", *more, *SMALL)

    def test_bench_prints_latency_and_throughput(self):
        text = self.run_well("bench", self.model)
        self.assertRegex(text, r"(?i)median")
        self.assertRegex(text, r"(?i)rows")

    def test_bench_writes_json_and_a_picture(self):
        quick = ["--batches", "1,8", "--layer-batches", "1", "--seconds", "0", "--threads", "1", "--quiet"]
        written = self.folder / "bench.json"
        picture = self.folder / "roofline.svg"
        text = self.run_well("bench", self.model, *quick, "--json", written, "--plot", picture)
        self.assertRegex(text, r"(?i)each layer alone")
        self.assertTrue(picture.read_text(encoding="utf-8").startswith("<?xml"))
        report = json.loads(written.read_text(encoding="utf-8"))
        self.assertEqual([(run["batch"], run["threads"], run["input"]) for run in report["runs"]],
                         [(1, 1, "sparse"), (1, 1, "dense"), (8, 1, "sparse"), (8, 1, "dense")])
        for key in ["median_us", "p90_us", "p99_us", "rows_per_second", "floor_us", "share_of_floor"]:
            self.assertGreater(report["runs"][0][key], 0.0, key)
        self.assertEqual([layer["outputs"] for layer in report["layers"]], [16, 8, 2])
        for key in ["ceilings", "load_ms", "peak_rss_bytes", "cold", "noise", "machine"]:
            self.assertIn(key, report)
        self.assertEqual(json.loads(self.run_well("bench", self.model, *quick, "--json", "-")).keys(), report.keys())
        refused = nibble("bench", self.model, *quick, "--plot", self.folder / "roofline.jpg")
        self.assertEqual(refused.returncode, 2)
        self.assertIn(b".png or .svg", refused.stderr)

    def test_data_show_counts(self):
        text = self.run_well("data", "show", self.data)
        self.assertIn("200 rows", text)
        self.assertRegex(text, r"label 1 +100 rows +50\.0 %")


class NumericModel(ProgramTest):
    def test_numbers_by_line_and_by_npy_give_the_same_answers(self):
        data = self.write("numbers.csv", number_rows(240))
        model = self.folder / "numbers.pt"
        self.run_well("train", data, "-o", model, *SMALL)
        rows = [[2.0, 0.0, 0.25], [0.0, 2.0, 0.0], [0.0, 0.5, 2.0]]
        lines = "".join(",".join(map(str, row)) + "\n" for row in rows).encode()
        by_line = self.run_well("predict", model, "--logits", input=lines)
        self.assertEqual([line.split("\t")[0] for line in by_line.splitlines()], ["0", "1", "2"])

        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3), }".ljust(117) + b"\n"
        values = struct.pack("<9f", *(value for row in rows for value in row))
        npy = self.write("rows.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + values)
        self.assertEqual(self.run_well("predict", model, npy, "--logits"), by_line)


class Study(ProgramTest):
    def study(self, name, *more):
        data = self.write("train.tsv", text_rows(200))
        test = self.write("held-back.tsv", text_rows(60, seed=2))
        output = self.folder / name
        printed = self.run_well("study", data, "--test", test, "-o", output, *SMALL, *more)
        return output, printed

    def test_all_files_and_the_table(self):
        output, printed = self.study("out")
        for name in ["checkpoint.pt", "history.csv", "curves.png", "curves.svg", "table.md", "table.csv", "results.json",
                     "report.html"]:
            self.assertTrue((output / name).is_file(), name)
        for name in ["Original", "INT8", "INT4", "Half", str(output / "report.html")]:
            self.assertIn(name, printed)

    def test_threads_and_repetition_leave_every_byte_the_same(self):
        folders = [self.study(f"threads-{index}", "--threads", threads)[0] for index, threads in enumerate([1, 2, 2])]
        files = sorted(path.relative_to(folders[0]) for path in folders[0].rglob("*")
                       if path.suffix in (".pt", ".safetensors"))
        self.assertGreaterEqual(len(files), 5)
        for other in folders[1:]:
            for name in files:
                self.assertEqual((folders[0] / name).read_bytes(), (other / name).read_bytes(), name)


class CtrlC(ProgramTest):
    def long_training(self, model):
        data = self.write("rows.tsv", text_rows(200))
        return [NIBBLE, "train", data, "-o", model, "--hidden", "16", "--epochs", "1000000"]

    def test_leaves_the_best_network_and_says_so(self):
        for stop in (signal.SIGINT, signal.SIGTERM):
            model = self.folder / f"{stop.name}.pt"
            with subprocess.Popen(self.long_training(model), stderr=subprocess.PIPE, text=True) as running:
                for line in running.stderr:
                    if line.startswith("epoch 3/"):
                        break
                running.send_signal(stop)
                rest = running.stderr.read()
            self.assertEqual(running.returncode, 130)
            self.assertIn(f"{model} holds the network of epoch", rest)
            self.assertIn("Best epoch", self.run_well("inspect", model))

    def test_a_terminal_sees_a_bar(self):
        ours, theirs = pty.openpty()
        with subprocess.Popen(self.long_training(self.folder / "bar.pt"), stderr=theirs,
                              env={**os.environ, "TERM": "xterm"}) as running:
            os.close(theirs)
            seen = b""
            while not re.search(rb"epoch \d+/1000000 \[#*-+\] +\d+ %  loss [\d.]+  accuracy [\d.]+ %  \d+ rows/s  .* left",
                                seen):
                seen += os.read(ours, 4096)
                self.assertLess(len(seen), 1_000_000, "no bar")
            running.send_signal(signal.SIGINT)
            try:
                while os.read(ours, 4096):
                    pass
            except OSError:  # the other end is closed: the program has ended
                pass
        self.assertEqual(running.returncode, 130)
        os.close(ours)


if __name__ == "__main__":
    unittest.main()
