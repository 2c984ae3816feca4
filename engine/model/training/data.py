"""Builds the training data: pictures.npy (N, size, size, 3, uint8, on white), pictures.json and covers.npy, from the pictures of `packages.py`.

Every row says what it shows ('kind', 'hex', 'style' …), how often it is drawn ('weight') and whether it is held out. The one rule: a
held-out (concept, style) pair is never trained on, not even as a part of a composition, and neither is a held-out composition, in any style.
"""
import collections, hashlib, json, multiprocessing
import numpy as np
from PIL import Image
from captions import COLOURS, COUNTS, LANGUAGES, SKIN_TONES, base_of
from packages import fetch, read_names, render_all, sources
from words import SYNONYMS

# Groups of emojibase that can be counted, placed or painted: smileys and creatures, animals, food, places, activities, objects.
THINGS = (0, 3, 4, 5, 6, 7)
COMPOSITIONS = {'pair': 16000, 'count': 6000, 'background': 7000, 'recoloured': 6000}
# What a sample shows, by chance: most prompts name one thing, and what is learnt of it serves the compositions too.
SHARES = {'single': .74, 'pair': .08, 'count': .06, 'background': .06, 'recoloured': .06}
# How often a concept of a group is drawn: people ask for faces and things, rarely for one flag of 258 or a map sign.
GROUP_WEIGHTS = {0: 1.2, 1: .8, 8: .7, 9: .4, None: .2}


def on_colour(rgba, rgb=(255, 255, 255)):
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return np.rint(rgba[..., :3] * alpha + np.array(rgb, np.float32) * (1 - alpha)).astype(np.uint8)


def placed(parts, size):
    """Pictures scaled into boxes (left, top, side) on one transparent canvas."""
    canvas = Image.new('RGBA', (size, size))
    for rgba, (left, top, side) in parts:
        canvas.alpha_composite(Image.fromarray(rgba).resize((side, side), Image.LANCZOS), (left, top))
    return np.asarray(canvas)


