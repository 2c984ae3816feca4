"""Where pictures and names come from: six npm packages, fetched once, their vector pictures drawn once into `renders/`.

The one rule: everything is had by package name and version through `npm pack`; nothing else is downloaded. Drawing is most of what
the data build costs, so each drawing is a PNG of its own that any later build takes up, also after a cut.
"""
import glob, json, multiprocessing, pathlib, subprocess, tarfile
import numpy as np
import resvg_py
from PIL import Image

PACKAGES = {
    '@iconify-json/fluent-emoji': '1.2.7', '@iconify-json/fluent-emoji-flat': '1.2.6', '@iconify-json/noto': '1.2.9',
    '@iconify-json/twemoji': '1.2.5', '@lobehub/fluent-emoji-3d': '1.1.0', 'emojibase-data': '17.0.0',
}


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


def sources(folder, names):
    """(style, key, SVG or path) of every picture of every set."""
    found = []
    for package, style, chars_of in (('fluent-emoji', 'fluent', 'fluent-emoji-flat'), ('fluent-emoji-flat', 'flat', None),
                                     ('noto', 'noto', None), ('twemoji', 'twemoji', None)):
        found += icons_of(folder, package, style, names, chars_of)
    for path in sorted(glob.glob(str(folder / 'fluent-emoji-3d/assets/*.webp'))):
        if key(pathlib.Path(path).stem) in names:
            found.append(('3d', key(pathlib.Path(path).stem), path))
    return found


def drawn(job):
    """The file with one picture at twice the wanted size, or None when the renderer refuses it.

    Twice as large, because the renderer draws filters and clip paths at whole pixels, with hard edges at a small size.
    """
    (style, code_points, source), folder, size = job
    if isinstance(source, str):
        return source
    path, side = folder / style / f'{code_points}_{2 * size}.png', 2 * size
    if not path.exists():
        left, top, width, height, body = source
        svg = (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{side}" height="{side}" '
               f'viewBox="{left} {top} {width} {height}">{body}</svg>')
        try:
            data = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=side, height=side))
        except Exception:
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix('.part').write_bytes(data)
        path.with_suffix('.part').rename(path)
    return str(path)


def read(path, size):
    """RGBA samples of one picture file at a size."""
    picture = Image.open(path).convert('RGBA')
    return np.asarray(picture if picture.size == (size, size) else picture.resize((size, size), Image.LANCZOS))


def rendered(job):
    path = drawn(job)
    return None if path is None else read(path, job[2])


def render_all(work, size, found):
    """RGBA samples of every source in turn, None for the few that cannot be drawn."""
    with multiprocessing.Pool() as pool:
        yield from pool.imap(rendered, [(source, work / 'renders', size) for source in found], chunksize=16)
