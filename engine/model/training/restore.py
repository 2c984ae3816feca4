"""Brings a working folder back from the repository's own files, and carries what was trained since from one machine to the next.

`restore` starts from `state/` when it is there, else from the shipped model: weights rounded to float16, no optimiser's state, new pieces of
the tokenizer as the mean of the old ones they are made of. `carry` writes `state/` at half precision: the encoder that does not ship
(1.6 MB, good for any weights, since the decoder never changes), and the average with tokenizer and counts (16 MB). Every commit weighs what
it weighs for ever: the average is worth one only where it beats what is shipped, the encoder always.
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
    if (STATE / 'encoder.npz').exists():
        torch.save(widened(STATE / 'encoder.npz'), work / 'encoder.pt')
    # Rows of pieces from `known` on are new; `settle` teaches them.
    counts, known = {'seconds': 0., 'step': 0, 'samples': 0}, PIECES
    if (STATE / 'counts.json').exists():
        counts = {name: json.loads((STATE / 'counts.json').read_text())[name] for name in counts}
        network = widened(STATE / 'average.npz')
        shutil.copy(STATE / 'tokenizer.json', work)
    else:
        known = len(found['text.tokens.weight'])
        network = shipped_network(work, side, found)
    torch.save({'network': network, 'known': known, **counts}, work / 'start.pt')
    print(f"restored at step {counts['step']}: `autoencoder` makes the latents, `settle` teaches new pieces, `transformer` trains on")


def widened(path):
    return {name: torch.from_numpy(value.astype(np.float32)) for name, value in np.load(path).items()}


def halved(path, state):
    np.savez(path, **{name: value.half().numpy() for name, value in state.items()})


def carry(work, side):
    """Writes `state/`; an older one is replaced."""
    STATE.mkdir(exist_ok=True)
    halved(STATE / 'encoder.npz', encoder_weights(work))
    kept = torch.load(work / 'transformer.pt', map_location='cpu', weights_only=True)
    halved(STATE / 'average.npz', kept['average'])
    shutil.copy(work / 'tokenizer.json', STATE)
    counts = {'samples': kept['samples'], 'seconds': round(kept['seconds']), 'hours': round(kept['seconds'] / 3600, 2), 'step': kept['step']}
    (STATE / 'counts.json').write_text(json.dumps(counts, indent=1) + '\n')
    print(counts, sum(path.stat().st_size for path in STATE.iterdir()), 'bytes')
