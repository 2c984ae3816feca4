"""Trains the text encoder and transformer by flow matching, then teaches the transformer to take guidance as an input.

`train` is rectified flow with 10% empty captions; it keeps an exponential moving average. `distil` (guidance distillation, Meng et
al., arXiv 2210.03142) draws a guidance of 1 to 6 for each sample and learns what two passes of the average would have said,
so that a picture costs one pass a step. Held-out rows are never drawn.
"""
import copy
import numpy as np
import torch
import torch.nn as nn
from captions import draw
from data import load
from muon import Muon, split
from networks import CHANNELS, FACTOR, autoencoder, generator, patches
from sheets import sheet
from text import normalised, statistics
from tokens import TOKENS, Captions
from training import DEVICE, Run, autocast, set_rate

BATCH, EMPTY, STEPS, GUIDANCE, SKETCH = 64, .1, 16, 3., .25
PROMPTS = [
    'red apple, 3d style', 'red apple, flat style', 'dog face, twemoji style', 'cat face, noto style', 'grinning face, fluent style',
    'red heart, 3d style', 'fire, noto style', 'rocket, fluent style', 'pizza, twemoji style', '苹果, 3d风格', '猫脸, 扁平风格',
    'Rakete, flacher Stil', 'flag: germany, twemoji style', 'face with tears of joy, 3d style', 'sunflower, fluent style',
    'a blue fox, flat style', 'woman: dark skin tone, noto style', 'thumbs up: light skin tone, 3d style', 'blue heart, twemoji style',
    'three red apples, fluent style', 'panda, 3d style', 'house with garden, noto style', 'hamburger, flat style',
    'guitar on a blue background, twemoji style', 'smiling cat with heart-eyes, 3d style', 'dragon, fluent style', 'snowman, flat style',
    '火箭, 3d风格', '熊猫', 'cat next to rocket, 3d style', 'clown face', 'Fahrrad auf gelbem Hintergrund',
]


class Generator(nn.Module):
    """The two networks as one, so that one average and one optimiser hold them."""

    def __init__(self, side):
        super().__init__()
        self.text, self.transformer = generator(side)

    def forward(self, x, t, ids, guidance):
        """(velocity, sketch)"""
        text, pooled = self.text(ids)
        sketch = self.transformer.sketch(pooled)
        return self.transformer(x, t, text, pooled, guidance, sketch), sketch


def optimisers(network, distilling):
    hidden, rest = split(network.transformer)
    text = list(network.text.parameters())
    if distilling:
        for parameter in text:
            parameter.requires_grad_(False)
        text = []
    groups = [{'params': rest, 'share': 1.}] + ([{'params': text, 'share': .3}] if text else [])
    return Muon(hidden), torch.optim.AdamW(groups, lr=1e-3, betas=(.9, .98), weight_decay=.01)


class Batches:
    """Random (latents, token rows) of rows that are not held out."""

    def __init__(self, work, seed):
        _, self.rows, self.names = load(work)
        self.latents = normalised(work)
        self.usable = np.array([i for i, row in enumerate(self.rows) if not row['held_out']])
        weights = np.array([self.rows[i]['weight'] for i in self.usable])
        self.weights, self.rng, self.captions = weights / weights.sum(), np.random.default_rng(seed), Captions(work)

    def draw(self, empty):
        chosen = self.rng.choice(self.usable, BATCH, p=self.weights)
        ids = self.captions.ids([draw(self.rows[i], self.names, self.rng) for i in chosen])
        ids[self.rng.random(BATCH) < empty] = 0
        return self.latents[chosen].to(DEVICE), torch.from_numpy(ids).to(DEVICE)


def noised(x):
    """(time, noise, mixture): times are logit-normal (arXiv 2403.03206), a little towards noise, where the text decides."""
    t, noise = torch.sigmoid(torch.randn(len(x), device=x.device) + .3), torch.randn_like(x)
    return t, noise, torch.lerp(x, noise, t[:, None, None, None])


@torch.no_grad()
def sample(network, ids, side, guidance=GUIDANCE, steps=STEPS, seed=0, distilled=True):
    """Latents by Euler steps; two passes a step until guidance is distilled."""
    cells = side // FACTOR
    x = torch.randn(len(ids), CHANNELS, cells, cells, generator=torch.Generator().manual_seed(seed)).to(DEVICE)
    times = torch.linspace(1, 0, steps + 1)
    one, given = torch.ones(len(ids), device=DEVICE), torch.full((len(ids),), float(guidance), device=DEVICE)
    with autocast():
        text, none = network.text(ids), network.text(torch.zeros_like(ids))
        for now, after in zip(times[:-1], times[1:]):
            t = now.expand(len(ids)).to(DEVICE)
            if distilled:
                v = network.transformer(x, t, *text, given).float()
            else:
                free = network.transformer(x, t, *none, one).float()
                v = free + guidance * (network.transformer(x, t, *text, one).float() - free)
            x = x + (after - now).to(DEVICE) * v
    return x


