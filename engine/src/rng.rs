//! Starting noise, bit for bit: `philox` for anything on sale, `torch-cpu` and `numpy` for recipes made elsewhere.
//!
//! The one rule: two roundings for every product and sum, one where the text says fused; logarithm and sine come from the
//! crate `libm`, never from the platform, whose last bits differ.

use crate::error::{Error, ErrorKind};
use schema::recipe::Noise;

/// The fewest values that `torch-cpu` draws: below, torch runs another function, which is not this one.
pub const TORCH_LEAST: usize = 16;
/// The most values of one draw. Philox counts elements in 32 bits; no latent comes near either bound.
pub const MOST: usize = 1 << 24;

/// Draws `count` standard normal values for one picture.
///
/// # Errors
/// As [`Stream::new`] and [`Stream::draw`].
pub fn normal(noise: Noise, seed: u64, count: usize) -> Result<Vec<f32>, Error> {
    Stream::new(noise, seed)?.draw(count)
}

/// One generator that goes on from draw to draw, as a scheduler with noise at its steps needs it.
pub struct Stream {
    noise: Noise,
    state: State,
}

enum State {
    /// Seed, and how often was drawn: each draw has an offset of its own.
    Philox(u64, u64),
    Torch(Mt19937),
    /// The polar method makes two values at once; the second waits.
    Numpy(Mt19937, Option<f64>),
}

impl Stream {
    /// # Errors
    /// As [`Noise::check_seed`] for a seed of which bits would be dropped.
    pub fn new(noise: Noise, seed: u64) -> Result<Self, Error> {
        noise.check_seed(seed)?;
        let low = u32::try_from(seed & 0xffff_ffff).unwrap_or(u32::MAX);
        let state = match noise {
            Noise::Philox => State::Philox(seed, 0),
            Noise::TorchCpu => State::Torch(Mt19937::new(low)),
            Noise::Numpy => State::Numpy(Mt19937::new(low), None),
        };
        Ok(Self { noise, state })
    }

    /// The next `count` values.
    ///
    /// # Errors
    /// `ErrorKind::NotOffered` for fewer than [`TORCH_LEAST`] values of `torch-cpu` and for more than [`MOST`].
    pub fn draw(&mut self, count: usize) -> Result<Vec<f32>, Error> {
        if count > MOST || (self.noise == Noise::TorchCpu && count < TORCH_LEAST) {
            let name = self.noise.name();
            let message = format!("{name} noise of {count} values is not offered");
            return Err(Error::new(ErrorKind::NotOffered, message));
        }
        Ok(match &mut self.state {
            State::Philox(seed, offset) => {
                let values = philox(*seed, *offset, count);
                *offset += 1;
                values
            }
            State::Torch(generator) => torch_cpu(generator, count),
            State::Numpy(generator, kept) => numpy(generator, kept, count),
        })
    }
}

/// Philox 4x32-10 (Salmon et al., SC 2011) with Box-Muller in f64: element i has the counter `(offset, 0, i, 0)`.
fn philox(seed: u64, offset: u64, count: usize) -> Vec<f32> {
    (0..count)
        .map(|index| philox_normal(philox_words(seed, offset, index as u64)))
        .collect()
}

fn halves(value: u64) -> (u32, u32) {
    ((value & 0xffff_ffff) as u32, (value >> 32) as u32)
}

fn philox_words(seed: u64, offset: u64, index: u64) -> [u32; 4] {
    let (mut k0, mut k1) = halves(seed);
    let (offset_low, offset_high) = halves(offset);
    let mut c = [offset_low, offset_high, halves(index).0, 0];
    for round in 0..10 {
        if round > 0 {
            k0 = k0.wrapping_add(0x9E37_79B9);
            k1 = k1.wrapping_add(0xBB67_AE85);
        }
        let (p_low, p_high) = halves(u64::from(c[0]) * 0xD251_1F53);
        let (q_low, q_high) = halves(u64::from(c[2]) * 0xCD9E_8D57);
        c = [q_high ^ c[1] ^ k0, q_low, p_high ^ c[3] ^ k1, p_low];
    }
    c
}

