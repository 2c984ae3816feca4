"""Compares the graphs of `models/` in ONNX Runtime with what torch makes of the same weights, and prints the largest differences, relative to the
largest value.

    VENV/bin/pip install onnxruntime==1.32.0
    VENV/bin/python engine/tests/reference/check.py [NAME ...]

Graphs that take float16 are told float16 and answer in it, so they differ by about a thousandth.
"""

import json
import pathlib
import sys

import diffusers
import numpy
import onnxruntime
import torch
import transformers

HERE = pathlib.Path(__file__).parent
TORCH = HERE.parents[2] / "target/reference"
KINDS = {"tensor(float)": numpy.float32, "tensor(float16)": numpy.float16, "tensor(int64)": numpy.int64, "tensor(int32)": numpy.int32}


def answers(name, part, given):
    session = onnxruntime.InferenceSession(HERE / "models" / name / part / "model.onnx", providers=["CPUExecutionProvider"])
    told = {}
    for entry in session.get_inputs():
        value = given[entry.name].numpy().astype(KINDS[entry.type])
        if value.ndim == 0 and len(entry.shape) == 1:
            value = numpy.repeat(value[None], given["sample"].shape[0])
        told[entry.name] = value
    return dict(zip([entry.name for entry in session.get_outputs()], session.run(None, told)))


def far(answer, wanted):
    wanted = wanted.numpy()
    assert answer.shape == wanted.shape, (answer.shape, wanted.shape)
    return float(numpy.abs(answer.astype(numpy.float32) - wanted).max() / numpy.abs(wanted).max())


def check(name):
    index = json.loads((TORCH / name / "model_index.json").read_text())
    load = lambda part: (
        getattr(diffusers if index[part][0] == "diffusers" else transformers, index[part][1]).from_pretrained(TORCH / name / part).eval()
    )
    generator = torch.Generator().manual_seed(5)
    draw = lambda *shape: torch.randn(*shape, generator=generator)
    found = {}
    for part in [part for part in ["text_encoder", "text_encoder_2"] if part in index]:
        encoder = load(part)
        ids = torch.randint(5, encoder.config.vocab_size - 1, (2, 77), generator=generator)
        ids[:, 40:] = encoder.config.vocab_size - 1
        wanted = encoder(ids, output_hidden_states=True)
        named = {f"hidden_states.{at}": value for at, value in enumerate(wanted.hidden_states)} | dict(wanted.items())
        for output, value in answers(name, part, {"input_ids": ids}).items():
            found[f"{part} {output}"] = far(value, named[output])
    unet, vae = load("unet"), load("vae")
    for high, wide in [(8, 8), (8, 12), (12, 8)]:
        given = {"sample": draw(2, unet.config.in_channels, high, wide), "timestep": torch.tensor(501)}
        given["encoder_hidden_states"] = draw(2, 77, unet.config.cross_attention_dim)
        more = {}
        if unet.config.addition_embed_type:
            more["added_cond_kwargs"] = {"text_embeds": draw(2, 32), "time_ids": torch.tensor([[32.0, 48, 0, 0, 32, 48]] * 2)}
            given |= more["added_cond_kwargs"]
        if unet.config.time_cond_proj_dim:
            given["timestep_cond"] = more["timestep_cond"] = draw(2, unet.config.time_cond_proj_dim)
        wanted = unet(given["sample"], given["timestep"], given["encoder_hidden_states"], **more).sample
        found[f"unet {high}x{wide}"] = far(answers(name, "unet", given)["out_sample"], wanted)
        latent = draw(1, 4, high, wide) * 3
        wanted = vae.decode(latent).sample
        found[f"vae_decoder {high}x{wide}"] = far(answers(name, "vae_decoder", {"latent_sample": latent})["sample"], wanted)
        pixels = wanted.clamp(-1, 1)
        read = answers(name, "vae_encoder", {"sample": pixels})
        if "latent_parameters" in read:
            found[f"vae_encoder {high}x{wide}"] = far(read["latent_parameters"], vae.encode(pixels).latent_dist.parameters)
    return found


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with torch.no_grad():
        for name in sys.argv[1:] or sorted(path.name for path in (HERE / "models").iterdir() if path.is_dir()):
            print(name, ", ".join(f"{what} {value:.1e}" for what, value in check(name).items()))
