"""The vocabularies of CLIP and of the Chinese BERT, whole and cut down to what a tiny model needs.

`tokenizers/clip/merges.txt.gz` is the first 48,894 merges of `bpe_simple_vocab_16e6.txt.gz` in the package open_clip_torch 3.3.0 under the header
line of merges.txt, and `tokenizers/bert/vocab.txt.gz` is `cn_clip/clip/vocab.txt` of the package cn-clip 1.6.0, which is bert-base-chinese's.
"""

import gzip
import json
import pathlib

HERE = pathlib.Path(__file__).parent
START, END = "<|startoftext|>", "<|endoftext|>"


def letters():
    """CLIP's letter for each of the 256 bytes, in the order of its vocabulary."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return [chr(byte) for byte in plain] + [chr(256 + at) for at in range(len(rest))]


def clip(entries=49408):
    """The vocabulary and its merges, of as many entries as told."""
    lines = gzip.decompress((HERE / "tokenizers/clip/merges.txt.gz").read_bytes()).decode().splitlines()
    merges = lines[1 : 1 + entries - 514]
    names = letters() + [letter + "</w>" for letter in letters()] + [merge.replace(" ", "") for merge in merges] + [START, END]
    return {name: at for at, name in enumerate(names)}, merges


def bert(entries=None, kept=""):
    """The lines of vocab.txt: all, or the special ones, ASCII, what is in `kept`, and common characters until there are as many as told."""
    lines = gzip.decompress((HERE / "tokenizers/bert/vocab.txt.gz").read_bytes()).decode().split("\n")[:-1]
    if entries is None:
        return lines
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    # The first level of GB 2312 is the common characters by their sound; every so-many of it is as many as there is room for.
    common = [bytes([row, cell]).decode("gb2312") for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF) if (row, cell) < (0xD7, 0xFA)]
    pieces = [line for line in lines if line.isascii() and len(line.removeprefix("##")) == 1]
    whole = set(lines)
    needed = (
        special
        + pieces
        + [mark for mark in "，。、；：？！“”‘’（）《》【】…—·" if mark in whole]
        + [letter for letter in dict.fromkeys(kept) if letter in whole]
    )
    room = entries - len(dict.fromkeys(needed))
    spare = [letter for letter in common if letter in whole and letter not in needed]
    chosen = set(needed) | {spare[at * len(spare) // room] for at in range(room)}
    return special + [line for line in lines if line in chosen and line not in special]


def write_clip(folder, pad, entries=49408):
    """A CLIP tokenizer's folder as model folders have it."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary, merges = clip(entries)
    named = {"content": END, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    special = {"bos_token": {**named, "content": START}, "eos_token": named, "pad_token": pad, "unk_token": named}
    told = {
        "add_prefix_space": False,
        "bos_token": {"__type": "AddedToken", **named, "content": START},
        "do_lower_case": True,
        "eos_token": {"__type": "AddedToken", **named},
        "errors": "replace",
        "model_max_length": 77,
        "pad_token": pad,
        "tokenizer_class": "CLIPTokenizer",
        "unk_token": {"__type": "AddedToken", **named},
    }
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False, separators=(",", ":")) + "\n")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(told, indent=2) + "\n")


def write_bert(folder, entries=None, kept="", limit=512):
    folder.mkdir(parents=True, exist_ok=True)
    special = {"cls_token": "[CLS]", "mask_token": "[MASK]", "pad_token": "[PAD]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
    told = {"do_basic_tokenize": True, "do_lower_case": True, "never_split": None, "strip_accents": None, "tokenize_chinese_chars": True}
    told |= {"model_max_length": limit, "tokenizer_class": "BertTokenizer", **special}
    (folder / "vocab.txt").write_text("\n".join(bert(entries, kept)) + "\n")
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(told, indent=2) + "\n")
