"""Makes LoRAs of rank 2 for the models sd15 and sdxl in the forms that people have, and records pictures with them merged.

    EXPORT/bin/pip install peft==0.21.2; EXPORT/bin/python engine/tests/reference/lora.py

EXPORT is the environment of `models.py`, which comes first: transformers 5.24 wants a peft that is not out yet. Cases have the form of those of
`pipelines.py`. `lora/` has the files:

    diffusers.safetensors  what diffusers' training scripts save: attention alone, `unet.….to_q.lora.down.weight` and
                           `text_encoder.….q_proj.lora_linear_layer.down.weight`, no alpha, so that the scale is one
    peft.safetensors       more layers, as `unet.….to_q.lora_A.weight`, with alpha 4 for rank 2 in the file's metadata
    kohya.safetensors      as kohya's sd-scripts save: `lora_unet_…_to_q.lora_down.weight` in float16 with `alpha` 1, convolutions too
    sdxl.safetensors       as they save for SDXL: `lora_unet_input_blocks_…`, `lora_te1_…` and `lora_te2_…`

`merged` is for every weight that a file changes, by diffusers' name: the sum of its numbers and the sum of their magnitudes, after the merge.
"""

import json
import pathlib
import re

import diffusers
import peft
import safetensors.torch
import torch
import transformers
from diffusers.utils import convert_state_dict_to_diffusers

import pipelines
import runs

HERE = pathlib.Path(__file__).parent
RANK = 2
ATTENTION = r".*attn[12]\.(to_q|to_k|to_v|to_out\.0)"
BLOCKS = r".*(proj_in|proj_out|ff\.net\.0\.proj|ff\.net\.2)"
CONVOLUTIONS = r".*(resnets\.\d+\.(conv1|conv2|conv_shortcut|time_emb_proj)|samplers\.0\.conv)"
HEADS = r".*(q_proj|k_proj|v_proj|out_proj)"
WORDS = r".*(q_proj|k_proj|v_proj|out_proj|fc1|fc2)"
LAYERS = ["to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2"]
WORDED = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]


def drawn(part, pattern, seed):
    """The layers that fit, under peft's names, with weights on either side."""
    part.add_adapter(peft.LoraConfig(r=RANK, lora_alpha=RANK, target_modules=pattern))
    held = peft.get_peft_model_state_dict(part, adapter_name="default")
    generator = torch.Generator().manual_seed(seed)
    for name in sorted(held):
        number = held[name]
        held[name] = torch.randn(number.shape, generator=generator) * (number[0].numel() ** -0.5 if "lora_A" in name else 0.3)
    return held


def parts(model, pattern, seed, words=WORDS):
    """What is trained of a model: its UNet and its text encoders, whose names have the level that transformers 5 dropped."""
    pipe = pipelines.pipeline(model, "text", None, {})
    found = {"unet": drawn(pipe.unet, pattern, seed)}
    for at, name in enumerate(["text_encoder", "text_encoder_2"]):
        if hasattr(pipe, name):
            held = drawn(getattr(pipe, name), words, seed + 1 + at)
            found[name] = {"text_model." + key.removeprefix("text_model."): value for key, value in held.items()}
    return found


def described(layers):
    return peft.LoraConfig(r=RANK, lora_alpha=4, target_modules=layers).to_dict() | {"target_modules": layers}


def kohya(held, prefixes, rename=lambda name: name):
    """Under kohya's names: a layer's path in underscores, with alpha beside it."""
    made = {}
    for part, tensors in held.items():
        for name, value in tensors.items():
            layer, side = re.fullmatch(r"(.*)\.lora_([AB])\.weight", name).groups()
            path = prefixes[part] + (rename(layer) if part == "unet" else layer).replace(".", "_")
            made[f"{path}.lora_{'down' if side == 'A' else 'up'}.weight"] = value.to(torch.float16)
            made[f"{path}.alpha"] = torch.tensor(1.0, dtype=torch.float16)
    return made


def original(name):
    """The name of a layer of SDXL's UNet in Stability's own code, where every block has one layer, as the tiny one has."""
    inner = {"resnets": "0", "attentions": "1"}
    if found := re.fullmatch(r"down_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.*)", name):
        block, kind, layer, rest = found.groups()
        return f"input_blocks.{1 + int(block) * 2 + int(layer)}.{inner[kind]}.{rest}"
    if found := re.fullmatch(r"up_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.*)", name):
        block, kind, layer, rest = found.groups()
        return f"output_blocks.{int(block) * 2 + int(layer)}.{inner[kind]}.{rest}"
    found = re.fullmatch(r"mid_block\.attentions\.0\.(.*)", name)
    return f"middle_block.1.{found.group(1)}"


def in_order(path):
    """Its notes in one order: safetensors writes them in another one every time."""
    held = path.read_bytes()
    size = int.from_bytes(held[:8], "little")
    head = json.loads(held[8 : 8 + size])
    head["__metadata__"] = dict(sorted(head["__metadata__"].items()))
    written = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
    path.write_bytes(held[:8] + written.ljust(size) + held[8 + size :])


