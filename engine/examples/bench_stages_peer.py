"""One graph of a model folder in another program; prints one JSON object. See bench_stages.rs, and real_shapes.py for folders.

    bench_stages_peer.py onnxruntime|torch FOLDER PART THREADS RUNS     every optimisation; torch runs the same part with random weights
    bench_stages_peer.py profile STORED_GRAPH.onnx                      seconds by operator of a graph of ours, under the options of our profile

PART is text_encoder, unet or vae_decoder, at 512×512 for a latent of 64×64 cells.
"""
import collections
import json
import os
import pathlib
import statistics
import sys
import time

import numpy as np


def inputs(name, shape):
    draw = np.random.default_rng(7)
    if name == "input_ids":
        return (1 + np.arange(77) * 37 % 211)[None].astype(np.int64)
    return np.full(shape, 481, np.float32) if name == "timestep" else draw.standard_normal(shape, np.float32)


SHAPES = {"sample": (1, 4, 64, 64), "latent_sample": (1, 4, 64, 64), "timestep": (), "encoder_hidden_states": (1, 77, 768)}


def by_onnxruntime(folder, part, threads):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(str(folder / part / "model.onnx"), options, providers=["CPUExecutionProvider"])
    given = {value.name: inputs(value.name, SHAPES.get(value.name)) for value in session.get_inputs()}
    return lambda: session.run(None, given)


def by_torch(folder, part, threads):
    import diffusers
    import torch
    import transformers
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    config = json.loads((folder / part / "config.json").read_text())
    kind = {"unet": "UNet2DConditionModel", "vae_decoder": "AutoencoderKL"}.get(part)
    with torch.device("meta" if kind else "cpu"):
        model = getattr(diffusers, kind).from_config(config) if kind else transformers.CLIPTextModel(transformers.CLIPTextConfig(**config))
    if kind:
        model = model.to_empty(device="cpu")
        for parameter in model.parameters():
            parameter.uniform_(-.01, .01)
    model = model.eval()
    sample, states = torch.from_numpy(inputs("sample", SHAPES["sample"])), torch.from_numpy(inputs("", (1, 77, 768)))
    return {
        "unet": lambda: model(sample, 481, states).sample,
        "vae_decoder": lambda: model.decode(sample).sample,
        "text_encoder": lambda: model(torch.from_numpy(inputs("input_ids", None))).last_hidden_state,
    }[part]


def profile(path):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.enable_profiling, options.profile_file_prefix = True, "/tmp/seedmark-profile"
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    given = {value.name: np.zeros(value.shape, np.int64) if "int64" in value.type else inputs(value.name, value.shape) for value in session.get_inputs()}
    session.run(None, given)
    written = session.end_profiling()
    spent, times = collections.Counter(), collections.Counter()
    for event in json.loads(pathlib.Path(written).read_text()):
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            made = [list(shape.values())[0] for shape in event["args"]["output_type_shape"]]
            kind = event["args"]["op_name"]
            if kind == "MatMul" and made[0][-1] == 1:
                kind = "MatMul with a column (means and sums)"
            spent[kind] += event["dur"] / 1e6
            times[kind] += 1
    os.remove(written)
    whole = sum(spent.values())
    print(json.dumps({kind: {"seconds": round(seconds, 3), "share": round(seconds / whole, 3), "nodes": times[kind]} for kind, seconds in spent.most_common()}))


def main():
    if sys.argv[1] == "profile":
        return profile(sys.argv[2])
    name, folder, part, threads, runs = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    start = time.perf_counter()
    act = {"onnxruntime": by_onnxruntime, "torch": by_torch}[name](folder, part, threads)
    opened, seconds, processor = time.perf_counter() - start, [], []
    for _ in range(runs):
        start, before = time.perf_counter(), time.process_time()
        act()
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - before)
    told = dict(line.split(":", 1) for line in pathlib.Path("/proc/self/status").read_text().splitlines())
    megabytes = {field: int(told[field].split()[0]) / 1000 for field in ["VmHWM", "RssAnon"]}
    told = {"open_seconds": opened, "seconds": statistics.median(seconds), "processor_seconds": statistics.median(processor)}
    print(json.dumps({**told, "peak_megabytes": megabytes["VmHWM"], "own_megabytes": megabytes["RssAnon"]}))


main()
