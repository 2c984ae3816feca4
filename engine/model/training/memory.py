"""The memory: concept, style, paint and layout → a coarse latent, solved for instead of trained.

A concept's code is what its seen pictures have in common (principal components of their mean latent); each style has a linear map from
code to latent, by ridge regression, so a look that was never seen with a concept comes from the other looks. Every thing is kept twice, for
the whole canvas and for a quarter of it, with its cover (how much of a cell it hides). Latents are kept times their cover, so that laying
things out and filling the background are sums of products with constant matrices. Nothing that is held out takes part.
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from captions import COLOURS, COUNTS, base_of
from data import boxes, load
from networks import CHANNELS, FACTOR
from reader import DECISIONS, LAYOUTS, Truth
from text import statistics
from training import tensor

CODE, RIDGE, FITTED = 160, 3., 250
WIDE = CHANNELS + 1


def placement(cells, size, box):
    """(cells of the canvas², size²): bilinear weights that lay a square of latents into a box (left, top, side) measured in cells."""
    left, top, side = box

    def axis(start):
        weights = np.zeros((cells, size))
        for cell in range(cells):
            at = (cell + .5 - start) / side * size - .5
            if not start <= cell + .5 <= start + side:
                continue
            low = int(np.floor(at))
            for source, share in ((low, low + 1 - at), (low + 1, at - low)):
                weights[cell, min(max(source, 0), size - 1)] += share
        return weights
    return np.einsum('yv,xu->yxvu', axis(top), axis(left)).reshape(cells ** 2, size ** 2)


def layouts(side):
    """Constant matrices: whole thing alone and inset; small first and small second thing in each of LAYOUTS."""
    cells, half = side // FACTOR, side // FACTOR // 2
    whole = np.stack([np.eye(cells ** 2), placement(cells, cells, (cells / 16, cells / 16, cells * 7 / 8))])
    first, second = (np.zeros((len(LAYOUTS), cells ** 2, half ** 2)) for _ in range(2))
    # A box of `data.boxes` is a little smaller than its cell; the small latent is made as if it filled the cell.
    cell = lambda box, count: ((box[0] - side // 64) / FACTOR, (box[1] - side // 64) / FACTOR, (side // 3 if count > 4 else side // 2) / FACTOR)
    first[1], second[1] = (placement(cells, half, cell(box, 2)) for box in boxes(2, side))
    for count in COUNTS:
        first[LAYOUTS.index(count)] = sum(placement(cells, half, cell(box, count)) for box in boxes(count, side))
    return {name: torch.tensor(value, dtype=torch.float16).float() for name, value in (('whole', whole), ('first', first), ('second', second))}


class Memory(nn.Module):
    """Soft decisions (probabilities by name) → sketch: patches (B, cells²/4, 32) as the transformer takes them."""

    def __init__(self, concepts, side):
        super().__init__()
        self.cells = side // FACTOR
        sizes, styles = (self.cells ** 2, (self.cells // 2) ** 2), DECISIONS['style'] - 1
        self.register_buffer('concepts', torch.zeros(concepts, CODE + 1))
        self.register_buffer('maps', torch.zeros(styles * (CODE + 1), sum(sizes) * WIDE))
        self.register_buffer('paints', torch.eye(WIDE, CHANNELS).repeat(DECISIONS['paint'], 1, 1))
        self.register_buffer('fill', torch.zeros(DECISIONS['background'], CHANNELS))
        # A style that is not said is shaded: half `fluent`, half `3d`.
        said = torch.eye(styles + 1, styles)
        said[-1, 0] = said[-1, -1] = .5
        self.register_buffer('said', said, persistent=False)
        for name, value in layouts(side).items():
            self.register_buffer(name, value, persistent=False)

    def things(self, concept, style, paint):
        """(whole thing (B, cells², 9), small thing (B, cells²/4, 9)): latents times cover, and the cover."""
        code = ((style @ self.said)[:, :, None] * (concept @ self.concepts)[:, None]).flatten(1)
        kept = (code @ self.maps).unflatten(1, (-1, WIDE))
        cover = kept[..., CHANNELS:].clamp(0, 1)
        kept = torch.cat([torch.cat([kept[..., :CHANNELS], cover], -1) @ paint, cover], -1)
        return kept[:, :self.cells ** 2], kept[:, self.cells ** 2:]

    def forward(self, told):
        cells, grid = self.cells, self.cells // 2
        paint = torch.einsum('bp,pij->bij', told['paint'], self.paints)
        large, small = self.things(told['first'], told['style'], paint)
        _, other = self.things(told['second'], told['style'], self.paints[0])
        plain = told['background'][:, :1]
        alone = told['layout'][:, :1] * torch.cat([plain, 1 - plain], -1)
        put = lambda share, matrices, thing: (share @ matrices.flatten(1)).unflatten(1, matrices.shape[1:]) @ thing
        canvas = put(alone, self.whole, large) + put(told['layout'], self.first, small) + put(told['layout'], self.second, other)
        filled = canvas[..., :CHANNELS] + (1 - canvas[..., CHANNELS:]) * (told['background'] @ self.fill)[:, None]
        return filled.unflatten(1, (grid, 2, grid, 2)).permute(0, 1, 3, 5, 2, 4).reshape(len(filled), grid ** 2, CHANNELS * 4)


def told_of(scores):
    """The reader's scores as soft decisions."""
    return {name: score.float().softmax(-1) for name, score in scores.items()}


