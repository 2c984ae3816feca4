"""A small ONNX writer that only knows the portable operator set, so that a graph cannot leave it by accident.

Every sum is MatMul(x, ones(K,1)), every mean MatMul(x, filled(K, 1/K)); right operands of rank 2 are constants. Large weights
lie outside the graph, in a float16 file that the engine widens to float32 before it builds a session: the graph refers
to the widened bytes (`weights.f32`), which never exist on disk.
"""
import numpy as np
from onnx import TensorProto, helper

OPERATORS = {
    'Add', 'Sub', 'Mul', 'Div', 'Sqrt', 'Exp', 'Tanh', 'Sigmoid', 'Erf', 'MatMul', 'Gemm', 'Conv', 'ReduceMax', 'Reshape', 'Transpose',
    'Concat', 'Gather', 'Slice', 'DepthToSpace', 'Identity', 'Min',
}
OPSET = 17
WIDENED = 'weights.f32'


class Weights:
    """The float16 file that the graphs of one model share."""

    def __init__(self):
        self.data, self.placed = bytearray(), {}

    def place(self, name, array):
        """Appends an array once; returns its offset and length in the widened file, in bytes."""
        if name not in self.placed:
            half = np.ascontiguousarray(array, dtype='<f2')
            assert np.isfinite(half).all(), f'{name} does not fit float16'
            self.placed[name] = (len(self.data) * 2, half.size * 4)
            self.data += half.tobytes()
            self.data += b'\0' * (-len(self.data) % 32)
        return self.placed[name]


class Graph:
    def __init__(self, weights):
        self.weights, self.nodes, self.initializers, self.names, self.count = weights, [], [], {}, 0

    def _name(self, stem):
        self.count += 1
        return f'{stem}_{self.count}'

    def node(self, operator, *inputs, name=None, **attributes):
        assert operator in OPERATORS, f'{operator} is outside the portable set'
        output = name or self._name(operator.lower())
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def weight(self, name, array):
        """A trained constant, kept in float16 outside the graph."""
        if name not in self.names:
            offset, length = self.weights.place(name, array)
            tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=array.shape, data_location=TensorProto.EXTERNAL)
            for key, value in (('location', WIDENED), ('offset', offset), ('length', length)):
                tensor.external_data.add(key=key, value=str(value))
            self.initializers.append(tensor)
            self.names[name] = True
        return name

    def constant(self, name, array):
        """A small exact constant, float32 or int64, inside the graph."""
        if name not in self.names:
            array = np.asarray(array)
            kind = TensorProto.INT64 if array.dtype == np.int64 else TensorProto.FLOAT
            dtype = '<i8' if kind == TensorProto.INT64 else '<f4'
            data = np.ascontiguousarray(array, dtype=dtype).tobytes()
            self.initializers.append(TensorProto(name=name, data_type=kind, dims=array.shape, raw_data=data))
            self.names[name] = True
        return name

    def scalar(self, value):
        return self.constant(f'scalar_{np.float32(value)}', np.array([value], dtype=np.float32))

    def filled(self, k, value):
        return self.constant(f'filled_{k}_{np.float32(value)}', np.full((k, 1), np.float32(value), dtype=np.float32))

    def reshape(self, x, *shape):
        return self.node('Reshape', x, self.constant('shape_' + '_'.join(map(str, shape)).replace('-', 'm'), np.array(shape, dtype=np.int64)))

    def transpose(self, x, *order):
        return self.node('Transpose', x, perm=order)

    def linear(self, x, name, weight, bias, scale=1.0):
        """x · Wᵀ, then + b; `weight` as PyTorch keeps it, (out, in)."""
        product = self.node('MatMul', x, self.weight(f'{name}.weight', weight.T * scale))
        return self.node('Add', product, self.weight(f'{name}.bias', bias * scale))

    def silu(self, x):
        return self.node('Mul', x, self.node('Sigmoid', x))

    def gelu_tanh(self, x):
        cube = self.node('Mul', self.node('Mul', x, x), x)
        inner = self.node('Mul', self.node('Add', x, self.node('Mul', cube, self.scalar(0.044715))), self.scalar(0.7978845608028654))
        return self.node('Mul', self.node('Mul', x, self.scalar(0.5)), self.node('Add', self.node('Tanh', inner), self.scalar(1)))

    def normalise(self, x, k, epsilon):
        """Zero mean and unit variance over the last axis, of length k."""
        mean = self.node('MatMul', x, self.filled(k, 1 / k))
        centred = self.node('Sub', x, mean)
        variance = self.node('MatMul', self.node('Mul', centred, centred), self.filled(k, 1 / k))
        return self.node('Div', centred, self.node('Sqrt', self.node('Add', variance, self.scalar(epsilon))))

    def softmax(self, x, k):
        shifted = self.node('Sub', x, self.node('ReduceMax', x, axes=[-1], keepdims=1))
        power = self.node('Exp', shifted)
        return self.node('Div', power, self.node('MatMul', power, self.filled(k, 1)))

    def group_norm(self, x, name, groups, channels, height, width, weight, bias):
        k = channels // groups * height * width
        flat = self.normalise(self.reshape(x, -1, k), k, 1e-5)
        back = self.reshape(flat, -1, channels, height, width)
        scaled = self.node('Mul', back, self.weight(f'{name}.weight', weight.reshape(channels, 1, 1)))
        return self.node('Add', scaled, self.weight(f'{name}.bias', bias.reshape(channels, 1, 1)))

    def conv(self, x, name, weight, bias, stride=1):
        side = weight.shape[-1]
        pad = side // 2
        # Written only where it is not 1, so that graphs without it keep their bytes.
        options = {} if stride == 1 else {'strides': [stride] * 2}
        return self.node('Conv', x, self.weight(f'{name}.weight', weight), self.weight(f'{name}.bias', bias),
                         kernel_shape=[side, side], pads=[pad] * 4, **options)

    def model(self, name, inputs, outputs):
        """inputs and outputs: (name, element type, shape)."""
        value = lambda row: helper.make_tensor_value_info(row[0], row[1], row[2])
        graph = helper.make_graph(self.nodes, name, [value(i) for i in inputs], [value(o) for o in outputs], self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid('', OPSET)], ir_version=9, producer_name='seedmark')
