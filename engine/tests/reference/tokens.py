"""Records what transformers' tokenizers make of ten thousand strings, with the whole vocabularies in `tokenizers/`.

    VENV/bin/python engine/tests/reference/tokens.py
    EXPORT/bin/pip install ftfy==6.3.1; EXPORT/bin/python engine/tests/reference/tokens.py --older

VENV is the environment of `pipelines.py`: its transformers 5 has one CLIPTokenizer and one BertTokenizer, both of the crate `tokenizers`, which is
what version 4 called fast; that is the reference. EXPORT is the environment of `models.py`: `--older` notes in the file's header where the fast and
the slow ones of version 4 answer otherwise, and what: the slow one of CLIP both with ftfy and without, as it tidies text by whichever is installed.
Ids are as pipelines ask for them, but neither cut nor padded. Strings are drawn by `strings`; one that must be there is a line in `SAID`.
"""

import argparse
import gzip
import json
import pathlib
import random
import tempfile
import unicodedata

import transformers

import vocabularies

TARGET = pathlib.Path(__file__).with_suffix(".json.gz")
TOTAL = 10000
WORDS = {
    "latin": "a photo of the cat mountains masterpiece 8k best quality isn't they'll you've I'm we'd can't trending on artstation "
    "café naïve jalapeño Čeština İstanbul "
    "ŁÓDŹ smörgåsbord Tiếng Việt œuvre ǅungla ﬁre ﬂow",
    "german": "Ein Gemälde von Straßenbahnen über grünen Hügeln Fußgängerübergang GROẞ STRASSE Öl auf Leinwand "
    "Äpfel Königsschloß Mädchen süß Bäume „Schön“ »ja«",
    "cyrillic": "Рыжая лиса в снегу масляная живопись ЁЖИК съёмка Київ Ґанок їжак Београд Љубав әлем ѣтъ",
    "greek": "Κόκκινη αλεπού στο χιόνι ΟΔΥΣΣΕΥΣ ελαιογραφία ἀρχὴ Ὀδυσσεύς ΐ ΰ ᾳ ς ΣΑΣ",
    "arabic": "ثعلب أحمر في الثلج لوحة زيتية مُحَمَّد ٱلْعَرَبِيَّة ۱۲۳ ٤٥٦ پارسی ﷺ لا ـــ",
    "hebrew": "שועל אדום בשלג ציור שמן שָׁלוֹם בְּרֵאשִׁית ירושלים ״צה״ל״ ש״ח",
    "devanagari": "बर्फ़ में लाल लोमड़ी तैल चित्र नमस्ते दुनिया क़लम ज़रूर १२३ ॐ श्री",
    "thai": "จิ้งจอกแดงในหิมะ ภาพสีน้ำมัน กรุงเทพฯ น้ำ ที่นี่ ๑๒๓ ก็",
    "chinese": "雪地里的红狐狸 油画 水墨山水 飞流直下三千尺 高清 細節豐富 臺灣 鳳凰 。，、；：「」《》 〇 ㊗ 𠮷 龘",
    "japanese": "雪の中の赤い狐 油絵 カタカナ ひらがな ガギグゲゴ か゛ ﾊﾝｶｸ ー 々 東京タワー がっこう ＡＢＣ １２３",
    "korean": "눈 속의 붉은 여우 유화 한국어 서울 가각힣 ㄱㄴㄷ 조선말",
    "emoji": "🦊 ❄️ 👨‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪 1️⃣ ☕ ♥ ™ ©️ 🫠 🧑🏿‍🚀 ✨✨✨ 😀cat cat😀",
    "punctuation": "... !!! ?! (cat:1.3) [dog] {a|b} -- — … “quoted” 'single' it's rock'n'roll a,b;c:d #tag @me $5 50% "
    "~ ^_^ \\n / // <b> & * + = | ` ´ ¿ ¡ « » ‚ ‘ ’s ’ll",
    "number": "1 12 1234 3.14 1,000 ½ ² x² Ⅷ ① ⒈ 𝟘𝟙 1st 2nd 4K 16:9 1e-5 0xFF ٣ ३ ๓ 三",
    "special": "<|endoftext|> <|startoftext|> <|EndOfText|> <|end oftext|> [CLS] [SEP] [MASK] [PAD] [UNK] [cls] ##ing </w> a</w> [unused1] <S> <pad>",
}
SPACES = [
    " ",
    "  ",
    "\t",
    "\n",
    "\r\n",
    "\v",
    "\f",
    "\u00a0",
    "\u1680",
    "\u2003",
    "\u2009",
    "\u200a",
    "\u2028",
    "\u2029",
    "\u202f",
    "\u205f",
    "\u3000",
    "\u0085",
]
CONTROLS = [
    "\x00",
    "\x01",
    "\x07",
    "\x08",
    "\x1b",
    "\x1c",
    "\x1f",
    "\x7f",
    "\x80",
    "\x9f",
    "\u200b",
    "\u200c",
    "\u200d",
    "\u200e",
    "\u202e",
    "\u2060",
    "\ufeff",
    "\u00ad",
]
CONTROLS += ["\ufffd", "\ufffe", "\ue000", "\U000e0001", "\U000f0000", "\u0600", "\u180e", "\u0378"]
RANGES = {
    "latin": [(0xC0, 0x24F), (0x1E00, 0x1EFF)],
    "cyrillic": [(0x400, 0x52F)],
    "greek": [(0x370, 0x3FF), (0x1F00, 0x1FFF)],
    "arabic": [(0x600, 0x6FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC)],
    "hebrew": [(0x590, 0x5FF), (0xFB1D, 0xFB4F)],
    "devanagari": [(0x900, 0x97F)],
    "thai": [(0xE00, 0xE7F)],
    "chinese": [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0xF900, 0xFAD9), (0x20000, 0x2A6DF), (0x3001, 0x303F)],
    "japanese": [(0x3041, 0x30FF), (0xFF01, 0xFF9F), (0x31F0, 0x31FF)],
    "korean": [(0xAC00, 0xD7A3), (0x1100, 0x11FF), (0x3131, 0x318E)],
    "emoji": [(0x1F300, 0x1FAFF), (0x2600, 0x27BF)],
    "punctuation": [(0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E), (0xA1, 0xBF), (0x2010, 0x205E), (0x2190, 0x22FF), (0x2E00, 0x2E5D)],
    "number": [(0x2150, 0x218B), (0x2460, 0x249B), (0x660, 0x669), (0x1D7CE, 0x1D7FF)],
}
SAID = [
    "",
    " ",
    "\n",
    "a",
    "A",
    "<|endoftext|>",
    "a<|endoftext|>b",
    "\x00",
    "\u0301",
    "e\u0301",
    "é",
    "i\u0307",
    "İ",
    "ſ",
    "K",
    "Å",
    "ß",
    "ẞ",
    "ŉ",
    "'S 'LL 'd'd''ll",
]


