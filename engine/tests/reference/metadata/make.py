"""Makes the files that engine/tests/metadata.rs reads, with other programs' own code where PyPI has it, and asks independent readers what
stands in them and in what Seedmark wrote.

    python3 -m venv VENV
    VENV/bin/pip install pillow==13.0.0 piexif==1.1.3 sd-parsers==0.6
    VENV/bin/pip install --no-deps sd-prompt-reader==1.3.5 comfy-headless==3.1.1
    VENV/bin/pip download --no-deps --dest DOWNLOADS stable-diffusion-cpp-python==0.4.7 invokeai==6.14.2
    VENV/bin/python engine/tests/reference/metadata/make.py DOWNLOADS
    cargo test --package seedmark-engine --test metadata -- --ignored
    VENV/bin/python engine/tests/reference/metadata/make.py --ask

Whose code writes what: stable-diffusion.cpp's files are written by its own C++; InvokeAI's by its own storage class, with names of fields
checked against its own class; ComfyUI's graphs are built by comfy-headless and written with Pillow in the three ways ComfyUI does it;
A1111's text is put together here as its source puts it, and written with Pillow and piexif as it does.
"""

import ast
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import types
import zipfile
from xml.sax.saxutils import escape

import piexif
import piexif.helper
from PIL import Image
from PIL.PngImagePlugin import PngInfo

HERE = pathlib.Path(__file__).parent
PICTURE = Image.new("RGB", (8, 8), (120, 120, 120))

A1111 = """a cozy cabin, "quoted": yes (snow:1.2)
Steps: of wood, <lora:cabin:0.7>
Negative prompt: blurry, bad: hands
[ugly]
Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 3141592653, Size: 512x768, Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, Variation seed: 99, Variation seed strength: 0.1, Denoising strength: 0.45, Clip skip: 2, ENSD: 31337, RNG: CPU, Hires upscale: 2, Lora hashes: "cabin: 0a1b2c3d4e5f", Version: v1.10.1"""
OLD = "a café\nSteps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 1, Size: 512x512, Model hash: 81761151"
EMOJI = "狐狸 🦊 im Schnee\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5000000000, Size: 512x512, Model: m"


def png(name, *chunks, after=()):
    info = PngInfo()
    for keyword, text, options in chunks:
        info.add_text(keyword, text, **options)
    for kind, data in after:
        info.add(kind, data, after_idat=True)
    PICTURE.save(HERE / name, pnginfo=info)


def a1111():
    png("a1111.png", ("parameters", A1111, {}))
    png("a1111_latin.png", ("parameters", OLD, {}))
    png("a1111_emoji.png", ("parameters", EMOJI, {}))
    png("a1111_packed.png", ("parameters", A1111, {"zip": True}))
    png("a1111_emoji_packed.png", ("parameters", EMOJI, {"zip": True}))
    png("a1111_late.png", after=[(b"tEXt", b"parameters\0" + A1111.encode("latin-1"))])
    for name, text in [("a1111.jpg", A1111), ("a1111_emoji.jpg", EMOJI), ("a1111.webp", A1111)]:
        comment = piexif.helper.UserComment.dump(text, encoding="unicode")
        exif = piexif.dump({"Exif": {piexif.ExifIFD.UserComment: comment}})
        PICTURE.save(HERE / name, lossless=True)
        piexif.insert(exif, str(HERE / name))
    comment = piexif.helper.UserComment.dump(OLD.replace("é", "e"), encoding="ascii")
    PICTURE.save(HERE / "a1111_ascii.jpg", exif=piexif.dump({"Exif": {piexif.ExifIFD.UserComment: comment}}))


