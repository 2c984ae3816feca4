"""Makes tiny models with random weights in the layout of diffusers' folders: `models/NAME/` in ONNX, and `target/reference/NAME/` for `pipelines.py`.

    python3 -m venv EXPORT; EXPORT/bin/pip install torch==2.15.0 diffusers==0.39.0 "optimum-onnx[onnxruntime]==0.1.0" onnxscript==0.7.2 accelerate
    EXPORT/bin/python engine/tests/reference/models.py [NAME ...]

optimum-onnx wants transformers below 4.58, which diffusers 0.42.1 no longer takes: hence an environment apart from that of `pipelines.py`. A model is
one entry below in `MODELS`.
"""

import importlib.metadata
import json
import pathlib
import shutil
import sys

import diffusers
import onnx
import torch
import transformers
from torch import nn

import exporting
import vocabularies
from vocabularies import END

HERE = pathlib.Path(__file__).parent
TORCH = HERE.parents[2] / "target/reference"
ENTRIES = 1000
CHINESE = 3000
# What `pipelines.py` says in Chinese, so that the cut vocabulary knows it.
CHINESE_PROMPTS = "一只戴着红色帽子的猫坐在海边看日落水墨画飞流直下三千尺油模糊低质量"
PIPELINES = {"sdxl": "StableDiffusionXLPipeline", "lcm": "LatentConsistencyModelPipeline", "inpaint": "StableDiffusionInpaintPipeline"}
LATENT = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "num_train_timesteps": 1000, "trained_betas": None}
STABLE = {**LATENT, "steps_offset": 1, "set_alpha_to_one": False, "clip_sample": False}
EULER = {**STABLE, "interpolation_type": "linear", "prediction_type": "epsilon", "skip_prk_steps": True, "use_karras_sigmas": False}
CONSISTENT = {**STABLE, "set_alpha_to_one": True, "original_inference_steps": 50, "prediction_type": "epsilon", "timestep_spacing": "leading"}


def text(seed, kind=transformers.CLIPTextModel, **told):
    shape = {
        "vocab_size": ENTRIES,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "projection_dim": 32,
    }
    shape |= {"hidden_act": "quick_gelu", "max_position_embeddings": 77, "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1}
    return scaled(kind(transformers.CLIPTextConfig(**{**shape, **told})), seed)


def bert(seed):
    shape = {"vocab_size": CHINESE, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    return scaled(transformers.BertModel(transformers.BertConfig(**shape, max_position_embeddings=512)), seed)


def unet(seed, **told):
    shape = {"sample_size": 8, "in_channels": 4, "out_channels": 4, "block_out_channels": (8, 16), "layers_per_block": 1, "norm_num_groups": 4}
    shape |= {"down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"), "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D")}
    shape |= {"cross_attention_dim": 32, "attention_head_dim": 4}
    return scaled(diffusers.UNet2DConditionModel(**{**shape, **told}), seed)


def vae(seed, **told):
    widths = told.pop("block_out_channels", (4, 8, 8))
    shape = {
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": 4,
        "layers_per_block": 1,
        "norm_num_groups": 2,
        "sample_size": 8 * 2 ** (len(widths) - 1),
    }
    shape |= {"down_block_types": ("DownEncoderBlock2D",) * len(widths), "up_block_types": ("UpDecoderBlock2D",) * len(widths)}
    return scaled(diffusers.AutoencoderKL(**{**shape, "block_out_channels": widths, **told}), seed)


# What is not one over the root of what comes in: so that prompts matter, branches do not blow up what float32 rounds off, pictures have every
# value, and a posterior is neither a point nor a cloud.
WIDER = {"attn2.to_v": 2.0, "attn2.to_out.0": 2.0, "attn1.to_out.0": 0.5, "ff.net.2": 0.5, "conv2": 0.5, "cond_proj": 4.0}
WIDER |= {"decoder.conv_out": 0.75, "encoder.conv_out": 3.0}


def scaled(model, seed):
    """Weights whose activations stay of order one: drawn by fan-in, norms about one, biases about a tenth."""
    generator = torch.Generator().manual_seed(seed)
    for name, module in model.named_modules():
        for kind, parameter in module.named_parameters(recurse=False):
            drawn = torch.randn(parameter.shape, generator=generator)
            if isinstance(module, nn.Embedding):
                value = drawn * 0.5
            elif isinstance(module, (nn.GroupNorm, nn.LayerNorm)):
                value = drawn * 0.1 + (1.0 if kind == "weight" else 0.0)
            elif kind == "bias":
                value = drawn * 0.1
            else:
                wider = next((factor for end, factor in WIDER.items() if name.endswith(end)), 1.0)
                value = drawn * wider / max(parameter[0].numel(), 1) ** 0.5
            parameter.data.copy_(value)
    if isinstance(model, diffusers.AutoencoderKL):
        # The second half of what the encoder says is the logarithm of a variance.
        model.quant_conv.weight.data[4:] *= 0.2
        model.quant_conv.bias.data[4:] -= 3.0
        model.quant_conv.weight.data[:4] *= 3.0
    return model.eval()


def sd1(seed, layers=2, **told):
    return {"text_encoder": text(seed, num_hidden_layers=layers), "unet": unet(seed + 1, **told), "vae": vae(seed + 2)}


