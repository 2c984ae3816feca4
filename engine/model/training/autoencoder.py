"""Trains the autoencoder, then writes the latents of every picture (latents.npy, float16) with their mean and deviation.

Loss: L1, L1 of gradients at two scales, a small pull to zero; latents carry noise of 0.05 so that the decoder forgives the transformer.
A decoder that `restore` brought back stays as it is: the encoder alone learns to find the latents that it understands.
"""
import numpy as np
import torch
import torch.nn.functional as F
from data import load
from networks import CHANNELS, FACTOR, autoencoder
from sheets import sheet
from team import average_gradients, rank, size, together
from training import DEVICE, Run, autocast, set_rate, tensor

BATCH = 16


def edges(x):
    return x.diff(dim=3), x.diff(dim=2)


def distance(y, x):
    return (y - x).abs().mean() + .5 * sum((a - b).abs().mean() for a, b in zip(edges(y), edges(x)))


def train(work, side, minutes):
    """Trains, unless `restore` brought an encoder too; then encodes every picture."""
    if not (work / 'encoder.pt').exists():
        together(learn, work, side, minutes)
    pictures, part = load(work)[0], work / 'latents.part.npy'
    np.lib.format.open_memmap(part, 'w+', np.float16, (len(pictures), CHANNELS, side // FACTOR, side // FACTOR)).flush()
    together(encode, work, side, part)
    part.rename(work / 'latents.npy')
    print('latents written', len(pictures), flush=True)


def learn(work, side, minutes):
    pictures, rows, _ = load(work)
    usable = np.array([i for i, row in enumerate(rows) if not row['held_out']])
    torch.manual_seed(1)
    encoder, decoder = (part.to(DEVICE, memory_format=torch.channels_last) for part in autoencoder(side))
    restored = (work / 'decoder.pt').exists()
    if restored:
        decoder.load_state_dict(torch.load(work / 'decoder.pt', map_location=DEVICE, weights_only=True))
        decoder.requires_grad_(False)
    parameters = [*encoder.parameters(), *([] if restored else decoder.parameters())]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, betas=(.9, .99), weight_decay=.01)
    run = Run(work / 'autoencoder.pt', minutes, {'encoder': encoder, 'decoder': decoder, 'optimizer': optimizer})
    rng = np.random.default_rng((run.step, rank()))
    torch.manual_seed(run.step + 1000 * rank())
    while run.goes_on():
        set_rate(optimizer, run.rate(1.5e-3, constant=.3))
        x = tensor(pictures[np.sort(rng.choice(usable, BATCH, replace=False))]).contiguous(memory_format=torch.channels_last)
        with autocast():
            z = encoder(x)
            y = decoder(z + .05 * torch.randn_like(z))
        y = y.float()
        loss = distance(y, x) + .5 * distance(F.avg_pool2d(y, 2), F.avg_pool2d(x, 2)) + 1e-3 * (z.float() ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        average_gradients(parameters)
        torch.nn.utils.clip_grad_norm_(parameters, 1.)
        optimizer.step()
        if run.after(loss.item(), BATCH, f'· PSNR {10 * np.log10(4 / ((y - x) ** 2).mean().item()):.1f} dB'):
            run.save()
            sheet(work / 'sheets' / f'autoencoder_{run.step}.png', torch.cat([x, y.detach()]), BATCH)
    run.save()


def encoder_weights(work):
    """A carried encoder, else the trained one."""
    if (work / 'encoder.pt').exists():
        return torch.load(work / 'encoder.pt', map_location='cpu', weights_only=True)
    return torch.load(work / 'autoencoder.pt', map_location='cpu', weights_only=True)['encoder']


@torch.no_grad()
def encode(work, side, path):
    """Writes the latents of this process's share of the pictures."""
    encoder = autoencoder(side)[0].to(DEVICE)
    encoder.load_state_dict(encoder_weights(work))
    pictures, out = load(work)[0], np.load(path, mmap_mode='r+')
    for at in range(64 * rank(), len(pictures), 64 * size()):
        with autocast():
            out[at:at + 64] = encoder.eval()(tensor(pictures[at:at + 64])).float().cpu().numpy()
    out.flush()
