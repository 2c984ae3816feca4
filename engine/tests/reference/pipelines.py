"""Records what diffusers' pipelines do with the models of `models.py`: latents after every step, and the picture.

    python3 -m venv VENV; VENV/bin/pip install torch==2.15.0 diffusers==0.42.1 transformers==5.24.0 peft==0.21.2 scipy==1.17.1
    VENV/bin/python engine/tests/reference/pipelines.py

`models.py` comes first, for the weights in target/reference. Everything runs in float32 on one thread of the CPU. Latents are little-endian float32
in base64, one step after the other, each [1, 4, height, width] in the pipeline's own scale; `start` is what the first step begins with where a
picture was given; pictures are rows of RGB bytes in base64, the masks in `pictures` rows of bytes. `timesteps` are those that ran, `scheduler` is its
whole configuration. `draws` is every draw of normal numbers that the pipeline makes of its one generator, in order: when (-1 is before the first
step, else the step's index), and the shape; an `eta` of null is the pipelines' own, 0, which schedulers that know an eta are told. `order` says what the draws before the first step are. `tile` is the side, in pixels, of the tiles that `enable_tiling`
takes pictures in. Cases are in `runs.py`.
"""

import argparse
import base64
import inspect
import json
import pathlib
import platform

import diffusers
import numpy
import PIL.Image
import torch
import transformers

from runs import cases

HERE = pathlib.Path(__file__).parent
TORCH = HERE.parents[2] / "target/reference"
KINDS = {
    ("StableDiffusion", "text"): diffusers.StableDiffusionPipeline,
    ("StableDiffusion", "img2img"): diffusers.StableDiffusionImg2ImgPipeline,
    ("StableDiffusion", "inpaint"): diffusers.StableDiffusionInpaintPipeline,
    ("StableDiffusionXL", "text"): diffusers.StableDiffusionXLPipeline,
    ("StableDiffusionXL", "img2img"): diffusers.StableDiffusionXLImg2ImgPipeline,
    ("StableDiffusionXL", "inpaint"): diffusers.StableDiffusionXLInpaintPipeline,
    ("LatentConsistencyModel", "text"): diffusers.LatentConsistencyModelPipeline,
    ("LatentConsistencyModel", "img2img"): diffusers.LatentConsistencyModelImg2ImgPipeline,
}


