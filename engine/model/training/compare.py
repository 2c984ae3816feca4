"""Sets the shipped model beside the trained state: the same prompts and noise, two contact sheets, and numbers that need no judge.

The one rule: both answer the same question, so prompts, noise and rows are fixed and nothing is picked. Numbers: the flow loss by kind of
row, and how often the real picture that is nearest to a made one (at 32×32, among all base pictures) shows the concept asked for.
"""
import json, tempfile
import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from captions import LANGUAGES, base_of, styled, subject
from data import load
from networks import CHANNELS, FACTOR, TOKENS, features
from restore import MODEL
from sheets import sheet, to_bytes
from text import Latents
from tokens import Captions
from training import tensor
from transformer import GUIDANCE, STEPS, Generator, decoder_of, finished

# A third each language, a third of them with no style named. Coffee here is why the vocabulary grew: take fresh prompts to decide by.
PROMPTS = [
    'coffee', 'a cup of coffee, 3d style', 'Kaffee', 'Tasse Kaffee, flacher Stil', '咖啡', '一杯咖啡, 3d风格',
    'a robot', 'Roboter, 3D-Stil', '机器人, 扁平风格', 'blue robot, flat style', 'a robot next to a flower', 'cute robot with big eyes, fluent style',
    'a cat and a dog, 3d style', 'Hund neben Katze, flacher Stil', '猫和狗, 3d风格', 'an apple next to a banana, fluent style',
    'Pizza und Bier, Twemoji-Stil', '火箭和月亮, noto风格', 'a penguin left, a snowman right', 'Rakete links von einem Stern, 3D-Stil',
    'two cats, flat style', 'three strawberries, 3d style', 'vier Sterne, Noto-Stil', 'zwei Pinguine', '三个苹果, 扁平风格', '五个气球, 3d风格',
    'a fox on a blue background, flat style', 'Kaktus auf gelbem Hintergrund, 3D-Stil', '红色背景上的熊猫', 'pineapple, pink background, twemoji style',
    'purple octopus, fluent style', 'grünes Einhorn, Noto-Stil', '蓝色的汉堡, 3d风格', 'a green heart on a black background',
    'woman scientist with dark skin, 3d style', 'Koch mit dunkler Haut, flacher Stil', '深色皮肤的宇航员, noto风格', 'thumbs up, light skin, twemoji style',
    'firefighter: medium skin tone, fluent style', 'flat style, sailing boat', '3d burger', 'birthday cake, twemoji', 'Schmetterling, Fluent-Stil',
    'a smiling face with sunglasses, noto style', '独角兽, 流畅风格', 'Halloweenkürbis, 3D-Stil', 'ghost, noto style', 'Weihnachtsbaum auf rotem Hintergrund',
]
TIMES, ROWS = (.2, .4, .6, .8, .95), 96


class Shipped:
    """The model of the repository, by ONNX Runtime."""

    def __init__(self):
        self.captions = Captions(MODEL / 'files')
        with tempfile.TemporaryDirectory() as folder:
            np.frombuffer((MODEL / 'files' / 'weights.f16').read_bytes(), np.float16).astype(np.float32).tofile(f'{folder}/weights.f32')
            for name in ('text_encoder', 'transformer', 'vae_decoder'):
                onnx.save(onnx.load(MODEL / 'files' / f'{name}.onnx', load_external_data=False), f'{folder}/{name}.onnx')
                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = 1
                setattr(self, name, onnxruntime.InferenceSession(f'{folder}/{name}.onnx', options, providers=['CPUExecutionProvider']))

    def read(self, prompts):
        ids = self.captions.ids(prompts)
        present = (ids != 0).astype(np.float32)
        mask = present / np.maximum(present.sum(1, keepdims=True), 1)
        return self.text_encoder.run(None, {'ids': ids, 'mask': mask[..., None].astype(np.float32)})

    def velocity(self, x, t, text, guidance):
        given = np.full((len(x), 1), guidance, np.float32)
        feed = {'latent': x.numpy(), 'time': features(t).numpy(), 'text': text[0], 'pooled': text[1], 'guidance': given}
        return torch.from_numpy(self.transformer.run(None, feed)[0])

    def decode(self, x):
        return torch.cat([torch.from_numpy(self.vae_decoder.run(None, {'latent': one[None].numpy()})[0]) for one in x])