fn philox_normal([x, y, _, _]: [u32; 4]) -> f32 {
    const A: f64 = 1.0 / 4_294_967_296.0;
    let b = f64::from(f32::from_bits(0x30c9_0fdb));
    let u = f64::from(x) * A + A / 2.0;
    let v = f64::from(y) * b + b / 2.0;
    (libm::sqrt(-2.0 * libm::log(u)) * libm::sin(v)) as f32
}

/// The Mersenne Twister as torch and numpy seed it with 32 bits (Matsumoto and Nishimura 1998).
struct Mt19937 {
    state: [u32; 624],
    at: usize,
}

impl Mt19937 {
    fn new(seed: u32) -> Self {
        let mut state = [0; 624];
        state[0] = seed;
        for j in 1..624 {
            let before: u32 = state[j - 1];
            state[j] = 1_812_433_253u32
                .wrapping_mul(before ^ (before >> 30))
                .wrapping_add(j as u32);
        }
        Self { state, at: 624 }
    }

    fn next(&mut self) -> u32 {
        if self.at == 624 {
            for i in 0..624 {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % 624] & 0x7fff_ffff);
                let twist = if y & 1 == 0 { 0 } else { 0x9908_b0df };
                self.state[i] = self.state[(i + 397) % 624] ^ (y >> 1) ^ twist;
            }
            self.at = 0;
        }
        let mut y = self.state[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn uniform_f32(&mut self) -> f32 {
        (self.next() & 0x00ff_ffff) as f32 * (1.0 / 16_777_216.0)
    }
}

/// `torch.randn` for 16 and more values, in the AVX2 form of torch 2.15 as published.
fn torch_cpu(generator: &mut Mt19937, count: usize) -> Vec<f32> {
    let mut data: Vec<f32> = (0..count).map(|_| generator.uniform_f32()).collect();
    let mut at = 0;
    while at + 16 <= count {
        box_muller(&mut data[at..at + 16]);
        at += 16;
    }
    if !count.is_multiple_of(16) && count > 16 {
        // The tail overlaps the last full block: sixteen fresh draws replace the last sixteen values.
        let tail = &mut data[count - 16..];
        for value in tail.iter_mut() {
            *value = generator.uniform_f32();
        }
        box_muller(tail);
    }
    data
}

fn box_muller(d: &mut [f32]) {
    for j in 0..8 {
        let radius = (-2.0 * cephes_ln(1.0 - d[j])).sqrt();
        let (sin, cos) = cephes_sin_cos(6.283_185_5 * d[j + 8]);
        d[j] = radius * cos;
        d[j + 8] = radius * sin;
    }
}

/// Natural logarithm of Cephes as vectorised in torch, fused where written so.
#[allow(
    clippy::excessive_precision,
    reason = "the constants are quoted as the source prints them"
)]
fn cephes_ln(value: f32) -> f32 {
    const P: [f32; 9] = [
        7.037_683_629_2e-2,
        -1.151_461_031_0e-1,
        1.167_699_874_0e-1,
        -1.242_014_084_6e-1,
        1.424_932_278_7e-1,
        -1.666_805_766_5e-1,
        2.000_071_476_5e-1,
        -2.499_999_399_3e-1,
        3.333_333_117_4e-1,
    ];
    let bits = value.to_bits();
    let mut e = ((bits >> 23) as i32 - 126) as f32;
    let m = f32::from_bits((bits & 0x007f_ffff) | 0x3f00_0000);
    let t = if m < std::f32::consts::FRAC_1_SQRT_2 {
        e -= 1.0;
        m
    } else {
        0.0
    };
    let mut x = (m - 1.0) + t;
    let z = x * x;
    let mut y = P[1..].iter().fold(P[0], |y, p| y.mul_add(x, *p));
    y *= x;
    y = y.mul_add(z, e * -2.121_944_40e-4);
    y = (-z).mul_add(0.5, y);
    x += y;
    e.mul_add(0.693_359_375, x)
}