def save():
    target = HERE / "lora"
    target.mkdir(exist_ok=True)
    plain = parts("sd15", ATTENTION, 900, HEADS)
    told = {"save_directory": target, "safe_serialization": True}
    trained = [convert_state_dict_to_diffusers(plain[name]) for name in ["unet", "text_encoder"]]
    save = diffusers.StableDiffusionPipeline.save_lora_weights
    save(unet_lora_layers=trained[0], text_encoder_lora_layers=trained[1], weight_name="diffusers.safetensors", **told)
    whole = parts("sd15", f"({ATTENTION}|{BLOCKS})", 905)
    alphas = {f"{part}_lora_adapter_metadata": described(names) for part, names in [("unet", LAYERS), ("text_encoder", WORDED)]}
    save(unet_lora_layers=whole["unet"], text_encoder_lora_layers=whole["text_encoder"], weight_name="peft.safetensors", **alphas, **told)
    wide = parts("sd15", f"({ATTENTION}|{BLOCKS}|{CONVOLUTIONS})", 910)
    prefixes = {"unet": "lora_unet_", "text_encoder": "lora_te_"}
    notes = {"ss_network_module": "networks.lora", "ss_network_dim": str(RANK), "ss_network_alpha": "1"}
    safetensors.torch.save_file(kohya(wide, prefixes), target / "kohya.safetensors", metadata=notes)
    large = parts("sdxl", f"({ATTENTION}|{BLOCKS})", 920)
    prefixes = {"unet": "lora_unet_", "text_encoder": "lora_te1_", "text_encoder_2": "lora_te2_"}
    safetensors.torch.save_file(kohya(large, prefixes, original), target / "sdxl.safetensors", metadata=notes)
    for path in target.iterdir():
        in_order(path)
        path.chmod(0o644)
    return {"diffusers": (plain, 1.0), "peft": (whole, 4 / RANK), "kohya": (halved(wide), 1 / RANK), "sdxl": (halved(large), 1 / RANK)}


def halved(held):
    return {part: {name: value.half().float() for name, value in tensors.items()} for part, tensors in held.items()}


def cases():
    for lora, scale in [("diffusers", 800), ("diffusers", 1000), ("peft", 800), ("kohya", 800), ("kohya", -500), ("sdxl", 800)]:
        model = "sdxl" if lora == "sdxl" else "sd15"
        yield runs.case(model, "ddim", seed=900, steps=3, lora=f"{lora}.safetensors", lora_thousandths=scale)


def merged(pipe, held, scale):
    """What the merge should have made of every weight, beside what diffusers has made of it."""
    before = pipelines.pipeline("sdxl" if "text_encoder_2" in held else "sd15", "text", None, {})
    sums, far = {}, 0.0
    for part, tensors in held.items():
        now, then = dict(getattr(pipe, part).named_parameters()), dict(getattr(before, part).named_parameters())
        for name in [name for name in tensors if name.endswith("lora_A.weight")]:
            layer = name.removesuffix(".lora_A.weight")
            key = layer + ".weight" if layer + ".weight" in now else layer.removeprefix("text_model.") + ".weight"
            down, up = tensors[name], tensors[layer + ".lora_B.weight"]
            wanted = then[key] + scale * (up.flatten(1) @ down.flatten(1)).reshape(then[key].shape)
            assert not torch.equal(now[key], then[key]), f"{part}.{layer} has not changed"
            far = max(far, float((now[key] - wanted).abs().max()))
            sums[f"{part}.{layer}.weight"] = [float(now[key].double().sum()), float(now[key].double().abs().sum())]
    return sums, far


if __name__ == "__main__":
    torch.set_num_threads(1)
    pipelines.quiet()
    files = save()
    recorded = []
    for given in cases():
        line, pixels, latents, pipe = pipelines.run(given)
        held, alpha = files[given["lora"].removesuffix(".safetensors")]
        sums, far = merged(pipe, held, alpha * given["lora_thousandths"] / 1000)
        line["name"] = f"{given['lora']} at {given['lora_thousandths']}"
        recorded.append({**line, "lora": given["lora"], "lora_thousandths": given["lora_thousandths"], "merged": sums})
        print(f"{line['name']:32} {len(sums)} weights, {far:.1e} from those computed; pixels {pixels.mean():.1f} ± {pixels.std():.1f}")
    made_by = {"diffusers": diffusers.__version__, "transformers": transformers.__version__, "peft": peft.__version__, "torch": torch.__version__}
    lines = ",\n".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) for line in recorded)
    target = pathlib.Path(__file__).with_suffix(".json")
    target.write_text(f'{{"made_by":{json.dumps(made_by)},"cases":[\n{lines}\n]}}\n')
    print(f"{len(recorded)} cases, {target.stat().st_size:,} bytes in {target}")
    print("One more case is a line in `cases`; then run EXPORT/bin/python engine/tests/reference/lora.py")
