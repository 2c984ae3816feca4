"""The judge: a dual encoder (picture, caption) that the generator's training never sees, with another seed and other shapes.

Captions are bags of hashed character n-grams, pictures a small convolutional network at 64×64; each step ranks all base concepts
in a drawn language. Styles have a network of their own, over windows of the whole picture. It learns from all pairs, held-out
ones too: it must know them to judge them.
"""
import zlib
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from captions import COLOURS, LANGUAGES, STYLES, base_of, label_of
from data import load
from networks import Residual
from team import average_gradients, rank, together
from training import DEVICE, Run, autocast, set_rate, tensor

# Samples of a step in each process.
BATCH, BUCKETS, JOINT, SIDE = 96, 1 << 15, 192, 64
# Two style tags name one look: `fluent` is the vector form of the artwork that `3d` holds as pictures.
LOOKS = {'fluent': 'shaded', '3d': 'shaded', 'flat': 'flat', 'noto': 'noto', 'twemoji': 'twemoji'}


def grams(text):
    """Hashed character 1- to 4-grams of a caption."""
    marked = f'^{text.lower()}$'
    return [zlib.crc32(marked[i:i + n].encode()) % BUCKETS for n in (1, 2, 3, 4) for i in range(len(marked) - n + 1)]


class Judge(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.EmbeddingBag(BUCKETS, 256, mode='mean')
        self.text = nn.Sequential(nn.LayerNorm(256), nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, JOINT))
        down = lambda a, b: [nn.Conv2d(a, b, 3, stride=2, padding=1), Residual(b)]
        self.picture = nn.Sequential(*down(3, 40), *down(40, 80), *down(80, 160), *down(160, 320), nn.GroupNorm(8, 320), nn.SiLU(), nn.Flatten())
        self.concept = nn.Linear(320 * 16, JOINT)
        self.style = nn.Sequential(*down(3, 24), *down(24, 48), *down(48, 96), nn.GroupNorm(8, 96), nn.SiLU(),
                                   nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, len(STYLES['en'])))
        self.heat = nn.Parameter(torch.tensor(3.))

    def captions(self, bags):
        flat = torch.tensor([gram for bag in bags for gram in bag], device=DEVICE)
        starts = torch.tensor(np.cumsum([0] + [len(bag) for bag in bags[:-1]]), device=DEVICE)
        return F.normalize(self.text(self.words(flat, starts)).float(), dim=-1)

    def pictures(self, x):
        """Embeddings of pictures of any side."""
        features = self.picture(F.interpolate(x, (SIDE, SIDE), mode='bilinear', antialias=True)).float()
        return F.normalize(self.concept(features).float(), dim=-1)

    def styles(self, x, rng=None):
        """Style scores. A style is seen in edges and shading, so it is judged at full size: on one random window, or on all quarters."""
        side = x.shape[-1]
        if rng is not None:
            top, left = rng.integers(0, side - SIDE + 1, 2)
            return self.style(x[:, :, top:top + SIDE, left:left + SIDE]).float()
        quarters = [x[:, :, top:top + SIDE, left:left + SIDE] for top in range(0, side, SIDE) for left in range(0, side, SIDE)]
        return sum(self.style(quarter).float() for quarter in quarters)


class Concepts:
    """All base concepts that have a picture, with the n-grams of their labels."""

    def __init__(self, rows, names):
        self.keys = sorted({base_of(row['hex']) for row in rows if row['kind'] == 'single' and base_of(row['hex']) in names})
        self.number = {key: at for at, key in enumerate(self.keys)}
        self.bags = {language: [grams(label_of(names, key, language)) for key in self.keys] for language in LANGUAGES}


def softened(x, rng):
    """Half of the time soft, as a decoder leaves pictures: real ones are sharper than any that it will judge."""
    side = x.shape[-1]
    if rng.random() < .5:
        return x
    small = F.interpolate(x, (int(side * rng.uniform(.4, .9)),) * 2, mode='bilinear', antialias=True)
    return F.interpolate(small, (side, side), mode='bilinear')


def disturbed(x, rng):
    """Smaller, moved, or on a colour: what compositions do to a picture."""
    if rng.random() < .5:
        share, moved = rng.uniform(.7, 1.1), rng.uniform(-.12, .12, 2)
        turn = torch.tensor([[1 / share, 0, moved[0]], [0, 1 / share, moved[1]]], dtype=torch.float32, device=x.device)
        grid = F.affine_grid(turn.expand(len(x), 2, 3), x.shape, align_corners=False)
        x = F.grid_sample(x - 1, grid, align_corners=False) + 1
    if rng.random() < .2:
        _, rgb, *_ = list(COLOURS.values())[rng.integers(len(COLOURS))]
        white = x.min(1, keepdim=True).values.clamp(.9, 1).sub(.9).mul(10)
        x = torch.lerp(x, torch.tensor(rgb, device=x.device).view(1, 3, 1, 1) / 127.5 - 1, white)
    return x


def train(work, side, minutes):
    together(learn, work, side, minutes)


def learn(work, side, minutes):
    pictures, rows, names = load(work)
    concepts = Concepts(rows, names)
    usable = [i for i, row in enumerate(rows) if row['kind'] == 'single' and base_of(row['hex']) in concepts.number]
    numbers = np.array([concepts.number[base_of(rows[i]['hex'])] for i in usable])
    styles = np.array([list(STYLES['en']).index(rows[i]['style']) for i in usable])
    weights = np.array([rows[i]['weight'] for i in usable])
    torch.manual_seed(77)
    network = Judge().to(DEVICE)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, betas=(.9, .98), weight_decay=.05)
    run = Run(work / 'evaluator.pt', minutes, {'network': network, 'optimizer': optimizer})
    rng = np.random.default_rng((run.step, 700, rank()))
    while run.goes_on():
        set_rate(optimizer, run.rate(1.5e-3, constant=.3))
        chosen = np.sort(rng.choice(len(usable), BATCH, replace=False, p=weights / weights.sum()))
        real = softened(tensor(pictures[np.array(usable)[chosen]]), rng)
        bags = concepts.bags[LANGUAGES[rng.integers(3)]]
        with autocast():
            embedded, style = network.pictures(disturbed(real, rng)), network.styles(real, rng)
            scores = embedded @ network.captions(bags).T * network.heat.exp().clamp(max=100)
        wanted = torch.from_numpy(numbers[chosen]).to(DEVICE)
        drawn = torch.from_numpy(styles[chosen]).to(DEVICE)
        loss = F.cross_entropy(scores.float(), wanted) + F.cross_entropy(style, drawn)
        optimizer.zero_grad()
        loss.backward()
        average_gradients(list(network.parameters()))
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.)
        optimizer.step()
        right = [(guess.argmax(1) == truth).float().mean().item() for guess, truth in ((scores, wanted), (style, drawn))]
        if run.after(loss.item(), BATCH, '· found {:.0%}, style {:.0%}'.format(*right), every=20):
            run.save()
    run.save()