def sd2(seed, **told):
    shape = {"attention_head_dim": [2, 4], "use_linear_projection": True, **told}
    return {"text_encoder": text(seed, hidden_act="gelu"), "unet": unet(seed + 1, **shape), "vae": vae(seed + 2)}


def sdxl(seed):
    shape = {"attention_head_dim": [2, 4], "use_linear_projection": True, "cross_attention_dim": 64, "transformer_layers_per_block": [1, 2]}
    shape |= {"addition_embed_type": "text_time", "addition_time_embed_dim": 8, "projection_class_embeddings_input_dim": 80}
    shape |= {"down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"), "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D")}
    return {
        "text_encoder": text(seed),
        "text_encoder_2": text(seed + 1, transformers.CLIPTextModelWithProjection, hidden_act="gelu"),
        "unet": unet(seed + 2, **shape),
        "vae": vae(seed + 3, scaling_factor=0.13025),
    }


def taiyi(seed):
    # Folders of this kind have no config.json beside their graphs, and eight pixels to a latent are taken for granted.
    return {"text_encoder": bert(seed), "unet": unet(seed + 1, cross_attention_dim=16), "vae": vae(seed + 2, block_out_channels=(4, 4, 8, 8))}


def halved(parts):
    """The weights that float16 has."""
    return {name: part.half().float() for name, part in parts.items()}


# Every model's seed, its parts, what its tokenizers pad with, scheduler_config.json as such models come with it, and how it is exported.
MODELS = {
    "sd15": (100, lambda seed: sd1(seed, layers=3), [END], ("PNDMScheduler", {**STABLE, "skip_prk_steps": True}), exporting.optimum(14)),
    "sd21v": (
        200,
        lambda seed: sd2(seed),
        ["!"],
        ("DDIMScheduler", {**STABLE, "prediction_type": "v_prediction", "skip_prk_steps": True}),
        exporting.optimum(14),
    ),
    "sdxl": (300, lambda seed: sdxl(seed), [END, "!"], ("EulerDiscreteScheduler", {**EULER, "timestep_spacing": "leading"}), exporting.optimum(17)),
    "lcm": (400, lambda seed: sd1(seed, time_cond_proj_dim=16), [END], ("LCMScheduler", CONSISTENT), exporting.dynamo(True)),
    "turbo": (
        500,
        lambda seed: halved(sd2(seed)),
        ["!"],
        ("EulerDiscreteScheduler", {**EULER, "timestep_spacing": "trailing"}),
        exporting.optimum(18, "fp16", True),
    ),
    "taiyi": (600, lambda seed: taiyi(seed), ["[PAD]"], ("PNDMScheduler", {**STABLE, "skip_prk_steps": True}), exporting.script),
    "inpaint": (700, lambda seed: sd1(seed, in_channels=9), [END], ("DDIMScheduler", STABLE), exporting.dynamo(False)),
}


def save(name, folder):
    """The model as diffusers reads it."""
    seed, build, pads, (scheduler, settings), _ = MODELS[name]
    parts = build(seed)
    for part, model in parts.items():
        model.save_pretrained(folder / part)
    index = {"_class_name": PIPELINES.get(name, "StableDiffusionPipeline"), "_diffusers_version": diffusers.__version__}
    for part, model in parts.items():
        index[part] = ["diffusers" if isinstance(model, diffusers.ModelMixin) else "transformers", type(model).__name__]
    for part, pad in zip(["tokenizer", "tokenizer_2"], pads):
        if pad == "[PAD]":
            vocabularies.write_bert(folder / part, CHINESE, CHINESE_PROMPTS)
        else:
            vocabularies.write_clip(folder / part, pad, ENTRIES)
        index[part] = ["transformers", "BertTokenizer" if pad == "[PAD]" else "CLIPTokenizer"]
    index["scheduler"] = ["diffusers", scheduler]
    if name == "sdxl":
        index["force_zeros_for_empty_prompt"] = True
    else:
        index |= {"safety_checker": [None, None], "feature_extractor": [None, None], "requires_safety_checker": False}
    (folder / "scheduler").mkdir()
    told = {"_class_name": scheduler, "_diffusers_version": diffusers.__version__, **settings}
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(told, indent=2) + "\n")
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")


def note(name, target):
    """What made the model, in made_by.json."""
    path = HERE / "models/made_by.json"
    held = json.loads(path.read_text()) if path.exists() else {}
    graph = onnx.load(target / "unet/model.onnx", load_external_data=False)
    versions = {package: importlib.metadata.version(package) for package in ["torch", "diffusers", "transformers", "optimum-onnx", "onnxscript"]}
    opset = next(entry.version for entry in graph.opset_import if not entry.domain)
    held[name] = {"seed": MODELS[name][0], "opset": opset, "exporter": MODELS[name][4].__qualname__.removesuffix(".<locals>.export"), **versions}
    path.write_text(json.dumps(dict(sorted(held.items())), indent=2) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:] or MODELS:
        folder, target = TORCH / name, HERE / "models" / name
        for old in [folder, target]:
            shutil.rmtree(old, ignore_errors=True)
            old.mkdir(parents=True)
        save(name, folder)
        MODELS[name][4](folder, target)
        note(name, target)
        for path in target.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
        print(f"{name}: {size:,} bytes in {target}")
    print("One more model is an entry in `MODELS`, and this program run again with its name; then `pipelines.py`")