def finished(work):
    """The weights that ship: the newest distilled average, else what `restore` brought back."""
    if (work / 'distilled.pt').exists():
        return torch.load(work / 'distilled.pt', map_location=DEVICE, weights_only=True)['average']
    return torch.load(work / 'start.pt', map_location=DEVICE, weights_only=True)


def decoder_weights(work):
    """The restored decoder, which never changes, else the trained one."""
    load = lambda name: torch.load(work / name, map_location='cpu', weights_only=True)
    return load('decoder.pt') if (work / 'decoder.pt').exists() else load('autoencoder.pt')['decoder']


def decoder_of(work, side):
    """The trained decoder behind the latents' mean and deviation: normalised latents → pictures."""
    decoder = autoencoder(side)[1]
    decoder.load_state_dict(decoder_weights(work))
    return Decoding(decoder, *statistics(work)).to(DEVICE).eval()


class Decoding(nn.Module):
    def __init__(self, decoder, mean, std):
        super().__init__()
        self.decoder = decoder
        self.mean, self.std = (nn.Parameter(part[None, :, None, None], requires_grad=False) for part in (mean, std))

    def forward(self, x):
        return self.decoder(x * self.std + self.mean)


@torch.no_grad()
def pictures(network, decoder, captions, prompts, side, **options):
    return decoder(sample(network, torch.from_numpy(captions.ids(prompts)).to(DEVICE), side, **options))


def follow(average, network, step, most=.999):
    """Moves the average towards the network; faster in the first steps."""
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - min(most, (1 + step) / (10 + step)))


def descend(run, network, optimizers, loss, peak, **schedule):
    for optimizer in optimizers:
        set_rate(optimizer, run.rate(peak, **schedule))
        optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.)
    for optimizer in optimizers:
        optimizer.step()


def look(work, run, network, batches, side, distilled):
    sheet(work / 'sheets' / f'{run.path.stem}_{run.step}.png',
          pictures(network, decoder_of(work, side), batches.captions, PROMPTS, side, distilled=distilled))


def train(work, side, minutes):
    torch.manual_seed(3)
    network = Generator(side).to(DEVICE)
    if (work / 'start.pt').exists():
        network.load_state_dict(torch.load(work / 'start.pt', map_location=DEVICE, weights_only=True))
    else:
        aligned = torch.load(work / 'text.pt', map_location=DEVICE, weights_only=True)['network']
        for name, part in (('text', network.text), ('sketch', network.transformer.sketch)):
            part.load_state_dict({key.removeprefix(name + '.'): value for key, value in aligned.items() if key.startswith(name + '.')})
    average = copy.deepcopy(network)
    muon, adam = optimisers(network, distilling=False)
    run = Run(work / 'transformer.pt', minutes, {'network': network, 'average': average, 'muon': muon, 'adam': adam})
    batches = Batches(work, run.step + 30)
    torch.manual_seed(run.step + 31)
    while run.goes_on():
        x, ids = batches.draw(EMPTY)
        t, noise, mixed = noised(x)
        with autocast():
            v, sketch = network(mixed, t, ids, torch.ones_like(t))
        loss = ((v.float() - (noise - x)) ** 2).mean() + SKETCH * ((sketch.float() - patches(x)) ** 2).mean()
        descend(run, network, (muon, adam), loss, 1.5e-3)
        follow(average, network, run.step)
        if run.after(loss.item(), BATCH):
            run.save()
            look(work, run, average, batches, side, distilled=False)
    run.save()
    look(work, run, average, batches, side, distilled=False)


def distil(work, side, minutes):
    teacher = Generator(side).to(DEVICE)
    teacher.load_state_dict(torch.load(work / 'transformer.pt', map_location=DEVICE, weights_only=True)['average'])
    teacher.requires_grad_(False)
    network = copy.deepcopy(teacher).requires_grad_(True)
    torch.manual_seed(4)
    # The guidance input had no gradient at guidance 1; its output layer must leave zero.
    nn.init.normal_(network.transformer.guide[2].weight, std=.02)
    average = copy.deepcopy(network)
    muon, adam = optimisers(network, distilling=True)
    run = Run(work / 'distilled.pt', minutes, {'network': network, 'average': average, 'muon': muon, 'adam': adam})
    batches = Batches(work, run.step + 40)
    torch.manual_seed(run.step + 41)
    while run.goes_on():
        x, ids = batches.draw(EMPTY)
        t, _, mixed = noised(x)
        guidance = 1 + 5 * torch.rand(BATCH, device=DEVICE)
        with autocast():
            with torch.no_grad():
                text, none = teacher.text(ids), teacher.text(torch.zeros_like(ids))
                one = torch.ones_like(t)
                free = teacher.transformer(mixed, t, *none, one).float()
                wanted = free + guidance[:, None, None, None] * (teacher.transformer(mixed, t, *text, one).float() - free)
            v = network.transformer(mixed, t, *text, guidance)
        loss = ((v.float() - wanted) ** 2).mean()
        descend(run, network, (muon, adam), loss, 5e-4, constant=.3)
        follow(average, network, run.step, most=.995)
        if run.after(loss.item(), BATCH):
            run.save()
            look(work, run, average, batches, side, distilled=True)
    run.save()
    look(work, run, average, batches, side, distilled=True)
