//! The arithmetic of emphasis.

use crate::error::ErrorKind;
use crate::text::{WeightedTokens, apply};

#[test]
fn weights_scale_and_the_mean_comes_back() {
    let mut hidden = [1.0_f32, 3.0, 2.0, 2.0];
    apply(&mut hidden, 2, &[2.0, 1.0]).unwrap();
    // 2, 6, 2, 2 have the mean 3 in place of 2.
    let factor = (2.0_f64 / 3.0) as f32;
    let expected = [2.0 * factor, 6.0 * factor, 2.0 * factor, 2.0 * factor];
    assert_eq!(hidden.map(f32::to_bits), expected.map(f32::to_bits));
}

#[test]
fn weights_of_one_change_no_bit() {
    let mut hidden = [0.1_f32, -0.0, f32::MIN_POSITIVE / 2.0, -7.25e30];
    let before = hidden.map(f32::to_bits);
    apply(&mut hidden, 2, &[1.0, 1.0]).unwrap();
    assert_eq!(hidden.map(f32::to_bits), before);
}

#[test]
fn the_bits_are_the_same_wherever_this_runs() {
    // A generator of our own: 77 vectors of 8 values between -2 and 2.
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 4_194_304.0 - 2.0
    };
    let mut hidden: Vec<f32> = (0..77 * 8).map(|_| next()).collect();
    let weights: Vec<f32> = (0..77).map(|token| 0.5 + token as f32 / 50.0).collect();
    apply(&mut hidden, 8, &weights).unwrap();
    let bytes: Vec<u8> = hidden
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let digest = blake3::hash(&bytes).to_hex();
    assert_eq!(&digest[..16], "ce934e211de16dc7");
}

#[test]
fn nothing_left_is_refused_and_so_are_wrong_lengths() {
    let mut hidden = [1.0_f32, 3.0];
    let error = apply(&mut hidden, 1, &[0.0, 0.0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFinite);
    for (width, weights) in [
        (0, vec![]),
        (1, vec![1.0]),
        (2, vec![1.0, 1.0]),
        (usize::MAX, vec![1.0; 2]),
    ] {
        let error = apply(&mut hidden, width, &weights).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
    }
}

#[test]
fn each_token_has_its_weight_and_what_frames_the_text_has_one() {
    let tokenizer = super::read(&super::clip("!")).unwrap();
    let tokens = WeightedTokens::encode(&tokenizer, "cat (dog:1.5) [cat]").unwrap();
    assert_eq!(
        tokens.ids[..6],
        [
            super::BEGIN,
            super::CAT,
            super::DOG,
            super::CAT,
            super::END,
            0
        ]
    );
    assert_eq!(
        tokens.weights[..6],
        [1.0, 1.0, 1.5, (1.0 / 1.1_f64) as f32, 1.0, 1.0]
    );
    assert_eq!(
        (tokens.ids.len(), tokens.weights.len(), tokens.mask.len()),
        (77, 77, 77)
    );
    assert_eq!(tokens.mask.iter().sum::<i64>(), 5);
}

#[test]
fn a_bracket_parts_a_word_and_equal_weights_join_it() {
    let tokenizer = super::read(&super::clip("!")).unwrap();
    let ids = |prompt| WeightedTokens::encode(&tokenizer, prompt).unwrap().ids;
    assert_eq!(ids("(c)(at)"), ids("cat"));
    assert_ne!(ids("c(at)"), ids("cat"));
}

#[test]
fn runs_count_together() {
    let tokenizer = super::read(&super::clip("!")).unwrap();
    assert!(WeightedTokens::encode(&tokenizer, &"(cat) dog ".repeat(37)).is_ok());
    let error = WeightedTokens::encode(&tokenizer, &"(cat) dog ".repeat(38)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PromptTooLong);
}
