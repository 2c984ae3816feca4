"""Teaches the rows of a grown vocabulary what they mean, everything else frozen, before the transformer trains on.

A new row begins as the mean of its old pieces, which for `coffee` is a fairy (in German, Fee). Through the sketch it meets thousands of
pictures a second, two hundred times as many as through the transformer, and no weight that already works moves.
"""
import numpy as np
import torch
from captions import draw
from networks import PIECES, patches
from training import Run, autocast, set_rate
from transformer import Batches, Generator

BATCH, DRAWN = 128, 384


def batch(batches, known):
    """Latents and token rows of captions that hold a new piece."""
    chosen = batches.rng.choice(batches.usable, DRAWN, p=batches.weights)
    ids = batches.captions.ids([draw(batches.rows[i], batches.names, batches.rng) for i in chosen])
    at = np.flatnonzero((ids >= known).any(1))[:BATCH]
    return batches.latents[chosen[at]], torch.from_numpy(ids[at])


def train(work, side, minutes):
    """Writes start.pt again, with the rows it taught."""
    if torch.load(work / 'start.pt', weights_only=True)['known'] >= PIECES:
        return print('no piece is new')
    # Products this small are slower on two threads.
    torch.set_num_threads(1)
    start, network = torch.load(work / 'start.pt', weights_only=True), Generator(side)
    network.load_state_dict(start['network'])
    network.requires_grad_(False)
    table, known = network.text.tokens.weight.requires_grad_(), start['known']
    optimizer = torch.optim.AdamW([table], lr=1e-3, betas=(.9, .98), weight_decay=0)
    run = Run(work / 'settle.pt', minutes, {'network': network, 'optimizer': optimizer})
    batches = Batches(work, (run.step, 29))
    while run.goes_on():
        set_rate(optimizer, run.rate(2e-3, constant=.3))
        x, ids = batch(batches, known)
        with autocast():
            sketch = network.sketch(ids)
        loss = ((sketch.float() - patches(x)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        # Adam moves only what has had a gradient.
        table.grad[:known] = 0
        optimizer.step()
        if run.after(loss.item(), len(x), every=100):
            run.save()
    run.save()
    torch.save({**start, 'network': network.state_dict()}, work / 'start.pt')
