//! The portable profile's gate: what this CPU is, and the start-up self-test that decides whether it may certify anything.
//!
//! The one rule: a machine that fails one check is refused for `portable-1` with the operator's name, and nothing is
//! certified on it.

use crate::error::{Error, ErrorKind};
use crate::executor::{Executor, Named, Weights};
use schema::digest::Digest;
use schema::recipe::Profile;
use schema::statement::Environment;

const GRAPH: &[u8] = include_bytes!("../selftest/selftest.onnx");

/// Output, then the first 16 hex digits of SHA-256 over its little-endian f32 values. Equal on AVX-512, AVX2 and Arm64.
const EXPECTED: [(&str, &str); 20] = [
    ("matmul_constant", "c0bc1bc7382e28bd"),
    ("gemm_bias", "083746c938f3128a"),
    ("matmul_one_row", "3062f74f4973ccb3"),
    ("matmul_dynamic", "e81eb513bd5d0854"),
    ("matmul_dynamic_narrow", "28e76c0db70a2f6a"),
    ("matmul_dynamic_wide", "70b9f0c9052df403"),
    ("sum", "2fac6df5ac41d906"),
    ("conv_3x3", "5332159f6c9d9b97"),
    ("conv_stride_2", "9d8b4cca2cdfd61a"),
    ("exp", "96aa2b317adab846"),
    ("erf", "059c68282f8b2df5"),
    ("tanh", "9c28dffd80a828da"),
    ("sigmoid", "3845986f71834883"),
    ("softmax", "facc9c23f560e107"),
    ("rms_norm", "2dfb2703903ffc0e"),
    ("layer_norm", "3b9d1e7a2229a1a5"),
    ("group_norm", "8e44f6ebe722c8ed"),
    ("matmul_two_rows", "432a39ef8e3dcea2"),
    ("subnormal", "ee0cf43ce0c22660"),
    ("noise", "cd5623613c17b197"),
];

/// Architecture and the features that matter, such as `x86_64 avx2 fma`.
#[must_use]
pub fn cpu() -> String {
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_mut))]
    let mut text = std::env::consts::ARCH.to_owned();
    #[cfg(target_arch = "x86_64")]
    for (name, has) in [
        ("avx2", std::is_x86_feature_detected!("avx2")),
        ("fma", std::is_x86_feature_detected!("fma")),
        ("avx512f", std::is_x86_feature_detected!("avx512f")),
    ] {
        if has {
            text.push(' ');
            text.push_str(name);
        }
    }
    text
}

/// Refuses a CPU without fused multiply-add, before any library is loaded.
///
/// # Errors
/// `ErrorKind::Unsupported`.
pub fn check_cpu() -> Result<(), Error> {
    #[cfg(target_arch = "x86_64")]
    let (fma, avx2) = (
        std::is_x86_feature_detected!("fma"),
        std::is_x86_feature_detected!("avx2"),
    );
    #[cfg(target_arch = "aarch64")]
    let (fma, avx2) = (true, true);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let (fma, avx2) = (false, false);
    let lacks = match (fma, avx2) {
        (true, true) => return Ok(()),
        (false, _) => "this CPU has no fused multiply-add; portable-1 needs one",
        (true, false) => "this CPU has no AVX2; portable-1 needs it",
    };
    let message = format!("{lacks} (found: {})", cpu());
    Err(Error::new(ErrorKind::Unsupported, message))
}

/// Refuses a thread that flushes small numbers to zero: that is per-thread state, which any fast-math library can set.
///
/// # Errors
/// `ErrorKind::Unsupported`.
pub fn check_thread() -> Result<(), Error> {
    let product = std::hint::black_box(1e-30f32) * std::hint::black_box(1e-10f32);
    if product > 0.0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        "this thread flushes subnormal numbers to zero; portable-1 needs them",
    ))
}

