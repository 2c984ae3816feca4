"""What a picture is called: captions in English, German and Chinese, drawn from names, styles, counts, places and colours.

The one rule: a caption describes only what the picture shows, in words a buyer would type. Every list of phrases begins with the
plainest one: `subject` takes the first everywhere (that is what the model is judged on), `draw` takes any, the first half of the time.
"""
import re
from words import SYNONYMS, plural_de, plural_en

LANGUAGES = ('en', 'de', 'zh')
SHARES = (.45, .25, .3)
STYLES = {
    'en': {'fluent': 'fluent style', 'flat': 'flat style', 'noto': 'noto style', 'twemoji': 'twemoji style', '3d': '3d style'},
    'de': {'fluent': 'Fluent-Stil', 'flat': 'flacher Stil', 'noto': 'Noto-Stil', 'twemoji': 'Twemoji-Stil', '3d': '3D-Stil'},
    'zh': {'fluent': '流畅风格', 'flat': '扁平风格', 'noto': 'noto风格', 'twemoji': 'twemoji风格', '3d': '3d风格'},
}
# Name: hue in degrees (None: a grey), a background's RGB, and the words: German noun and stem of the adjective; Chinese.
COLOURS = {
    'red': (0, (222, 62, 62), 'Rot', 'rot', '红色'), 'orange': (28, (245, 150, 50), 'Orange', 'orange', '橙色'),
    'yellow': (50, (250, 215, 80), 'Gelb', 'gelb', '黄色'), 'green': (125, (95, 185, 105), 'Grün', 'grün', '绿色'),
    'blue': (215, (85, 145, 230), 'Blau', 'blau', '蓝色'), 'purple': (275, (150, 100, 210), 'Lila', 'lila', '紫色'),
    'pink': (335, (245, 150, 185), 'Rosa', 'rosa', '粉色'), 'black': (None, (35, 35, 40), 'Schwarz', 'schwarz', '黑色'),
    'grey': (None, (160, 165, 172), 'Grau', 'grau', '灰色'), 'turquoise': (178, (70, 200, 195), 'Türkis', 'türkis', '青色'),
    'brown': (24, (150, 105, 70), 'Braun', 'braun', '棕色'),
}
UNINFLECTED = ('orange', 'lila', 'rosa', 'türkis')
COUNTS = {2: ('two', 'zwei', '两'), 3: ('three', 'drei', '三'), 4: ('four', 'vier', '四'), 5: ('five', 'fünf', '五'), 6: ('six', 'sechs', '六')}
SKIN_TONES = ('1f3fb', '1f3fc', '1f3fd', '1f3fe', '1f3ff')
_TONED = {'en': re.compile(r'(.+): ([a-z-]+) skin tone'), 'de': re.compile(r'(.+): (\w+) Hautfarbe'), 'zh': re.compile(r'(.+): ([中等浅深较-]+)肤色')}


def base_of(code_points):
    """The concept without skin tones."""
    return '-'.join(part for part in code_points.split('-') if part not in SKIN_TONES)


def article(word):
    return 'an' if word[:1].lower() in 'aeiou' else 'a'


def label_of(names, code_points, language):
    row = names[code_points]['label']
    return row.get(language) or row.get('en') or 'emoji'


def styled(text, style, language):
    return f'{text}, {STYLES[language][style]}' if style else text


def pick(options, rng):
    """The first of a list, or any of it by chance."""
    if rng is None or len(options) == 1 or rng.random() < .5:
        return options[0]
    return options[rng.integers(len(options))]


def toned(label, language):
    """Ways to say a skin tone: the label's own, then as people say it."""
    match = _TONED[language].fullmatch(label)
    if not match:
        return [label]
    who, tone = match.groups()
    if language == 'en':
        return [label, f'{who} with {tone} skin', f'{tone}-skinned {who}', f'{who}, {tone} skin', f'{who} with {tone} skin tone']
    if language == 'de':
        return [label, f'{who} mit {tone[:-1]}er Haut', f'{who}, {tone} Haut', f'{who} mit {tone[:-1]}er Hautfarbe']
    return [label, f'{tone}肤色的{who}', f'{tone.strip("较")}色皮肤的{who}', f'{who},{tone}肤色']


def flagged(label, language):
    """Ways to say a flag."""
    words = {'en': ('flag: ', 'flag of {}', '{} flag'), 'de': ('Flagge: ', 'Flagge von {}', '{} Flagge'), 'zh': ('旗: ', '{}国旗', '{}的旗')}[language]
    if not label.startswith(words[0]):
        return [label]
    return [label, *(form.format(label.removeprefix(words[0])) for form in words[1:])]


def name_of(names, code_points, language, rng=None):
    """What the thing is called: its label, or a usual word for it, or a tag that nothing else has."""
    label = label_of(names, code_points, language)
    if rng is None:
        return label
    others, alone = SYNONYMS.get(code_points, {}).get(language), names[code_points].get('alone', {}).get(language)
    chance = rng.random()
    if others and chance < .45:
        return others[rng.integers(len(others))]
    if alone and chance > .85:
        return alone[rng.integers(len(alone))]
    return pick(flagged(label, language) + toned(label, language)[1:], rng)


def inflected(stem, rng, endings):
    """A German adjective. Names have no gender here, so any of the endings may stand, as prompts will have any of them."""
    return stem if stem in UNINFLECTED else stem + pick(endings, rng)


def painted(text, colour, language, rng):
    _, _, noun, stem, chinese = COLOURS[colour]
    if language == 'en':
        return f'{colour} {text}'
    if language == 'de':
        return pick([f'{text} in {noun}', f"{inflected(stem, rng, ['er', 'e', 'es'])} {text}"], rng)
    return pick([f'{chinese}的{text}', f'{chinese}{text}', f'{chinese[0]}{text}'], rng)


