"""The byte-fallback tokenizer: BPE over the captions' words in three languages; ideographs stand alone, case is folded.

The engine reads the same tokenizer.json with its own code, so only what that code knows may be used here. Piece 0 is padding.
"""
import json
import numpy as np
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from captions import LANGUAGES, STYLES, draw
from data import load
from networks import PIECES, TOKENS


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
