"""What `pipelines.py` runs. A case is one line below in `cases`."""

FOX = "a red fox in the snow, oil painting"
CAT = "photo of a small cat with a hat, 4k!"
BAD = "blurry, low quality"
LONG = "a castle on a hill under a stormy sky, " * 12
ODD = 'Ünïcode — "quoted" (cat:1.3), [dog] 東京 🦊\u00a0\t it\'s 100% <b>'
SCHEDULERS = {
    "own": (None, {}, {}),
    "ddim": ("DDIMScheduler", {}, {}),
    "ddim-eta": ("DDIMScheduler", {}, {"eta": 1.0}),
    "ddim-zero": ("DDIMScheduler", {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}, {}),
    "pndm": ("PNDMScheduler", {}, {}),
    "pndm-prk": ("PNDMScheduler", {"skip_prk_steps": False}, {}),
    "euler": ("EulerDiscreteScheduler", {}, {}),
    "euler-karras": ("EulerDiscreteScheduler", {"use_karras_sigmas": True}, {}),
    "euler-trailing": ("EulerDiscreteScheduler", {"timestep_spacing": "trailing"}, {}),
    "euler-a": ("EulerAncestralDiscreteScheduler", {}, {}),
    "heun": ("HeunDiscreteScheduler", {}, {}),
    "dpm": ("DPMSolverMultistepScheduler", {}, {}),
    "dpm-karras": ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}, {}),
    "dpm-sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}, {}),
    "dpm-sde-karras": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++", "use_karras_sigmas": True}, {}),
    "unipc": ("UniPCMultistepScheduler", {}, {}),
    "lcm": ("LCMScheduler", {}, {}),
    "tcd": ("TCDScheduler", {}, {}),
    "tcd-eta": ("TCDScheduler", {}, {"eta": 0.3}),
}
EVERY = [name for name in SCHEDULERS if name not in ["own", "ddim-zero"]]
WIDE = [12, 8]
TALL = [8, 12]


def case(model, scheduler="own", prompt=FOX, seed=1, steps=4, guidance=7.5, **told):
    kind, options, keywords = SCHEDULERS[scheduler]
    given = {"model": model, "prompt": prompt, "seed": seed, "steps": steps, "guidance": guidance, "scheduler": kind, "options": options}
    return {"name": f"{model} {scheduler} {told.get('mode', 'text')}"} | given | keywords | told


def cases():
    for model, seed in [("sd15", 100), ("sd21v", 200)]:
        for at, scheduler in enumerate(EVERY):
            told = {"negative": BAD} if at // 2 % 2 else {}
            yield case(model, scheduler, [FOX, CAT][at % 2], seed + at, steps=5 if "lcm" not in scheduler else 4, **told)
        for scheduler in ["ddim", "euler-a", "dpm", "unipc", "lcm", "tcd-eta"]:
            yield case(model, scheduler, seed=seed + 50, guidance=1.0, steps=3)
        for scheduler in ["ddim", "pndm", "euler", "heun", "dpm"]:
            yield case(model, scheduler, CAT, seed + 51, steps=1)
            yield case(model, scheduler, CAT, seed + 52, steps=6, size=WIDE, negative=BAD)
    yield from texts()
    yield from pictures()
    yield from paintings()
    yield from tiles()


def texts():
    """From words alone, as each kind of model is used."""
    for prompt, negative in [("", None), ("", ""), (FOX, ""), (LONG, BAD), (ODD, LONG), ("  A  Red FOX\n", None)]:
        yield case("sd15", prompt=prompt, negative=negative, steps=2)
        yield case("sd21v", prompt=prompt, negative=negative, steps=2)
        yield case("sdxl", prompt=prompt, negative=negative, steps=2)
    for seed in [0, 2**31, 2**32 - 1, 2**32 + 7, 2**53 - 1]:
        yield case("sd15", "euler-a", seed=seed, steps=2)
    # diffusers leaves layers out of the wanted text alone; elsewhere, and here, of both. So nothing is unwanted in these.
    for skip in [1, 2]:
        yield case("sd15", prompt=CAT, clip_skip=skip, guidance=1.0)
        yield case("sdxl", prompt=CAT, clip_skip=skip - 1, guidance=1.0, steps=2)
    for scheduler in ["ddim", "euler", "ddim-zero"]:
        yield case("sd21v", scheduler, guidance_rescale=0.7)
    yield case("sdxl", "ddim", guidance_rescale=0.7, steps=2)
    for size in [WIDE, TALL, [16, 10]]:
        yield case("sd15", prompt=CAT, size=size, steps=2)
        yield case("sdxl", prompt=CAT, size=size, steps=2)
        yield case("lcm", prompt=CAT, size=size, steps=2, guidance=8.5)
    for guidance, negative in [(7.5, None), (7.5, BAD), (5.0, ""), (1.0, None)]:
        yield case("sdxl", prompt=CAT, guidance=guidance, negative=negative, seed=300)
    for scheduler in ["ddim", "euler-a", "dpm-karras", "dpm-sde-karras", "heun", "unipc", "lcm", "tcd"]:
        yield case("sdxl", scheduler, seed=301, negative=BAD, steps=3)
    for steps, guidance in [(1, 8.5), (2, 8.5), (4, 8.5), (8, 8.5), (4, 1.0), (4, 2.0)]:
        yield case("lcm", steps=steps, guidance=guidance, seed=400)
    for steps, scheduler in [(1, "own"), (2, "own"), (4, "own"), (2, "euler-a"), (1, "ddim")]:
        yield case("turbo", scheduler, steps=steps, guidance=0.0, seed=500)
    yield case("turbo", steps=3, guidance=3.0, negative=BAD, size=WIDE, seed=501)
    yield case("taiyi", prompt="一只戴着红色帽子的猫，水墨画", seed=600)
    yield case("taiyi", prompt="飞流直下三千尺, Oil Painting café 4k", negative="模糊，低质量", seed=601, steps=3)
    yield case("taiyi", "euler-a", prompt="海边看日落", negative="", seed=602, steps=2, size=[10, 8])
    yield case("taiyi", "dpm-karras", prompt="", seed=603, steps=3, guidance=1.0)


