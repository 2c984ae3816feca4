"""Builds the training data from six npm packages: pictures.npy (N, size, size, 3, uint8, on white) and pictures.json.

Every row says what it shows ('kind', 'hex', 'style' …) and whether it is held out. The one rule: a held-out (concept, style) pair
is never trained on, not even as a part of a composition. `npm pack` fetches the packages; nothing else is downloaded.
"""
import glob, hashlib, io, json, multiprocessing, pathlib, subprocess, tarfile
import numpy as np
import resvg_py
from PIL import Image
from captions import COLOURS, COUNTS, SKIN_TONES, base_of

PACKAGES = {
    '@iconify-json/fluent-emoji': '1.2.7', '@iconify-json/fluent-emoji-flat': '1.2.6', '@iconify-json/noto': '1.2.9',
    '@iconify-json/twemoji': '1.2.5', '@lobehub/fluent-emoji-3d': '1.1.0', 'emojibase-data': '17.0.0',
}
# Groups of emojibase that can be counted, placed or painted: animals, food, places, activities, objects.
THINGS = (3, 4, 5, 6, 7)
COMPOSITIONS = {'pair': 5000, 'count': 2500, 'background': 5000, 'recoloured': 4500}


def fetch(folder):
    """Packs and unpacks the packages, once: one folder per package, named by its last part."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, version in PACKAGES.items():
        target = folder / name.split('/')[-1]
        if target.exists():
            continue
        print('fetching', name, version, flush=True)
        packed = subprocess.run(['npm', 'pack', '--silent', f'{name}@{version}'], cwd=folder, check=True, capture_output=True, text=True)
        with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
            archive.extractall(folder / f'{target.name}.part', filter='data')
        (folder / f'{target.name}.part' / 'package').rename(target)


def key(code_points):
    return code_points.lower().replace('-fe0f', '')


def read_names(folder):
    """Labels and tags by code point sequence; a variant inherits the tags of its emoji."""
    names = {}
    for language in ('en', 'de', 'zh'):
        for emoji in json.loads((folder / 'emojibase-data' / language / 'data.json').read_text()):
            for variant in [emoji] + emoji.get('skins', []):
                row = names.setdefault(key(variant['hexcode']), {'label': {}, 'tags': {}})
                row['label'][language] = variant['label']
                row['tags'][language] = emoji.get('tags', [])
                row['group'] = emoji.get('group')
    return names


def icons_of(folder, package, style, names, chars_of=None):
    """(style, key, SVG) of every picture of an icon set that has a name."""
    icons = json.loads((folder / package / 'icons.json').read_text())
    chars = json.loads((folder / (chars_of or package) / 'chars.json').read_text())
    aliases, seen, found = icons.get('aliases', {}), set(), []
    for code_points, name in chars.items():
        while name not in icons['icons'] and name in aliases:
            name = aliases[name]['parent']
        icon = icons['icons'].get(name)
        if icon is None or key(code_points) in seen or key(code_points) not in names:
            continue
        seen.add(key(code_points))
        width, height = (icon.get(side, icons.get(side, 16)) for side in ('width', 'height'))
        found.append((style, key(code_points), (icon.get('left', 0), icon.get('top', 0), width, height, icon['body'])))
    return found


def render(job):
    """RGBA samples of one picture, or None when the renderer refuses it."""
    _, _, source, size = job
    if isinstance(source, str):
        picture = Image.open(source)
    else:
        left, top, width, height, body = source
        # Twice as large, then scaled down: the renderer draws filters and clip paths at whole pixels, with hard edges at this size.
        drawn = 2 * size
        svg = (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{drawn}" height="{drawn}" '
               f'viewBox="{left} {top} {width} {height}">{body}</svg>')
        try:
            picture = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=drawn, height=drawn))))
        except Exception:
            return None
    picture = picture.convert('RGBA')
    return np.asarray(picture if picture.size == (size, size) else picture.resize((size, size), Image.LANCZOS))


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
    half, edge = size // 2, size // 32
    side = half - edge
    rows = {2: [(edge // 2, half // 2), (half + edge // 2, half // 2)],
            3: [(half // 2, edge // 2), (edge // 2, half + edge // 2), (half + edge // 2, half + edge // 2)],
            4: [(x, y) for y in (edge // 2, half + edge // 2) for x in (edge // 2, half + edge // 2)]}[count]
    return [(left, top, side) for left, top in rows]


def recoloured(rgba, colour):
    """Every saturated sample turned to one hue, brightness kept; black and grey lose their colour instead."""
    hue = COLOURS[colour][0]
    alpha, hsv = rgba[..., 3:], np.array(Image.fromarray(rgba[..., :3]).convert('HSV'))
    coloured = hsv[..., 1] > 40
    if hue is None:
        hsv[..., 1][coloured] = 0
        if colour == 'black':
            hsv[..., 2][coloured] = hsv[..., 2][coloured] // 3
    else:
        hsv[..., 0][coloured] = int(hue * 255 / 360)
        hsv[..., 1][coloured] = np.maximum(hsv[..., 1][coloured], 140)
    return np.concatenate([np.array(Image.fromarray(hsv, 'HSV').convert('RGB')), alpha], -1)


def chance(text):
    """A fixed number in [0, 1) for a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], 'big') / 2 ** 32


