"""The model's networks in PyTorch: autoencoder, text encoder, transformer. `export.py` writes the same sums as portable graphs.

Latents: 8 channels at an eighth of the picture's side. Rectified flow (Liu et al. 2022, arXiv 2209.03003):
x_t = (1 - t) x + t noise, and the transformer predicts v = noise - x. Shared adaptive modulation as in PixArt (arXiv 2310.00426).
"""
import math
import torch
import torch.nn as nn
import torch.nn.functional as F

TOKENS, PIECES, CHANNELS, FACTOR, TIME_FEATURES = 32, 6144, 8, 8, 128
# By picture side. `hidden` is the width inside a feed-forward block; a head is 64 wide everywhere.
SHAPES = {
    128: {'text_width': 192, 'text_depth': 2, 'sketch': 512, 'width': 256, 'depth': 6, 'hidden': 768, 'decoder': (160, 96, 48)},
    256: {'text_width': 320, 'text_depth': 4, 'sketch': 768, 'width': 384, 'depth': 12, 'hidden': 1536, 'decoder': (192, 128, 64)},
}
HEAD = 64


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.n1, self.c1 = nn.GroupNorm(8, channels), nn.Conv2d(channels, channels, 3, padding=1)
        self.n2, self.c2 = nn.GroupNorm(8, channels), nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.c2.weight)

    def forward(self, x):
        return x + self.c2(F.silu(self.n2(self.c1(F.silu(self.n1(x))))))


class Encoder(nn.Module):
    """Picture (B,3,S,S) in [-1, 1] → latent (B,8,S/8,S/8), bounded by 3·tanh(z/3)."""

    def __init__(self, a=64, b=128):
        super().__init__()
        self.net = nn.Sequential(
            nn.PixelUnshuffle(4), nn.Conv2d(48, a, 3, padding=1), Residual(a),
            nn.Conv2d(a, b, 3, stride=2, padding=1), Residual(b), Residual(b),
            nn.GroupNorm(8, b), nn.SiLU(), nn.Conv2d(b, CHANNELS, 3, padding=1))

    def forward(self, x):
        return torch.tanh(self.net(x) / 3) * 3


class Decoder(nn.Module):
    """Latent (B,8,S/8,S/8) → picture (B,3,S,S), about -1 to 1."""

    def __init__(self, widths):
        super().__init__()
        b, a, c = widths
        self.net = nn.Sequential(
            nn.Conv2d(CHANNELS, b, 3, padding=1), Residual(b), Residual(b),
            nn.Conv2d(b, a * 4, 1), nn.PixelShuffle(2), Residual(a), Residual(a), nn.GroupNorm(8, a), nn.SiLU(),
            nn.Conv2d(a, c * 4, 1), nn.PixelShuffle(2), Residual(c), nn.GroupNorm(8, c), nn.SiLU(),
            nn.Conv2d(c, 12, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, z):
        return self.net(z)


def heads(x):
    return x.unflatten(-1, (-1, HEAD)).transpose(1, 2)


def attention(q, k, v, bias=None):
    """Plain attention; on a CPU its backward pass is several times faster than the fused one at these sizes."""
    scores = heads(q) @ heads(k).transpose(-1, -2) * HEAD ** -.5
    return ((scores if bias is None else scores + bias).softmax(-1).to(v.dtype) @ heads(v)).transpose(1, 2).flatten(2)


class TextBlock(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.n1, self.q, self.k, self.v, self.o = nn.LayerNorm(d), nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)
        self.n2, self.f1, self.f2 = nn.LayerNorm(d), nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x, bias):
        h = self.n1(x)
        x = x + self.o(attention(self.q(h), self.k(h), self.v(h), bias))
        return x + self.f2(F.gelu(self.f1(self.n2(x)), approximate='tanh'))


class TextEncoder(nn.Module):
    """Token numbers (B,32 or fewer), 0 = padding → text (B,32,W), zero at padding, and its mean over tokens (B,W)."""

    def __init__(self, width, depth):
        super().__init__()
        self.tokens, self.places = nn.Embedding(PIECES, width), nn.Parameter(torch.randn(TOKENS, width) * .02)
        self.blocks = nn.ModuleList([TextBlock(width) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.tokens.weight, std=.02)

    def forward(self, ids):
        mask = (ids != 0).float()
        bias = ((mask - 1) * 1e4)[:, None, None]
        x = self.tokens(ids) + self.places[:ids.shape[1]]
        for block in self.blocks:
            x = block(x, bias.to(x.dtype))
        text = self.norm(x) * mask[..., None]
        return text, text.sum(1) / mask.sum(1, keepdim=True).clamp(min=1)


class Block(nn.Module):
    """Patches attend to patches and to the text; the text itself is not updated."""

    def __init__(self, d, hidden, text):
        super().__init__()
        self.n1, self.n2 = (nn.LayerNorm(d, elementwise_affine=False) for _ in range(2))
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))
        self.tk, self.tv = nn.Linear(text, d), nn.Linear(text, d)
        self.f1, self.f2 = nn.Linear(d, hidden), nn.Linear(hidden, d)
        self.table = nn.Parameter(torch.zeros(6, d))

    def forward(self, x, text, modulation, bias=None):
        a = modulation + self.table
        h = self.n1(x) * (1 + a[:, 0:1]) + a[:, 1:2]
        k, v = torch.cat([self.tk(text), self.k(h)], 1), torch.cat([self.tv(text), self.v(h)], 1)
        x = x + a[:, 2:3] * self.o(attention(self.q(h), k, v, bias))
        h = self.n2(x) * (1 + a[:, 3:4]) + a[:, 4:5]
        return x + a[:, 5:6] * self.f2(F.gelu(self.f1(h), approximate='tanh'))


