"""Trains the text encoder and transformer by flow matching, together with the guidance that the transformer takes as an input.

Four fifths of a batch are rectified flow with 10% empty captions. The rest draws a guidance of 1 to 6 for each sample and learns what two
passes of the moving average would have said (guidance distillation, Meng et al., arXiv 2210.03142), so that a picture costs one pass
a step and every saved state can ship. Held-out rows are never drawn.
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
from team import average_gradients, rank, together
from text import Latents, statistics
from tokens import TOKENS, Captions
from training import DEVICE, Run, autocast, set_rate

# Samples of a step in each process; how many of them are guided; and captions for the sketch alone, which cost next to nothing.
BATCH, GUIDED, CAPTIONS = 64, 12, 128
EMPTY, STEPS, GUIDANCE, SKETCH = .1, 16, 3., .25
# The highest rate from nothing, and from restored weights, which a high one unlearns faster than so few samples teach.
PEAK, PEAK_RESTORED = 1e-3, 2.5e-4
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

    def read(self, ids):
        """(text, pooled) of token rows, without the columns that are padding in all of them."""
        return self.text(ids[:, :max(1, int((ids != 0).sum(1).max()))])

    def sketch(self, ids):
        return self.transformer.sketch(self.read(ids)[1])

    def forward(self, x, t, ids, guidance):
        """(velocity, sketch)"""
        text, pooled = self.read(ids)
        sketch = self.transformer.sketch(pooled)
        return self.transformer(x, t, text, pooled, guidance, sketch), sketch


def optimisers(network):
    hidden, rest = split(network.transformer)
    return Muon(hidden), torch.optim.AdamW([{'params': rest, 'share': 1.}, {'params': list(network.text.parameters()), 'share': .5}],
                                           lr=1e-3, betas=(.9, .98), weight_decay=.01)


class Batches:
    """Random (latents, token rows) of rows that are not held out."""

    def __init__(self, work, seed):
        _, self.rows, self.names = load(work)
        self.latents = Latents(work)
        self.usable = np.array([i for i, row in enumerate(self.rows) if not row['held_out']])
        weights = np.array([self.rows[i]['weight'] for i in self.usable])
        self.weights, self.rng, self.captions = weights / weights.sum(), np.random.default_rng(seed), Captions(work)

    def draw(self, count=BATCH):
        chosen = self.rng.choice(self.usable, count, p=self.weights)
        ids = self.captions.ids([draw(self.rows[i], self.names, self.rng) for i in chosen])
        ids[self.rng.random(count) < EMPTY] = 0
        return self.latents[chosen].to(DEVICE), torch.from_numpy(ids).to(DEVICE)


def noised(x):
    """(time, noise, mixture): times are logit-normal (arXiv 2403.03206), a little towards noise, where the text decides."""
    t, noise = torch.sigmoid(torch.randn(len(x), device=x.device) + .3), torch.randn_like(x)
    return t, noise, torch.lerp(x, noise, t[:, None, None, None])


@torch.no_grad()
def sample(network, ids, side, guidance=GUIDANCE, steps=STEPS, seed=0):
    """Latents by Euler steps, one pass a step."""
    cells = side // FACTOR
    x = torch.randn(len(ids), CHANNELS, cells, cells, generator=torch.Generator().manual_seed(seed)).to(DEVICE)
    times, given = torch.linspace(1, 0, steps + 1), torch.full((len(ids),), float(guidance), device=DEVICE)
    with autocast():
        text = network.read(ids)
        for now, after in zip(times[:-1], times[1:]):
            x = x + (after - now).to(DEVICE) * network.transformer(x, now.expand(len(ids)).to(DEVICE), *text, given).float()
    return x


def finished(work):
    """The weights that ship: the newest average, else what `restore` brought back."""
    if (work / 'transformer.pt').exists():
        return torch.load(work / 'transformer.pt', map_location=DEVICE, weights_only=True)['average']
    return torch.load(work / 'start.pt', map_location=DEVICE, weights_only=True)['network']


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


def follow(average, network, step, most=.995):
    """Moves the average towards the network; faster in the first steps."""
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - min(most, (1 + step) / (10 + step)))


def descend(run, network, optimizers, loss, peak, **schedule):
    for optimizer in optimizers:
        set_rate(optimizer, run.rate(peak, **schedule))
        optimizer.zero_grad()
    loss.backward()
    average_gradients(list(network.parameters()))
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.)
    for optimizer in optimizers:
        optimizer.step()


def look(work, run, network, batches, side):
    sheet(work / 'sheets' / f'{run.path.stem}_{run.step}.png', pictures(network, decoder_of(work, side), batches.captions, PROMPTS, side))


def begun(work, network):
    """Loads what training starts from; returns the counts of a carried state: seconds, steps and samples."""
    if (work / 'start.pt').exists():
        start = torch.load(work / 'start.pt', map_location=DEVICE, weights_only=True)
        network.load_state_dict(start['network'])
        return start['seconds'], start['step'], start['samples']
    aligned = torch.load(work / 'text.pt', map_location=DEVICE, weights_only=True)['network']
    for name, part in (('text', network.text), ('sketch', network.transformer.sketch)):
        part.load_state_dict({key.removeprefix(name + '.'): value for key, value in aligned.items() if key.startswith(name + '.')})
    return 0., 0, 0


def wanted(average, x, noise, mixed, t, ids):
    """(velocity to learn, guidance) of a batch: of the first GUIDED samples, what the average would say with that guidance."""
    guidance, velocity = torch.ones_like(t), noise - x
    part = slice(0, GUIDED)
    guidance[part] += 5 * torch.rand(GUIDED, device=DEVICE)
    with torch.no_grad():
        one, at = torch.ones_like(t[part]), (mixed[part], t[part])
        free = average.transformer(*at, *average.read(torch.zeros_like(ids[part])), one).float()
        told = average.transformer(*at, *average.read(ids[part]), one).float()
    velocity[part] = free + guidance[part, None, None, None] * (told - free)
    return velocity, guidance


def train(work, side, minutes):
    together(learn, work, side, minutes)


def learn(work, side, minutes):
    torch.manual_seed(3)
    network = Generator(side).to(DEVICE)
    counts, peak = begun(work, network), PEAK_RESTORED if (work / 'start.pt').exists() else PEAK
    average = copy.deepcopy(network)
    muon, adam = optimisers(network)
    run = Run(work / 'transformer.pt', minutes, {'network': network, 'average': average, 'muon': muon, 'adam': adam})
    if run.step == 0:
        run.count(*counts)
    batches = Batches(work, (run.step, 30, rank()))
    torch.manual_seed(run.step * 100 + 31 + rank())
    while run.goes_on():
        (x, ids), (seen, read) = batches.draw(), batches.draw(CAPTIONS)
        t, noise, mixed = noised(x)
        with autocast():
            velocity, guidance = wanted(average, x, noise, mixed, t, ids)
            v, sketch = network(mixed, t, ids, guidance)
            told = network.sketch(read)
        missed = ((v.float() - velocity) ** 2).mean((1, 2, 3))
        loss = missed.mean() + SKETCH * sum(((drawn.float() - patches(asked)) ** 2).mean() for drawn, asked in ((sketch, x), (told, seen)))
        descend(run, network, (muon, adam), loss, peak)
        follow(average, network, run.step)
        if run.after(missed[GUIDED:].mean().item(), BATCH, every=25):
            run.save()
            look(work, run, average, batches, side)
    run.save()
    if rank() == 0:
        look(work, run, average, batches, side)
