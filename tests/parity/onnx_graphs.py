"""Networks as ONNX graphs in the forms in which other programs write them, node for node.

Layers are (weight [inputs][outputs], bias [outputs]) in float32. Sources: skl2onnx
operator_converters/multilayer_perceptron.py; onnxruntime python/tools/quantization (operators/matmul.py,
quant_utils.py, matmul_nbits_quantizer.py).
"""
import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

MICROSOFT = "com.microsoft"
ML = "ai.onnx.ml"


class Graph:
    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind, inputs, outputs=1, domain="", **attributes):
        names = [f"{kind}_{len(self.nodes)}_{place}" for place in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, name=f"n{len(self.nodes)}", domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def save(self, path, inputs, outputs):
        """`outputs`: (name, type, shape) of each."""
        graph = helper.make_graph(
            self.nodes, "network", [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, inputs])],
            [helper.make_tensor_value_info(*output) for output in outputs], self.constants)
        domains = [helper.make_opsetid("", 14), helper.make_opsetid(MICROSOFT, 1), helper.make_opsetid(ML, 1)]
        save(helper.make_model(graph, opset_imports=domains, ir_version=8), str(path))


def typed(name, kind, array):
    """A tensor of one of the types, its numbers in raw_data or in the field of their type."""
    raw = not kind.startswith("typed")
    number = kind.split()[-1]
    if number == "f32":
        values = array.tobytes() if raw else array.flatten()
        return helper.make_tensor(name, TensorProto.FLOAT, array.shape, values, raw=raw)
    if number == "f64":
        return numpy_helper.from_array(array.astype(np.float64), name)
    if number == "f16":
        half = array.astype(np.float16)
        return helper.make_tensor(name, TensorProto.FLOAT16, array.shape, half.tobytes() if raw else half.flatten(), raw=raw)
    bits = (np.ascontiguousarray(array).view(np.uint32) >> 16).astype(np.uint16)
    return helper.make_tensor(name, TensorProto.BFLOAT16, array.shape, bits.tobytes(), raw=True)


def write_float(path, layers, kind):
    """MatMul + Add; weights of another type than float32 go through a Cast."""
    graph = Graph()
    x = "X"
    for place, (weight, bias) in enumerate(layers):
        graph.constants.append(typed(f"w{place}", kind, weight))
        name = f"w{place}" if kind.endswith("f32") else graph.node("Cast", [f"w{place}"], to=TensorProto.FLOAT)
        x = graph.node("Add", [graph.node("MatMul", [x, name]), graph.constant(f"b{place}", bias)])
        if place + 1 < len(layers):
            x = graph.node("Relu", [x])
    graph.save(path, layers[0][0].shape[0], [(x, TensorProto.FLOAT, [None, layers[-1][1].size])])


def write_sklearn(path, layers, names):
    """MLPClassifier as skl2onnx converts it; of two classes it has one output."""
    graph = Graph()
    x = graph.node("Cast", ["X"], to=TensorProto.FLOAT)
    for place, (weight, bias) in enumerate(layers):
        product = graph.node("MatMul", [x, graph.constant(f"coefficient{place}", weight)])
        x = graph.node("Add", [product, graph.constant(f"intercepts{place}", bias.reshape(1, -1))])
        if place + 1 < len(layers):
            x = graph.node("Relu", [x])
    if layers[-1][1].size == 1:
        probability = graph.node("Sigmoid", [x])
        other = graph.node("Sub", [graph.constant("unity", np.array([1], np.float32)), probability])
        x = graph.node("Concat", [other, probability], axis=1)
    else:
        x = graph.node("Softmax", [x], axis=1)
    place = graph.node("ArgMax", [x], axis=1)
    whole = all(name.isdigit() for name in names)
    classes = np.array([int(name) for name in names]) if whole else np.array(names, dtype=object)
    label = graph.node("ArrayFeatureExtractor", [graph.constant("classes", classes), place], domain=ML)
    if whole:
        label = graph.node("Cast", [label], to=TensorProto.INT64)
    label = graph.node("Reshape", [label, graph.constant("shape_tensor", np.array([-1], np.int64))])
    graph.nodes[-1].output[0] = "label"
    kind = TensorProto.INT64 if whole else TensorProto.STRING
    graph.save(path, layers[0][0].shape[0], [("label", kind, [None]), (x, TensorProto.FLOAT, [None, len(names)])])


