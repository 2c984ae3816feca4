"""Brings a working folder back from the repository's own files, and carries what was trained since from one machine to the next.

`restore` starts from `state/` when it is there, else from the shipped model: weights rounded to float16, no optimiser's state, new pieces of
the tokenizer as the mean of the old ones they are made of. `carry` writes `state/`: the average, the encoder that does not ship, tokenizer
and counts, at half precision. Every commit of it weighs what it weighs for ever, so only a state that beats the last one is worth it.
"""
import json, pathlib, shutil
import numpy as np
import onnx
import torch
from onnx import numpy_helper
from autoencoder import encoder_weights
from networks import HEAD, PIECES, autoencoder
from tokens import extend
from transformer import Generator

MODEL = pathlib.Path(__file__).resolve().parent.parent
STATE = pathlib.Path(__file__).resolve().parent / 'state'


def stored():
    """Every trained tensor by its name in PyTorch, as the graphs refer to it."""
    weights = np.frombuffer((MODEL / 'files' / 'weights.f16').read_bytes(), np.float16).astype(np.float32)
    found = {}
    for name in ('text_encoder', 'transformer', 'vae_decoder'):
        for tensor in onnx.load(MODEL / 'files' / f'{name}.onnx', load_external_data=False).graph.initializer:
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                place = {entry.key: int(entry.value) for entry in tensor.external_data if entry.key != 'location'}
                start = place['offset'] // 4
                found[tensor.name] = weights[start:start + place['length'] // 4].reshape(tensor.dims)
            elif '.' in tensor.name and tensor.data_type == onnx.TensorProto.FLOAT:
                found[tensor.name] = numpy_helper.to_array(tensor)
    return found


def as_trained(name, value, wanted):
    """Undoes what the export did: transposed matrices, queries divided by eight, norms as planes."""
    if name.endswith(('.q.weight', '.q.bias')):
        value = value * HEAD ** .5
    if value.ndim == 2 and not name.endswith(('tokens.weight', 'places', 'table')):
        value = value.T
    return torch.from_numpy(np.array(value)).reshape(wanted.shape)


def grown(table, parts):
    """An embedding table with rows for new pieces, each the mean of the rows of the old pieces it is made of."""
    rows = [table[parts[at]].mean(0) for at in range(len(table), len(table) + len(parts))]
    return np.concatenate([table, np.stack(rows)]) if rows else table


def shipped_network(work, side, found):
    shutil.copy(MODEL / 'files' / 'tokenizer.json', work)
    if len(found['text.tokens.weight']) < PIECES:
        found['text.tokens.weight'] = grown(found['text.tokens.weight'], extend(work))
    return {name: as_trained(name, found[name], value) for name, value in Generator(side).state_dict().items()}


def build(work, side):
    found, decoder = stored(), autoencoder(side)[1]
    decoder.load_state_dict({name: torch.from_numpy(np.array(found[f'decoder.{name}'])).reshape(value.shape)
                             for name, value in decoder.state_dict().items()})
    torch.save(decoder.state_dict(), work / 'decoder.pt')
    torch.save([torch.from_numpy(np.array(found[f'latent.{name}'])).flatten() for name in ('mean', 'std')], work / 'statistics.pt')
    counts = {'seconds': 0., 'step': 0, 'samples': 0}
    if (STATE / 'counts.json').exists():
        counts = {name: json.loads((STATE / 'counts.json').read_text())[name] for name in counts}
        kept = {name: torch.from_numpy(value.astype(np.float32)) for name, value in np.load(STATE / 'weights.npz').items()}
        part = lambda prefix: {name.removeprefix(prefix): value for name, value in kept.items() if name.startswith(prefix)}
        torch.save(part('encoder.'), work / 'encoder.pt')
        network = part('network.')
        shutil.copy(STATE / 'tokenizer.json', work)
    else:
        network = shipped_network(work, side, found)
    torch.save({'network': network, **counts}, work / 'start.pt')
    print(f"restored at step {counts['step']}: `autoencoder` makes the latents, `transformer` trains on, `evaluate` judges")


def carry(work, side):
    """Writes `state/`; an older one is replaced."""
    kept = torch.load(work / 'transformer.pt', map_location='cpu', weights_only=True)
    weights = {f'network.{name}': value for name, value in kept['average'].items()}
    weights |= {f'encoder.{name}': value for name, value in encoder_weights(work).items()}
    STATE.mkdir(exist_ok=True)
    np.savez(STATE / 'weights.npz', **{name: value.half().numpy() for name, value in weights.items()})
    shutil.copy(work / 'tokenizer.json', STATE)
    counts = {'samples': kept['samples'], 'seconds': round(kept['seconds']), 'hours': round(kept['seconds'] / 3600, 2), 'step': kept['step']}
    (STATE / 'counts.json').write_text(json.dumps(counts, indent=1) + '\n')
    print(counts, sum(path.stat().st_size for path in STATE.iterdir()), 'bytes')
