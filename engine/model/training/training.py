"""What every training stage shares: the device, the clock that survives a cut, saving, and the learning-rate schedule.

The one rule: a stage counts the minutes it has trained, not the time of day, saves every few minutes, and goes on where it stopped.
"""
import os, time
import numpy as np
import torch

DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
torch.set_num_threads(len(os.sched_getaffinity(0)))


def _products_a_second(dtype):
    matrix = torch.ones(512, 512, dtype=dtype)
    matrix @ matrix
    start = time.perf_counter()
    for _ in range(4):
        matrix @ matrix
    return 4 / (time.perf_counter() - start)


# A CPU without instructions for bfloat16 emulates it, many times slower than float32: measured, because no public call tells.
BFLOAT16 = DEVICE == 'cuda' or _products_a_second(torch.bfloat16) > _products_a_second(torch.float32)


def autocast():
    return torch.autocast(DEVICE, torch.bfloat16, enabled=BFLOAT16)


def tensor(pictures):
    """uint8 (B,S,S,3) → float (B,3,S,S) in [-1, 1] on the device."""
    return torch.from_numpy(np.array(pictures)).to(DEVICE).permute(0, 3, 1, 2).float() / 127.5 - 1


class Run:
    """One stage: `while run.goes_on(): …`, with state saved under `path`."""

    def __init__(self, path, minutes, state, save_every_seconds=240):
        self.path, self.budget, self.state, self.every = path, minutes * 60, state, save_every_seconds
        self.before, self.step, self.started, self.saved, self.smooth = 0., 0, time.time(), time.time(), None
        if path.exists():
            kept = torch.load(path, map_location=DEVICE, weights_only=True)
            self.before, self.step = kept.pop('seconds'), kept.pop('step')
            for name, part in state.items():
                part.load_state_dict(kept[name])
            print(f'{path.stem}: goes on at step {self.step}, {self.before / 60:.1f} minutes', flush=True)

    @property
    def seconds(self):
        return self.before + time.time() - self.started

    def goes_on(self):
        return self.seconds < self.budget

    def rate(self, peak, warmup=100, constant=.5, floor=.02):
        """Linear warm-up, flat until `constant` of the budget, then linear decay."""
        done = self.seconds / self.budget
        return peak * min(1, (self.step + 1) / warmup) * (1 if done < constant else max(floor, (1 - done) / (1 - constant)))

    def after(self, loss, samples, note='', every=50):
        """Counts a step, prints now and then; True when it is time to save."""
        self.step += 1
        self.smooth = loss if self.smooth is None else .98 * self.smooth + .02 * loss
        if self.step % every == 0:
            speed = every * samples / (time.time() - getattr(self, 'printed', self.started))
            self.printed = time.time()
            print(f'{self.path.stem} {self.step} · {self.seconds / 60:.1f} of {self.budget / 60:.0f} min · loss {self.smooth:.4f}'
                  f' · {speed:.0f} samples/s {note}', flush=True)
        return time.time() - self.saved > self.every

    def save(self):
        kept = {name: part.state_dict() for name, part in self.state.items()}
        part = self.path.with_suffix('.part')
        torch.save({**kept, 'seconds': self.seconds, 'step': self.step}, part)
        part.rename(self.path)
        self.saved = time.time()


def set_rate(optimizer, rate):
    for group in optimizer.param_groups:
        group['lr'] = rate * group.get('share', 1.)