def counted(text, count, language, animal, rng):
    word = COUNTS[count][LANGUAGES.index(language)]
    if language == 'en':
        return pick([f'{word} {plural_en(text)}', f'{count} {plural_en(text)}', *([f'a pair of {plural_en(text)}'] if count == 2 else [f'{word} {plural_en(text)} in a group'])], rng)
    if language == 'de':
        many = plural_de(text)
        return pick(([f'{word} {many}', f'{count} {many}'] if many else []) + [f'{word}mal {text}', f'{word} {text}', f'{count}x {text}'], rng)
    return pick([f'{word}{"只" if animal else "个"}{text}', f'{word}个{text}', f'{count}个{text}'], rng)


def paired(first, second, language, rng):
    """Two things, the first on the left."""
    if language == 'en':
        options = [f'{first} next to {second}', f'{first} and {second}', f'{first} beside {second}', f'{first} with {second}',
                   f'{first} to the left of {second}', f'{second} to the right of {first}', f'{first} left, {second} right', f'{first} + {second}']
        if rng is not None and rng.random() < .3:
            first, second = f'{article(first)} {first}', f'{article(second)} {second}'
            options = [f'{first} and {second}', f'{first} next to {second}', f'{first} on the left and {second} on the right', f'{second} right of {first}']
    elif language == 'de':
        options = [f'{first} neben {second}', f'{first} und {second}', f'{first} mit {second}', f'links {first}, rechts {second}',
                   f'{first} links von {second}', f'{second} rechts von {first}', f'{first} und daneben {second}']
    else:
        options = [f'{first}和{second}', f'{first}与{second}', f'{first}跟{second}', f'{first}旁边是{second}', f'{first}在{second}左边',
                   f'{second}在{first}右边', f'左边是{first},右边是{second}', f'{first}、{second}']
    return pick(options, rng)


def on_background(text, colour, language, rng):
    _, _, _, stem, chinese = COLOURS[colour]
    if language == 'en':
        return pick([f'{text} on {article(colour)} {colour} background', f'{text}, {colour} background', f'{text} on {colour} background',
                     f'{text} with {article(colour)} {colour} background', f'{text} on {colour}', f'{colour} background, {text}',
                     f'{text} against {article(colour)} {colour} background'], rng)
    if language == 'de':
        dative = inflected(stem, rng, ['em'])
        return pick([f'{text} auf {dative} Hintergrund', f'{text} vor {dative} Hintergrund', f'{text} mit {dative} Hintergrund',
                     f"{text}, {inflected(stem, rng, ['er'])} Hintergrund", f"{inflected(stem, rng, ['er'])} Hintergrund, {text}"], rng)
    return pick([f'{chinese}背景上的{text}', f'{text},{chinese}背景', f'{chinese}背景的{text}', f'{chinese}背景,{text}', f'{text}在{chinese}背景上'], rng)


def subject(row, names, language, rng=None):
    """The caption of a picture without its style; without `rng`, the plainest way to ask for it."""
    text = name_of(names, row['hex'], language, rng)
    if 'paint' in row:
        text = painted(text, row['paint'], language, rng)
    if row['kind'] == 'pair':
        text = paired(text, name_of(names, row['other'], language, rng), language, rng)
    if row['kind'] == 'count':
        text = counted(text, row['count'], language, names[row['hex']].get('group') == 3, rng)
    elif row['kind'] != 'pair' and rng is not None:
        if language == 'en' and rng.random() < .15:
            text = f'{article(text)} {text}'
        if language == 'zh' and rng.random() < .1:
            text = '一个' + text
    if 'background' in row:
        text = on_background(text, row['background'], language, rng)
    return text


def in_style(text, style, language, rng):
    """A caption with its style, mostly as the last words, as the studio's buttons write it; also as one word, or in front."""
    phrase, at = STYLES[language][style], rng.random()
    if at < .6:
        return f'{text}, {phrase}'
    bare = {'en': style, 'de': {'flat': 'flach', '3d': '3D'}.get(style, style), 'zh': {'flat': '扁平', 'fluent': '流畅'}.get(style, style)}[language]
    options = {'en': [f'{phrase}, {text}', f'{text} in {phrase}', f'{text}, {bare}', f'{text} {phrase}', f'{bare} {text}', f'{text} {bare}'],
               'de': [f'{phrase}, {text}', f"{text} im {'flachen Stil' if style == 'flat' else phrase}", f'{text}, {bare}', f'{text} {phrase}', f'{phrase}: {text}'],
               'zh': [f'{phrase},{text}', f'{phrase}的{text}', f'{text},{bare}', f'{text}{phrase}', f'{phrase}{text}']}[language]
    return options[rng.integers(len(options))]


def drawn(row, names, rng, language=None):
    """A random caption of a picture, and whether it says the style."""
    language = language or LANGUAGES[rng.choice(3, p=SHARES)]
    text = subject(row, names, language, rng)
    if row['kind'] == 'single':
        tags = names[row['hex']]['tags'].get(language) or []
        if tags and rng.random() < .15:
            text = ', '.join([text] + [tags[i] for i in rng.choice(len(tags), min(len(tags), int(rng.integers(1, 4))), replace=False)])
    said = rng.random() < .75
    return in_style(text, row['style'], language, rng) if said else text, said


def draw(row, names, rng, language=None):
    """A random caption of a picture."""
    return drawn(row, names, rng, language)[0]
