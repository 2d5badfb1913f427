//! Arguments of every instruction, made from a step.

mod consumers;
mod devices;
mod epochs;
mod networks;
mod trust;

use super::call::Call;
use super::scene::Scene;
use super::step::field;

/// The call of an instruction; nothing for one that no area knows.
pub fn call(scene: &Scene, number: u8) -> Option<Call> {
    let mut call = Call::new(number);
    let areas = [
        networks::fill,
        devices::fill,
        consumers::fill,
        epochs::fill,
        trust::fill,
    ];
    areas.iter().any(|fill| fill(scene, &mut call)).then_some(call)
}

/// A message of 104 bytes.
pub fn signed(kind: u8, context: &[u8; 32], numbers: [u64; 3], time: i64, head: &[u8; 32]) -> [u8; 104] {
    let mut bytes = [0; 104];
    bytes[..8].copy_from_slice(&[b'W', b'T', b'B', b'1', kind, 0, 0, 0]);
    bytes[8..40].copy_from_slice(context);
    bytes[40..64].copy_from_slice(numbers.map(u64::to_le_bytes).as_flattened());
    bytes[64..72].copy_from_slice(&time.to_le_bytes());
    bytes[72..].copy_from_slice(head);
    bytes
}

/// The time that a message says: now, or some time before or after.
pub fn time(scene: &Scene, usual: i64) -> i64 {
    match scene.step.get(field::TIME) {
        0 => usual,
        1 => scene.now.wrapping_add(300),
        2 => scene.now.wrapping_add(301),
        3 => scene.now.wrapping_sub(1),
        4 => i64::MAX,
        5 => -1,
        6 => scene.now,
        7 => 0,
        other => scene.now.wrapping_add(i64::from(other)),
    }
}