/// Runs the self-test. Must pass before anything is generated under `portable-1`.
///
/// # Errors
/// `ErrorKind::Unsupported`, naming the operator with both digests, the CPU and the runtime.
pub fn self_test(executor: &dyn Executor) -> Result<(), Error> {
    check_cpu()?;
    check_thread()?;
    for (name, expected, found) in self_test_digests(executor)? {
        if expected != found {
            let message = format!(
                "the self-test of {name} gave {found}, expected {expected}: this machine cannot keep portable-1 ({}, {})",
                cpu(),
                executor.runtime()
            );
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
    }
    Ok(())
}

/// Each check with the expected and the found digest.
///
/// # Errors
/// When the graph cannot be run at all.
pub fn self_test_digests(
    executor: &dyn Executor,
) -> Result<Vec<(&'static str, &'static str, String)>, Error> {
    let external: Vec<u8> = [b(1000, 77), bias(77), b(16, 144), bias(16)]
        .concat()
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let mut session = executor.session(
        "self-test",
        GRAPH,
        Weights::Memory("selftest.f32", external.into()),
    )?;
    let (a_full, a_row, a_short) = (a(33, 1000), a(1, 1000), a(33, 40));
    let (b_full, b_narrow, b_wide) = (b(1000, 77), b(1000, 16), b(40, 300));
    let image = a(16, 256);
    let z: Vec<f32> = (0..4096).map(|i| (i as f32 - 2048.0) / 96.0).collect();
    let inputs = [
        Named::floats("a", &[33, 1000], &a_full),
        Named::floats("a1", &[1, 1000], &a_row),
        Named::floats("a40", &[33, 40], &a_short),
        Named::floats("b", &[1000, 77], &b_full),
        Named::floats("b16", &[1000, 16], &b_narrow),
        Named::floats("b300", &[40, 300], &b_wide),
        Named::floats("z", &[4096], &z),
        Named::floats("image", &[1, 16, 16, 16], &image),
        Named::floats("tiny", &[2], &[1e-30, 1e-10]),
    ];
    let graph_checks = &EXPECTED[..EXPECTED.len() - 1];
    let names: Vec<&str> = graph_checks.iter().map(|(name, _)| *name).collect();
    let mut outputs = session.run(&inputs, &names)?;
    outputs.push(crate::rng::normal(schema::recipe::Noise::Philox, 0, 256)?);
    Ok(EXPECTED
        .iter()
        .zip(outputs)
        .map(|((name, expected), output)| (*name, *expected, short_digest(&output)))
        .collect())
}

fn short_digest(values: &[f32]) -> String {
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    Digest::sha256(&bytes).hex()[..16].to_owned()
}

/// `A[i,j] = f32(((31i+17j) mod 101) − 50) / 37`.
fn a(rows: usize, columns: usize) -> Vec<f32> {
    table(rows, columns, |i, j| {
        (((31 * i + 17 * j) % 101) as f32 - 50.0) / 37.0
    })
}

/// `B[i,j] = f32(((13i+7j) mod 97) − 48) / 41`.
fn b(rows: usize, columns: usize) -> Vec<f32> {
    table(rows, columns, |i, j| {
        (((13 * i + 7 * j) % 97) as f32 - 48.0) / 41.0
    })
}

/// `bias[i] = f32((29i mod 59) − 29) / 7`.
fn bias(count: usize) -> Vec<f32> {
    (0..count)
        .map(|i| (((29 * i) % 59) as f32 - 29.0) / 7.0)
        .collect()
}

fn table(rows: usize, columns: usize, value: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    (0..rows * columns)
        .map(|at| value(at / columns, at % columns))
        .collect()
}

/// Where a picture is made, for reproduction statements.
#[must_use]
pub fn environment(executor: &dyn Executor, profile: Profile) -> Environment {
    Environment {
        engine: crate::NAME.into(),
        runtime: executor.runtime(),
        profile,
        cpu: cpu(),
    }
}