def boxes(count, size):
    """Boxes (left, top, side) of so many equal things, in one or two rows."""
    rows = {2: (2,), 3: (1, 2), 4: (2, 2), 5: (2, 3), 6: (3, 3)}[count]
    cell = size // max(rows)
    side = cell - size // 32
    top = (size - cell * len(rows)) // 2
    return [((size - cell * across) // 2 + cell * at + size // 64, top + cell * row + size // 64, side)
            for row, across in enumerate(rows) for at in range(across)]


def recoloured(rgba, colour):
    """Saturated samples turned to one hue, brightness kept; what is white or grey all over takes the hue everywhere.

    Black and grey take the colour away instead.
    """
    hue = COLOURS[colour][0]
    alpha, hsv = rgba[..., 3:], np.array(Image.fromarray(rgba[..., :3]).convert('HSV'))
    coloured, solid = hsv[..., 1] > 40, rgba[..., 3] > 128
    if coloured[solid].mean() < .35:
        coloured = hsv[..., 2] > 70
    if hue is None:
        hsv[..., 1][coloured] = 0
        if colour == 'black':
            hsv[..., 2][coloured] = hsv[..., 2][coloured] // 3
    else:
        hsv[..., 0][coloured] = int(hue * 255 / 360)
        hsv[..., 1][coloured] = np.maximum(hsv[..., 1][coloured], 140)
        if colour == 'brown':
            hsv[..., 2][coloured] = hsv[..., 2][coloured] * .6
    return np.concatenate([np.array(Image.fromarray(hsv, 'HSV').convert('RGB')), alpha], -1)


def chance(text):
    """A fixed number in [0, 1) for a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], 'big') / 2 ** 32


class Pools:
    """Rows that may take part in compositions: whole, seen base concepts with a short name, by style; `common` ones are in `words.py`."""

    def __init__(self, rows, names, rng):
        self.rows, self.rng = rows, rng
        label = lambda row: names[row['hex']]['label'].get('en', '')
        self.simple, self.painted = (collections.defaultdict(lambda: {'any': [], 'common': []}) for _ in range(2))
        for at, row in enumerate(rows):
            words = label(row).lower().split()
            if row['held_out'] or row['hex'] != base_of(row['hex']) or len(words) > 3 or not label(row).replace(' ', '').replace('-', '').isalpha():
                continue
            if names[row['hex']]['group'] in THINGS:
                self.add(self.simple, at, row)
                if not any(word in COLOURS or word in ('white', 'light') for word in words):
                    self.add(self.painted, at, row)

    @staticmethod
    def add(pool, at, row):
        pool[row['style']]['any'].append(at)
        if row['hex'] in SYNONYMS:
            pool[row['style']]['common'].append(at)

    def take(self, pool, style):
        return int(self.rng.choice(pool[style]['common' if self.rng.random() < .5 else 'any']))


def kept_back(row):
    """Whether a composition is held out, by what it shows."""
    shown = sorted([row['hex'], row.get('other', '')]) + [str(row.get(name)) for name in ('kind', 'count', 'paint', 'background')]
    # A pair is the same pair on any background.
    return chance('/'.join(shown[:3] if row['kind'] == 'pair' else shown)) < .1


def compositions(rows, names, rng):
    """Rows of compositions with the indices of their parts; held out by what they show, whatever the style or the order."""
    pools, made, seen = Pools(rows, names, rng), [], set()
    styles, colours = list(pools.simple), list(COLOURS)
    for kind, wanted in COMPOSITIONS.items():
        while wanted:
            style = styles[rng.integers(len(styles))]
            parts = [pools.take(pools.painted if kind == 'recoloured' else pools.simple, style)]
            row = {'kind': kind, 'hex': rows[parts[0]]['hex'], 'style': style}
            if kind == 'pair':
                parts.append(pools.take(pools.simple, style))
                row['other'] = rows[parts[1]]['hex']
            if kind == 'count':
                row['count'] = int(rng.choice(list(COUNTS), p=[.3, .3, .2, .1, .1]))
            if kind == 'recoloured':
                row['paint'] = colours[rng.integers(len(colours))]
            if kind == 'background' or rng.random() < .2:
                row['background'] = colours[rng.integers(len(colours))]
            mark = json.dumps(row)
            if mark in seen or row.get('other') == row['hex'] or row.get('paint') is not None and row.get('paint') == row.get('background'):
                continue
            seen.add(mark)
            row['held_out'] = kept_back(row)
            made.append((row, parts))
            wanted -= 1
    return made


def compose(row, parts, size):
    rgb = COLOURS[row['background']][1] if 'background' in row else (255, 255, 255)
    first = recoloured(parts[0], row['paint']) if 'paint' in row else parts[0]
    if row['kind'] == 'pair':
        return on_colour(placed(list(zip([first, parts[1]], boxes(2, size))), size), rgb)
    if row['kind'] == 'count':
        return on_colour(placed([(first, box) for box in boxes(row['count'], size)], size), rgb)
    if 'background' in row:
        inset = size // 16
        return on_colour(placed([(first, (inset, inset, size - 2 * inset))], size), rgb)
    return on_colour(first)


def weigh(rows, names):
    """Sets 'weight': shares by kind; singles by concept, half as much for all of its skin tones together as for its base pictures."""
    toned = lambda row: any(part in SKIN_TONES for part in row['hex'].split('-'))
    single = [row for row in rows if row['kind'] == 'single']
    tones = collections.Counter(base_of(row['hex']) for row in single if toned(row))
    bases = collections.Counter(row['hex'] for row in single if not toned(row))
    for row in rows:
        row['weight'] = 1.
        if row['kind'] == 'single':
            concept = base_of(row['hex'])
            row['weight'] = GROUP_WEIGHTS.get(names[row['hex']]['group'], 1.) * (1.5 if concept in SYNONYMS else 1.)
            if toned(row):
                row['weight'] *= min(.25, .5 * bases[concept] / tones[concept])
    for kind, share in SHARES.items():
        total = sum(row['weight'] for row in rows if row['kind'] == kind and not row['held_out'])
        for row in rows:
            if row['kind'] == kind:
                row['weight'] *= share / total


def add_words(names):
    """Adds 'alone' to names: tags that nothing else, or one other thing, has, and that are no label: they may stand for the thing."""
    for language in LANGUAGES:
        base = {key: row for key, row in names.items() if key == base_of(key)}
        labels = {row['label'].get(language, '').lower() for row in base.values()}
        labels |= {word.lower() for words in SYNONYMS.values() for word in words[language]}
        count = collections.Counter(tag.lower() for row in base.values() for tag in set(row['tags'].get(language) or []))
        for row in names.values():
            alone = [tag for tag in row['tags'].get(language) or [] if count[tag.lower()] <= 2 and tag.lower() not in labels and len(tag) > (language != 'zh') * 2]
            row.setdefault('alone', {})[language] = alone


def covers(singles, count, cell=8):
    """How much of each cell of a latent a single picture hides, (N, cells²) uint8."""
    cells, out = singles.shape[1] // cell, []
    for at in range(0, count, 256):
        alpha = singles[at:min(at + 256, count), ..., 3].astype(np.float32)
        out.append(alpha.reshape(len(alpha), cells, cell, cells, cell).mean((2, 4)).reshape(len(alpha), -1).round().astype(np.uint8))
    return np.concatenate(out)


def _compose(job):
    row, parts, path, size = job
    singles = np.load(path, mmap_mode='r')
    return compose(row, [np.array(singles[i]) for i in parts], size)


def build(work, size):
    if (work / 'pictures.json').exists():
        return print('pictures are there already')
    folder = work / 'packages'
    fetch(folder)
    names = read_names(folder)
    add_words(names)
    found, rows, alphas = sources(folder, names), [], work / 'singles.npy'
    singles = np.lib.format.open_memmap(alphas, 'w+', np.uint8, (len(found), size, size, 4))
    for at, ((style, code_points, _), rgba) in enumerate(zip(found, render_all(work, size, found))):
        if rgba is not None:
            singles[len(rows)] = rgba
            rows.append({'kind': 'single', 'hex': code_points, 'style': style, 'held_out': chance(f'{base_of(code_points)}/{style}') < .1})
        if at % 2000 == 0:
            print(f'rendered {at} of {len(found)}', flush=True)
    singles.flush()
    made = compositions(rows, names, np.random.default_rng(3))
    out = np.lib.format.open_memmap(work / 'pictures.npy', 'w+', np.uint8, (len(rows) + len(made), size, size, 3))
    for at in range(len(rows)):
        out[at] = on_colour(singles[at])
    with multiprocessing.Pool() as pool:
        for at, picture in enumerate(pool.imap(_compose, [(row, parts, alphas, size) for row, parts in made], chunksize=64), len(rows)):
            out[at] = picture
    out.flush()
    np.save(work / 'covers.npy', covers(singles, len(rows)))
    alphas.unlink()
    rows += [row for row, _ in made]
    weigh(rows, names)
    (work / 'pictures.json').write_text(json.dumps({'size': size, 'rows': rows, 'names': names}, ensure_ascii=False))
    print(len(rows), 'pictures,', sum(row['held_out'] for row in rows), 'held out')


def load(work):
    """(pictures, rows, names), the pictures memory-mapped."""
    described = json.loads((work / 'pictures.json').read_text())
    return np.load(work / 'pictures.npy', mmap_mode='r'), described['rows'], described['names']
