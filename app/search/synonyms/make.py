#!/usr/bin/env python3
"""Builds v1.tsv, the concepts by which a word in one language finds what is written in another, and simplified.tsv, the characters of
traditional Chinese with their simplified ones.

    python3 app/search/synonyms/make.py WORK

The one rule: everything is had by package name and version through `npm pack` and `pip download`, or stands in this repository: the names
of `emojibase-data`, the words of the model's training (`engine/model/training/words.py`) and `own.tsv` beside this file. WORK is a folder
for what is fetched. A changed list is a new version of the index: raise `VERSION` in `src/words/mod.rs`.
"""
import collections, glob, json, pathlib, re, subprocess, sys, tarfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / 'engine/model/training'))
from words import SYNONYMS, _ENGLISH  # noqa: E402

NAMES, NAMES_VERSION = 'emojibase-data', '17.0.0'
SCRIPT, SCRIPT_VERSION = 'opencc-python-reimplemented', '0.1.7'
LANGUAGES = ('en', 'de', 'zh')
# Groups and subgroups of emojibase without things to look for: parts of emoji, punctuation, keys, letters in boxes.
NO_GROUPS, NO_SUBGROUPS = (None, 2), (88, 89, 90, 91, 92, 94, 95)
# Names that are too general, or another word in the same language far more often.
NOT = {
    'en': {'like', 'home', 'world', 'flash', 'lock', 'cup', 'die', 'bot', 'present', 'cook', 'in love', 'tee', 'dizzy', 'hole', 'seat', 'pick', 'link', 'customs', 'mate',
           'collision', 'memo', 'om', 'sake', 'long drum', 'dashing away', 'fly', 'ram', 'cricket', 'label', 'knot', 'wing', 'box', 'auto', 'letter', 'wave', 'idea', 'bald', 'pool',
           'ice', 'palm', 'party', 'cheers', 'star', 'nail polish', 'record', 'controller', 'drop', 'guard', 'ledger', 'clamp', 'hook', 'briefs', 'dim', 'bright', 'paint',
           'king', 'queen', 'light', 'judge', 'wood', 'salt', 'hut', 'butter', 'seal', 'bug', 'clock', 'globe', 'ring', 'medic'},
    'de': {'zuhause', 'wagen', 'rad', 'bahn', 'haufen', 'prost', 'idee', 'party', 'schirm', 'stift', 'karton', 'brief', 'geld', 'nudeln', 'gift', 'welle', 'denker', 'ameise fehler',
           'schloss zu', 'könig', 'königin', 'loch', 'sitz', 'punkt', 'kreis', 'licht', 'tee', 'uhr', 'gabel und messer', 'eis', 'om', 'krebs', 'lampe', 'computer', 'telefon'},
    'zh': {'家', '手柄', '箱子', '信', '蛋', '钱', '思考', '点赞', '国王', '女王', '茶', '船', '电话', '洞', '座位', '帽子', '灯', '书', '电脑', '时钟', '笑', '冰', '海', '鸟', '花', '树', '山', '鱼', '熊'} -
          {'茶', '船', '鸟', '花', '树', '山', '鱼', '熊'},
}
# Adds back what the lists above take from everyone but one.
ALSO = {'1f375': {'de': ['Tee'], 'en': ['tea']}, '2b50': {'en': ['star']}, '1f366': {'de': ['Eis']}, '1f368': {'de': ['Eis', 'Eiscreme']}, '1f980': {'de': ['Krebs', 'Krabbe']},
        '1f48d': {'en': ['ring'], 'de': ['Ring']}, '1f382': {'en': ['birthday cake']}, '264b': {'de': ['Krebs']}, '1f5a5': {'en': ['desktop computer']}, '1f30a': {'en': ['ocean wave'], 'de': ['Welle']},
        '1f4a7': {'en': ['water drop']}, '1f98e': {'en': ['gecko'], 'de': ['Echse'], 'zh': ['蜥蜴']}, '1f9ad': {'en': ['seal'], 'de': ['Robbe', 'Seehund']}, '1f934': {'en': ['king'], 'de': ['König'], 'zh': ['国王']},
        '1f478': {'en': ['queen'], 'de': ['Königin'], 'zh': ['女王']}, '1f335': {'de': ['Kakteen']}, '1f41b': {'en': ['caterpillar'], 'de': ['Raupe'], 'zh': ['毛毛虫']}}


