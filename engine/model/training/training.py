"""What every training stage shares: the device, the clock that survives a cut, saving, the pause, and the learning-rate schedule.

The one rule: a stage counts the minutes it has computed, not those it waited for a core or a lock, saves every ten minutes of the day, and
goes on where it stopped. So beside a compiler the rate falls as the samples come, and not before them.

The pause. Training takes every idle core, so whoever measures time or runs tests that have deadlines takes the lock `pause` in the working
folder (`data/training/pause` in this repository):
1. take: create the file only if it is not there (O_CREAT | O_EXCL), write the decimal process id of the taker and a newline, close it;
   when it is there, read it: an id that is alive is somebody else's lock, so wait for it or go on under it; a dead one is replaced;
2. hold: training looks at the file between two steps (a step takes one to five seconds) and sleeps while its process lives;
3. release: remove the file, if it still holds one's own id. A taker that was killed needs no cleaning: its id is dead.
A file that holds no number counts as dead after a minute, in which a taker has had time to write.
"""
import os, signal, time
import numpy as np
import torch
import team

DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
CLOCK = time.time if DEVICE == 'cuda' else time.thread_time


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


def _alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def paused(path):
    """Whether a living process holds the lock; see the head of this file."""
    try:
        text, age = path.read_text().strip(), time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return False
    return _alive(int(text)) if text.isdecimal() and 0 < int(text) < 1 << 31 else age < 60


class Run:
    """One stage: `while run.goes_on(): …`, with state saved under `path` by the first process of the team."""

    def __init__(self, path, minutes, state, save_every_seconds=600):
        self.path, self.budget, self.state, self.every = path, minutes * 60, state, save_every_seconds
        self.before, self.step, self.samples, self.begun, self.waited, self.smooth = 0., 0, 0, 0, 0., None
        self.ended = False
        signal.signal(signal.SIGTERM, self.end)
        self.started, self.saved, self.printed = CLOCK(), time.time(), time.time()
        if path.exists():
            kept = torch.load(path, map_location=DEVICE, weights_only=True)
            self.count(kept.pop('seconds'), kept.pop('step'), kept.pop('samples'))
            for name, part in state.items():
                part.load_state_dict(kept[name])

    def count(self, seconds, step, samples):
        """Goes on counting from an earlier run."""
        self.before, self.step, self.samples, self.begun = seconds, step, samples, step
        self.say(f'goes on at step {step}, {samples} samples, {seconds / 3600:.2f} hours')

    def say(self, text):
        if team.rank() == 0:
            print(self.path.stem, text, flush=True)

    @property
    def seconds(self):
        return self.before + CLOCK() - self.started - self.waited

    def pause(self):
        """Sleeps while the lock is held. Only the first process looks; the others wait for it to tell them the next step."""
        start, counted = time.time(), CLOCK()
        if team.rank() == 0 and paused(self.path.parent / 'pause'):
            self.say('pauses')
            while paused(self.path.parent / 'pause'):
                time.sleep(1)
            self.say(f'goes on after {time.time() - start:.0f} s')
        waited, = team.agreed(time.time() - start)
        self.printed += waited
        self.waited += CLOCK() - counted

    def end(self, *_):
        """A polite signal to the first process (the first child of the command) ends the stage after this step, saved."""
        self.ended = True

    def goes_on(self):
        self.pause()
        self.done, ended = team.agreed(self.seconds / self.budget, self.ended)
        return self.done < 1 and not ended

    def rate(self, peak, warmup=100, constant=.5, floor=.02):
        """Linear warm-up after each start, flat until `constant` of the budget, then linear decay."""
        return peak * min(1, (self.step - self.begun + 1) / warmup) * (1 if self.done < constant else max(floor, (1 - self.done) / (1 - constant)))

    def after(self, loss, samples, note='', every=50):
        """Counts a step of so many samples in each process, prints now and then; True in the first process when it is time to save."""
        self.step, self.samples = self.step + 1, self.samples + samples * team.size()
        self.smooth = loss if self.smooth is None else .98 * self.smooth + .02 * loss
        if self.step % every == 0:
            speed = every * samples * team.size() / (time.time() - self.printed)
            self.printed = time.time()
            self.say(f'{self.step} · {self.seconds / 60:.1f} of {self.budget / 60:.0f} min · {self.samples} samples · loss {self.smooth:.4f}'
                     f' · {speed:.0f} samples/s {note}')
        return team.rank() == 0 and time.time() - self.saved > self.every

    def save(self):
        """Writes beside, then renames, so that a cut leaves the last state whole."""
        if team.rank() != 0:
            return
        kept = {name: part.state_dict() for name, part in self.state.items()}
        part = self.path.with_suffix('.part')
        torch.save({**kept, 'seconds': self.seconds, 'step': self.step, 'samples': self.samples}, part)
        part.replace(self.path)
        self.saved = time.time()


def set_rate(optimizer, rate):
    for group in optimizer.param_groups:
        group['lr'] = rate * group.get('share', 1.)
