"""The 2× upscaler, 128 → 256: a small convolution net after the decoder, so that a picture is crisp where it is shown at 300 pixels.

The one rule: it sees what the decoder makes, never clean renders scaled down, since its work is to mend the decoder's blur. It has
no norms, so that it may learn on crops; its sums are Conv, Mul, Sigmoid, Add and DepthToSpace, all of the portable set. Not shipped yet:
the manifest and the engine know three graphs.
"""
import multiprocessing
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import TensorProto
from autoencoder import distance, encoder_weights
from captions import base_of
from data import load
from graph import Graph, Weights
from networks import autoencoder
from packages import drawn, read, sources
from sheets import sheet
from team import average_gradients, rank, together
from training import DEVICE, Run, autocast, set_rate, tensor
from transformer import decoder_weights

WIDTH, DEPTH, BATCH, CROP, BLUR = 48, 4, 16, 48, .15


class Upscaler(nn.Module):
    """Picture (B,3,S,S) → (B,3,2S,2S): features at half the side, and each sample of the input repeated four times as a start."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Conv2d(3, WIDTH, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList([nn.ModuleList([nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in range(2)]) for _ in range(DEPTH)])
        # Back to the input's side, where a last convolution sees the features beside the picture itself.
        self.rise, self.leave = nn.Conv2d(WIDTH, 4 * 16, 1), nn.Conv2d(16 + 3, 12, 3, padding=1)
        for block in self.blocks:
            nn.init.zeros_(block[1].weight)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        with torch.no_grad():
            for channel in range(12):
                self.leave.weight[channel, 16 + channel // 4, 1, 1] = 1.

    def forward(self, x):
        h = self.enter(x)
        for first, second in self.blocks:
            h = h + second(F.silu(first(F.silu(h))))
        h = F.pixel_shuffle(self.rise(F.silu(h)), 2)
        return F.pixel_shuffle(self.leave(torch.cat([h, x], 1)), 2)


def graph(state, side, weights=None):
    """The same sums as a portable graph: picture (1,3,S,S) → large (1,3,2S,2S)."""
    g = Graph(weights or Weights())
    conv = lambda x, name, **options: g.conv(x, f'upscaler.{name}', state[f'{name}.weight'], state[f'{name}.bias'], **options)
    h = conv('picture', 'enter', stride=2)
    for at in range(DEPTH):
        h = g.node('Add', h, conv(g.silu(conv(g.silu(h), f'blocks.{at}.0')), f'blocks.{at}.1'))
    h = g.node('DepthToSpace', conv(g.silu(h), 'rise'), blocksize=2, mode='CRD')
    g.node('DepthToSpace', conv(g.node('Concat', h, 'picture', axis=1), 'leave'), name='large', blocksize=2, mode='CRD')
    kind = TensorProto.FLOAT
    return g.model('upscaler', [('picture', kind, [1, 3, side, side])], [('large', kind, [1, 3, 2 * side, 2 * side])])


def _white(job):
    path = drawn(job)
    rgba = read(path, 2 * job[2]).astype(np.float32)
    return np.rint(rgba[..., :3] * (rgba[..., 3:] / 255) + 255 - rgba[..., 3:]).astype(np.uint8)


@torch.no_grad()
def prepare(work, side):
    """Writes pairs of what the decoder makes (small.npy) and the render at twice the side (large.npy), seen base pictures only."""
    if (work / 'large.npy').exists():
        return
    pictures, rows, names = load(work)
    chosen = [i for i, row in enumerate(rows) if row['kind'] == 'single' and not row['held_out'] and row['hex'] == base_of(row['hex'])]
    source = {(style, key): found for found in sources(work / 'packages', names) for style, key, _ in [found]}
    jobs = [(source[rows[i]['style'], rows[i]['hex']], work / 'renders', side) for i in chosen]
    large = np.lib.format.open_memmap(work / 'large.part.npy', 'w+', np.uint8, (len(chosen), 2 * side, 2 * side, 3))
    with multiprocessing.Pool() as pool:
        for at, picture in enumerate(pool.imap(_white, jobs, chunksize=32)):
            large[at] = picture
    encoder, decoder = autoencoder(side)
    encoder.load_state_dict(encoder_weights(work))
    decoder.load_state_dict(decoder_weights(work))
    small = np.empty((len(chosen), side, side, 3), np.uint8)
    for at in range(0, len(chosen), 32):
        z = encoder.eval()(tensor(pictures[chosen[at:at + 32]]))
        made = decoder.eval()(z + BLUR * torch.randn_like(z)).clamp(-1, 1)
        small[at:at + 32] = ((made + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    np.save(work / 'small.npy', small)
    (work / 'large.part.npy').rename(work / 'large.npy')


def crops(small, large, rng):
    """The same random windows of both; windows of plain white teach nothing and are mostly passed over."""
    pairs = []
    while len(pairs) < BATCH:
        at, (top, left) = rng.integers(len(small)), 2 * rng.integers(0, (small.shape[1] - CROP) // 2 + 1, 2)
        window = small[at, top:top + CROP, left:left + CROP]
        if window.std() > 8 or rng.random() < .1:
            pairs.append((window, large[at, 2 * top:2 * (top + CROP), 2 * left:2 * (left + CROP)]))
    return [tensor(np.stack(part)).contiguous(memory_format=torch.channels_last) for part in zip(*pairs)]


def train(work, side, minutes):
    prepare(work, side)
    together(learn, work, side, minutes)


def learn(work, side, minutes):
    small, large = (np.load(work / f'{name}.npy', mmap_mode='r') for name in ('small', 'large'))
    torch.manual_seed(6)
    network = Upscaler().to(DEVICE, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, betas=(.9, .99), weight_decay=0.)
    run = Run(work / 'upscaler.pt', minutes, {'network': network, 'optimizer': optimizer})
    rng = np.random.default_rng((run.step, 60, rank()))
    while run.goes_on():
        set_rate(optimizer, run.rate(1e-3, constant=.5))
        x, wanted = crops(small, large, rng)
        with autocast():
            y = network(x)
        loss = distance(y.float(), wanted)
        optimizer.zero_grad()
        loss.backward()
        average_gradients(list(network.parameters()))
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.)
        optimizer.step()
        if run.after(loss.item(), BATCH):
            run.save()
    run.save()
    if rank() == 0:
        look(work, network, small, large)


@torch.no_grad()
def look(work, network, small, large):
    """A row of eight each: scaled by the usual cubic, upscaled, real; and how far each is from the real ones, in decibels."""
    chosen = np.linspace(0, len(small) - 1, 8).astype(int)
    x, wanted = tensor(small[chosen]), tensor(large[chosen])
    plain, made = F.interpolate(x, scale_factor=2, mode='bicubic', align_corners=False), network(x)
    level = lambda y: 10 * np.log10(4 / ((y.clamp(-1, 1) - wanted) ** 2).mean().item())
    sheet(work / 'sheets' / 'upscaler.png', torch.cat([plain, made, wanted]))
    print(f'cubic {level(plain):.2f} dB, upscaler {level(made):.2f} dB', flush=True)