def drawn(script, chance):
    """A word of the script: one that is, or letters of its ranges, or one that is with a mark, another case or another form."""
    words = WORDS[script].split(" ") if script in WORDS else WORDS["latin"].split(" ")
    way = chance.random()
    if way < 0.3 and script in RANGES:
        ranges = RANGES[script]
        return "".join(chr(chance.randint(*chance.choice(ranges))) for _ in range(chance.randint(1, 4)))
    word = chance.choice(words)
    if way < 0.4:
        return chance.choice([word.upper(), word.title(), word.lower(), word.swapcase()])
    if way < 0.5:
        return unicodedata.normalize(chance.choice(["NFD", "NFC", "NFKD"]), word)
    if way < 0.55:
        return word + chr(chance.randint(0x300, 0x36F))
    return word


def strings():
    """As many strings as there are, each under its script, none twice."""
    chance = random.Random(20260)
    kinds = [*WORDS, "whitespace", "control", "mixed", "any"]
    found = dict.fromkeys(SAID, "said")
    at = 0
    while len(found) < TOTAL:
        kind = kinds[at % len(kinds)]
        at += 1
        count = chance.randint(1, 6)
        if kind == "any":
            text = "".join(chr(code) for code in (chance.randint(1, 0x3FFFF) for _ in range(count)) if not 0xD800 <= code < 0xE000)
        elif kind == "mixed":
            text = "".join(drawn(chance.choice(list(WORDS)), chance) + chance.choice(["", "", " ", ", "]) for _ in range(count))
        elif kind == "whitespace":
            text = "".join(chance.choice(SPACES) + drawn(chance.choice(["latin", "chinese"]), chance) for _ in range(count)) + chance.choice(SPACES)
        elif kind == "control":
            text = "".join(
                drawn(chance.choice(["latin", "thai", "chinese"]), chance) + chance.choice(CONTROLS) + chance.choice(["", " "]) for _ in range(count)
            )
        else:
            text = chance.choice([" ", " ", " ", ", ", ""]).join(drawn(kind, chance) for _ in range(count))
        found.setdefault(text, kind)
    return found


