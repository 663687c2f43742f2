"""The trained network as ONNX files: float32, int8 with dynamic ranges, int4 in blocks of 32 (MatMulNBits)."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

BLOCK = 32


class Graph:
    """Nodes and constants under construction; values are known by their names."""

    def __init__(self):
        self.nodes = []
        self.constants = []

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind, inputs, outputs=1, **attributes):
        names = [f"{kind}{len(self.nodes)}_{place}" for place in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def save(self, path, inputs, result, outputs):
        graph = helper.make_graph(
            self.nodes, "network", [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["rows", inputs])],
            [helper.make_tensor_value_info(result, TensorProto.FLOAT, ["rows", outputs])], self.constants)
        domains = [helper.make_opsetid("", 14), helper.make_opsetid("com.microsoft", 1)]
        save(helper.make_model(graph, opset_imports=domains, ir_version=8), str(path))


def f32_layer(graph, x, place, weight, bias):
    return graph.node("Gemm", [x, graph.constant(f"w{place}", weight.T), graph.constant(f"b{place}", bias)])


def int8_layer(graph, x, place, weight, bias):
    """The nodes that ONNX Runtime's quantize_dynamic makes, a scale for each output."""
    scale = np.maximum(np.abs(weight).max(1), 1e-12) / np.float32(127)
    codes = np.rint(weight / scale[:, None]).astype(np.int8)
    bytes_, x_scale, zero = graph.node("DynamicQuantizeLinear", [x], 3)
    sums = graph.node("MatMulInteger", [bytes_, graph.constant(f"w{place}", codes.T), zero])
    both = graph.node("Mul", [x_scale, graph.constant(f"s{place}", scale)])
    product = graph.node("Mul", [graph.node("Cast", [sums], to=TensorProto.FLOAT), both])
    return graph.node("Add", [product, graph.constant(f"b{place}", bias)])


def int4_blocks(weight):
    """Codes + 8 as [outputs, blocks, 16], even input in the low half, and scales [outputs, blocks]."""
    outputs, inputs = weight.shape
    blocks = -(-inputs // BLOCK)
    padded = np.zeros((outputs, blocks * BLOCK), np.float32)
    padded[:, :inputs] = weight
    grouped = padded.reshape(outputs, blocks, BLOCK)
    scales = np.maximum(np.abs(grouped).max(2), 1e-12) / np.float32(7)
    codes = (np.clip(np.rint(grouped / scales[:, :, None]), -8, 7) + 8).astype(np.uint8)
    return codes[:, :, 0::2] | codes[:, :, 1::2] << 4, scales


def int4_layer(graph, x, place, weight, bias):
    codes, scales = int4_blocks(weight)
    inputs = [x, graph.constant(f"w{place}", codes), graph.constant(f"s{place}", scales.reshape(-1))]
    product = graph.node("MatMulNBits", inputs, domain="com.microsoft", K=weight.shape[1], N=weight.shape[0], bits=4,
                         block_size=BLOCK, accuracy_level=4)
    return graph.node("Add", [product, graph.constant(f"b{place}", bias)])


LAYERS = {"f32": f32_layer, "int8": int8_layer, "int4": int4_layer}


def write_network(path, form, layers):
    graph = Graph()
    x = "input"
    for place, (weight, bias) in enumerate(layers):
        x = LAYERS[form](graph, x, place, weight, bias)
        if place + 1 < len(layers):
            x = graph.node("Relu", [x])
    graph.save(path, layers[0][0].shape[1], x, layers[-1][0].shape[0])


def write_networks(folder, layers):
    """All forms, and a call that computes next to nothing: what a call costs by itself."""
    arrays = [(weight.numpy(), bias.numpy()) for weight, bias in layers]
    for form in LAYERS:
        write_network(folder / f"{form}.onnx", form, arrays)
    empty = Graph()
    empty.save(folder / "empty.onnx", 1, empty.node("Relu", ["input"]), 1)
