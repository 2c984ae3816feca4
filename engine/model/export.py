"""Export trained weights to the embedded model: three ONNX graphs, float16 weights, tokenizer and manifest.

Usage: export.py WEIGHTS.safetensors TOKENIZER.json OUT
Needs: numpy, onnx, safetensors, blake3 (PyPI). The same input gives the same bytes.
"""
import json, pathlib, sys
import numpy as np
from blake3 import blake3
from onnx import TensorProto
from safetensors.numpy import load_file
from graph import Graph, Weights

TEXT, WIDTH, HEADS, DEPTH, PATCHES, CHANNELS = 24, 192, 3, 6, 64, 8
HEAD = WIDTH // HEADS
F, I = TensorProto.FLOAT, TensorProto.INT64

source, tokenizer, out = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
tensors = load_file(source)
weights = Weights()


def t(name):
    return tensors[name].astype(np.float32)


def linear(graph, x, name, scale=1.0):
    return graph.linear(x, name, t(f'{name}.weight'), t(f'{name}.bias'), scale)


def text_encoder():
    """ids (B,24) and mask (B,24,1), which is 1/count at a token and 0 at padding → text (B,24,192), pooled (B,192)."""
    g = Graph(weights)
    text = g.node('Gather', g.weight('transformer.te.weight', t('transformer.te.weight')), 'ids', name='text', axis=0)
    columns = g.transpose(g.node('Mul', text, 'mask'), 0, 2, 1)
    g.node('Identity', g.reshape(g.node('MatMul', columns, g.filled(TEXT, 1)), -1, WIDTH), name='pooled')
    return g.model('text_encoder', [('ids', I, ['B', TEXT]), ('mask', F, ['B', TEXT, 1])],
                   [('text', F, ['B', TEXT, WIDTH]), ('pooled', F, ['B', WIDTH])])


def block(g, h, modulation, index):
    p, tokens = f'transformer.bl.{index}', TEXT + PATCHES
    table = g.node('Add', modulation, g.weight(f'{p}.ad', t(f'{p}.ad')))
    row = lambda i: g.node('Gather', table, g.constant(f'index_{i}', np.array([i], dtype=np.int64)), axis=1)
    modulate = lambda x, scale, shift: g.node('Add', g.node('Mul', x, g.node('Add', row(scale), g.scalar(1))), row(shift))
    x = modulate(g.normalise(h, WIDTH, 1e-5), 0, 1)
    parts = []
    for part, name in enumerate('qkv'):
        rows = slice(part * WIDTH, (part + 1) * WIDTH)
        # 1/sqrt(64) is a power of two: folding it into q changes no bit of the float16 weights.
        scale = HEAD ** -0.5 if name == 'q' else 1.0
        y = g.linear(x, f'{p}.{name}', t(f'{p}.qkv.weight')[rows], t(f'{p}.qkv.bias')[rows], scale)
        parts.append(g.transpose(g.reshape(y, -1, tokens, HEADS, HEAD), *((0, 2, 3, 1) if name == 'k' else (0, 2, 1, 3))))
    attention = g.softmax(g.node('MatMul', parts[0], parts[1]), tokens)
    mixed = g.reshape(g.transpose(g.node('MatMul', attention, parts[2]), 0, 2, 1, 3), -1, tokens, WIDTH)
    h = g.node('Add', h, g.node('Mul', row(2), linear(g, mixed, f'{p}.o')))
    x = modulate(g.normalise(h, WIDTH, 1e-5), 3, 4)
    return g.node('Add', h, g.node('Mul', row(5), linear(g, g.gelu_tanh(linear(g, x, f'{p}.f1')), f'{p}.f2')))