def comfyui():
    from comfy_headless import workflows

    compiler = workflows.WorkflowCompiler()
    library = workflows.TemplateLibrary()
    graphs = {}
    for template in library.list_all():
        prompt = {"prompt": "a red fox, (snow:1.2)", "negative": "blurry", "seed": 2**32 - 7, "image": "a.png", "mask": "b.png"}
        known = set(template.parameters)
        compiled = compiler.compile(template, {name: value for name, value in prompt.items() if name in known})
        graphs[template.id] = compiled.workflow
    graphs["controlnet"] = workflows.build_controlnet_workflow("a red fox", "reference.png", seed=5, negative="blurry")
    for name, graph in graphs.items():
        links = [
            [index, int(value[0]), value[1], int(node), 0, "*"]
            for index, (node, value) in enumerate(
                (node, value) for node in graph for value in graph[node]["inputs"].values() if isinstance(value, list)
            )
        ]
        workflow = {"nodes": [], "links": links}
        png(f"comfyui_{name}.png", ("prompt", json.dumps(graph), {}), ("workflow", json.dumps(workflow), {}))
    graph = json.dumps(graphs["txt2img_standard"])
    png("comfyui_animated.png", after=[(b"comf", b"prompt\0" + graph.encode("latin-1", "strict"))])
    exif = PICTURE.getexif()
    exif[0x0110] = f"prompt:{graph}"
    exif[0x010F] = 'workflow:{"nodes": []}'
    PICTURE.save(HERE / "comfyui.webp", exif=exif, lossless=True)
    return sorted(graphs)


def stable_diffusion_cpp(downloads):
    archive = next(downloads.glob("stable_diffusion_cpp_python-*.tar.gz"))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        with tarfile.open(archive) as files:
            files.extractall(folder, filter="data")
        source = next(folder.glob("*/vendor/stable-diffusion.cpp"))
        whole = (source / "src/stable-diffusion.cpp").read_text()
        # The names of samplers and the defaults, without the engine behind them.
        names = ['#include <cstring>\n#include <cmath>\n#include "stable-diffusion.h"\n', re.search(r"#define NONE_STR.*\n", whole)[0]]
        for head in ["const char* rng_type_to_str[]", "const char* sd_rng_type_name(", "const char* sample_method_to_str[]",
                     "const char* sd_sample_method_name(", "const char* scheduler_to_str[]", "const char* sd_scheduler_name(",
                     "void sd_sample_params_init(", "void sd_cache_params_init("]:
            at = whole.index(head)
            names.append(whole[at:whole.index("\n}", at) + 2] + ";\n")
        (folder / "names.cpp").write_text("".join(names))
        includes = [f"-I{source / part}" for part in ["include", "examples", "examples/common", "thirdparty"]]
        sources = [source / "examples/common" / name for name in ["common.cpp", "media_io.cpp", "log.cpp"]]
        program = folder / "write"
        subprocess.run(["g++", "-std=c++17", "-ffunction-sections", "-fdata-sections", *includes, *sources, folder / "names.cpp",
                        HERE / "sd_cpp.cpp", "-Wl,--gc-sections", "-o", program], check=True)
        text = subprocess.run([program, HERE], check=True, capture_output=True).stdout.decode()
    packet = (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        '  <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '    <rdf:Description xmlns:sdcpp="https://github.com/leejet/stable-diffusion.cpp/ns/1.0/">\n'
        f"      <sdcpp:parameters>{escape(text, {chr(34): '&quot;', chr(39): '&apos;'})}</sdcpp:parameters>\n"
        '    </rdf:Description>\n  </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>'
    )
    PICTURE.save(HERE / "sd_cpp.webp", xmp=packet.encode(), lossless=True)


INVOKE = {
    "generation_mode": "sdxl_txt2img",
    "positive_prompt": "a lighthouse, (storm)1.2, 海",
    "negative_prompt": "calm++",
    "width": 1024,
    "height": 768,
    "seed": 4123456789,
    "rand_device": "cpu",
    "cfg_scale": 5.5,
    "cfg_rescale_multiplier": 0.0,
    "steps": 30,
    "scheduler": "dpmpp_2m_sde_k",
    "seamless_x": False,
    "seamless_y": False,
    "clip_skip": 1,
    "model": {"key": "k", "hash": "blake3:0123456789abcdef", "name": "Juggernaut XL v9", "base": "sdxl", "type": "main"},
    "loras": [{"model": {"key": "l", "hash": "blake3:fe", "name": "storms", "base": "sdxl", "type": "lora"}, "weight": 0.75}],
    "controlnets": [],
    "ipAdapters": [],
    "t2iAdapters": [],
    "positive_style_prompt": "photograph",
    "negative_style_prompt": "",
}


