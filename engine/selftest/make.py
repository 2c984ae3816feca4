"""Write the start-up self-test: one graph whose outputs are one hazard each. `make.py OUT.onnx`; needs numpy and onnx.

The large constants are formulas that the engine fills in (see src/selftest.rs); they are referred to as external data of the
file `selftest.f32`, in the order in which they are placed here.
"""
import sys
import numpy as np
from onnx import TensorProto, helper

F = TensorProto.FLOAT
nodes, initializers, inputs, outputs, offset = [], [], [], [], 0


def external(name, *shape):
    global offset
    tensor = TensorProto(name=name, data_type=F, dims=shape, data_location=TensorProto.EXTERNAL)
    length = int(np.prod(shape)) * 4
    for key, value in (('location', 'selftest.f32'), ('offset', offset), ('length', length)):
        tensor.external_data.add(key=key, value=str(value))
    offset += length
    initializers.append(tensor)
    return name


def inline(name, array):
    array = np.asarray(array)
    kind = TensorProto.INT64 if array.dtype == np.int64 else F
    initializers.append(TensorProto(name=name, data_type=kind, dims=array.shape, raw_data=array.astype('<i8' if kind != F else '<f4').tobytes()))
    return name


def given(name, *shape):
    inputs.append(helper.make_tensor_value_info(name, F, shape))
    return name


def op(kind, *names, output=None, **attributes):
    name = output or f'n{len(nodes)}'
    nodes.append(helper.make_node(kind, list(names), [name], name=name, **attributes))
    if output:
        outputs.append(helper.make_tensor_value_info(output, F, None))
    return name


a, a1, a40 = given('a', 33, 1000), given('a1', 1, 1000), given('a40', 33, 40)
b, b16, b300 = given('b', 1000, 77), given('b16', 1000, 16), given('b300', 40, 300)
z, image, tiny = given('z', 4096), given('image', 1, 16, 16, 16), given('tiny', 2)
weight, bias, kernel = external('weight', 1000, 77), external('bias', 77), external('kernel', 16, 16, 3, 3)
conv_bias = external('conv_bias', 16)
ones, mean = inline('ones', np.ones((1000, 1), np.float32)), inline('mean', np.full((1000, 1), np.float32(1 / 1000)))
op('MatMul', a, weight, output='matmul_constant')
op('Gemm', a, weight, bias, output='gemm_bias')
op('MatMul', a1, weight, output='matmul_one_row')
op('MatMul', a, b, output='matmul_dynamic')
op('MatMul', a, b16, output='matmul_dynamic_narrow')
op('MatMul', a40, b300, output='matmul_dynamic_wide')
op('MatMul', a, ones, output='sum')
op('Conv', image, kernel, conv_bias, output='conv_3x3', kernel_shape=[3, 3], pads=[1, 1, 1, 1])
op('Conv', image, kernel, conv_bias, output='conv_stride_2', kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])
for kind in ('Exp', 'Erf', 'Tanh', 'Sigmoid'):
    op(kind, z, output=kind.lower())
power = op('Exp', op('Sub', a, op('ReduceMax', a, axes=[-1], keepdims=1)))
op('Div', power, op('MatMul', power, ones), output='softmax')
epsilon = inline('epsilon_6', np.array([1e-6], np.float32))
op('Div', a, op('Sqrt', op('Add', op('MatMul', op('Mul', a, a), mean), epsilon)), output='rms_norm')
centred = op('Sub', a, op('MatMul', a, mean))
epsilon = inline('epsilon_5', np.array([1e-5], np.float32))
op('Div', centred, op('Sqrt', op('Add', op('MatMul', op('Mul', centred, centred), mean), epsilon)), output='layer_norm')
group = op('Reshape', image, inline('groups', np.array([4, 1024], np.int64)))
group_mean = inline('group_mean', np.full((1024, 1), np.float32(1 / 1024)))
centred = op('Sub', group, op('MatMul', group, group_mean))
op('Div', centred, op('Sqrt', op('Add', op('MatMul', op('Mul', centred, centred), group_mean), epsilon)), output='group_norm')
first_rows = inline('first_rows', np.array([0, 1], np.int64))
op('MatMul', op('Gather', a, first_rows, axis=0), b, output='matmul_two_rows')
op('Mul', op('Gather', tiny, inline('first', np.array([0], np.int64))), op('Gather', tiny, inline('second', np.array([1], np.int64))), output='subnormal')
graph = helper.make_graph(nodes, 'selftest', inputs, outputs, initializers)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=9, producer_name='seedmark')
open(sys.argv[1], 'wb').write(model.SerializeToString(deterministic=True))
print(offset)
