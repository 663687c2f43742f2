"""The rows of a data set as nibble sees them: counts of its vocabulary's words, or pixels divided by 255."""
import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import train_test_split

from program import nibble


@dataclass
class Part:
    """Rows with labels counted from 0."""
    rows: csr_matrix
    labels: np.ndarray
    texts: list  # None for pixels


def folder_of(data):
    if Path(data).is_dir():
        return Path(data)
    return Path(nibble("data", "get", data).strip())


def read_texts(path):
    lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    return tuple(zip(*(line.rsplit("\t", 1) for line in lines)))


def read_idx(path):
    with gzip.open(path) as file:
        content = file.read()
    sizes = np.frombuffer(content, ">i4", content[3], 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(sizes)


def text_part(texts, labels, checkpoint):
    counts = CountVectorizer(vocabulary=checkpoint["vocabulary"]).transform(texts)
    names = checkpoint["labels"]
    return Part(counts.astype(np.float32).tocsr(), np.array([names.index(label) for label in labels]), list(texts))


def image_part(folder, name):
    pixels = read_idx(folder / f"{name}-images-idx3-ubyte.gz")
    rows = pixels.reshape(len(pixels), -1).astype(np.float32) * np.float32(1 / 255)
    return Part(csr_matrix(rows), read_idx(folder / f"{name}-labels-idx1-ubyte.gz").astype(np.int64), None)


def test_part(data, checkpoint):
    folder = folder_of(data)
    if (folder / "test.tsv").exists():
        return text_part(*read_texts(folder / "test.tsv"), checkpoint)
    return image_part(folder, "t10k")


def split_training(data, checkpoint):
    """(training, validation): nibble's own split, which is scikit-learn's."""
    folder = folder_of(data)
    if (folder / "train.tsv").exists():
        texts, labels = read_texts(folder / "train.tsv")
        parts = train_test_split(texts, labels, test_size=0.2, random_state=42)
        return text_part(parts[0], parts[2], checkpoint), text_part(parts[1], parts[3], checkpoint)
    whole = image_part(folder, "train")
    first, second = train_test_split(np.arange(len(whole.labels)), test_size=0.2, random_state=42)
    return (Part(whole.rows[first], whole.labels[first], None), Part(whole.rows[second], whole.labels[second], None))


def write_marked(path, texts, labels):
    path.write_text("".join(f"__label__{label} {text}\n" for text, label in zip(texts, labels)), encoding="utf-8")
    return path


def marked_texts(data, scratch):
    """fastText's form of the files, with the split of everyone else."""
    folder = folder_of(data)
    texts, labels = read_texts(folder / "train.tsv")
    train, validation, train_labels, validation_labels = train_test_split(texts, labels, test_size=0.2, random_state=42)
    return {"train": write_marked(scratch / "train.txt", train, train_labels),
            "validation": write_marked(scratch / "validation.txt", validation, validation_labels),
            "test": write_marked(scratch / "test.txt", *read_texts(folder / "test.tsv"))}


def write_rows(rows, folder):
    """As files that any language reads in a line: row starts, columns and values, 32 bits each."""
    rows.indptr.astype("<i4").tofile(folder / "rows.starts")
    rows.indices.astype("<i4").tofile(folder / "rows.columns")
    rows.data.astype("<f4").tofile(folder / "rows.values")


def read_rows(folder, columns):
    starts = np.fromfile(folder / "rows.starts", "<i4")
    parts = (np.fromfile(folder / "rows.values", "<f4"), np.fromfile(folder / "rows.columns", "<i4"), starts)
    return csr_matrix(parts, shape=(len(starts) - 1, columns))


def layers_of(checkpoint):
    """(weight [outputs, inputs], bias) of each layer in order."""
    state = checkpoint["model_state_dict"]
    places = sorted(int(key.split(".")[0]) for key in state if key.endswith(".weight"))
    return [(state[f"{place}.weight"], state[f"{place}.bias"]) for place in places]
