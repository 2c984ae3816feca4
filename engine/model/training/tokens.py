"""The byte-fallback tokenizer: BPE over the captions' words in three languages; ideographs stand alone, case is folded.

The engine reads the same tokenizer.json with its own code, so only what that code knows may be used here. Piece 0 is padding. A tokenizer
that came with restored weights keeps its pieces and their numbers and gains new ones at its end, so that the weights still fit.
"""
import collections, json
import numpy as np
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from captions import LANGUAGES, STYLES, draw
from data import load
from networks import PIECES, TOKENS

DRAWN = 150_000


def build(work):
    path = work / 'tokenizer.json'
    if path.exists():
        return print('the tokenizer is there already')
    _, rows, names = load(work)
    rng = np.random.default_rng(5)
    texts = [text for row in names.values() for language in LANGUAGES if language in row['label']
             for text in (row['label'][language], ', '.join(row['tags'][language]))]
    texts += [phrase for table in STYLES.values() for phrase in table.values()] * 50
    texts += [draw(row, names, rng) for row in rows if row['kind'] != 'single']
    tokenizer = Tokenizer(models.BPE(unk_token='[UNK]', byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.Split(Regex('[\u4e00-\u9fff]'), 'isolated')])
    special = ['[PAD]', '[UNK]'] + [f'<0x{byte:02X}>' for byte in range(256)]
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=PIECES, special_tokens=special, show_progress=False))
    # The trainer marks the byte pieces as special, which would let a prompt spell them; they are ordinary pieces.
    described = json.loads(tokenizer.to_str())
    described['added_tokens'] = []
    path.write_text(json.dumps(described, ensure_ascii=False))
    print(tokenizer.get_vocab_size(), 'pieces')


def words_of(work, tokenizer):
    """How often each word stands in captions that training would draw."""
    _, rows, names = load(work)
    rng, weights = np.random.default_rng(6), np.array([0. if row['held_out'] else row['weight'] for row in rows])
    count = collections.Counter()
    for at in rng.choice(len(rows), DRAWN, p=weights / weights.sum()):
        text = tokenizer.normalizer.normalize_str(draw(rows[at], names, rng))
        count.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text))
    return count


def extend(work):
    """Goes on merging where the restored tokenizer stopped, up to PIECES; returns each new piece with the old pieces it is made of."""
    path = work / 'tokenizer.json'
    described, tokenizer = json.loads(path.read_text()), Tokenizer.from_file(str(path))
    vocabulary, merges, parts = described['model']['vocab'], described['model']['merges'], {}
    count = words_of(work, tokenizer)

    def add(piece, made_of):
        vocabulary[piece] = len(vocabulary)
        parts[piece] = [vocabulary[part] for part in made_of]

    # An ideograph that was never seen falls to its bytes, which say nothing.
    for character in sorted({word for word in count if len(word) == 1 and word not in vocabulary and count[word] > 2}):
        add(character, [f'<0x{byte:02X}>' for byte in character.encode()])
    cut = {word: tokenizer.encode(word).tokens for word in count if word not in vocabulary}
    pairs, places = collections.Counter(), collections.defaultdict(set)

    def tally(word, sign):
        for pair in zip(cut[word], cut[word][1:]):
            pairs[pair] += sign * count[word]
            places[pair].add(word)

    whole = {}
    for word in cut:
        tally(word, 1)
    while len(vocabulary) < PIECES:
        # The same text by another merge would make the old merges meet pieces in an order they were not learnt in.
        left, right = min((pair for pair in pairs if ''.join(pair) not in vocabulary), key=lambda pair: (-pairs[pair], pair))
        whole[left + right] = whole.get(left, [left]) + whole.get(right, [right])
        add(left + right, whole[left + right])
        merges.append([left, right])
        for word in places.pop((left, right)):
            tally(word, -1)
            cut[word] = merged(cut[word], left, right)
            tally(word, 1)
        del pairs[left, right]
    path.write_text(json.dumps(described, ensure_ascii=False))
    return {vocabulary[piece]: made_of for piece, made_of in parts.items()}


def merged(pieces, left, right):
    out = []
    for piece in pieces:
        if out and piece == right and out[-1] == left:
            out[-1] = left + right
        else:
            out.append(piece)
    return out


class Captions:
    """Token rows of captions, cut at the model's limit (the engine refuses such prompts instead)."""

    def __init__(self, work):
        self.tokenizer = Tokenizer.from_file(str(work / 'tokenizer.json'))

    def ids(self, captions):
        rows = np.zeros((len(captions), TOKENS), np.int64)
        for at, encoded in enumerate(self.tokenizer.encode_batch(list(captions))):
            row = encoded.ids[:TOKENS]
            rows[at, :len(row)] = row
        return rows
