"""Records what diffusers' schedulers do, for `cargo test --package seedmark-engine scheduler`.

    python3 -m venv VENV; VENV/bin/pip install torch==2.15.0 diffusers==0.42.1
    VENV/bin/python engine/tests/reference/schedulers.py

Samples, outputs and noise are made by `values`, which is written again in Rust, so that no generator stands between the two. A case is
one line below in `cases`; every number is little-endian float32 in base64.
"""

import base64
import importlib
import itertools
import json
import pathlib

import diffusers
import numpy
import torch

SIZE = 16
MODULES = {
    "DDIMScheduler": "ddim",
    "PNDMScheduler": "pndm",
    "EulerDiscreteScheduler": "euler_discrete",
    "EulerAncestralDiscreteScheduler": "euler_ancestral_discrete",
    "HeunDiscreteScheduler": "heun_discrete",
    "DPMSolverMultistepScheduler": "dpmsolver_multistep",
    "UniPCMultistepScheduler": "unipc_multistep",
    "LCMScheduler": "lcm",
    "TCDScheduler": "tcd",
    "FlowMatchEulerDiscreteScheduler": "flow_match_euler_discrete",
}


def values(kind):
    """Sixteen numbers between -2 and 2, exact in float32."""
    numbers = [((at * 7919 + kind * 104729 + at * at * 31) % 2001 - 1000) / 512 for at in range(SIZE)]
    return torch.tensor(numbers, dtype=torch.float32).reshape(1, 4, 2, 2)


def packed(tensor):
    array = torch.as_tensor(tensor).detach().to(torch.float32).flatten().numpy()
    return base64.b64encode(array.astype("<f4").tobytes()).decode()


def run(name, options, steps, keywords):
    module = importlib.import_module(f"diffusers.schedulers.scheduling_{MODULES[name]}")
    drawn = []

    def noise(shape, **_):
        drawn.append(True)
        return values(2000 + run_at)

    if hasattr(module, "randn_tensor"):
        module.randn_tensor = noise
    scheduler = getattr(diffusers, name)(**options)
    scheduler.set_timesteps(steps)
    sample = values(0)
    start = getattr(scheduler, "init_noise_sigma", 1.0)
    sample = sample * torch.as_tensor(start, dtype=torch.float32)
    samples, inputs, draws = [], [], []
    for run_at, timestep in enumerate(scheduler.timesteps):
        given = scheduler.scale_model_input(sample, timestep) if hasattr(scheduler, "scale_model_input") else sample
        inputs.append(given)
        drawn.clear()
        sample = scheduler.step(values(1000 + run_at), timestep, sample, return_dict=False, **keywords)[0]
        draws.append(bool(drawn))
        samples.append(sample)
    fresh = getattr(diffusers, name)(**options)
    fresh.set_timesteps(steps)
    begin = len(fresh.timesteps) // 2
    if name == "HeunDiscreteScheduler":
        begin |= 1
    begin = min(begin, len(fresh.timesteps) - 1)
    if hasattr(fresh, "set_begin_index"):
        fresh.set_begin_index(begin)
    if hasattr(fresh, "add_noise"):
        noised = fresh.add_noise(values(3000), values(4000), fresh.timesteps[begin : begin + 1])
    else:
        noised = fresh.scale_noise(values(3000), fresh.timesteps[begin : begin + 1], values(4000))
    return {
        "config": {"_class_name": name, **options},
        "steps": steps,
        "eta": keywords.get("eta"),
        "start_scale": float(numpy.float32(float(start))),
        "timesteps": packed(scheduler.timesteps),
        "draws": draws,
        "inputs": packed(torch.cat(inputs)),
        "samples": packed(torch.cat(samples)),
        "begin": begin,
        "noised": packed(noised),
    }


LATENT = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
PREDICTIONS = ["epsilon", "v_prediction", "sample"]
SPACINGS = [{"timestep_spacing": "linspace"}, {"timestep_spacing": "leading", "steps_offset": 1}, {"timestep_spacing": "trailing"}]
SIGMAS = [{}, {"use_karras_sigmas": True}, {"use_exponential_sigmas": True}]


