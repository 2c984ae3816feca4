"""The reader: a text encoder taught to say what a caption asks for, with the caption generator's own truth as its teacher.

caption → concept, second concept, style, skin tone, layout (one, pair, two to six), paint and background, each as a soft decision.
No picture takes part, so a caption costs a thousandth of what it costs the transformer, and rows are made up as they are needed: any
concept, any two side by side, any count and colour, in three languages. Compositions that are held out are never read either.
Its first blocks begin as those of the restored text encoder, whose pieces it shares.
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from captions import COLOURS, COUNTS, LANGUAGES, SHARES, SKIN_TONES, STYLES, base_of, drawn, styled
from data import GROUP_WEIGHTS, THINGS, kept_back, load
from networks import SHAPES, TextEncoder
from tokens import Captions
from training import Run, autocast, set_rate
from words import SYNONYMS

BATCH, SLOTS = 128, 3
# What a caption decides besides its concepts, and how many answers each decision has; the last style is 'not said'.
LAYOUTS = ('one', 'pair', *COUNTS)
DECISIONS = {'style': len(STYLES['en']) + 1, 'tone': len(SKIN_TONES) + 1, 'layout': len(LAYOUTS), 'paint': len(COLOURS) + 1, 'background': len(COLOURS) + 1}
KINDS = {'single': .5, 'pair': .25, 'count': .09, 'background': .08, 'recoloured': .08}
# Words that say nothing about what is drawn.
FILLERS = {'en': ('cute {}', 'a cute {}', 'little {}', '{} icon', '{} emoji', 'a picture of {}', '{} sticker', 'happy {}', 'big {}', 'the {}'),
           'de': ('süßer {}', 'kleine {}', '{} Symbol', '{} Emoji', 'ein Bild von {}', '{} Sticker', 'eine {}', 'ein {}', 'großes {}', 'der {}'),
           'zh': ('可爱的{}', '小{}', '{}图标', '{}表情', '一张{}的图片', '{}贴纸', '一只{}', '一个{}', '大{}', '漂亮的{}')}


class Reader(nn.Module):
    """Token numbers → scores of both concepts and of every decision. A slot is a mean over tokens that it chooses itself."""

    def __init__(self, concepts, side):
        super().__init__()
        shape = SHAPES[side]
        width = shape['text_width']
        self.text = TextEncoder(width, shape['text_depth'])
        self.choose = nn.Linear(width, SLOTS)
        nn.init.normal_(self.choose.weight, std=.005)
        self.first, self.second = nn.Linear(width, concepts), nn.Linear(width, concepts)
        self.decide = nn.Linear(2 * width, sum(DECISIONS.values()))

    def forward(self, ids):
        text, pooled = self.text(ids)
        heard = (self.choose(text).float() + ((ids != 0).float()[..., None] - 1) * 1e4).softmax(1)
        slots = heard.transpose(1, 2) @ text.float()
        decisions = self.decide(torch.cat([slots[:, 2], pooled.float()], -1)).split(list(DECISIONS.values()), -1)
        return {'first': self.first(slots[:, 0]), 'second': self.second(slots[:, 1]), **dict(zip(DECISIONS, decisions))}


class Truth:
    """Numbers of what rows show: concepts in the order of `keys`, colours and tones from 1, style last when it is not said."""

    def __init__(self, rows):
        self.keys = sorted({base_of(row['hex']) for row in rows if row['kind'] == 'single'})
        self.number = {key: at for at, key in enumerate(self.keys)}
        self.styles, self.colours = list(STYLES['en']), [None, *COLOURS]

    def of(self, row, said=True):
        tone = next((1 + at for at, part in enumerate(SKIN_TONES) if part in row['hex'].split('-')), 0)
        layout = LAYOUTS.index('pair' if row['kind'] == 'pair' else row.get('count', 'one'))
        return {'first': self.number[base_of(row['hex'])], 'second': self.number[base_of(row['other'])] if 'other' in row else -100,
                'style': self.styles.index(row['style']) if said else len(self.styles), 'tone': tone, 'layout': layout,
                'paint': self.colours.index(row.get('paint')), 'background': self.colours.index(row.get('background'))}


class Sentences:
    """Made-up rows with their captions and truths; `held_out`: only compositions that are never trained on."""

    def __init__(self, work, seed, held_out=False):
        self.held_out = held_out
        _, rows, self.names = load(work)
        self.truth, self.rng, self.captions = Truth(rows), np.random.default_rng(seed), Captions(work)
        self.variants = sorted(key for key in self.names if base_of(key) in self.truth.number and key != base_of(key) and len(set(key.split('-')) & set(SKIN_TONES)) == 1)
        group = lambda key: self.names.get(key, {}).get('group')
        # A few concepts have a name with skin tones only.
        weight = np.array([(key in self.names) * GROUP_WEIGHTS.get(group(key), 1.) * (2. if key in SYNONYMS else 1.) for key in self.truth.keys])
        things = weight * np.array([(group(key) in THINGS) * (4. if key in SYNONYMS else 1.) for key in self.truth.keys])
        self.weight, self.things = weight / weight.sum(), things / things.sum()

    def row(self):
        kind = str(self.rng.choice(list(KINDS), p=list(KINDS.values())))
        draw = lambda weight: self.truth.keys[self.rng.choice(len(self.truth.keys), p=weight)]
        row = {'kind': kind, 'hex': draw(self.weight if kind == 'single' else self.things), 'style': self.truth.styles[self.rng.integers(5)]}
        colour = lambda: self.truth.colours[1 + self.rng.integers(len(COLOURS))]
        if kind == 'single' and self.rng.random() < .15:
            row['hex'] = self.variants[self.rng.integers(len(self.variants))]
        if kind == 'pair':
            row['other'] = draw(self.things)
        if kind == 'count':
            row['count'] = int(self.rng.choice(list(COUNTS)))
        if kind == 'recoloured':
            row['paint'] = colour()
        if kind == 'background' or kind != 'single' and self.rng.random() < .2:
            row['background'] = colour()
        return row if (kind != 'single' and kept_back(row)) == self.held_out else self.row()

    def sentence(self):
        """(caption, truth)"""
        row, language = self.row(), LANGUAGES[self.rng.choice(3, p=SHARES)]
        chance = self.rng.random()
        if row['kind'] == 'single' and row['hex'] == base_of(row['hex']) and chance < .16:
            # Without its style, with a filler around it, or by tags alone.
            name = SYNONYMS.get(row['hex'], {}).get(language) or [self.names[row['hex']]['label'].get(language) or 'emoji']
            tags = self.names[row['hex']]['tags'].get(language) or name
            text = name[self.rng.integers(len(name))] if chance < .1 else ' '.join(self.rng.choice(tags, min(2, len(tags)), replace=False))
            text, said = FILLERS[language][self.rng.integers(len(FILLERS[language]))].format(text), self.rng.random() < .5
            return styled(text, row['style'] if said else None, language), self.truth.of(row, said)
        text, said = drawn(row, self.names, self.rng, language)
        return text, self.truth.of(row, said)

    def batch(self, count):
        texts, truths = zip(*(self.sentence() for _ in range(count)))
        ids = self.captions.ids(texts)
        return torch.from_numpy(ids[:, :max(1, int((ids != 0).sum(1).max()))]), {name: torch.tensor([truth[name] for truth in truths]) for name in truths[0]}


@torch.no_grad()
def guess(network, sentences):
    """Begins both concept heads as linear discriminants of plain names, so that two thousand rows need not be found one by one."""
    names, texts, owners = sentences.names, [], []
    for at, key in enumerate(sentences.truth.keys):
        for language in LANGUAGES:
            label = names.get(key, {}).get('label', {}).get(language)
            found = [*SYNONYMS.get(key, {}).get(language, ()), *([label, f'{label}, {STYLES[language]["3d"]}'] if label else [])]
            texts, owners = texts + found, owners + [at] * len(found)
    pooled = []
    for at in range(0, len(texts), 256):
        ids = torch.from_numpy(sentences.captions.ids(texts[at:at + 256]))
        pooled.append(network.text(ids[:, :max(1, int((ids != 0).sum(1).max()))])[1])
    pooled, owners = torch.cat(pooled), torch.tensor(owners)
    count = torch.zeros(len(sentences.truth.keys)).index_add(0, owners, torch.ones(len(owners))).clamp(min=1)[:, None]
    means = torch.zeros(len(count), pooled.shape[1]).index_add(0, owners, pooled) / count
    rest = pooled - means[owners]
    within = rest.T @ rest / len(rest) + .02 * pooled.var(0).mean() * torch.eye(pooled.shape[1])
    centred = means - pooled.mean(0)
    weight = torch.linalg.solve(within, centred.T).T
    bias = -(weight * (means + pooled.mean(0))).sum(1) / 2
    scores = pooled @ weight.T + bias
    print(f'discriminants name {(scores.argmax(1) == owners).float().mean():.0%} of {len(texts)} plain captions', flush=True)
    heat = 8 / scores.std()
    for head, share in ((network.first, 1.), (network.second, .5)):
        head.weight.copy_(weight * heat * share)
        head.bias.copy_(bias * heat * share)


def right(scores, truth):
    """Share of right answers of each decision, where it has one."""
    asked = {name: truth[name] >= 0 for name in scores}
    return {name: (scores[name].argmax(1) == truth[name])[asked[name]].float().mean().item() for name in scores}


def train(work, side, minutes):
    sentences, (_, rows, _) = Sentences(work, 1), load(work)
    torch.manual_seed(8)
    network = Reader(len(sentences.truth.keys), side)
    start = torch.load(work / 'start.pt', weights_only=True)['network']
    network.text.load_state_dict({name.removeprefix('text.'): value for name, value in start.items() if name.startswith('text.')})
    if not (work / 'reader.pt').exists():
        guess(network, sentences)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, betas=(.9, .98), weight_decay=.02)
    run = Run(work / 'reader.pt', minutes, {'network': network, 'optimizer': optimizer}, 60)
    sentences.rng = np.random.default_rng((run.step, 41))
    while run.goes_on():
        set_rate(optimizer, run.rate(1e-3, warmup=20, constant=.5))
        ids, truth = sentences.batch(BATCH)
        with autocast():
            scores = network(ids)
        loss = sum((2. if name == 'first' else 1.) * F.cross_entropy(scores[name].float(), truth[name]) for name in scores)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.)
        optimizer.step()
        if run.after(loss.item(), BATCH, ' '.join(f'{name} {share:.0%}' for name, share in right(scores, truth).items()), every=10):
            run.save()
    run.save()


@torch.no_grad()
def measure(work, side, count=1024):
    """Prints the shares of right answers for captions of held-out compositions, and how many captions are right in every decision."""
    sentences = Sentences(work, 77, held_out=True)
    network = Reader(len(sentences.truth.keys), side)
    network.load_state_dict(torch.load(work / 'reader.pt', weights_only=True)['network'])
    shares, whole = [], []
    for _ in range(count // BATCH):
        ids, truth = sentences.batch(BATCH)
        scores = network.eval()(ids)
        shares.append(right(scores, truth))
        whole.append(torch.stack([(scores[name].argmax(1) == truth[name]) | (truth[name] < 0) for name in scores]).all(0).float().mean().item())
    print({name: round(float(np.nanmean([share[name] for share in shares])), 3) for name in shares[0]}, 'everything', round(float(np.mean(whole)), 3))
