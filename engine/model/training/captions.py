"""What a picture is called: captions in English, German and Chinese, drawn from labels, tags, styles and colours.

The one rule: a caption describes only what the picture shows, in words a buyer would type; names come from emojibase (CLDR).
"""
LANGUAGES = ('en', 'de', 'zh')
SHARES = (.45, .25, .3)
STYLES = {
    'en': {'fluent': 'fluent style', 'flat': 'flat style', 'noto': 'noto style', 'twemoji': 'twemoji style', '3d': '3d style'},
    'de': {'fluent': 'Fluent-Stil', 'flat': 'flacher Stil', 'noto': 'Noto-Stil', 'twemoji': 'Twemoji-Stil', '3d': '3D-Stil'},
    'zh': {'fluent': '流畅风格', 'flat': '扁平风格', 'noto': 'noto风格', 'twemoji': 'twemoji风格', '3d': '3d风格'},
}
# Name: hue in degrees (None: a grey), a background's RGB, and the words: English; German noun and inflected adjective; Chinese.
COLOURS = {
    'red': (0, (222, 62, 62), 'Rot', 'rotem', '红色'), 'orange': (28, (245, 150, 50), 'Orange', 'orangem', '橙色'),
    'yellow': (50, (250, 215, 80), 'Gelb', 'gelbem', '黄色'), 'green': (125, (95, 185, 105), 'Grün', 'grünem', '绿色'),
    'blue': (215, (85, 145, 230), 'Blau', 'blauem', '蓝色'), 'purple': (275, (150, 100, 210), 'Lila', 'lila', '紫色'),
    'pink': (335, (245, 150, 185), 'Rosa', 'rosa', '粉色'), 'black': (None, (35, 35, 40), 'Schwarz', 'schwarzem', '黑色'),
    'grey': (None, (160, 165, 172), 'Grau', 'grauem', '灰色'),
}
COUNTS = {2: ('two', 'zweimal', '两个'), 3: ('three', 'dreimal', '三个'), 4: ('four', 'viermal', '四个')}
SKIN_TONES = ('1f3fb', '1f3fc', '1f3fd', '1f3fe', '1f3ff')


def plural(label):
    """English plural of a plain label: its last word only."""
    if label.endswith(('s', 'x', 'z', 'ch', 'sh')):
        return label + 'es'
    if label.endswith('y') and label[-2:-1] not in tuple('aeiou'):
        return label[:-1] + 'ies'
    return label + 's'


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


def subject(row, names, language):
    """The caption of a picture without its style: the plainest way to ask for it."""
    first = label_of(names, row['hex'], language)
    at = LANGUAGES.index(language)
    if row['kind'] == 'pair':
        second = label_of(names, row['other'], language)
        return (f'{first} next to {second}', f'{first} neben {second}', f'{first}和{second}')[at]
    if row['kind'] == 'count':
        word = COUNTS[row['count']][at]
        return (f'{word} {plural(first)}', f'{word} {first}', f'{word}{first}')[at]
    if row['kind'] == 'background':
        _, _, _, german, chinese = COLOURS[row['colour']]
        return (f"{first} on {article(row['colour'])} {row['colour']} background", f'{first} auf {german} Hintergrund', f'{chinese}背景上的{first}')[at]
    if row['kind'] == 'recoloured':
        _, _, german, _, chinese = COLOURS[row['colour']]
        return (f"{row['colour']} {first}", f'{first} in {german}', f'{chinese}的{first}')[at]
    return first


def draw(row, names, rng, language=None):
    """A random caption of a picture."""
    language = language or LANGUAGES[rng.choice(3, p=SHARES)]
    text = subject(row, names, language)
    if row['kind'] == 'single':
        tags = names[row['hex']]['tags'].get(language) or []
        if tags and rng.random() < .25:
            chosen = rng.choice(len(tags), min(len(tags), int(rng.integers(1, 4))), replace=False)
            text = ', '.join([text] + [tags[i] for i in chosen])
    if language == 'en' and row['kind'] != 'count' and rng.random() < .15:
        text = f'{article(text)} {text}'
    if language == 'zh' and row['kind'] in ('single', 'recoloured') and rng.random() < .1:
        text = '一个' + text
    return styled(text, row['style'] if rng.random() < .7 else None, language)
