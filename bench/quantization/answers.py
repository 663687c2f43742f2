"""What models answer to the test rows: how often they are right, how sure, and how far from another model's answers."""
import numpy as np

from rows import folder_of, read_idx, read_texts


class TestRows:
    """The inputs as a file that `nibble predict` takes, and each row's label as the place of its logit."""

    def __init__(self, data, scratch):
        folder = folder_of(data)
        if (folder / "test.tsv").exists():
            texts, labels = read_texts(folder / "test.tsv")
            self.file = scratch / "test-rows.txt"
            self.file.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        else:
            pixels, labels = (read_idx(folder / f"t10k-{name}-ubyte.gz") for name in ("images-idx3", "labels-idx1"))
            self.file = scratch / "test-rows.npy"
            np.save(self.file, pixels.reshape(len(pixels), -1))  # bytes: the model divides by 255 itself
        self.names = sorted(set(map(str, labels)))
        self.labels = np.array([self.names.index(str(label)) for label in labels])

    def logits(self, printed):
        """A row for each line of `nibble predict --logits`."""
        lines = [line.split("\t") for line in printed.splitlines()]
        logits = np.array([line[2:] for line in lines], np.float64)
        if len(logits) != len(self.labels) or any(line[0] != self.names[row.argmax()] for line, row in zip(lines, logits)):
            raise SystemExit(f"predict's {len(logits)} answers do not go with the {len(self.labels)} test rows and their labels")
        return logits

    def accuracy(self, logits):
        return 100 * float((logits.argmax(axis=1) == self.labels).mean())

    def cross_entropy(self, logits):
        """Mean over the rows of log(sum(exp)) less the true label's logit."""
        highest = logits.max(axis=1)
        sums = highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1))
        return float((sums - logits[np.arange(len(logits)), self.labels]).mean())


def output_error(logits, original):
    """Mean squared difference to Original's logits, as a share of their variance over the rows."""
    return float(((logits - original) ** 2).mean() / ((original - original.mean(axis=0)) ** 2).mean())