/// Sine and cosine of Cephes for arguments of 0 and more, fused where written so.
#[allow(
    clippy::excessive_precision,
    reason = "the constants are quoted as the source prints them"
)]
fn cephes_sin_cos(value: f32) -> (f32, f32) {
    let j = ((value * 1.273_239_544_735_16) as i32 + 1) & !1;
    let y = j as f32;
    let mut x = y.mul_add(-0.785_156_25, value);
    x = y.mul_add(-2.418_756_484_985_351_562_5e-4, x);
    x = y.mul_add(-3.774_894_977_445_941_08e-8, x);
    let z = x * x;
    let mut a = 2.443_315_711_809_948e-5_f32;
    a = a.mul_add(z, -1.388_731_625_493_765e-3);
    a = a.mul_add(z, 4.166_664_568_298_827e-2);
    a *= z;
    a = a.mul_add(z, -(z * 0.5));
    a += 1.0;
    let mut b = -1.951_529_589_1e-4_f32;
    b = b.mul_add(z, 8.332_160_873_6e-3);
    b = b.mul_add(z, -1.666_665_461_1e-1);
    b *= z;
    b = b.mul_add(x, x);
    let (sin, cos) = if j & 2 == 0 { (b, a) } else { (a, b) };
    (
        if j & 4 == 0 { sin } else { -sin },
        if !(j - 2) & 4 == 0 { cos } else { -cos },
    )
}

/// `numpy.random.RandomState(seed).randn`, the polar method in f64, cast last.
fn numpy(generator: &mut Mt19937, kept: &mut Option<f64>, count: usize) -> Vec<f32> {
    let mut uniform = move || {
        let (a, b) = (generator.next() >> 5, generator.next() >> 6);
        (f64::from(a) * 67_108_864.0 + f64::from(b)) / 9_007_199_254_740_992.0
    };
    let mut draw = || {
        if let Some(value) = kept.take() {
            return value;
        }
        loop {
            let (x1, x2) = (2.0 * uniform() - 1.0, 2.0 * uniform() - 1.0);
            let r2 = x1 * x1 + x2 * x2;
            if r2 > 0.0 && r2 < 1.0 {
                let f = libm::sqrt(-2.0 * libm::log(r2) / r2);
                *kept = Some(f * x1);
                return f * x2;
            }
        }
    };
    (0..count).map(|_| draw() as f32).collect()
}

/// A second noise mixed into the first along the sphere, as A1111's variation seeds do (Shoemake 1985); where the two point nearly the same
/// way, along the line between them.
#[must_use]
pub fn mixed(strength: f32, first: &[f32], second: &[f32]) -> Vec<f32> {
    let length = |values: &[f32]| {
        let sum: f64 = values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
        libm::sqrt(sum)
    };
    let dot: f64 = first
        .iter()
        .zip(second)
        .map(|(a, b)| f64::from(*a) * f64::from(*b))
        .sum();
    let cosine = dot / (length(first) * length(second)).max(f64::MIN_POSITIVE);
    let strength = f64::from(strength);
    let (a, b) = if cosine > 0.9995 {
        (1.0 - strength, strength)
    } else {
        let angle = libm::acos(cosine.clamp(-1.0, 1.0));
        let sine = libm::sin(angle);
        (
            libm::sin((1.0 - strength) * angle) / sine,
            libm::sin(strength * angle) / sine,
        )
    };
    let (a, b) = (a as f32, b as f32);
    first
        .iter()
        .zip(second)
        .map(|(x, y)| a * x + b * y)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_words_match_the_published_ones() {
        assert_eq!(
            philox_words(0, 0, 0),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox_words(0, 0, 1),
            [0x8445_15e1, 0xf08d_6eaa, 0x0f19_c053, 0x83f8_75f0]
        );
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let refused = |noise, seed, count| normal(noise, seed, count).is_err();
        assert!(refused(Noise::TorchCpu, 0, 15) && !refused(Noise::TorchCpu, 0, 16));
        assert!(!refused(Noise::Numpy, 0, 15) && !refused(Noise::Philox, 0, 15));
        for noise in [Noise::TorchCpu, Noise::Numpy] {
            assert!(refused(noise, 1 << 32, 16), "{noise:?}");
        }
        assert!(refused(Noise::Philox, 0, MOST + 1));
    }

    #[test]
    fn a_second_philox_call_takes_the_next_offset() {
        let bits: Vec<u32> = philox(42, 1, 4)
            .iter()
            .map(|value| value.to_bits())
            .collect();
        assert_eq!(bits, [0x3e0e_7a0f, 0xbddd_a06f, 0xbf37_a8fb, 0x3f41_b3ba]);
    }
}