def surroundings(pictures):
    """float pictures (B,3,S,S) → (B, cells², 301): each cell's samples, its surroundings four times smaller, and 1."""
    inner = F.pixel_unshuffle(pictures, FACTOR).flatten(2)
    outer = F.unfold(F.pad(F.avg_pool2d(pictures, 4), (2,) * 4, value=1.), 6, stride=2)
    return torch.cat([inner, outer, torch.ones_like(inner[:, :1])], 1).transpose(1, 2)


def solved(x, y, ridge):
    return torch.linalg.solve(x.T @ x + ridge * torch.eye(x.shape[1]), x.T @ y)


class Encoding:
    """A linear stand-in for the encoder, fitted to some of its latents: a sketch is coarse, and this costs a fiftieth."""

    def __init__(self, work, pictures, latents, rows, rng):
        mean, std = (part[None, :, None, None] for part in statistics(work))
        chosen = np.sort(rng.choice(rows, min(FITTED, len(rows)), replace=False))
        x = surroundings(tensor(pictures[chosen])).flatten(0, 1)
        y = ((torch.from_numpy(latents[chosen].astype(np.float32)) - mean) / std).flatten(2).transpose(1, 2).flatten(0, 1)
        self.map = solved(x, y, 1.)
        assert torch.allclose(self(tensor(pictures[chosen[:2]])).flatten(0, 1), (x @ self.map)[:2 * y.shape[0] // len(chosen)], atol=1e-3)
        print(f'linear encoder: {1 - ((x @ self.map - y) ** 2).mean() / y.var(0).mean():.0%} of the variance', flush=True)

    def __call__(self, pictures):
        """The same sums as two convolutions: float pictures (B,3,S,S) → (B, cells², 8)."""
        inner, outer, bias = self.map.T.split([3 * FACTOR ** 2, 108, 1], 1)
        near = F.conv2d(pictures, inner.reshape(CHANNELS, 3, FACTOR, FACTOR), bias.flatten(), stride=FACTOR)
        around = F.pad(F.avg_pool2d(pictures, 4), (2,) * 4, value=1.)
        return (near + F.conv2d(around, outer.reshape(CHANNELS, 3, 6, 6), stride=2)).flatten(2).transpose(1, 2)


def kept(encoding, pictures, covers, white):
    """Whole and small things of pictures on white, side by side, flat: latents times cover, and cover."""
    side = pictures.shape[-1]
    small = F.avg_pool2d(pictures, 2)
    cover = covers.float().div(255).unflatten(1, (side // FACTOR, -1))[:, None]
    out = []
    for shown, hides in ((pictures, cover), (small, F.avg_pool2d(cover, 2))):
        hides = hides.flatten(1)[..., None]
        out.append(torch.cat([encoding(shown) - (1 - hides) * white, hides], -1))
    return torch.cat(out, 1).flatten(1)


def build(work, side):
    """Solves for the memory and writes memory.pt; needs some latents (`autoencoder`) and covers.npy (`data`)."""
    (pictures, rows, _), covers, rng = load(work), np.load(work / 'covers.npy', mmap_mode='r'), np.random.default_rng(4)
    latents = np.load(work / ('latents.npy' if (work / 'latents.npy').exists() else 'latents.part.npy'), mmap_mode='r')
    there = [at for at, row in enumerate(rows) if not row['held_out'] and row['kind'] == 'single' and latents[at, :, :2].any()]
    encoding, truth = Encoding(work, pictures, latents, there, rng), Truth(rows)
    flat = lambda rgb: encoding(torch.tensor(rgb).view(1, 3, 1, 1).expand(1, 3, side, side) / 127.5 - 1)[0].mean(0)
    memory = Memory(len(truth.keys), side)
    memory.fill.copy_(torch.stack([flat((255, 255, 255)), *(flat(rgb) for _, rgb, *_ in COLOURS.values())]))
    base = [at for at, row in enumerate(rows) if row['kind'] == 'single' and row['hex'] == base_of(row['hex'])]
    made = torch.cat([kept(encoding, tensor(pictures[base[at:at + 64]]), torch.from_numpy(covers[base[at:at + 64]]), memory.fill[0]) for at in range(0, len(base), 64)])
    print(len(base), 'pictures read', flush=True)
    concept, style = (torch.tensor([truth.of(rows[at])[name] for at in base]) for name in ('first', 'style'))
    seen = torch.tensor([not rows[at]['held_out'] for at in base])
    looks = torch.stack([made[seen & (style == at)].mean(0) for at in range(len(truth.styles))])
    rest = made - looks[style]
    count = torch.zeros(len(truth.keys)).index_add(0, concept[seen], torch.ones(int(seen.sum()))).clamp(min=1)[:, None]
    common = torch.zeros(len(truth.keys), made.shape[1]).index_add(0, concept[seen], rest[seen]) / count
    _, _, basis = torch.pca_lowrank(common, CODE, center=False, niter=2)
    codes = common @ basis
    codes = codes / codes.std(0).mean()
    memory.concepts.copy_(torch.cat([codes, torch.ones(len(codes), 1)], 1))
    maps = torch.stack([solved(memory.concepts[concept[mine]], made[mine], RIDGE) for mine in (seen & (style == at) for at in range(len(truth.styles)))])
    memory.maps.copy_(maps.flatten(0, 1))
    part = torch.arange(0, len(base), 4)
    told = torch.cat([memory.concepts[concept[at:at + 1]] @ maps[style[at]] for at in part.tolist()])
    plain = made[part] - looks[style[part]]
    for name, mine in (('seen', seen[part]), ('held out', ~seen[part])):
        print(f'{name}: {1 - ((told - made[part])[mine] ** 2).sum() / (plain[mine] ** 2).sum():.0%} of what the look alone does not tell', flush=True)
    paint(memory, encoding, pictures, covers, rows, truth, made, {(rows[at]['hex'], rows[at]['style']): k for k, at in enumerate(base)})
    torch.save({'network': memory.state_dict()}, work / 'memory.pt')


def paint(memory, encoding, pictures, covers, rows, truth, made, place):
    """Each paint as one affine map of latents, from recoloured pictures and their originals."""
    cells = memory.cells ** 2
    for at in range(1, DECISIONS['paint']):
        mine = [i for i, row in enumerate(rows) if row.get('paint') == truth.colours[at] and 'background' not in row and row['kind'] == 'recoloured'
                and not row['held_out'] and (row['hex'], row['style']) in place][:80]
        if mine:
            before = made[[place[rows[i]['hex'], rows[i]['style']] for i in mine]].unflatten(1, (-1, WIDE))[:, :cells]
            after = encoding(tensor(pictures[mine])) - (1 - before[..., CHANNELS:]) * memory.fill[0]
            memory.paints[at] = solved(before.flatten(0, 1), after.flatten(0, 1), 1.)
