//! Changes to sequences, step by step: a byte more or less would turn every step after it into another one.

use super::idl;
use super::step::{act, field, Step, SIZE};
use super::MOST_STEPS;

/// Numbers that look random and follow from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    #[allow(clippy::cast_possible_truncation)] // the bound is small
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    #[allow(clippy::cast_possible_truncation)] // a byte is wanted
    fn byte(&mut self) -> u8 {
        // Small numbers are what most fields mean something by.
        if self.below(3) == 0 {
            self.next() as u8
        } else {
            (self.next() % 24) as u8
        }
    }

    fn step(&mut self) -> Step {
        let instructions = &*idl::INSTRUCTIONS;
        let kind = match self.below(instructions.len() + act::ALL.len()) {
            place if place < instructions.len() => instructions[place].number,
            place => act::ALL[place - instructions.len()],
        };
        let mut step = Step::new(kind);
        for _ in 0..self.below(4) {
            step = self.changed(step);
        }
        step
    }

    /// A step with another choice in one field; what breaks it seldom.
    fn changed(&mut self, step: Step) -> Step {
        let usual = [
            field::NETWORK,
            field::DEVICE,
            field::CONSUMER,
            field::NUMBER,
            field::AMOUNT,
            field::UNITS,
            field::TIME,
        ];
        match self.below(12) {
            0 => step
                .with(field::WRONG, self.byte())
                .with(field::WITH, self.next() as u8),
            1 => step
                .with(field::BREAK, 1 + self.byte() % 9)
                .with(field::WHERE, self.byte()),
            2 => step.with(field::ACTOR, self.byte() % 9),
            3 => step.with(field::WALLET, self.byte() % 9),
            4 => step.with(field::FLAGS, 1 << self.below(6)),
            5 => step.with(field::FLAGS, step.get(field::FLAGS) ^ 1 << self.below(6)),
            6 => step.with(field::VARIANT, self.byte()),
            7 => step.with(1 + self.below(SIZE - 1), 0),
            8 => step.with(field::WITH, self.byte()),
            place => step.with(usual[(place + self.below(usual.len())) % usual.len()], self.byte()),
        }
    }
}

/// Changes a sequence in place, and returns its new size.
pub fn mutate(data: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed));
    let mut steps: Vec<Step> = super::step::steps(&data[..size]).collect();
    let start = data.first().copied().filter(|_| size > 0).unwrap_or(2);
    for _ in 0..1 + random.below(4) {
        change(&mut random, &mut steps);
    }
    let start = if random.below(40) == 0 {
        random.byte() % 3
    } else {
        start
    };
    write(data, most, start, &steps)
}

fn change(random: &mut Random, steps: &mut Vec<Step>) {
    let place = random.below(steps.len() + 1);
    match random.below(10) {
        0..=2 => {
            let step = random.step();
            steps.insert(place, step);
        }
        3 if place < steps.len() => drop(steps.remove(place)),
        4 if place < steps.len() => {
            let again = steps[place];
            let to = random.below(steps.len() + 1);
            steps.insert(to, random.changed(again));
        }
        5 if place < steps.len() => {
            let other = random.below(steps.len());
            steps.swap(place, other);
        }
        _ if place < steps.len() => steps[place] = random.changed(steps[place]),
        _ => {
            let step = random.step();
            steps.push(step);
        }
    }
}

/// The beginning of one sequence and the end of another.
pub fn cross(first: &[u8], second: &[u8], out: &mut [u8], seed: u32) -> usize {
    let mut random = Random(u64::from(seed));
    let (first_steps, second_steps): (Vec<Step>, Vec<Step>) = (
        super::step::steps(first).collect(),
        super::step::steps(second).collect(),
    );
    let (to, from) = (
        random.below(first_steps.len() + 1),
        random.below(second_steps.len() + 1),
    );
    let steps: Vec<Step> = first_steps[..to].iter().chain(&second_steps[from..]).copied().collect();
    let most = out.len();
    write(out, most, first.first().copied().unwrap_or(2), &steps)
}

fn write(data: &mut [u8], most: usize, start: u8, steps: &[Step]) -> usize {
    let room = most.saturating_sub(1) / SIZE;
    let made = super::step::input(start, &steps[..steps.len().min(room).min(MOST_STEPS)]);
    let size = made.len().min(most);
    data[..size].copy_from_slice(&made[..size]);
    size
}