def features(t):
    """Sines and cosines of 1000·t at 64 frequencies: (B) → (B,128)."""
    frequencies = torch.exp(-math.log(10000) * torch.arange(64, device=t.device) / 64)
    angles = t[:, None] * 1000 * frequencies
    return torch.cat([angles.sin(), angles.cos()], -1)


def patches(x):
    """(B,8,C,C) → (B,C/2·C/2,32): 2×2 cells of all channels side by side."""
    return F.pixel_unshuffle(x, 2).flatten(2).transpose(1, 2)


def padded(text):
    """Text cut to its longest row, and a bias of keys: one zero row at its end stands for all the rows that were cut.

    Padding is zero rows, which all give one key and one value: n of them weigh as much as one whose score is raised by log n.
    """
    cut = TOKENS - text.shape[1]
    if cut == 0:
        return text, None
    bias = text.new_zeros(text.shape[1] + 1)
    bias[-1] = math.log(cut)
    return F.pad(text, (0, 0, 0, 1)), bias


class Sketch(nn.Sequential):
    """Pooled text (B,W) → the mean latent it asks for, as patches: what one look-up can know of a picture before any step.

    It costs two small products where a transformer block costs two hundred, and it learns shapes from far fewer samples.
    """

    def __init__(self, text_width, hidden, side):
        super().__init__(nn.Linear(text_width, hidden), nn.SiLU(), nn.Linear(hidden, CHANNELS * (side // FACTOR) ** 2))

    def forward(self, pooled):
        return super().forward(pooled).unflatten(1, (-1, CHANNELS * 4))


class Transformer(nn.Module):
    """(latent, time, text, pooled, guidance) → velocity. Guidance 1 is the plain conditional model."""

    def __init__(self, width, depth, hidden, text_width, sketch, side):
        super().__init__()
        self.width, self.grid = width, side // FACTOR // 2
        self.sketch = Sketch(text_width, sketch, side)
        self.places, self.enter = nn.Parameter(torch.randn(self.grid ** 2, width) * .02), nn.Linear(CHANNELS * 8, width)
        self.time = nn.Sequential(nn.Linear(TIME_FEATURES, width), nn.SiLU(), nn.Linear(width, width))
        self.guide = nn.Sequential(nn.Linear(1, width), nn.SiLU(), nn.Linear(width, width))
        self.pool, self.modulation = nn.Linear(text_width, width), nn.Linear(width, 6 * width)
        self.blocks = nn.ModuleList([Block(width, hidden, text_width) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.final, self.out = nn.Linear(width, 2 * width), nn.Linear(width, CHANNELS * 4)
        for layer in (self.out, self.guide[2]):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.modulation.bias.view(6, width)[[2, 5]] = .3

    def forward(self, x, t, text, pooled, guidance, sketch=None):
        sketch = self.sketch(pooled) if sketch is None else sketch
        c = F.silu(self.time(features(t)) + self.pool(pooled) + self.guide(guidance[:, None] - 1))
        modulation = self.modulation(c).view(len(x), 6, self.width)
        h = self.enter(torch.cat([patches(x), sketch.to(x.dtype)], -1)) + self.places
        text, bias = padded(text)
        bias = None if bias is None else F.pad(bias, (0, self.grid ** 2))
        for block in self.blocks:
            h = block(h, text, modulation, bias)
        scale, shift = self.final(c).chunk(2, -1)
        h = self.norm(h) * (1 + scale[:, None]) + shift[:, None]
        return F.pixel_shuffle(self.out(h).transpose(1, 2).unflatten(2, (self.grid, self.grid)), 2)


def autoencoder(side):
    return Encoder(), Decoder(SHAPES[side]['decoder'])


def generator(side):
    """The text encoder and the transformer of a picture side."""
    shape = SHAPES[side]
    return (TextEncoder(shape['text_width'], shape['text_depth']),
            Transformer(shape['width'], shape['depth'], shape['hidden'], shape['text_width'], shape['sketch'], side))
