"""Measures the gates with the evaluator and writes report.json and contact sheets beside the model card.

Prompts are plain labels with a style phrase; weights are rounded to float16 first, as they ship. The evaluator's own score on the
real pictures of the same rows is reported beside the model's: it is the ceiling.
"""
import json, pathlib
import numpy as np
import torch
import torch.nn.functional as F
from captions import LANGUAGES, STYLES, styled, subject
from evaluator import LOOKS, Concepts, Judge
from sheets import sheet, to_bytes
from tokens import Captions
from training import DEVICE, tensor
from transformer import Generator, decoder_of, finished, pictures as make
from data import load

ROWS, PAIRS, CHUNK = 250, 120, 50
CARD = pathlib.Path(__file__).resolve().parent.parent


def shipped(network):
    """Weights rounded to float16 and back, as the engine widens them."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(parameter.half().float())
    return network.eval()


class Measure:
    def __init__(self, work, side):
        self.pictures, self.rows, self.names = load(work)
        self.side, self.captions = side, Captions(work)
        self.network = Generator(side).to(DEVICE)
        self.network.load_state_dict(finished(work))
        shipped(self.network)
        self.decoder = shipped(decoder_of(work, side))
        self.judge = Judge().to(DEVICE)
        self.judge.load_state_dict(torch.load(work / 'evaluator.pt', map_location=DEVICE, weights_only=True)['network'])
        self.judge.eval()
        self.concepts = Concepts(self.rows, self.names)
        with torch.no_grad():
            self.labels = {language: self.judge.captions(self.concepts.bags[language]) for language in LANGUAGES}

    @torch.no_grad()
    def make(self, prompts):
        """uint8 pictures of prompts; the seed is the place in the list of chunks."""
        parts = [to_bytes(make(self.network, self.decoder, self.captions, prompts[at:at + CHUNK], self.side, seed=at))
                 for at in range(0, len(prompts), CHUNK)]
        return np.concatenate(parts)

    @torch.no_grad()
    def judged(self, pictures, language):
        """(best concept, best style) of each picture."""
        parts = [tensor(pictures[at:at + 256]) for at in range(0, len(pictures), 256)]
        embedded, style = (torch.cat([judge(x) for x in parts]) for judge in (self.judge.pictures, self.judge.styles))
        return (embedded @ self.labels[language].T).argmax(1).cpu().numpy(), style.argmax(1).cpu().numpy()

    def singles(self, held_out, rng):
        usable = [i for i, row in enumerate(self.rows) if row['kind'] == 'single' and row['held_out'] == held_out
                  and row['hex'] in self.concepts.number]
        return rng.choice(usable, ROWS, replace=False)

    def score(self, chosen, pictures, language):
        """Shares of right concepts, right looks, and right style tags."""
        wanted = np.array([self.concepts.number[self.rows[i]['hex']] for i in chosen])
        styles, tags = [self.rows[i]['style'] for i in chosen], list(STYLES['en'])
        concept, style = self.judged(pictures, language)
        tagged = [tags[at] for at in style]
        return {'found': float((concept == wanted).mean()),
                'look': float(np.mean([LOOKS[a] == LOOKS[b] for a, b in zip(tagged, styles)])),
                'style': float(np.mean([a == b for a, b in zip(tagged, styles)]))}

    def prompts(self, chosen, language):
        return [styled(subject(self.rows[i], self.names, language), self.rows[i]['style'], language) for i in chosen]

    def composed(self, rng):
        """Share of held-out pairs of which both halves are recognised, for the model and for the real pictures."""
        usable = [i for i, row in enumerate(self.rows) if row['kind'] == 'pair' and row['held_out']
                  and row['hex'] in self.concepts.number and row['other'] in self.concepts.number]
        chosen = np.sort(rng.choice(usable, min(PAIRS, len(usable)), replace=False))
        made = self.make(self.prompts(chosen, 'en'))

        def both(pictures):
            side, right = pictures.shape[1], []
            for at, name in ((0, 'hex'), (side // 2, 'other')):
                half = np.ascontiguousarray(pictures[:, side // 4:side // 4 + side // 2, at:at + side // 2])
                wanted = np.array([self.concepts.number[self.rows[i][name]] for i in chosen])
                right.append(self.judged(half, 'en')[0] == wanted)
            return float((right[0] & right[1]).mean())

        return {'model': both(made), 'real': both(self.pictures[chosen])}

    def nearest(self, made):
        """Median root-mean-square distance (0 to 255, at 32×32) to the nearest picture of the training data."""
        small = lambda p: F.interpolate(tensor(p), (32, 32), mode='area').flatten(1)
        trained = [i for i, row in enumerate(self.rows) if not row['held_out']]
        known = torch.cat([small(self.pictures[trained[at:at + 512]]) for at in range(0, len(trained), 512)])
        distances = torch.cat([torch.cdist(small(made[at:at + 128]), known).min(1).values for at in range(0, len(made), 128)])
        return float(distances.median() / 3072 ** .5 * 127.5)


def measure(work, side):
    m, rng, report = Measure(work, side), np.random.default_rng(9), {}
    for group, held_out in (('seen', False), ('held_out', True)):
        chosen = m.singles(held_out, rng)
        report[group] = {}
        for language in LANGUAGES:
            made = m.make(m.prompts(chosen, language))
            ceiling = m.score(chosen, m.pictures[np.sort(chosen)][np.argsort(np.argsort(chosen))], language)
            report[group][language] = {**m.score(chosen, made, language), **{f'{name}_real': share for name, share in ceiling.items()},
                                       'nearest_training_picture': m.nearest(made)}
            print(group, language, report[group][language], flush=True)
            if language == 'en':
                sheet(CARD / 'sheets' / f'{group}.png', made[:48], columns=12)
    report['composition'] = m.composed(rng)
    print('composition', report['composition'])
    composed = [i for i, row in enumerate(m.rows) if row['kind'] != 'single' and row['held_out']]
    chosen = rng.choice(composed, 48, replace=False)
    sheet(CARD / 'sheets' / 'composed.png', m.make(m.prompts(chosen, 'en')), columns=12)
    tongues = m.singles(False, rng)[:12]
    sheet(CARD / 'sheets' / 'multilingual.png', np.concatenate([m.make(m.prompts(tongues, language)) for language in LANGUAGES]), columns=12)
    report['prompts'] = {'composed': m.prompts(chosen, 'en'), 'multilingual': [m.prompts(tongues, language) for language in LANGUAGES]}
    for group in ('seen', 'held_out', 'composition'):
        report.setdefault('rows', {})[group] = PAIRS if group == 'composition' else ROWS
    (CARD / 'report.json').write_text(json.dumps(report, ensure_ascii=False, indent=1) + '\n')
