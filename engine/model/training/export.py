"""Exports trained weights as the embedded model: three portable ONNX graphs, float16 weights, tokenizer and manifest.

The same input gives the same bytes. The graphs spell out `networks.py` in the portable operator set; 1/8 = 1/sqrt(64) is folded into
the queries, which changes no bit. What training needs besides, to go on from the repository, `restore.py` carries in `state/`.
"""
import json, pathlib
import numpy as np
import torch
from blake3 import blake3
from onnx import TensorProto
from captions import STYLES
from graph import Graph, Weights
from networks import CHANNELS, FACTOR, HEAD, SHAPES, TIME_FEATURES, TOKENS
from text import statistics
from transformer import GUIDANCE, STEPS, decoder_weights, finished

NAME, VERSION = 'seedmark-emoji', '1.0'
MODEL = pathlib.Path(__file__).resolve().parent.parent
F, I = TensorProto.FLOAT, TensorProto.INT64


class Exporter:
    def __init__(self, tensors, side):
        self.tensors, self.side, self.shape, self.weights = tensors, side, SHAPES[side], Weights()
        self.cells, self.grid = side // FACTOR, side // FACTOR // 2

    def t(self, name):
        return self.tensors[name].astype(np.float32)

    def linear(self, g, x, name, scale=1.0):
        return g.linear(x, name, self.t(f'{name}.weight'), self.t(f'{name}.bias'), scale)

    def split(self, g, y, count, width, turned=False):
        """(B,count,width) → (B,heads,count,64), or with the last two axes turned, for keys."""
        return g.transpose(g.reshape(y, -1, count, width // HEAD, HEAD), *((0, 2, 3, 1) if turned else (0, 2, 1, 3)))

    def mix(self, g, scores, v, queries, keys, width):
        mixed = g.node('MatMul', g.softmax(scores, keys), v)
        return g.reshape(g.transpose(mixed, 0, 2, 1, 3), -1, queries, width)

    def affine(self, g, x, name, width):
        x = g.node('Mul', g.normalise(x, width, 1e-5), g.weight(f'{name}.weight', self.t(f'{name}.weight')))
        return g.node('Add', x, g.weight(f'{name}.bias', self.t(f'{name}.bias')))

    def text_encoder(self):
        """ids (B,32) and mask (B,32,1), which is 1/count at a token and 0 at padding → text (B,32,W), pooled (B,W)."""
        g, width = Graph(self.weights), self.shape['text_width']
        present = g.node('Min', g.node('Mul', 'mask', g.scalar(TOKENS)), g.scalar(1))
        absent = g.node('Mul', g.node('Sub', present, g.scalar(1)), g.scalar(1e4))
        bias = g.reshape(absent, -1, 1, 1, TOKENS)
        x = g.node('Gather', g.weight('text.tokens.weight', self.t('text.tokens.weight')), 'ids', axis=0)
        x = g.node('Add', x, g.weight('text.places', self.t('text.places')))
        for index in range(self.shape['text_depth']):
            p = f'text.blocks.{index}'
            h = self.affine(g, x, f'{p}.n1', width)
            q = self.split(g, self.linear(g, h, f'{p}.q', HEAD ** -.5), TOKENS, width)
            k = self.split(g, self.linear(g, h, f'{p}.k'), TOKENS, width, turned=True)
            v = self.split(g, self.linear(g, h, f'{p}.v'), TOKENS, width)
            y = self.mix(g, g.node('Add', g.node('MatMul', q, k), bias), v, TOKENS, TOKENS, width)
            x = g.node('Add', x, self.linear(g, y, f'{p}.o'))
            h = self.affine(g, x, f'{p}.n2', width)
            x = g.node('Add', x, self.linear(g, g.gelu_tanh(self.linear(g, h, f'{p}.f1')), f'{p}.f2'))
        text = g.node('Mul', self.affine(g, x, 'text.norm', width), present, name='text')
        columns = g.transpose(g.node('Mul', text, 'mask'), 0, 2, 1)
        g.node('Identity', g.reshape(g.node('MatMul', columns, g.filled(TOKENS, 1)), -1, width), name='pooled')
        return g.model('text_encoder', [('ids', I, ['B', TOKENS]), ('mask', F, ['B', TOKENS, 1])],
                       [('text', F, ['B', TOKENS, width]), ('pooled', F, ['B', width])])

    def block(self, g, h, modulation, index):
        p, width, patches = f'transformer.blocks.{index}', self.shape['width'], self.grid ** 2
        keys = TOKENS + patches
        table = g.node('Add', modulation, g.weight(f'{p}.table', self.t(f'{p}.table')))
        row = lambda i: g.node('Gather', table, g.constant(f'index_{i}', np.array([i], dtype=np.int64)), axis=1)
        modulate = lambda x, scale, shift: g.node('Add', g.node('Mul', x, g.node('Add', row(scale), g.scalar(1))), row(shift))
        x = modulate(g.normalise(h, width, 1e-5), 0, 1)
        q = self.split(g, self.linear(g, x, f'{p}.q', HEAD ** -.5), patches, width)
        k = g.node('Concat', self.linear(g, 'text', f'{p}.tk'), self.linear(g, x, f'{p}.k'), axis=1)
        v = g.node('Concat', self.linear(g, 'text', f'{p}.tv'), self.linear(g, x, f'{p}.v'), axis=1)
        scores = g.node('MatMul', q, self.split(g, k, keys, width, turned=True))
        y = self.mix(g, scores, self.split(g, v, keys, width), patches, keys, width)
        h = g.node('Add', h, g.node('Mul', row(2), self.linear(g, y, f'{p}.o')))
        x = modulate(g.normalise(h, width, 1e-5), 3, 4)
        return g.node('Add', h, g.node('Mul', row(5), self.linear(g, g.gelu_tanh(self.linear(g, x, f'{p}.f1')), f'{p}.f2')))

    def perceptron(self, g, x, name):
        return self.linear(g, g.silu(self.linear(g, x, f'{name}.0')), f'{name}.2')

    def transformer(self):
        """latent (B,8,C,C), time (B,128), text (B,32,W), pooled (B,W), guidance (B,1) → velocity (B,8,C,C)."""
        g, width, grid, cells = Graph(self.weights), self.shape['width'], self.grid, self.cells
        times = self.perceptron(g, 'time', 'transformer.time')
        guide = self.perceptron(g, g.node('Sub', 'guidance', g.scalar(1)), 'transformer.guide')
        c = g.silu(g.node('Add', g.node('Add', times, self.linear(g, 'pooled', 'transformer.pool')), guide))
        modulation = g.reshape(self.linear(g, c, 'transformer.modulation'), -1, 6, width)
        patches = g.transpose(g.reshape('latent', -1, CHANNELS, grid, 2, grid, 2), 0, 2, 4, 1, 3, 5)
        patches = g.reshape(patches, -1, grid ** 2, CHANNELS * 4)
        sketch = g.reshape(self.perceptron(g, 'pooled', 'transformer.sketch'), -1, grid ** 2, CHANNELS * 4)
        patches = g.node('Concat', patches, sketch, axis=2)
        places = g.weight('transformer.places', self.t('transformer.places'))
        h = g.node('Add', self.linear(g, patches, 'transformer.enter'), places)
        for index in range(self.shape['depth']):
            h = self.block(g, h, modulation, index)
        final = g.reshape(self.linear(g, c, 'transformer.final'), -1, 2, width)
        row = lambda i: g.node('Gather', final, g.constant(f'index_{i}', np.array([i], dtype=np.int64)), axis=1)
        x = g.node('Add', g.node('Mul', g.normalise(h, width, 1e-5), g.node('Add', row(0), g.scalar(1))), row(1))
        x = g.transpose(g.reshape(self.linear(g, x, 'transformer.out'), -1, grid, grid, CHANNELS, 2, 2), 0, 3, 1, 4, 2, 5)
        g.node('Reshape', x, g.constant('shape_latent', np.array([-1, CHANNELS, cells, cells], dtype=np.int64)), name='velocity')
        text = self.shape['text_width']
        return g.model('transformer', [('latent', F, ['B', CHANNELS, cells, cells]), ('time', F, ['B', TIME_FEATURES]),
                                       ('text', F, ['B', TOKENS, text]), ('pooled', F, ['B', text]), ('guidance', F, ['B', 1])],
                       [('velocity', F, ['B', CHANNELS, cells, cells])])

    def decoder(self):
        """latent (1,8,C,C), normalised → picture (1,3,S,S), about -1 to 1, not clamped."""
        g, cells = Graph(self.weights), self.cells
        b, a, c = self.shape['decoder']
        named = lambda name: (self.t(f'decoder.net.{name}.weight'), self.t(f'decoder.net.{name}.bias'))
        conv = lambda x, name: g.conv(x, f'decoder.net.{name}', *named(name))
        norm = lambda x, name, channels, side: g.silu(g.group_norm(x, f'decoder.net.{name}', 8, channels, side, side, *named(name)))

        def residual(x, i, channels, side):
            y = conv(norm(x, f'{i}.n1', channels, side), f'{i}.c1')
            return g.node('Add', x, conv(norm(y, f'{i}.n2', channels, side), f'{i}.c2'))

        def shuffle(x, name=None):
            return g.node('DepthToSpace', x, name=name, blocksize=2, mode='CRD')

        per_channel = lambda name: g.constant(name, self.t(name).reshape(CHANNELS, 1, 1))
        x = g.node('Add', g.node('Mul', 'latent', per_channel('latent.std')), per_channel('latent.mean'))
        x = residual(residual(conv(x, 0), 1, b, cells), 2, b, cells)
        x = residual(residual(shuffle(conv(x, 3)), 5, a, cells * 2), 6, a, cells * 2)
        x = residual(shuffle(conv(norm(x, 7, a, cells * 2), 9)), 11, c, cells * 4)
        shuffle(conv(norm(x, 12, c, cells * 4), 14), name='picture')
        return g.model('vae_decoder', [('latent', F, [1, CHANNELS, cells, cells])], [('picture', F, [1, 3, self.side, self.side])])

    def manifest(self, files):
        return {
            'format': 'seedmark.dev/model/v1', 'name': NAME, 'version': VERSION, 'profile': 'portable-1',
            'family': 'flow-transformer-2', 'licence': 'MIT AND Apache-2.0 AND CC-BY-4.0', 'files': files,
            'text_tokens': TOKENS, 'text_width': self.shape['text_width'], 'time_features': TIME_FEATURES,
            'latent_channels': CHANNELS, 'latent_factor': FACTOR, 'sizes': [{'width': self.side, 'height': self.side}],
            'styles': {language: list(table.values()) for language, table in STYLES.items()},
            'steps': STEPS, 'guidance_milli': int(GUIDANCE * 1000), 'shift_milli': 1000,
        }


def arrays(prefix, state):
    return {prefix + name: value.float().cpu().numpy() for name, value in state.items()}


def gather(work):
    """Every tensor of the finished state."""
    mean, std = statistics(work)
    tensors = {**arrays('', finished(work)), **arrays('decoder.', decoder_weights(work)),
               'latent.mean': mean.numpy(), 'latent.std': std.numpy()}
    return tensors


def write(work, side):
    exporter, out = Exporter(gather(work), side), MODEL / 'files'
    out.mkdir(exist_ok=True)
    graphs = {'text_encoder.onnx': exporter.text_encoder(), 'transformer.onnx': exporter.transformer(), 'vae_decoder.onnx': exporter.decoder()}
    contents = {name: graph.SerializeToString(deterministic=True) for name, graph in graphs.items()}
    contents |= {'weights.f16': bytes(exporter.weights.data), 'tokenizer.json': (work / 'tokenizer.json').read_bytes()}
    listed = []
    for name, data in sorted(contents.items()):
        (out / name).write_bytes(data)
        listed.append({'blake3': blake3(data).hexdigest(), 'bytes': len(data), 'name': name})
    # Only texts, integers and ASCII keys: sorted keys without spaces are RFC 8785's canonical form.
    manifest = json.dumps(exporter.manifest(listed), sort_keys=True, separators=(',', ':'), ensure_ascii=False)
    (out / 'model.json').write_text(manifest, encoding='utf-8')
    print(json.dumps({row['name']: row['bytes'] for row in listed}))