def fetch(work):
    work.mkdir(parents=True, exist_ok=True)
    if not (work / 'package').exists():
        packed = subprocess.run(['npm', 'pack', '--silent', f'{NAMES}@{NAMES_VERSION}'], cwd=work, check=True, capture_output=True, text=True)
        with tarfile.open(work / packed.stdout.split()[-1]) as archive:
            archive.extractall(work, filter='data')
    folder = work / f'{SCRIPT}-{SCRIPT_VERSION}'
    if not folder.exists():
        subprocess.run([sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps', '--no-binary', ':all:', '-d', str(work), f'{SCRIPT}=={SCRIPT_VERSION}'], check=True)
        with tarfile.open(glob.glob(str(work / f'{SCRIPT}-*.tar.gz'))[0]) as archive:
            archive.extractall(work, filter='data')
    return folder


def simplified(folder):
    """Each traditional character with its simplified one, where they differ and both lie in the basic plane."""
    pairs = {}
    for line in (folder / 'opencc/dictionary/TSCharacters.txt').read_text().splitlines():
        traditional, _, rest = line.partition('\t')
        simple = rest.split(' ')[0]
        if len(traditional) == len(simple) == 1 and traditional != simple and max(traditional + simple) <= '\uffff':
            pairs[traditional] = simple
    return pairs


def key(code_points):
    return code_points.lower().replace('-fe0f', '')


def names_of(label, language):
    """What a label of emojibase is called by people."""
    label = label.replace('’', "'").strip('⊛ ')
    flag = {'en': 'flag: ', 'de': 'Flagge: ', 'zh': '(旗|旗帜|旗幟|旗子)[:：] ?'}[language]
    if re.match(flag, label):
        country = re.sub('^' + flag, '', label)
        return [country] if language == 'zh' else [country, ('flag of {}' if language == 'en' else 'Flagge von {}').format(country)]
    head, _, rest = label.partition(': ')
    if rest:
        return [f'{rest} {head}' if language == 'en' and head == 'person' else f'{head} {rest}'] if language != 'zh' else [rest]
    return [label]


def keeps(name, language):
    if name.lower() in NOT[language] or any(c in name for c in '“”()„#*!/'):
        return False
    if language == 'zh':
        return bool(re.search('[\u4e00-\u9fff]', name)) and len(name) <= 12
    return len(name) >= 2 and not name.isdigit() and len(name) <= 40 and not re.search('[\u4e00-\u9fff]', name)


def own():
    for line in (HERE / 'own.tsv').read_text().splitlines():
        if line.strip() and not line.startswith('#'):
            concept, en, de, zh, members = (line.split('\t') + [''] * 5)[:5]
            yield concept, dict(zip(LANGUAGES, ([name for name in part.split('; ') if name] for part in (en, de, zh)))), [m for m in members.strip().split('; ') if m]


def build(work):
    folder = fetch(work)
    pairs = simplified(folder)
    fold = str.maketrans(pairs)
    data = {language: {key(e['hexcode']): e for e in json.loads((work / 'package' / language / 'data.json').read_text())} for language in (*LANGUAGES, 'zh-hant')}
    subgroup, names, broader = collections.defaultdict(list), {}, collections.defaultdict(list)
    for code_points, emoji in data['en'].items():
        parts = code_points.split('-')
        gendered = '200d' in parts and (parts[-1] in ('2640', '2642') or parts[0] in ('1f468', '1f469'))
        if emoji.get('group') in NO_GROUPS or emoji.get('subgroup') in NO_SUBGROUPS or gendered or '27a1' in parts or emoji['label'].startswith('family: ') \
                or "o’clock" in emoji['label'] or emoji['label'].endswith('-thirty'):
            continue
        subgroup[emoji['subgroup']].append(code_points)
        row = names[code_points] = {}
        for language in LANGUAGES:
            found = list(SYNONYMS.get(code_points, {}).get(language, []))
            found += names_of(data[language][code_points]['label'], language) if code_points in data[language] else []
            if language == 'zh' and code_points in data['zh-hant']:
                found += [name.translate(fold) for name in names_of(data['zh-hant'][code_points]['label'], 'zh')]
            if language == 'en':
                # Plurals that no stemmer knows.
                found += [f'{head} {_ENGLISH[last]}'.strip() for head, _, last in (name.rpartition(' ') for name in list(found)) if last in _ENGLISH and _ENGLISH[last] != last]
            row[language] = [name.replace('’', "'") for name in found if keeps(name.replace('’', "'"), language)]
    for code_points, extra in ALSO.items():
        for language, more in extra.items():
            names[code_points][language] += more
    for concept, extra, members in own():
        row = names.setdefault(concept, {language: [] for language in LANGUAGES})
        for language in LANGUAGES:
            row[language] = extra[language] + row[language]
        for member in members:
            for each in subgroup[int(member[1:])] if re.fullmatch(r's\d+', member) else [member]:
                assert each in names or each in ('drink',), f'{concept}: there is no {each}'
                if each != concept and concept not in broader[each]:
                    broader[each].append(concept)
    # A face of an animal is that animal's; a person of a kind stands with the kind.
    shown = collections.Counter()
    lines = []
    for concept, row in names.items():
        cells = []
        for language in LANGUAGES:
            unique = list(dict.fromkeys(name.translate(fold) for name in row[language]))
            seen = set()
            unique = [name for name in unique if not (name.lower() in seen or seen.add(name.lower()))]
            for name in unique:
                shown[language, name.lower()] += 1
            cells.append('; '.join(unique))
        if any(cells):
            lines.append('\t'.join([concept, '; '.join(broader[concept]), *cells]))
    header = [
        '# Concepts: id, broader concepts, names in English, German and Chinese (simplified), between "; ", the first one shown.',
        f'# Made by make.py from {NAMES} {NAMES_VERSION} (MIT; names of Unicode CLDR, Unicode-3.0), the words of the model\'s training and own.tsv (Apache-2.0).',
    ]
    (HERE / 'v1.tsv').write_text('\n'.join(header + sorted(lines)) + '\n')
    table = [f'# Traditional characters and their simplified ones, made by make.py from {SCRIPT} {SCRIPT_VERSION} (OpenCC, Apache-2.0).']
    (HERE / 'simplified.tsv').write_text('\n'.join(table + [f'{a}\t{b}' for a, b in sorted(pairs.items())]) + '\n')
    print(len(lines), 'concepts,', len(pairs), 'characters; names of several concepts:')
    print('; '.join(f'{language} {name} {count}' for (language, name), count in shown.most_common() if count > 1))


if __name__ == '__main__':
    build(pathlib.Path(sys.argv[1]))