def invokeai(downloads):
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(next(downloads.glob("invokeai-*.whl"))) as wheel:
        storage = "invokeai/app/services/image_files/"
        for name in ["image_files_base.py", "image_files_common.py", "image_files_disk.py"]:
            wheel.extract(storage + name, folder)
        tree = ast.parse(wheel.read("invokeai/app/invocations/metadata.py"))
        core = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "CoreMetadataInvocation")
        fields = {node.target.id for node in core.body if isinstance(node, ast.AnnAssign)}
        assert set(INVOKE) <= fields, set(INVOKE) - fields

        class Any:
            def __getattr__(self, name):
                return lambda *_, **__: None

        # What its storage imports and does not need in order to write one file.
        for name, values in {
            "invokeai.app.services.invoker": {"Invoker": Any},
            "invokeai.app.util.thumbnails": {
                "get_thumbnail_name": lambda name: f"{name}.webp",
                "make_thumbnail": lambda picture, _: picture.copy(),
            },
            "invokeai.backend.util.logging": {"InvokeAILogger": Any()},
        }.items():
            module = types.ModuleType(name)
            module.__dict__.update(values)
            sys.modules[name] = module
        for name in ["image_files_base", "image_files_common", "image_files_disk"]:
            path = pathlib.Path(folder, storage, f"{name}.py")
            spec = importlib.util.spec_from_file_location(f"invokeai.app.services.image_files.{name}", path)
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
        outputs = pathlib.Path(folder, "outputs")
        outputs.mkdir()
        disk = module.DiskImageFileStorage(outputs)
        services = types.SimpleNamespace(configuration=types.SimpleNamespace(pil_compress_level=1))
        disk._DiskImageFileStorage__invoker = types.SimpleNamespace(services=services)
        metadata = json.dumps(INVOKE | {"app_version": "6.14.2"}, ensure_ascii=False, separators=(",", ":"))
        disk.save(PICTURE.copy(), "invokeai.png", metadata=metadata, workflow='{"nodes":[]}', graph='{"id":"g"}')
        (HERE / "invokeai.png").write_bytes((outputs / "invokeai.png").read_bytes())


def ask():
    """What independent readers say."""
    from comfy_headless.metadata import read_png_text_chunks
    from sd_parsers import ParserManager
    from sd_prompt_reader.image_data_reader import ImageDataReader

    answers = {}
    for path in sorted(HERE.iterdir()):
        if path.suffix not in {".png", ".jpg", ".webp"}:
            continue
        answer = answers[path.name] = {}
        try:
            parsed = ParserManager().parse(path)
        except Exception as error:  # noqa: BLE001 - it fails on some, which says nothing of the file
            answer["sd-parsers failed"] = type(error).__name__
            parsed = None
        if parsed:
            answer["sd-parsers"] = [
                {
                    "prompt": [str(prompt.value) for prompt in sampler.prompts],
                    "negative": [str(prompt.value) for prompt in sampler.negative_prompts],
                    "sampler": sampler.name,
                    "model": sampler.model and {"name": sampler.model.name, "hash": sampler.model.hash},
                    "parameters": {str(key): str(value) for key, value in sampler.parameters.items()},
                }
                for sampler in parsed.samplers
            ]
        try:
            reader = ImageDataReader(str(path))
            if reader.positive:
                answer["sd-prompt-reader"] = {
                    "tool": reader.tool,
                    "prompt": reader.positive,
                    "negative": reader.negative,
                    "parameters": {key: str(value) for key, value in reader.parameter.items()},
                }
        except Exception as error:  # noqa: BLE001
            answer["sd-prompt-reader failed"] = type(error).__name__
        if path.name.startswith("written_"):
            with Image.open(path) as picture:
                picture.load()
                answer["pillow"] = dict(picture.text)
            answer["comfy-headless"] = read_png_text_chunks(path)
    (HERE / "answers.json").write_text(json.dumps(answers, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] != ["--ask"]:
        downloads = pathlib.Path(sys.argv[1])
        PICTURE.save(HERE / "plain.png")
        a1111()
        print(*comfyui())
        stable_diffusion_cpp(downloads)
        invokeai(downloads)
    ask()
