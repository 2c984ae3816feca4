"""Brings a working folder back from the repository, so that training can go on elsewhere: the autoencoder, the latents, and `start.pt`.

The weights were rounded to float16 and the optimisers' state is gone, so a resumed stage warms up again; nothing else is lost.
The stages `transformer` and `distil` then train as usual, the first from `start.pt` instead of new weights.
"""
import pathlib
import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors.numpy import load_file
from autoencoder import write_latents
from data import load
from networks import HEAD, autoencoder
from training import DEVICE
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
    pictures, _, _ = load(work)
    found = stored()
    network, (encoder, decoder) = Generator(side), autoencoder(side)
    network.load_state_dict({name: as_trained(name, found[name], value) for name, value in network.state_dict().items()})
    decoder.load_state_dict({name: as_trained('', found[f'decoder.{name}'], value) if value.ndim != 2 else value
                             for name, value in decoder.state_dict().items()})
    kept = load_file(MODEL / 'resume' / 'encoder.safetensors')
    encoder.load_state_dict({name: torch.from_numpy(value.astype(np.float32)) for name, value in kept.items()})
    torch.save(network.state_dict(), work / 'start.pt')
    optimizer = torch.optim.AdamW([*encoder.parameters(), *decoder.parameters()])
    torch.save({'encoder': encoder.state_dict(), 'decoder': decoder.state_dict(), 'optimizer': optimizer.state_dict(),
                'seconds': 1e9, 'step': 0}, work / 'autoencoder.pt')
    if not (work / 'latents.npy').exists():
        write_latents(work, pictures, encoder.to(DEVICE).eval())
    print('restored; go on with the stages transformer and distil')