def compositions(rows, names, rng):
    """Rows of compositions with the indices of their parts; only whole, seen, uncoloured base concepts take part."""
    plain = [i for i, row in enumerate(rows) if not row['held_out'] and row['hex'] == base_of(row['hex'])]
    by_style = {}
    for i in plain:
        by_style.setdefault(rows[i]['style'], []).append(i)
    label = lambda i: names[rows[i]['hex']]['label'].get('en', '')
    thing = lambda i: names[rows[i]['hex']]['group'] in THINGS
    simple = lambda i: thing(i) and label(i).replace(' ', '').isalpha() and label(i).count(' ') < 2
    uncoloured = lambda i: simple(i) and not any(word in COLOURS or word in ('white', 'brown') for word in label(i).split())
    pools = {'count': [i for i in plain if simple(i)], 'recoloured': [i for i in plain if uncoloured(i)]}
    made, seen = [], set()
    for kind, wanted in COMPOSITIONS.items():
        while wanted:
            style = list(by_style)[rng.integers(len(by_style))]
            pool = pools.get(kind)
            i = int(rng.choice(pool if pool is not None else by_style[style]))
            row = {'kind': kind, 'hex': rows[i]['hex'], 'style': rows[i]['style']}
            parts = [i]
            if kind == 'pair':
                j = int(rng.choice(by_style[style]))
                row['other'] = rows[j]['hex']
                parts.append(j)
            elif kind == 'count':
                row['count'] = int(rng.choice(list(COUNTS)))
            else:
                row['colour'] = list(COLOURS)[rng.integers(len(COLOURS))]
            mark = json.dumps(row)
            if mark in seen or row.get('other') == row['hex']:
                continue
            seen.add(mark)
            row['held_out'] = chance(mark) < .1
            made.append((row, parts))
            wanted -= 1
    return made


def compose(row, parts, size):
    if row['kind'] == 'pair':
        return on_colour(placed(list(zip(parts, boxes(2, size))), size))
    if row['kind'] == 'count':
        return on_colour(placed([(parts[0], box) for box in boxes(row['count'], size)], size))
    if row['kind'] == 'background':
        inset = size // 16
        return on_colour(placed([(parts[0], (inset, inset, size - 2 * inset))], size), COLOURS[row['colour']][1])
    return on_colour(recoloured(parts[0], row['colour']))


def build(work, size):
    if (work / 'pictures.json').exists():
        return print('pictures are there already')
    folder = work / 'packages'
    fetch(folder)
    names = read_names(folder)
    jobs = []
    for package, style, chars_of in (('fluent-emoji', 'fluent', 'fluent-emoji-flat'), ('fluent-emoji-flat', 'flat', None),
                                     ('noto', 'noto', None), ('twemoji', 'twemoji', None)):
        jobs += icons_of(folder, package, style, names, chars_of)
    for path in sorted(glob.glob(str(folder / 'fluent-emoji-3d/assets/*.webp'))):
        code_points = key(pathlib.Path(path).stem)
        if code_points in names:
            jobs.append(('3d', code_points, path))
    rows, pictures = [], []
    with multiprocessing.Pool() as pool:
        for at, (job, rgba) in enumerate(zip(jobs, pool.imap(render, [(*job, size) for job in jobs], chunksize=32))):
            if rgba is not None:
                style, code_points, _ = job
                held_out = chance(f'{base_of(code_points)}/{style}') < .1
                rows.append({'kind': 'single', 'hex': code_points, 'style': style, 'held_out': held_out})
                pictures.append(rgba)
            if at % 2000 == 0:
                print(f'rendered {at} of {len(jobs)}', flush=True)
    made = compositions(rows, names, np.random.default_rng(3))
    out = np.lib.format.open_memmap(work / 'pictures.npy', 'w+', np.uint8, (len(rows) + len(made), size, size, 3))
    for at, rgba in enumerate(pictures):
        out[at] = on_colour(rgba)
    for at, (row, parts) in enumerate(made, len(rows)):
        out[at] = compose(row, [pictures[i] for i in parts], size)
    out.flush()
    rows += [row for row, _ in made]
    for row in rows:
        tone = any(part in SKIN_TONES for part in row['hex'].split('-'))
        row['weight'] = (.25 if tone else 1.) if row['kind'] == 'single' else .25
    (work / 'pictures.json').write_text(json.dumps({'size': size, 'rows': rows, 'names': names}, ensure_ascii=False))
    print(len(rows), 'pictures,', sum(row['held_out'] for row in rows), 'held out')


def load(work):
    """(pictures, rows, names), the pictures memory-mapped."""
    described = json.loads((work / 'pictures.json').read_text())
    return np.load(work / 'pictures.npy', mmap_mode='r'), described['rows'], described['names']
