"""Brings a working folder back from the repository's own files, so that the model can be judged or trained on elsewhere.

The weights were rounded to float16, the optimisers' state is gone, and the encoder does not ship: the stage `autoencoder` trains a
new one against the shipped decoder. `transformer` and `distil` then train as usual, the first from `start.pt` instead of new weights.
"""
import pathlib, shutil
import numpy as np
import onnx
import torch
from onnx import numpy_helper
from networks import HEAD, autoencoder
from transformer import Generator

MODEL = pathlib.Path(__file__).resolve().parent.parent


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


def build(work, side):
    found, decoder = stored(), autoencoder(side)[1]
    network = Generator(side)
    network.load_state_dict({name: as_trained(name, found[name], value) for name, value in network.state_dict().items()})
    decoder.load_state_dict({name: torch.from_numpy(np.array(found[f'decoder.{name}'])).reshape(value.shape)
                             for name, value in decoder.state_dict().items()})
    torch.save(network.state_dict(), work / 'start.pt')
    torch.save(decoder.state_dict(), work / 'decoder.pt')
    torch.save([torch.from_numpy(np.array(found[f'latent.{name}'])).flatten() for name in ('mean', 'std')], work / 'statistics.pt')
    shutil.copy(MODEL / 'files' / 'tokenizer.json', work)
    print('restored; `evaluate` can judge it, and `autoencoder`, `transformer` and `distil` train on from it')
