"""Initial weights against real PyTorch, to the bit: --seed S gives what torch.manual_seed(S) gives an nn.Sequential of
Linear layers. PyTorch rounds once where the CPU has fused multiply-add, as nibble does everywhere.

NIBBLE names the program; CTest sets it.
"""
import sys
import unittest

try:
    import torch
except ImportError as error:
    print(f"skipped: {error}; install python3-torch to compare with PyTorch")
    sys.exit(77)

from program import ProgramTest, number_rows


def has_fused_multiply_add():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        return any(line.startswith("flags") and " fma " in line for line in file)


def torch_state(sizes, seed):
    torch.manual_seed(seed)
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU(), torch.nn.Dropout(0.3)]
    return torch.nn.Sequential(*layers[:-2]).state_dict()


@unittest.skipUnless(has_fused_multiply_add(), "without fused multiply-add PyTorch rounds twice")
class InitialisationTest(ProgramTest):
    def initial_state(self, data, hidden, seed):
        path = self.folder / "initial.pt"
        self.run_well("train", data, "-o", path, "--epochs", "0", "--hidden", hidden, "--seed", str(seed))
        return torch.load(path, weights_only=True)["model_state_dict"]

    def test_same_bits(self):
        data = self.write("numbers.csv", number_rows(40))
        for hidden, seed in [("512,256,128,64", 0), ("512,256,128,64", 42), ("17,1", 7), ("33", 4294967295)]:
            ours = self.initial_state(data, hidden, seed)
            inputs = ours["0.weight"].shape[1]
            outputs = list(ours.values())[-1].shape[0]
            theirs = torch_state([inputs, *map(int, hidden.split(",")), outputs], seed)
            self.assertEqual(list(ours), list(theirs))
            for key, value in theirs.items():
                self.assertTrue(torch.equal(ours[key], value), f"--hidden {hidden} --seed {seed}: {key}")


if __name__ == "__main__":
    unittest.main()
