"""Feeds the checkpoints of a tile folder to a witness with aics-witness's own client.

Arguments: tile folder, witness URL, witness vkey, log vkey, then signed checkpoint files, oldest first.
"""
import pathlib, sys
from aics_tlog import hashing
from aics_witness.feeder import WitnessClient, WitnessConflict, WitnessRejected

folder, url, witness, log, *files = sys.argv[1:]


def leaves(folder, size):
    found = []
    for number in range((size + 255) // 256):
        width = min(256, size - number * 256)
        name = f'{number:03}' + ('' if width == 256 else f'.p/{width}')
        data = (pathlib.Path(folder) / 'tile' / 'entries' / name).read_bytes()
        while data:
            length = int.from_bytes(data[:2], 'big')
            found.append(hashing.leaf_hash(data[2:2 + length]))
            data = data[2 + length:]
    return found


def subtree(hashes):
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return hashing.node_hash(subtree(hashes[:split]), subtree(hashes[split:]))


def consistency(old, hashes, whole=True):
    """RFC 6962, section 2.1.2, as written."""
    if old == len(hashes):
        return [] if whole else [subtree(hashes)]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    if old <= split:
        return consistency(old, hashes[:split], whole) + [subtree(hashes[split:])]
    return consistency(old - split, hashes[split:], False) + [subtree(hashes[:split])]


client = WitnessClient(url, witness)
for file in files:
    note = pathlib.Path(file).read_bytes()
    size = int(note.split(b'\n')[1])
    try:
        line = client.submit(note, lambda old, new: consistency(old, leaves(folder, new)))
        print('cosigned', size, line.count('\n'))
    except (WitnessRejected, WitnessConflict) as error:
        print('refused', size, type(error).__name__, getattr(error, 'status', ''))