def loaded(clip, bert):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        vocabularies.write_clip(folder / "clip", vocabularies.END)
        vocabularies.write_bert(folder / "bert")
        return clip.from_pretrained(folder / "clip"), bert.from_pretrained(folder / "bert")


def record():
    clip, bert = loaded(transformers.CLIPTokenizer, transformers.BertTokenizer)
    assert len(clip) == 49408 and len(bert) == 21128, (len(clip), len(bert))
    import tokenizers

    header = {
        "transformers": transformers.__version__,
        "tokenizers": tokenizers.__version__,
        "clip": type(clip).__name__,
        "bert": type(bert).__name__,
        "ftfy": False,
    }
    lines = [[kind, text, clip(text).input_ids, bert(text).input_ids] for text, kind in strings().items()]
    return {"made_by": header, "fields": ["script", "text", "clip", "bert"], "differs": {}}, lines


def older(header, lines):
    """Which lines the tokenizers of version 4 answer otherwise."""
    slow, slow_bert = loaded(transformers.CLIPTokenizer, transformers.BertTokenizer)
    fast, fast_bert = loaded(transformers.CLIPTokenizerFast, transformers.BertTokenizerFast)
    assert slow.fix_text is not None, "ftfy is not installed"

    def differing(tokenizer, field):
        answers = [tokenizer(line[1]).input_ids for line in lines]
        found = [at for at, line in enumerate(lines) if answers[at] != line[field]]
        kinds = {}
        for at in found:
            kinds[lines[at][0]] = kinds.get(lines[at][0], 0) + 1
        print(len(found), kinds, [lines[at][1] for at in found[:12]])
        return {"count": len(found), "by_script": kinds, "lines": found, "ids": [answers[at] for at in found]}

    differs = {"clip fast": differing(fast, 2), "clip slow with ftfy": differing(slow, 2)}
    slow.fix_text = None
    slow.nlp = transformers.models.clip.tokenization_clip.BasicTokenizer(strip_accents=False, do_split_on_punc=False)
    differs["clip slow without ftfy"] = differing(slow, 2)
    differs |= {"bert fast": differing(fast_bert, 3), "bert slow": differing(slow_bert, 3)}
    header["differs"] = {"transformers": transformers.__version__, **differs}
    return header, lines


if __name__ == "__main__":
    reading = argparse.ArgumentParser()
    reading.add_argument("--older", action="store_true", help="note what transformers 4 does otherwise")
    if reading.parse_args().older:
        held = json.loads(gzip.decompress(TARGET.read_bytes()))
        header, lines = older({name: value for name, value in held.items() if name != "strings"}, held["strings"])
    else:
        header, lines = record()
    packed = ",\n".join(json.dumps(line, separators=(",", ":")) for line in lines)
    text = f'{json.dumps(header, separators=(",", ":"))[:-1]},"strings":[\n{packed}\n]}}\n'
    TARGET.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{len(lines)} strings, {TARGET.stat().st_size:,} bytes in {TARGET}")
    print("One more string is a line in `SAID`; then run VENV/bin/python engine/tests/reference/tokens.py, and EXPORT's with --older")
