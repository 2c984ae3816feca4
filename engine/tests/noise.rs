//! Noise against published bits: torch 2.15, numpy, and the Philox of the wider field.

use schema::digest::Digest;
use schema::recipe::Noise;

fn normal(noise: Noise, seed: u64, count: usize) -> Vec<f32> {
    engine::rng::normal(noise, seed, count).expect("noise")
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn sha256(values: &[f32]) -> String {
    Digest::sha256(
        &values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect::<Vec<u8>>(),
    )
    .hex()
}

#[test]
fn torch_noise_matches_bit_for_bit() {
    let expected = [
        0xbf90_1b85u32,
        0xbf93_808a,
        0xbe80_4bd6,
        0xbede_255d,
        0x3f59_4515,
        0x3f31_2783,
        0xbea1_cc6d,
        0xc007_5fc1,
        0x3ea5_0138,
        0xbfa1_b4f4,
        0x3eb3_30ff,
        0x3e9d_c3bb,
        0x3df5_6f77,
        0x3f9e_6b93,
        0x3f8e_f28e,
        0xbe7d_367c,
    ];
    assert_eq!(bits(&normal(Noise::TorchCpu, 0, 16)), expected);
    let tail = [
        0x3f19_4d8bu32,
        0xbfc7_0d5b,
        0xbeae_c6ca,
        0x3fed_2f4e,
        0x3eef_aa55,
        0xbe21_7f5f,
        0x3fb8_c9db,
        0x3e88_37a1,
        0x3fb1_d6c0,
        0x3fcb_0d00,
        0x3f72_409c,
        0xbf57_fb33,
        0x3f6e_8c30,
        0x3fa1_2737,
        0x4000_519a,
        0x3d5c_1b3a,
    ];
    assert_eq!(bits(&normal(Noise::TorchCpu, 0, 20)[..4]), expected[..4]);
    assert_eq!(bits(&normal(Noise::TorchCpu, 0, 20)[4..]), tail);
    assert_eq!(
        sha256(&normal(Noise::TorchCpu, 42, 4 * 64 * 64)),
        "e97f3de04c7c6ba86354db4402b91d4402ede9c72aabed29a96dd7d635a798ba"
    );
    assert_eq!(
        sha256(&normal(Noise::TorchCpu, 7, 1_000_003)),
        "ad521dccb4bc1400508eba77a38e216ff822aacff4dfe42f28f64d0438e817e8"
    );
}

#[test]
fn philox_noise_matches_bit_for_bit() {
    let cases = [
        (
            0,
            [0xbf6c_b6adu32, 0xbed9_c6af, 0xc029_34c5, 0x3e14_ab15],
            "cd5623613c17b197c7658a450abd8726964736a0aaf29aa37fe40e370d94f78c",
        ),
        (
            42,
            [0x3e46_ace2, 0x400a_53f3, 0xbe30_2e20, 0x3f59_5bff],
            "b2749010a0a9a1c0f4a7737c7d43eac7cb641306021e7032c9dc88320e1e4302",
        ),
    ];
    for (seed, first, digest) in cases {
        let values = normal(Noise::Philox, seed, 256);
        assert_eq!(bits(&values[..4]), first);
        assert_eq!(sha256(&values), digest);
    }
    assert_eq!(
        bits(&normal(Noise::Philox, 1234, 4)),
        [0xbfce_e928, 0x3f11_8648, 0xbf02_9e14, 0xbf69_4d8a]
    );
}

#[test]
fn a_philox_seed_uses_all_64_bits() {
    assert_ne!(
        normal(Noise::Philox, 1, 16),
        normal(Noise::Philox, 1 + (1 << 32), 16)
    );
}

#[test]
fn numpy_noise_matches_bit_for_bit() {
    assert_eq!(
        bits(&normal(Noise::Numpy, 42, 6)),
        [
            0x3efe_5151,
            0xbe0d_9528,
            0x3f25_ceeb,
            0x3fc2_f2a4,
            0xbe6f_c5e7,
            0xbe6f_c199
        ]
    );
    assert_eq!(
        sha256(&normal(Noise::Numpy, 42, 4 * 64 * 64)),
        "2eadfcdf273c3c23a3074f2c01600a7d2de74a1650577544b3a9d8febf9138f7"
    );
}