def transformer():
    """latent (B,8,16,16), time (B,128), text (B,24,192), pooled (B,192) → velocity (B,8,16,16)."""
    g = Graph(weights)
    c = g.node('Add', linear(g, g.silu(linear(g, 'time', 'transformer.tm.0')), 'transformer.tm.2'), linear(g, 'pooled', 'transformer.pool'))
    activated = g.silu(c)
    modulation = g.reshape(linear(g, activated, 'transformer.mod.1'), -1, 6, WIDTH)
    patches = g.reshape(g.transpose(g.reshape('latent', -1, CHANNELS, 8, 2, 8, 2), 0, 2, 4, 1, 3, 5), -1, PATCHES, CHANNELS * 4)
    text = g.node('Add', 'text', g.weight('transformer.tp', t('transformer.tp')))
    image = g.node('Add', linear(g, patches, 'transformer.xi'), g.weight('transformer.ip', t('transformer.ip')))
    h = g.node('Concat', text, image, axis=1)
    for index in range(DEPTH):
        h = block(g, h, modulation, index)
    final = g.reshape(linear(g, activated, 'transformer.fm'), -1, 2, WIDTH)
    row = lambda i: g.node('Gather', final, g.constant(f'index_{i}', np.array([i], dtype=np.int64)), axis=1)
    patches_only = g.constant('patch_rows', np.arange(TEXT, TEXT + PATCHES, dtype=np.int64))
    x = g.normalise(g.node('Gather', h, patches_only, axis=1), WIDTH, 1e-5)
    x = linear(g, g.node('Add', g.node('Mul', x, g.node('Add', row(0), g.scalar(1))), row(1)), 'transformer.out')
    x = g.transpose(g.reshape(x, -1, 8, 8, CHANNELS, 2, 2), 0, 3, 1, 4, 2, 5)
    g.node('Reshape', x, g.constant('shape_latent', np.array([-1, CHANNELS, 16, 16], dtype=np.int64)), name='velocity')
    return g.model('transformer', [('latent', F, ['B', CHANNELS, 16, 16]), ('time', F, ['B', 128]), ('text', F, ['B', TEXT, WIDTH]),
                                   ('pooled', F, ['B', WIDTH])], [('velocity', F, ['B', CHANNELS, 16, 16])])


def decoder():
    """latent (1,8,16,16), normalised → picture (1,3,128,128), about -1 to 1, not clamped."""
    g = Graph(weights)
    conv = lambda x, i: g.conv(x, f'decoder.net.{i}', t(f'decoder.net.{i}.weight'), t(f'decoder.net.{i}.bias'))

    def norm(x, name, channels, side):
        return g.group_norm(x, name, 8, channels, side, side, t(f'{name}.weight'), t(f'{name}.bias'))

    def residual(x, i, channels, side):
        p = f'decoder.net.{i}'
        y = g.conv(g.silu(norm(x, f'{p}.n1', channels, side)), f'{p}.c1', t(f'{p}.c1.weight'), t(f'{p}.c1.bias'))
        y = g.conv(g.silu(norm(y, f'{p}.n2', channels, side)), f'{p}.c2', t(f'{p}.c2.weight'), t(f'{p}.c2.bias'))
        return g.node('Add', x, y)

    def shuffle(x, name=None):
        return g.node('DepthToSpace', x, name=name, blocksize=2, mode='CRD')

    shape = (CHANNELS, 1, 1)
    x = g.node('Add', g.node('Mul', 'latent', g.constant('latent.std', t('latent.std').reshape(shape))),
               g.constant('latent.mean', t('latent.mean').reshape(shape)))
    x = residual(residual(conv(x, 0), 1, 160, 16), 2, 160, 16)
    x = residual(residual(shuffle(conv(x, 3)), 5, 96, 32), 6, 96, 32)
    x = shuffle(conv(g.silu(norm(x, 'decoder.net.7', 96, 32)), 9))
    shuffle(conv(g.silu(x), 12), name='picture')
    return g.model('vae_decoder', [('latent', F, [1, CHANNELS, 16, 16])], [('picture', F, [1, 3, 128, 128])])


def main():
    out.mkdir(parents=True, exist_ok=True)
    files = {'text_encoder.onnx': text_encoder(), 'transformer.onnx': transformer(), 'vae_decoder.onnx': decoder()}
    for name, model in files.items():
        (out / name).write_bytes(model.SerializeToString(deterministic=True))
    (out / 'weights.f16').write_bytes(weights.data)
    (out / 'tokenizer.json').write_bytes(pathlib.Path(tokenizer).read_bytes())
    listed = []
    for name in sorted([*files, 'weights.f16', 'tokenizer.json']):
        data = (out / name).read_bytes()
        listed.append({'blake3': blake3(data).hexdigest(), 'bytes': len(data), 'name': name})
    manifest = {
        'format': 'seedmark.dev/model/v1', 'name': 'seedmark-emoji', 'version': '0.1-draft', 'profile': 'portable-1',
        'family': 'flow-transformer-1', 'licence': 'MIT AND Apache-2.0 AND CC-BY-4.0', 'files': listed,
        'text_tokens': TEXT, 'text_width': WIDTH, 'time_features': 128,
        'latent_channels': CHANNELS, 'latent_factor': 8, 'sizes': [{'width': 128, 'height': 128}],
        'steps': 24, 'guidance_milli': 3000, 'shift_milli': 1000,
    }
    # Only ASCII and integers: sorted keys without spaces are RFC 8785's canonical form.
    (out / 'model.json').write_text(json.dumps(manifest, sort_keys=True, separators=(',', ':')))
    print(json.dumps({row['name']: row['bytes'] for row in listed}))


main()