def quantized(weight, signed, per_channel):
    """Codes, scales and zero points as quant_utils.py computes them: int8 symmetric, uint8 asymmetric."""
    axis = 0 if per_channel else None
    low, high = np.minimum(weight.min(axis), 0), np.maximum(weight.max(axis), 0)
    if signed:
        scale = (2 * np.maximum(-low, high) / 254).astype(np.float32)
        return np.clip(np.rint(weight / scale), -127, 127).astype(np.int8), scale, np.zeros_like(scale, np.int8)
    scale = ((high - low) / 255).astype(np.float32)
    zero = np.rint(-low / scale)
    return np.clip(np.rint(weight / scale) + zero, 0, 255).astype(np.uint8), scale, zero.astype(np.uint8)


def write_dynamic(path, layers, signed, per_channel, fused):
    graph = Graph()
    x = "X"
    for place, (weight, bias) in enumerate(layers):
        codes, scale, zero = quantized(weight, signed, per_channel)
        names = [graph.constant(f"w{place}_quantized", codes), graph.constant(f"w{place}_scale", scale),
                 graph.constant(f"w{place}_zero_point", zero)]
        b = graph.constant(f"b{place}", bias)
        if fused:
            x = graph.node("DynamicQuantizeMatMul", [x, *names, b], domain=MICROSOFT)
        else:
            given, x_scale, x_zero = graph.node("DynamicQuantizeLinear", [x], 3)
            sums = graph.node("MatMulInteger", [given, names[0], x_zero, names[2]])
            both = graph.node("Mul", [x_scale, names[1]])
            product = graph.node("Mul", [graph.node("Cast", [sums], to=TensorProto.FLOAT), both])
            x = graph.node("Add", [product, b])
        if place + 1 < len(layers):
            x = graph.node("Relu", [x])
    graph.save(path, layers[0][0].shape[0], [(x, TensorProto.FLOAT, [None, layers[-1][1].size])])


def packed(codes, bits):
    """Codes along the last axis, the first in the lowest bits."""
    if bits == 8:
        return codes
    return codes[..., 0::2] | codes[..., 1::2] << 4


def write_blocks(path, layers, bits, block, symmetric):
    """MatMulNBits, its scales as core/mlas/lib/q4_dq.cpp chooses them (accuracy level 1: float32 activations)."""
    graph = Graph()
    x = "X"
    for place, (weight, bias) in enumerate(layers):
        inputs, outputs = weight.shape
        blocks = -(-inputs // block)
        padded = np.zeros((outputs, blocks * block), np.float32)
        padded[:, :inputs] = weight.T
        grouped = padded.reshape(outputs, blocks, block)
        middle, most = 1 << (bits - 1), (1 << bits) - 1
        if symmetric:
            largest = np.take_along_axis(grouped, np.abs(grouped).argmax(2)[:, :, None], 2)[:, :, 0]
            scales, zeros = (largest / -middle).astype(np.float32), np.full((outputs, blocks), middle, np.uint8)
        else:
            low, high = np.minimum(grouped.min(2), 0), np.maximum(grouped.max(2), 0)
            scales = ((high - low) / most).astype(np.float32)
            zeros = np.clip(np.rint(-low / scales), 0, most).astype(np.uint8)
        codes = np.clip(np.rint(grouped / scales[:, :, None]) + zeros[:, :, None], 0, most).astype(np.uint8)
        names = [graph.constant(f"w{place}_Q{bits}", packed(codes, bits)), graph.constant(f"w{place}_s", scales)]
        if not symmetric:
            even = np.pad(zeros, ((0, 0), (0, blocks % 2)))
            names.append(graph.constant(f"w{place}_zp", packed(even, bits)))
        x = graph.node("MatMulNBits", [x, *names], domain=MICROSOFT, K=inputs, N=outputs, bits=bits, block_size=block,
                       accuracy_level=1)
        x = graph.node("Add", [x, graph.constant(f"b{place}", bias)])
        if place + 1 < len(layers):
            x = graph.node("Relu", [x])
    graph.save(path, layers[0][0].shape[0], [(x, TensorProto.FLOAT, [None, layers[-1][1].size])])
