"""Teaches the text encoder what words look like before the transformer needs it: captions against latents (CLIP, arXiv 2103.00020).

Two captions of each picture, usually in two languages, are drawn to the picture and to each other, so that the languages meet, and
the sketch learns the latent that both ask for. Only pairs that are not held out take part; the picture side is thrown away afterwards.
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from captions import draw
from data import load
from networks import CHANNELS, SHAPES, Residual, Sketch, TextEncoder, patches
from tokens import Captions
from training import DEVICE, Run, autocast, set_rate

BATCH, JOINT, SKETCH = 256, 128, 4.


class Alignment(nn.Module):
    """Text encoder and sketch, a small network over latents, and projections into one space."""

    def __init__(self, side):
        super().__init__()
        shape = SHAPES[side]
        self.text = TextEncoder(shape['text_width'], shape['text_depth'])
        self.sketch = Sketch(shape['text_width'], shape['sketch'], side)
        self.picture = nn.Sequential(
            nn.Conv2d(CHANNELS, 64, 3, padding=1), Residual(64), nn.Conv2d(64, 128, 3, stride=2, padding=1), Residual(128),
            nn.Conv2d(128, 256, 3, stride=2, padding=1), Residual(256), nn.GroupNorm(8, 256), nn.SiLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.from_text, self.from_picture = nn.Linear(shape['text_width'], JOINT), nn.Linear(1024, JOINT)
        self.heat = nn.Parameter(torch.tensor(2.5))

    def forward(self, latents, *captions):
        picture = F.normalize(self.from_picture(self.picture(latents)).float(), dim=-1)
        pooled = [self.text(ids)[1] for ids in captions]
        texts = [F.normalize(self.from_text(text).float(), dim=-1) for text in pooled]
        return picture, texts, [self.sketch(text).float() for text in pooled]


def contrast(a, b, heat):
    scores, same = a @ b.T * heat.exp().clamp(max=100), torch.arange(len(a), device=a.device)
    return (F.cross_entropy(scores, same) + F.cross_entropy(scores.T, same)) / 2, (scores.argmax(1) == same).float().mean().item()


def statistics(work):
    """(mean, deviation) of latents per channel: those of the restored model, else of everything there is."""
    if (work / 'statistics.pt').exists():
        return torch.load(work / 'statistics.pt', weights_only=True)
    latents = torch.from_numpy(np.load(work / 'latents.npy').astype(np.float32))
    return latents.mean((0, 2, 3)), latents.std((0, 2, 3))


class Latents:
    """Latents with mean 0 and deviation 1 per channel, float32, read as they are asked for."""

    def __init__(self, work):
        self.stored = np.load(work / 'latents.npy', mmap_mode='r')
        self.mean, self.std = (part[None, :, None, None] for part in statistics(work))

    def __getitem__(self, rows):
        return (torch.from_numpy(self.stored[rows].astype(np.float32)) - self.mean) / self.std


def train(work, side, minutes):
    _, rows, names = load(work)
    latents = Latents(work)
    usable = np.array([i for i, row in enumerate(rows) if not row['held_out']])
    weights = np.array([rows[i]['weight'] for i in usable])
    torch.manual_seed(2)
    network = Alignment(side).to(DEVICE)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, betas=(.9, .98), weight_decay=.02)
    run = Run(work / 'text.pt', minutes, {'network': network, 'optimizer': optimizer})
    rng, captions = np.random.default_rng(run.step + 20), Captions(work)
    while run.goes_on():
        set_rate(optimizer, run.rate(1.5e-3, constant=.4))
        chosen = rng.choice(usable, BATCH, replace=False, p=weights / weights.sum())
        pair = [[draw(rows[i], names, rng) for i in chosen] for _ in range(2)]
        ids = [torch.from_numpy(captions.ids(texts)).to(DEVICE) for texts in pair]
        x = latents[chosen].to(DEVICE)
        with autocast():
            picture, texts, sketches = network(x + .3 * torch.randn_like(x), *ids)
        losses = [contrast(picture, text, network.heat) for text in texts] + [contrast(*texts, network.heat)]
        missed = sum(((sketch - patches(x)) ** 2).mean() for sketch in sketches) / 2
        loss = sum(loss for loss, _ in losses) / 3 + SKETCH * missed
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.)
        optimizer.step()
        if run.after(loss.item(), BATCH, f'· picture found {losses[0][1]:.0%}, language found {losses[2][1]:.0%}, sketch {missed.item():.3f}', every=20):
            run.save()
    run.save()
