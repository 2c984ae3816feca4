"""The ways in which people come by a folder in ONNX, for `models.py`: each takes a folder of diffusers and writes one."""

import copy
import json
import os
import shutil

import diffusers
import onnx
import torch
import transformers


def optimum(opset, dtype=None, external=False):
    """`optimum-cli export onnx --opset --dtype`, with weights in model.onnx_data, as models over 2 GB have them, where told so."""

    def export(folder, target):
        from optimum.exporters.onnx import main_export

        os.environ["FORCE_ONNX_EXTERNAL_DATA"] = "1" if external else "0"
        main_export(str(folder), str(target), task="text-to-image", library_name="diffusers", do_validation=False, opset=opset, dtype=dtype)
        for path in target.rglob("*.json"):
            held = json.loads(path.read_text())
            if held.pop("_name_or_path", None) is not None:
                path.write_text(json.dumps(held, indent=2) + "\n")

    return export


def parts(folder):
    """What the graphs are made of: what each does is put into it and not around it, so that a graph's names are those of its part."""
    index = json.loads((folder / "model_index.json").read_text())
    encoder = getattr(transformers, index["text_encoder"][1]).from_pretrained(folder / "text_encoder").eval()
    unet = diffusers.UNet2DConditionModel.from_pretrained(folder / "unet").eval()
    reader = diffusers.AutoencoderKL.from_pretrained(folder / "vae").eval()
    writer = copy.deepcopy(reader)
    reads, notes, denoises = reader.encode, encoder.forward, unet.forward
    encoder.forward = lambda ids: tuple(notes(ids)[:2])
    if unet.config.time_cond_proj_dim is None:
        unet.forward = lambda sample, timestep, states: denoises(sample, timestep, states).sample
    else:
        unet.forward = lambda sample, timestep, states, cond: denoises(sample, timestep, states, timestep_cond=cond).sample
    reader.forward = lambda sample: reads(sample).latent_dist.parameters
    writer.forward = lambda latent: writer.decode(latent).sample
    return encoder, unet, reader, writer


def beside(folder, target, pipeline):
    """What is in a folder beside graphs."""
    for name in ["scheduler", "tokenizer"]:
        shutil.copytree(folder / name, target / name)
    for name, origin in [("text_encoder", "text_encoder"), ("unet", "unet"), ("vae_encoder", "vae"), ("vae_decoder", "vae")]:
        held = json.loads((folder / origin / "config.json").read_text())
        held.pop("_name_or_path", None)
        (target / name / "config.json").write_text(json.dumps(held, indent=2) + "\n")
    index = json.loads((folder / "model_index.json").read_text())
    if pipeline:
        index |= {name: ["diffusers", "OnnxRuntimeModel"] for name in ["text_encoder", "unet", "vae_encoder", "vae_decoder"]}
        index["_class_name"] = pipeline
        del index["vae"]
    (target / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")


def dynamo(external):
    """`torch.onnx.export(dynamo=True)` of the parts, under optimum's names; weights lie in model.onnx.data where told so."""

    def export(folder, target):
        encoder, unet, reader, writer = parts(folder)
        size = unet.config.sample_size
        factor = 2 ** (len(reader.config.block_out_channels) - 1)
        batch, height, width = (torch.export.Dim(name, min=1, max=4096) for name in ["batch", "height", "width"])
        even = {0: batch, 2: 2 * torch.export.Dim("half_height", min=2, max=2048), 3: 2 * torch.export.Dim("half_width", min=2, max=2048)}
        sample = {"sample": torch.randn(2, unet.config.in_channels, size, size), "timestep": torch.tensor(1)}
        sample |= {"encoder_hidden_states": torch.randn(2, 77, unet.config.cross_attention_dim)}
        if unet.config.time_cond_proj_dim:
            sample |= {"timestep_cond": torch.randn(2, unet.config.time_cond_proj_dim)}
        ids = {"input_ids": torch.randint(0, encoder.config.vocab_size, (2, 77))}
        picture = {"sample": torch.randn(2, 3, size * factor, size * factor)}
        graphs = {
            "text_encoder": (encoder, ids, [{0: batch}], ["last_hidden_state", "pooler_output"]),
            "unet": (unet, sample, [even, None, {0: batch}, {0: batch}][: len(sample)], ["out_sample"]),
            "vae_encoder": (reader, picture, [{0: batch, 2: factor * height, 3: factor * width}], ["latent_parameters"]),
            "vae_decoder": (writer, {"latent_sample": torch.randn(2, 4, size, size)}, [{0: batch, 2: height, 3: width}], ["sample"]),
        }
        for name, (module, inputs, moving, outputs) in graphs.items():
            path = target / name / "model.onnx"
            path.parent.mkdir()
            told = {
                "input_names": list(inputs),
                "output_names": outputs,
                "dynamic_shapes": tuple(moving),
                "opset_version": 18,
                "external_data": external,
            }
            torch.onnx.export(module, tuple(inputs.values()), str(path), dynamo=True, verbose=False, **told)
            without_traces(path)
        beside(folder, target, None)

    return export


def without_traces(path):
    """Without where in whose Python a node was written, which is paths of this machine and most of the file."""
    model = onnx.load(path, load_external_data=False)
    for held in [model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        del held.metadata_props[:]
    path.write_bytes(model.SerializeToString())


def script(folder, target):
    """What diffusers' scripts/convert_stable_diffusion_checkpoint_to_onnx.py does: the encoder of pictures draws noise in its graph, ids are of
    32 bits, the timestep is a float for each picture of the batch, and the UNet's weights lie in weights.pb."""
    encoder, unet, reader, writer = parts(folder)
    reader.forward = lambda sample: reader.encode(sample).latent_dist.sample()
    size = unet.config.sample_size
    side = size * 2 ** (len(reader.config.block_out_channels) - 1)
    states = torch.randn(2, 77, unet.config.cross_attention_dim)
    ids = {"input_ids": torch.randint(0, encoder.config.vocab_size, (1, 77), dtype=torch.int32)}
    sample = {"sample": torch.randn(2, unet.config.in_channels, size, size), "timestep": torch.randn(2), "encoder_hidden_states": states}
    words = {0: "batch", 1: "sequence"}
    picture = {0: "batch", 1: "channels", 2: "height", 3: "width"}
    graphs = {
        "text_encoder": (encoder, ids, {"input_ids": words}, ["last_hidden_state", "pooler_output"]),
        "unet": (unet, sample, {"sample": picture, "timestep": {0: "batch"}, "encoder_hidden_states": words}, ["out_sample"]),
        "vae_encoder": (reader, {"sample": torch.randn(1, 3, side, side)}, {"sample": picture}, ["latent_sample"]),
        "vae_decoder": (writer, {"latent_sample": torch.randn(1, 4, size, size)}, {"latent_sample": picture}, ["sample"]),
    }
    for name, (module, inputs, moving, outputs) in graphs.items():
        path = target / name / "model.onnx"
        path.parent.mkdir()
        told = {"input_names": list(inputs), "output_names": outputs, "dynamic_axes": moving, "do_constant_folding": True, "opset_version": 14}
        with torch.no_grad():
            torch.onnx.export(module, tuple(inputs.values()), str(path), dynamo=False, **told)
    path = target / "unet/model.onnx"
    held = onnx.load(path)
    path.unlink()
    onnx.save_model(held, path, save_as_external_data=True, all_tensors_to_one_file=True, location="weights.pb", convert_attribute=False)
    beside(folder, target, "OnnxStableDiffusionPipeline")
