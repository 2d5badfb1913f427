//! A network of two dense layers in integers: 64 pixels, 64 hidden values, 10 scores.
//!
//! Sums stay below 64 x 255 x 127 = 2,072,640 plus a bias of the same order, so `i32` never overflows.

pub const PIXELS: usize = 64;
pub const DIGITS: usize = 10;
const HIDDEN: usize = 64;

/// The model file, written by `scripts/train-digits`; read at compile time only.
const MODEL: &[u8] = include_bytes!("../../../sdk/worktab/demo/data/digits.model");

const HEADER_END: usize = 12;
const HIDDEN_WEIGHTS_END: usize = HEADER_END + HIDDEN * PIXELS;
const HIDDEN_BIAS_END: usize = HIDDEN_WEIGHTS_END + HIDDEN * 4;
const OUTPUT_WEIGHTS_END: usize = HIDDEN_BIAS_END + DIGITS * HIDDEN;
const OUTPUT_BIAS_END: usize = OUTPUT_WEIGHTS_END + DIGITS * 4;

const _: () = {
    assert!(MODEL.len() == OUTPUT_BIAS_END);
    assert!(matches!(MODEL.first_chunk(), Some(b"WDM1")));
    assert!(u16_at(4) as usize == PIXELS);
    assert!(u16_at(6) as usize == HIDDEN);
    assert!(u16_at(8) as usize == DIGITS);
};

const HIDDEN_SHIFT: u16 = u16_at(10);
static HIDDEN_WEIGHTS: [[i8; PIXELS]; HIDDEN] = weights_at(HEADER_END);
static HIDDEN_BIAS: [i32; HIDDEN] = biases_at(HIDDEN_WEIGHTS_END);
static OUTPUT_WEIGHTS: [[i8; HIDDEN]; DIGITS] = weights_at(HIDDEN_BIAS_END);
static OUTPUT_BIAS: [i32; DIGITS] = biases_at(OUTPUT_WEIGHTS_END);

/// One score per digit; higher is likelier.
pub fn scores(image: &[u8; PIXELS]) -> [i32; DIGITS] {
    let mut hidden = [0; HIDDEN];
    for ((value, weights), bias) in hidden.iter_mut().zip(&HIDDEN_WEIGHTS).zip(&HIDDEN_BIAS) {
        let sum = (bias + dot(weights, image)) >> HIDDEN_SHIFT;
        *value = u8::try_from(sum.max(0)).unwrap_or(u8::MAX);
    }
    let mut scores = [0; DIGITS];
    for ((score, weights), bias) in scores.iter_mut().zip(&OUTPUT_WEIGHTS).zip(&OUTPUT_BIAS) {
        *score = bias + dot(weights, &hidden);
    }
    scores
}

/// The digit with the highest score; the lowest of them where several share it.
pub fn best(scores: &[i32; DIGITS]) -> u8 {
    let mut best = (0, scores[0]);
    for (digit, &score) in (0..).zip(scores) {
        if score > best.1 {
            best = (digit, score);
        }
    }
    best.0
}

fn dot<const N: usize>(weights: &[i8; N], values: &[u8; N]) -> i32 {
    weights
        .iter()
        .zip(values)
        .map(|(&weight, &value)| i32::from(weight) * i32::from(value))
        .sum()
}

const fn u16_at(offset: usize) -> u16 {
    u16::from_le_bytes([MODEL[offset], MODEL[offset + 1]])
}

const fn weights_at<const ROW: usize, const ROWS: usize>(offset: usize) -> [[i8; ROW]; ROWS] {
    let mut weights = [[0; ROW]; ROWS];
    let mut i = 0;
    while i < ROW * ROWS {
        weights[i / ROW][i % ROW] = MODEL[offset + i].cast_signed();
        i += 1;
    }
    weights
}

const fn biases_at<const N: usize>(offset: usize) -> [i32; N] {
    let mut biases = [0; N];
    let mut i = 0;
    while i < N {
        let at = offset + 4 * i;
        biases[i] = i32::from_le_bytes([MODEL[at], MODEL[at + 1], MODEL[at + 2], MODEL[at + 3]]);
        i += 1;
    }
    biases
}
