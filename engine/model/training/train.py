"""The one command of the training: `python train.py STAGE WORK [--side 128] [--minutes M]`; `all` runs every stage in turn.

Stages: data, tokenizer, autoencoder, text, settle, reader, read, memory, transformer, upscaler, evaluator, evaluate, export, compare. Each goes on where it was
cut off; more minutes train further. `restore`, after `data`, starts from the repository's own weights or from `state/`, which `carry` writes.
Needs torch, numpy, pillow, resvg-py, tokenizers, onnx, onnxruntime and blake3 from PyPI, and npm.
"""
import argparse, importlib, pathlib, sys

# Module, function, and default minutes on two CPU cores (128) and on one data-centre GPU (256); None: not a matter of time.
STAGES = {
    'data': ('data', 'build', None), 'tokenizer': ('tokens', 'build', None),
    'autoencoder': ('autoencoder', 'train', (30, 6)), 'text': ('text', 'train', (8, 2)),
    'settle': ('settle', 'train', (5, 1)), 'reader': ('reader', 'train', (30, 3)), 'read': ('reader', 'measure', None), 'memory': ('memory', 'build', None),
    'transformer': ('transformer', 'train', (110, 18)),
    'upscaler': ('upscaler', 'train', (25, 4)),
    'evaluator': ('evaluator', 'train', (30, 3)), 'evaluate': ('evaluate', 'measure', None), 'export': ('export', 'write', None),
    'restore': ('restore', 'build', None), 'carry': ('restore', 'carry', None),
    'compare': ('compare', 'measure', None),
}

# Not part of `all`: they move, judge or try something, or belong to restored weights.
ASIDE = ('restore', 'carry', 'compare', 'upscaler', 'settle', 'reader', 'read', 'memory')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('stage', choices=[*STAGES, 'all'])
    parser.add_argument('work', type=pathlib.Path)
    parser.add_argument('--side', type=int, choices=(128, 256), default=128)
    parser.add_argument('--minutes', type=float, help='training time of this stage in all, earlier runs included')
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    every = [stage for stage in STAGES if stage not in ASIDE]
    for stage in every if given.stage == 'all' else [given.stage]:
        module, function, minutes = STAGES[stage]
        act = getattr(importlib.import_module(module), function)
        if minutes is not None:
            act(given.work, given.side, given.minutes if given.minutes is not None and given.stage != 'all' else minutes[given.side == 256])
        elif stage == 'tokenizer':
            act(given.work)
        else:
            act(given.work, given.side)


sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
# Guarded, because the processes of a team import this file again.
if __name__ == '__main__':
    main()
