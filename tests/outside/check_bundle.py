"""Check a bundle with other people's code only: blake3, cryptography, securesystemslib, in-toto and rfc8785.
`check_bundle.py FILE`."""
import base64, hashlib, json, sys
import rfc8785
from blake3 import blake3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from google.protobuf.json_format import Parse
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope

CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'


def bech32_payload(text):
    """The bytes of a bech32 text; the checksum is the tool's business, the bytes are ours."""
    bits = ''.join(f'{CHARSET.index(c):05b}' for c in text.rsplit('1', 1)[1][:-6])
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits) - len(bits) % 8, 8))


def leaf_hash(entry):
    return hashlib.sha256(b'\0' + entry).digest()


def check_leaf(leaf, origin, key):
    assert len(leaf) == 130 and leaf[0] == 1
    assert hashlib.sha256(key).digest() == leaf[34:66]
    message = b'seedmark.dev/leaf/v1\0' + origin.encode() + b'\0' + leaf[:34]
    Ed25519PublicKey.from_public_bytes(key).verify(leaf[66:], message)


def check_proof(leaf, proof, log_key):
    head, checkpoint = proof.split('\n\n', 1)
    lines = head.split('\n')
    assert lines[0] == 'c2sp.org/tlog-proof@v1'
    index, hashes = int(lines[1].removeprefix('index ')), [base64.b64decode(line) for line in lines[2:]]
    text, signatures = checkpoint.rsplit('\n\n', 1)
    name, _, encoded = log_key.split('+', 2)
    key = base64.b64decode(encoded)
    signature = base64.b64decode(next(line for line in signatures.splitlines() if line.split(' ')[1] == name).split(' ')[2])
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature[4:], (text + '\n').encode())
    _, size, root = text.split('\n')
    node, last, found = index, int(size) - 1, leaf_hash(leaf)
    for sibling in hashes:
        if node & 1 or node == last:
            found = hashlib.sha256(b'\1' + sibling + found).digest()
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = hashlib.sha256(b'\1' + found + sibling).digest()
        node, last = node >> 1, last >> 1
    assert last == 0 and found == base64.b64decode(root)


def check_canonical(text):
    """The bytes are what RFC 8785 makes of what they say."""
    assert rfc8785.dumps(json.loads(text)) == text, text


def check_statement(payload):
    """in-toto's own reader takes it, and finds nothing missing."""
    check_canonical(payload)
    assert json.loads(payload)['_type'] == 'https://in-toto.io/Statement/v1'
    Statement.copy_from_pb(Parse(payload, statement_pb2.Statement())).validate()


text = open(sys.argv[1], 'rb').read()
check_canonical(text.rstrip(b'\n'))
bundle = json.loads(text)
creator = bech32_payload(bundle['creator'])
leaf = base64.b64decode(bundle['sealed']['leaf'])
check_leaf(leaf, bundle['origin'], creator)
check_proof(leaf, bundle['sealed']['proof'], bundle['log_key'])
envelope = Envelope.from_dict(json.loads(json.dumps(bundle['listing']['statement'])))
Ed25519PublicKey.from_public_bytes(creator).verify(base64.b64decode(bundle['listing']['statement']['signatures'][0]['sig']), envelope.pae())
listing_leaf = base64.b64decode(bundle['listing']['leaf'])
assert hashlib.sha256(envelope.pae()).digest() == listing_leaf[2:34]
check_statement(envelope.payload)
statement = json.loads(envelope.payload)
assert statement['predicate']['leaf'] == leaf_hash(leaf).hex()
recipe, salt = base64.b64decode(bundle['owner']['recipe']), base64.b64decode(bundle['owner']['salt'])
check_canonical(recipe)
anchors = [bytes.fromhex(anchor['pixels']['blake3']) for anchor in statement['predicate']['anchors']]
message = salt + creator + len(recipe).to_bytes(8, 'little') + recipe + len(anchors).to_bytes(2, 'little') + b''.join(anchors)
assert blake3(message, derive_key_context='seedmark.dev 2026-11 recipe commitment v1').digest() == leaf[2:34]
print('every check by other code holds')
