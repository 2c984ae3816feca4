"""The same graphs with the same inputs in Python's onnxruntime, one thread; prints one JSON object. See bench.rs.

Usage: bench_peer.py MODEL_FOLDER LEVEL, where LEVEL is `portable` (no optimisation, as our profile) or `default` (everything on).
A picture here is one text encoding, the steps with an Euler update in numpy, and one decoding.
"""
import json, pathlib, statistics, sys, time
import numpy as np
import onnxruntime as ort

REPEATS = 15
start = time.perf_counter()
folder, level = pathlib.Path(sys.argv[1]), sys.argv[2]
manifest = json.loads((folder / 'model.json').read_text())
weights = np.frombuffer((folder / 'weights.f16').read_bytes(), np.float16).astype(np.float32).tobytes()


def session(name):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    if level == 'portable':
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_external_initializers_from_files_in_memory(['weights.f32'], [weights], [len(weights)])
    return ort.InferenceSession((folder / name).read_bytes(), options, providers=['CPUExecutionProvider'])


def median(act):
    act()
    seconds = []
    for _ in range(REPEATS):
        before = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - before)
    return statistics.median(seconds)


encoder, transformer, decoder = (session(name) for name in ('text_encoder.onnx', 'transformer.onnx', 'vae_decoder.onnx'))
tokens, width, features = manifest['text_tokens'], manifest['text_width'], manifest['time_features']
size, factor = manifest['sizes'][0], manifest['latent_factor']
shape = (1, manifest['latent_channels'], size['height'] // factor, size['width'] // factor)
prompt = {'ids': np.arange(1, tokens + 1, dtype=np.int64)[None], 'mask': np.full((1, tokens, 1), 1 / tokens, np.float32)}
latent = np.random.default_rng(1).standard_normal(shape, np.float32)
step = {'latent': latent, 'time': np.full((1, features), .5, np.float32), 'text': np.full((1, tokens, width), .1, np.float32),
        'pooled': np.full((1, width), .1, np.float32), 'guidance': np.full((1, 1), 3, np.float32)}


def picture():
    text, pooled = encoder.run(['text', 'pooled'], prompt)
    x, steps = latent, manifest['steps']
    for _ in range(steps):
        velocity, = transformer.run(['velocity'], {**step, 'latent': x, 'text': text, 'pooled': pooled})
        x = x - velocity / np.float32(steps)
    return decoder.run(['picture'], {'latent': x})


picture()
first = time.perf_counter() - start
peak = next(int(line.split()[1]) / 1000 for line in open('/proc/self/status') if line.startswith('VmHWM'))
print(json.dumps({
    'first_picture_seconds': first, 'picture_seconds': median(picture), 'text_encoder_ms': median(lambda: encoder.run(None, prompt)) * 1000,
    'transformer_ms': median(lambda: transformer.run(None, step)) * 1000,
    'vae_decoder_ms': median(lambda: decoder.run(None, {'latent': latent})) * 1000, 'peak_megabytes': peak,
}))
