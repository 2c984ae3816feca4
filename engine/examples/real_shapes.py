"""Makes model folders with random weights at the sizes that people use, in the layout of optimum: for `cargo xtask bench engine --shapes`.

    python3 -m venv EXPORT; EXPORT/bin/pip install torch==2.15.0 diffusers==0.39.0 "optimum-onnx[onnxruntime]==0.1.0" onnxscript==0.7.2 accelerate
    EXPORT/bin/python engine/examples/real_shapes.py FOLDER [NAME ...]

`sd15` is Stable Diffusion 1.5 whole, in float32 (4.3 GB); `sd15-half` the same graphs and weights in float16, made from `sd15`. `sdxl` is Stable
Diffusion XL in float16 with every width and both text encoders, but two transformer layers where there are ten (3.6 GB instead of 6.9).
One part is in memory at a time: `sd15` took 4.5 GB at most, `sdxl` 7.9 GB.
"""

import gc
import json
import pathlib
import shutil
import sys

import diffusers
import numpy as np
import onnx
import torch
import transformers

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests/reference"))
import vocabularies  # noqa: E402
from models import EULER, STABLE  # noqa: E402

SD15 = {"cross_attention_dim": 768}
XL = {"block_out_channels": (320, 640, 1280), "layers_per_block": 2, "sample_size": 128, "cross_attention_dim": 2048, "attention_head_dim": [5, 10, 20]}
XL |= {"down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"), "use_linear_projection": True}
XL |= {"up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), "transformer_layers_per_block": [1, 2, 2]}
XL |= {"addition_embed_type": "text_time", "addition_time_embed_dim": 256, "projection_class_embeddings_input_dim": 2816}
VAE = {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2, "latent_channels": 4, "norm_num_groups": 32, "sample_size": 512}
VAE |= {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
CLIP = {"vocab_size": 49408, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12, "projection_dim": 768}
CLIP |= {"hidden_act": "quick_gelu", "max_position_embeddings": 77, "bos_token_id": 49406, "eos_token_id": 49407, "pad_token_id": 1}
BIG = {**CLIP, "hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20, "projection_dim": 1280, "hidden_act": "gelu"}
# Bytes of a weight that begins a page of its file, as exporters do it.
PAGED = 1 << 20


def filled(model, dtype, seed):
    """Small normal weights: branches add little to what passes by, so that activations stay finite at any depth."""
    model = model.to(dtype).to_empty(device="cpu") if next(model.parameters()).is_meta else model.to(dtype)
    generator = torch.Generator().manual_seed(seed)
    for name, module in model.named_modules():
        norm = isinstance(module, (torch.nn.GroupNorm, torch.nn.LayerNorm))
        for kind, parameter in module.named_parameters(recurse=False):
            width = 1.0 if parameter.dim() < 2 else max(parameter[0].numel(), 1) ** -0.5
            for part in parameter.data.view(parameter.shape[0], -1).split(64):
                drawn = torch.randn(part.shape, generator=generator)
                part.copy_(drawn * 0.05 + 1.0 if norm and kind == "weight" else drawn * (0.02 if parameter.dim() < 2 else width))
    return model.eval()


def shaped(kind, config, dtype, seed):
    with torch.device("meta"):
        made = kind.from_config(config) if hasattr(kind, "from_config") else kind(config)
    return filled(made, dtype, seed)


def text(config, second, hidden):
    """Both kinds of CLIP's text half, with every layer's output where SDXL reads one of them."""

    def build(dtype):
        kind = transformers.CLIPTextModelWithProjection if second else transformers.CLIPTextModel
        model = filled(kind(transformers.CLIPTextConfig(**config)), dtype, 1 + second)
        notes = model.forward
        first = ["text_embeds", "last_hidden_state"] if second else ["last_hidden_state", "pooler_output"]
        names = first + [f"hidden_states.{at}" for at in range(config["num_hidden_layers"] + 1)] if hidden else first

        def forward(ids):
            told = notes(ids, output_hidden_states=hidden)
            return tuple(told[name] for name in first) + (tuple(told.hidden_states) if hidden else ())

        model.forward = forward
        ids = torch.randint(0, 49000, (1, 77))
        return model, {"input_ids": ids}, {"input_ids": {0: "batch_size", 1: "sequence_length"}}, names

    return build


def unet(config):
    def build(dtype):
        model = shaped(diffusers.UNet2DConditionModel, config, dtype, 3)
        denoises = model.forward
        inputs = {"sample": torch.randn(1, 4, 8, 8).to(dtype), "timestep": torch.tensor(481.0)}
        inputs |= {"encoder_hidden_states": torch.randn(1, 77, model.config.cross_attention_dim).to(dtype)}
        moving = {"sample": {0: "batch_size", 2: "height", 3: "width"}, "encoder_hidden_states": {0: "batch_size", 1: "sequence_length"}}
        if config.get("addition_embed_type"):
            inputs |= {"text_embeds": torch.randn(1, 1280).to(dtype), "time_ids": torch.full((1, 6), 1024.0).to(dtype)}
            moving |= {"text_embeds": {0: "batch_size"}, "time_ids": {0: "batch_size"}}
            model.forward = lambda x, t, c, e, i: denoises(x, t, c, added_cond_kwargs={"text_embeds": e, "time_ids": i}).sample
        else:
            model.forward = lambda x, t, c: denoises(x, t, c).sample
        return model, inputs, moving, ["out_sample"]

    return build


def vae(writes, scaling):
    def build(dtype):
        model = shaped(diffusers.AutoencoderKL, {**VAE, "scaling_factor": scaling}, dtype, 4)
        picture = {0: "batch_size", 2: "height", 3: "width"}
        if writes:
            model.forward = lambda latent: model.decode(latent).sample
            return model, {"latent_sample": torch.randn(1, 4, 8, 8).to(dtype)}, {"latent_sample": picture}, ["sample"]
        model.forward = lambda sample: model.encode(sample).latent_dist.parameters
        return model, {"sample": torch.randn(1, 3, 64, 64).to(dtype)}, {"sample": picture}, ["latent_parameters"]

    return build


def tensors(graph):
    """Initializers, then constants that stand in nodes, each with whether it is the former."""
    for tensor in graph.initializer:
        yield tensor, True
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t, False


def bytes_of(tensor, folder):
    if not tensor.external_data:
        return tensor.raw_data
    told = {entry.key: entry.value for entry in tensor.external_data}
    with open(folder / told["location"], "rb") as file:
        file.seek(int(told.get("offset", 0)))
        return file.read(int(told["length"]) if "length" in told else -1)


def gather(source, target, half=False):
    """A graph with its large weights in one file beside it; one tensor is in memory at a time. `half`: float16 in place of float32 everywhere."""
    model = onnx.load(source / "model.onnx", load_external_data=False)
    target.mkdir(parents=True, exist_ok=True)
    at = 0
    with open(target / "model.onnx_data", "wb") as out:
        for tensor, initial in tensors(model.graph):
            raw = bytes_of(tensor, source)
            if half and tensor.data_type == onnx.TensorProto.FLOAT:
                values = np.frombuffer(raw, np.float32) if raw else np.array(tensor.float_data, np.float32)
                with np.errstate(over="ignore"):
                    raw = values.astype(np.float16).tobytes()
                tensor.data_type = onnx.TensorProto.FLOAT16
                del tensor.float_data[:]
            del tensor.external_data[:]
            tensor.data_location = 0
            if initial and len(raw) > 1024:
                tensor.ClearField("raw_data")
                if len(raw) >= PAGED:
                    out.write(bytes(-at % 4096))
                    at += -at % 4096
                for key, value in [("location", "model.onnx_data"), ("offset", at), ("length", len(raw))]:
                    tensor.external_data.add(key=key, value=str(value))
                tensor.data_location = onnx.TensorProto.EXTERNAL
                out.write(raw)
                at += len(raw)
            elif raw:
                tensor.raw_data = raw
    if half:
        for value in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
            if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
                value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
        for node in model.graph.node:
            for attribute in node.attribute:
                if node.op_type == "Cast" and attribute.name == "to" and attribute.i == onnx.TensorProto.FLOAT:
                    attribute.i = onnx.TensorProto.FLOAT16
    (target / "model.onnx").write_bytes(model.SerializeToString())


def export(name, build, folder, dtype, opset):
    model, inputs, moving, outputs = build(dtype)
    raw = folder.parent / f".{folder.name}"
    raw.mkdir(parents=True)
    told = {"input_names": list(inputs), "output_names": outputs, "dynamic_axes": moving, "opset_version": opset, "do_constant_folding": True}
    with torch.no_grad():
        torch.onnx.export(model, tuple(inputs.values()), str(raw / "model.onnx"), dynamo=False, **told)
    target = folder / name
    target.mkdir(parents=True)
    model.config.to_json_file(target / "config.json") if hasattr(model.config, "to_json_file") else model.save_config(target)
    del model
    gc.collect()
    gather(raw, target)
    shutil.rmtree(raw)
    print(name, sum(path.stat().st_size for path in target.iterdir()), flush=True)


def beside(folder, parts, scheduler, settings):
    """What is in a folder beside its graphs."""
    kinds = {"text_encoder": "CLIPTextModel", "text_encoder_2": "CLIPTextModelWithProjection", "unet": "UNet2DConditionModel"}
    index = {"_class_name": "StableDiffusionXLPipeline" if "text_encoder_2" in parts else "StableDiffusionPipeline", "_diffusers_version": diffusers.__version__}
    for part in parts:
        if part in kinds:
            index[part] = ["diffusers" if part == "unet" else "transformers", kinds[part]]
        if part.startswith("text"):
            tokenizer = part.replace("text_encoder", "tokenizer")
            index[tokenizer] = ["transformers", "CLIPTokenizer"]
            vocabularies.write_clip(folder / tokenizer, "!" if part.endswith("2") else vocabularies.END)
    index |= {"vae": ["diffusers", "AutoencoderKL"], "scheduler": ["diffusers", scheduler]}
    if "text_encoder_2" in parts:
        index["force_zeros_for_empty_prompt"] = True
    (folder / "scheduler").mkdir()
    told = {"_class_name": scheduler, "_diffusers_version": diffusers.__version__, **settings}
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(told, indent=2) + "\n")
    (folder / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")


def sd15(folder):
    parts = {"text_encoder": text(CLIP, False, False), "unet": unet(SD15), "vae_encoder": vae(False, 0.18215), "vae_decoder": vae(True, 0.18215)}
    for name, build in parts.items():
        export(name, build, folder, torch.float32, 14)
    beside(folder, parts, "PNDMScheduler", {**STABLE, "skip_prk_steps": True})


def sd15_half(folder):
    whole = folder.parent / "sd15"
    for path in sorted(whole.iterdir()):
        if (path / "model.onnx").exists():
            gather(path, folder / path.name, True)
            shutil.copy(path / "config.json", folder / path.name)
        elif path.is_dir():
            shutil.copytree(path, folder / path.name)
        else:
            shutil.copy(path, folder)


def sdxl(folder):
    parts = {"text_encoder": text(CLIP, False, True), "text_encoder_2": text(BIG, True, True), "unet": unet(XL)}
    parts |= {"vae_encoder": vae(False, 0.13025), "vae_decoder": vae(True, 0.13025)}
    for name, build in parts.items():
        export(name, build, folder, torch.float16, 17)
    beside(folder, parts, "EulerDiscreteScheduler", {**EULER, "timestep_spacing": "leading"})


MODELS = {"sd15": sd15, "sd15-half": sd15_half, "sdxl": sdxl}

if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[2:] or MODELS:
        target = pathlib.Path(sys.argv[1]) / name
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        MODELS[name](target)
        print(f"{name}: {sum(path.stat().st_size for path in target.rglob('*') if path.is_file()):,} bytes in {target}")