def picture(width, height):
    """A picture of gradients and a disc, to start from."""
    y, x = numpy.mgrid[0:height, 0:width]
    disc = (x * 2 - width) ** 2 + (y * 2 - height) ** 2 < (min(width, height) * 7 // 10) ** 2
    red, green, blue = x * 255 // (width - 1), y * 255 // (height - 1), (x * 7 + y * 13) % 256
    return numpy.stack([numpy.where(disc, 230, red), numpy.where(disc, 60, green), blue], axis=-1).astype(numpy.uint8)


def mask(width, height):
    """What is painted anew: white where so, with an edge that is no multiple of a latent and a shade on either side of half."""
    shade = numpy.zeros((height, width), dtype=numpy.uint8)
    shade[height // 4 + 1 : height * 3 // 4 + 1, width // 3 : width] = 255
    shade[: height // 8, : width // 2] = 127
    shade[height - height // 8 :, : width // 2] = 128
    return shade


def packed(array):
    return base64.b64encode(numpy.ascontiguousarray(array).tobytes()).decode()


def base(name):
    index = json.loads((TORCH / name / "model_index.json").read_text())
    return index["_class_name"].removesuffix("Pipeline").removesuffix("Inpaint"), index


def pipeline(name, mode, scheduler, options):
    """The model as it is loaded, with its own scheduler or another one that takes over its configuration."""
    family, index = base(name)
    kind = KINDS[family, mode]
    parts = {}
    for part, told in index.items():
        if isinstance(told, list) and told[0] and part != "scheduler":
            parts[part] = getattr(diffusers if told[0] == "diffusers" else transformers, told[1]).from_pretrained(TORCH / name / part)
    config = json.loads((TORCH / name / "scheduler/scheduler_config.json").read_text())
    parts["scheduler"] = getattr(diffusers, scheduler or index["scheduler"][1]).from_config(config, **options)
    takes = inspect.signature(kind.__init__).parameters
    parts |= {part: None for part in ["safety_checker", "feature_extractor", "image_encoder"] if part in takes}
    if "requires_safety_checker" in takes:
        parts["requires_safety_checker"] = False
    if family == "StableDiffusionXL":
        parts["force_zeros_for_empty_prompt"] = index["force_zeros_for_empty_prompt"]
        parts["add_watermarker"] = False
    made = kind(**parts)
    made.set_progress_bar_config(disable=True)
    return made


# What is drawn before the first step. `latent_dist.sample` draws whole numbers of the mean's shape even where the variance is next to nothing.
ORDER = {
    "text": ["the noise to begin with"],
    "img2img": ["the posterior of the picture", "the noise put over it"],
    "inpaint": [
        "the posterior of the picture, unless the UNet has nine channels and strength is 1000",
        "the noise",
        "the posterior of the masked picture",
    ],
}


class Draws:
    """Notes every draw of the run's generator."""

    def __init__(self, generator):
        self.generator, self.step, self.every, self.randn = generator, -1, [], torch.randn

    def __enter__(self):
        def noted(*shape, generator=None, **told):
            if generator is self.generator:
                size = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
                self.every.append([self.step, list(size)])
            return self.randn(*shape, generator=generator, **told)

        torch.randn = noted
        return self

    def __exit__(self, *_):
        torch.randn = self.randn


def run(case):
    mode = case.get("mode", "text")
    pipe = pipeline(case["model"], mode, case.get("scheduler"), case.get("options", {}))
    if "lora" in case:
        pipe.load_lora_weights(HERE / "lora", weight_name=case["lora"])
        pipe.fuse_lora(lora_scale=case["lora_thousandths"] / 1000)
        pipe.unload_lora_weights()
    if "clip_skip" in case and not hasattr(pipe.text_encoder, "text_model"):
        # transformers 5 has no such level any more, and diffusers asks for it.
        object.__setattr__(pipe.text_encoder, "text_model", pipe.text_encoder)
    factor, size = pipe.vae_scale_factor, case.get("size", [8, 8])
    if "tile" in case:
        pipe.vae.enable_tiling()
        pipe.vae.tile_sample_min_size, pipe.vae.tile_latent_min_size = case["tile"], case["tile"] // factor
    width, height = size[0] * factor, size[1] * factor
    generator = torch.Generator("cpu").manual_seed(case["seed"])
    told = {"prompt": case["prompt"], "num_inference_steps": case["steps"], "guidance_scale": case["guidance"], "generator": generator}
    takes = inspect.signature(pipe.__call__).parameters
    if "negative_prompt" in takes:
        told["negative_prompt"] = case.get("negative")
    for name in ["clip_skip", "guidance_rescale", "eta"]:
        if name in case:
            told[name] = case[name]
    if mode == "text":
        told |= {"width": width, "height": height}
    else:
        told |= {"image": PIL.Image.fromarray(picture(width, height)), "strength": case["strength_thousandths"] / 1000}
    if mode == "inpaint":
        told |= {"mask_image": PIL.Image.fromarray(mask(width, height)), "width": width, "height": height}
    latents, timesteps, begun, prepare = [], [], [], pipe.prepare_latents

    def prepared(*given, **named):
        made = prepare(*given, **named)
        begun.append(made[0] if isinstance(made, tuple) else made)
        return made

    pipe.prepare_latents = prepared
    with Draws(generator) as draws:

        def after(_, step, timestep, held):
            latents.append(held["latents"].detach().numpy().astype("<f4"))
            timesteps.append(float(timestep))
            draws.step = step + 1
            return held

        shown = pipe(**told, output_type="np", callback_on_step_end=after).images[0]
    pixels = (shown * 255).round().astype("uint8")
    config = {name: value for name, value in pipe.scheduler.config.items() if not name.startswith("_")}
    recorded = {
        "name": case["name"],
        "model": case["model"],
        "mode": mode,
        "prompt": case["prompt"],
        "negative": case.get("negative"),
        "seed": case["seed"],
    }
    recorded |= {"steps": case["steps"], "guidance": case["guidance"], "width": width, "height": height}
    recorded |= {name: case.get(name) for name in ["eta", "clip_skip", "guidance_rescale", "strength_thousandths"]}
    recorded |= {"scheduler": {"_class_name": type(pipe.scheduler).__name__, **config}}
    recorded |= {"tile": case["tile"]} if "tile" in case else {}
    recorded |= {"timesteps": timesteps, "draws": draws.every}
    recorded |= {
        "start": None if mode == "text" else packed(begun[0].numpy().astype("<f4")),
        "latents": packed(numpy.concatenate(latents)),
        "picture": packed(pixels),
    }
    return recorded, pixels, latents, pipe


def quiet():
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    diffusers.logging.set_verbosity_error()


if __name__ == "__main__":
    reading = argparse.ArgumentParser()
    reading.add_argument("--only", default="", help="run the cases whose name has this, and write nothing")
    asked = reading.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    quiet()
    recorded, sizes = [], set()
    for at, given in enumerate(cases()):
        given["name"] = f"{at:03} {given['name']}"
        if asked.only in given["name"]:
            line, pixels, latents, _ = run(given)
            recorded.append(line)
            if line["mode"] != "text":
                sizes.add((line["width"], line["height"]))
            clamped = ((pixels == 0) | (pixels == 255)).mean()
            spread = " ".join(f"{step.std():.2f}" for step in latents)
            shown = f"pixels {pixels.mean():5.1f} ± {pixels.std():4.1f}, clamped {clamped:.0%}; latents {spread}"
            print(f"{line['name']:32} {shown}; draws {len(line['draws'])}")
    made_by = {
        "diffusers": diffusers.__version__,
        "transformers": transformers.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    models = json.loads((HERE / "models/made_by.json").read_text())
    pictures = {f"{width}x{height}": {"rgb": packed(picture(width, height)), "mask": packed(mask(width, height))} for width, height in sorted(sizes)}
    lines = ",\n".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) for line in recorded)
    target = pathlib.Path(__file__).with_suffix(".json")
    if not asked.only:
        target.write_text(
            f'{{"made_by":{json.dumps(made_by)},"models":{json.dumps(models)},"order":{json.dumps(ORDER)},"pictures":{json.dumps(pictures)},"cases":[\n{lines}\n]}}\n'
        )
        print(f"{len(recorded)} cases, {target.stat().st_size:,} bytes in {target}")
    print("One more case is a line in `cases` of runs.py; then run VENV/bin/python engine/tests/reference/pipelines.py")