def pictures():
    """Image to image."""
    for scheduler in ["ddim", "pndm", "euler", "euler-a", "heun", "dpm", "dpm-sde", "unipc", "lcm", "tcd-eta"]:
        for strength in [300, 290, 1000]:
            yield case("sd15", scheduler, seed=150, steps=10 if strength < 1000 else 3, mode="img2img", strength_thousandths=strength)
    # 0.29 * 100 is below 29 in float64.
    yield case("sd15", "ddim", seed=151, steps=100, mode="img2img", strength_thousandths=290)
    yield case("sd15", "pndm", CAT, seed=152, steps=6, mode="img2img", strength_thousandths=800, negative=BAD, size=WIDE)
    yield case("sd15", "euler", CAT, seed=153, steps=5, mode="img2img", strength_thousandths=550, guidance=1.0, size=TALL)
    for scheduler, strength in [("own", 500), ("euler", 700), ("dpm-karras", 999)]:
        yield case("sd21v", scheduler, seed=250, steps=5, mode="img2img", strength_thousandths=strength, negative=BAD)
        yield case("sdxl", scheduler, seed=350, steps=5, mode="img2img", strength_thousandths=strength, negative=BAD)
    yield case("sdxl", prompt=CAT, seed=351, steps=10, mode="img2img", strength_thousandths=300, size=WIDE)
    yield case("sdxl", prompt=CAT, seed=352, steps=3, mode="img2img", strength_thousandths=1000, guidance=1.0)
    for steps, strength in [(4, 500), (4, 1000), (8, 300)]:
        yield case("lcm", seed=450, steps=steps, guidance=8.5, mode="img2img", strength_thousandths=strength)
    yield case("turbo", seed=550, steps=2, guidance=0.0, mode="img2img", strength_thousandths=500)
    yield case("turbo", seed=551, steps=4, guidance=0.0, mode="img2img", strength_thousandths=750)


def paintings():
    """Inside a mask: where the UNet knows of none, what is outside is put back under noise after every step."""
    for scheduler in ["own", "ddim-eta", "euler", "euler-a", "heun", "dpm", "lcm"]:
        for strength in [1000, 750]:
            yield case("sd15", scheduler, seed=170, steps=4, mode="inpaint", strength_thousandths=strength)
    yield case("sd15", "ddim", CAT, seed=171, mode="inpaint", strength_thousandths=600, guidance=1.0, size=WIDE)
    yield case("sd21v", seed=270, mode="inpaint", strength_thousandths=800, negative=BAD)
    yield case("sdxl", seed=370, mode="inpaint", strength_thousandths=1000, negative=BAD)
    yield case("sdxl", seed=371, steps=5, mode="inpaint", strength_thousandths=800, size=TALL)
    for scheduler, strength in [("own", 1000), ("own", 600), ("pndm", 1000), ("euler", 900), ("dpm", 1000)]:
        yield case("inpaint", scheduler, seed=770, mode="inpaint", strength_thousandths=strength, negative=BAD)
    yield case("inpaint", prompt=CAT, seed=771, steps=3, mode="inpaint", strength_thousandths=1000, guidance=1.0, size=WIDE)


def tiles():
    """In tiles of so many pixels: a last row or column that is narrow, one before it that is cut as well, a side that one tile holds."""
    for at, (size, side) in enumerate([([20, 14], 32), ([20, 14], 48), ([14, 16], 16), ([16, 6], 32), ([8, 18], 32)]):
        for scheduler in ["ddim", "euler-a"]:
            yield case("sd15", scheduler, [FOX, CAT][at % 2], 800 + at, steps=2, size=size, tile=side)
    for scheduler, strength, mode in [("ddim", 600, "img2img"), ("pndm", 1000, "img2img"), ("euler", 750, "inpaint"), ("dpm", 1000, "inpaint")]:
        yield case("sd15", scheduler, CAT, 810, steps=4, mode=mode, strength_thousandths=strength, size=[20, 14], tile=32)
    for model, size in [("sd21v", [14, 12]), ("sdxl", [18, 12]), ("turbo", [12, 20])]:
        yield case(model, prompt=CAT, seed=820, steps=2, size=size, tile=32, negative=BAD)
        yield case(model, seed=821, steps=4, mode="img2img", strength_thousandths=500, size=size, tile=32)
    yield case("lcm", seed=830, steps=2, guidance=8.5, size=[16, 12], tile=48)
    yield case("inpaint", seed=840, steps=3, mode="inpaint", strength_thousandths=1000, negative=BAD, size=[14, 10], tile=32)
    yield case("taiyi", prompt="海边看日落", seed=850, steps=2, size=[14, 10], tile=64)