def cases():
    """Class, options, steps and what a step is told."""
    every = itertools.product
    for kind, spacing, steps in every(PREDICTIONS, SPACINGS, [5, 20]):
        base = {**LATENT, **spacing, "prediction_type": kind}
        yield "DDIMScheduler", {**base, "clip_sample": False}, steps, {}
        yield "DDIMScheduler", {**base, "clip_sample": False, "set_alpha_to_one": False}, steps, {"eta": 1.0}
        for sigmas in SIGMAS:
            yield "EulerDiscreteScheduler", {**base, **sigmas}, steps, {}
            yield "HeunDiscreteScheduler", {**base, **sigmas}, steps, {}
            yield "DPMSolverMultistepScheduler", {**base, **sigmas}, steps, {}
            yield "UniPCMultistepScheduler", {**base, **sigmas}, steps, {}
        if kind != "sample":
            yield "EulerAncestralDiscreteScheduler", base, steps, {}
            for skip in [True, False]:
                yield "PNDMScheduler", {**base, "skip_prk_steps": skip}, steps, {}
    for order, algorithm, solver, steps in every([1, 2, 3], ["dpmsolver++", "sde-dpmsolver++"], ["midpoint", "heun"], [4, 16]):
        options = {**LATENT, "solver_order": order, "algorithm_type": algorithm, "solver_type": solver}
        yield "DPMSolverMultistepScheduler", options, steps, {}
        yield "DPMSolverMultistepScheduler", {**options, "euler_at_final": True, "lower_order_final": False}, steps, {}
    for order, solver, steps in every([1, 2, 3], ["bh1", "bh2"], [4, 16]):
        options = {**LATENT, "solver_order": order, "solver_type": solver}
        # With B(h) = h a last step to no noise at all is infinite.
        yield "UniPCMultistepScheduler", {**options, **({"final_sigmas_type": "sigma_min"} if solver == "bh1" else {})}, steps, {}
        yield "UniPCMultistepScheduler", {**options, "disable_corrector": [0], "lower_order_final": False, "final_sigmas_type": "sigma_min"}, steps, {}
    for name in ["DDIMScheduler", "EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "DPMSolverMultistepScheduler", "UniPCMultistepScheduler"]:
        options = {**LATENT, "timestep_spacing": "trailing", "prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
        yield name, {**options, **({"clip_sample": False} if name == "DDIMScheduler" else {})}, 10, {}
        yield name, {"beta_schedule": "squaredcos_cap_v2"}, 10, {}
        yield name, {"beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02}, 10, {}
    yield "DDIMScheduler", {**LATENT, "clip_sample": True, "clip_sample_range": 0.5}, 10, {}
    for name in ["EulerDiscreteScheduler", "DPMSolverMultistepScheduler"]:
        for sigmas in SIGMAS:
            yield name, {**LATENT, **sigmas, "final_sigmas_type": "sigma_min"}, 10, {}
    for kind, steps in every(PREDICTIONS, [1, 4, 8]):
        yield "LCMScheduler", {**LATENT, "prediction_type": kind}, steps, {}
        for eta in [0.0, 0.3, 1.0]:
            yield "TCDScheduler", {**LATENT, "prediction_type": kind}, steps, {"eta": eta}
    for shift, stochastic, sigmas, steps in every([1.0, 3.0], [False, True], SIGMAS, [1, 4, 20]):
        yield "FlowMatchEulerDiscreteScheduler", {"shift": shift, "stochastic_sampling": stochastic, **sigmas}, steps, {}


if __name__ == "__main__":
    recorded = [run(*case) for case in cases()]
    target = pathlib.Path(__file__).with_suffix(".json")
    made_by = {"diffusers": diffusers.__version__, "torch": torch.__version__}
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in recorded)
    target.write_text(f'{{"made_by":{json.dumps(made_by)},"cases":[\n{lines}\n]}}\n')
    print(f"{len(recorded)} cases in {target}; one more is a line in `cases`, and this program run again")