class Trained:
    """The newest average of a working folder."""

    def __init__(self, work, side):
        self.captions, self.network, self.decoder = Captions(work), Generator(side), decoder_of(work, side)
        self.network.load_state_dict(finished(work))
        self.network.eval()

    def read(self, prompts):
        return self.network.read(torch.from_numpy(self.captions.ids(prompts)))

    def velocity(self, x, t, text, guidance):
        return self.network.transformer(x, t, *text, torch.full((len(x),), float(guidance)))

    def decode(self, x):
        return self.decoder(x)


@torch.no_grad()
def make(model, prompts, side, seed):
    """uint8 pictures, from noise that depends on the seed alone."""
    cells, made = side // FACTOR, []
    for at in range(0, len(prompts), 48):
        part = prompts[at:at + 48]
        x = torch.randn(len(part), CHANNELS, cells, cells, generator=torch.Generator().manual_seed(seed + at))
        text, times = model.read(part), torch.linspace(1, 0, STEPS + 1)
        for now, after in zip(times[:-1], times[1:]):
            x = x + (after - now) * model.velocity(x, now.expand(len(part)), text, GUIDANCE)
        made.append(to_bytes(model.decode(x)))
    return np.concatenate(made)


def plain(rows, names, chosen, language):
    return [styled(subject(rows[i], names, language), rows[i]['style'], language) for i in chosen]


def some(rows, kind, held_out, rng):
    usable = [i for i, row in enumerate(rows) if row['kind'] == kind and row['held_out'] == held_out and row['hex'] == base_of(row['hex'])]
    return rng.choice(usable, ROWS, replace=False)


@torch.no_grad()
def loss(model, latents, prompts):
    """Mean flow loss over fixed times, without guidance. Model 1.0 was last taught guided passes only, so this flatters what came after it."""
    generator, text, sums = torch.Generator().manual_seed(5), model.read(prompts), []
    for time in TIMES:
        noise = torch.randn(latents.shape, generator=generator)
        v = model.velocity(torch.lerp(latents, noise, time), torch.full((len(latents),), time), text, 1)
        sums.append(((v - (noise - latents)) ** 2).mean().item())
    return round(float(np.mean(sums)), 4)


class Nearest:
    def __init__(self, pictures, rows):
        self.at = [i for i, row in enumerate(rows) if row['kind'] == 'single' and row['hex'] == base_of(row['hex'])]
        self.concepts = [rows[i]['hex'] for i in self.at]
        self.small = torch.cat([self.shrunk(pictures[self.at[k:k + 512]]) for k in range(0, len(self.at), 512)])

    @staticmethod
    def shrunk(pictures):
        return F.interpolate(tensor(pictures), (32, 32), mode='area').flatten(1)

    def found(self, made, wanted):
        best = torch.cdist(self.shrunk(made), self.small).argmin(1).tolist()
        return round(float(np.mean([self.concepts[at] == concept for at, concept in zip(best, wanted)])), 3)


def numbers(model, name, work, side):
    """One model's sheet and numbers; those of the shipped model never change, so they are kept."""
    kept = work / f'compare_{name}.json'
    if name == 'shipped' and kept.exists():
        return json.loads(kept.read_text())
    (pictures, rows, names), latents, rng = load(work), Latents(work), np.random.default_rng(11)
    nearest, report = Nearest(pictures, rows), {'loss': {}, 'nearest': {}}
    model = model()
    sheet(work / 'sheets' / f'compare_{name}.png', make(model, PROMPTS, side, 1), columns=8)
    for kind, held_out in (('single', False), ('single', True), ('pair', True), ('count', True), ('background', True), ('recoloured', True)):
        chosen = some(rows, kind, held_out, rng)
        group = f"{kind}, {'held out' if held_out else 'seen'}"
        report['loss'][group] = loss(model, latents[chosen], plain(rows, names, chosen, 'en'))
        for language in LANGUAGES if kind == 'single' else ():
            made = make(model, plain(rows, names, chosen, language), side, 100)
            report['nearest'][f'{group}, {language}'] = nearest.found(made, [rows[i]['hex'] for i in chosen])
    kept.write_text(json.dumps(report, indent=1) + '\n')
    return report


def measure(work, side):
    for name, model in (('shipped', Shipped), ('trained', lambda: Trained(work, side))):
        print(name, json.dumps(numbers(model, name, work, side)), flush=True)
