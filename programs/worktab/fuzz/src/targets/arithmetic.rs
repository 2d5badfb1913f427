//! Rewards, fees, demand and quantities, against the rules of PROTOCOL section 5 in 128 bits, without any fast path.

use crate::input::Input;
use worktab::domain::demand::{worth, Waiting};
use worktab::domain::fees::{charge, Carries};
use worktab::domain::reward::{accrue, proportion, reward, share, Standing};
use worktab::domain::slash::{part, penalty, undecided_part, Slash};
use worktab::domain::{Amount, Capacity, Carry, EpochIndex, Overflow, Rate, Seconds, Timestamp, Units};

const MILLION: u128 = 1_000_000;
const WHOLE: u128 = 10_000;

pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.byte() % 9 {
        0 => rewards(&mut input),
        1 => standing(&mut input),
        2 => fees(&mut input),
        3 => demand(&mut input),
        4 => quantities(&mut input),
        5 => times(&mut input),
        6 => splits(&mut input),
        7 => slashes(&mut input),
        _ => proportions(&mut input),
    }
}

fn narrow(wide: u128) -> Result<u64, Overflow> {
    u64::try_from(wide).map_err(|_| Overflow)
}

/// Reward and carry by the rule.
fn earned(carry: u64, units: u64, rate: u64) -> Result<(u64, u64), Overflow> {
    let n = u128::from(carry) + u128::from(units) * u128::from(rate);
    Ok((narrow(n / MILLION)?, narrow(n % MILLION)?))
}

fn rewards(input: &mut Input) {
    let (carry, units, rate) = (input.number(), input.number(), input.number());
    let found = reward(Carry(carry), Units(units), Rate(rate)).map(|each| (each.amount.get(), each.carry.get()));
    assert_eq!(found, earned(carry, units, rate));
    let (room, ceiling) = (input.number(), input.number());
    let found = accrue(Units(units), Units(room), Carry(carry), Rate(rate), Amount(ceiling));
    let eligible = units.min(room);
    match earned(carry, eligible, rate) {
        Err(_) => assert_eq!(found, Err(Overflow)),
        Ok((full, left)) => {
            let found = found.expect("what fits is found");
            assert_eq!(
                (found.eligible.get(), found.reward.get()),
                (eligible, full.min(ceiling))
            );
            assert_eq!(found.carry.get(), left);
            assert_eq!(found.cut, full > ceiling || (eligible < units && rate > 0));
        }
    }
}

fn proportions(input: &mut Input) {
    let (value, part, whole) = (input.number(), input.number(), input.number());
    let expected = match whole {
        0 => Ok(0),
        _ => narrow(u128::from(value) * u128::from(part) / u128::from(whole)),
    };
    assert_eq!(proportion(value, part, whole), expected);
    let found = share(Amount(value), Capacity(part), Capacity(whole)).map(Amount::get);
    assert_eq!(found, expected);
}

/// Work in any number of parts earns what it earns at once.
fn splits(input: &mut Input) {
    let rate = input.number() >> 16;
    let start = input.number() % 1_000_000;
    let parts: Vec<u64> = (0..1 + input.below(16)).map(|_| input.number() >> 20).collect();
    let (mut carry, mut sum) = (Carry(start), 0);
    for part in &parts {
        let Ok(each) = reward(carry, Units(*part), Rate(rate)) else {
            return;
        };
        assert!(u128::from(each.carry.get()) < MILLION);
        carry = each.carry;
        sum += u128::from(each.amount.get());
    }
    let all = u128::from(start) + parts.iter().map(|part| u128::from(*part)).sum::<u128>() * u128::from(rate);
    assert_eq!((sum, u128::from(carry.get())), (all / MILLION, all % MILLION));
}

/// A receipt's uncut reward is its reward under all limits, where none of them cuts.
fn standing(input: &mut Input) {
    let [carry, rate, capacity, total, units, earned, budget, spent, pool, delta] = [(); 10].map(|()| input.number());
    let standing = Standing {
        carry: &Carry(carry),
        rate: &Rate(rate),
        capacity: &Capacity(capacity),
        total_capacity: &Capacity(total),
        units: &Units(units),
        earned: &Amount(earned),
        budget: &Amount(budget),
        spent: &Amount(spent),
        pool: &Amount(pool),
    };
    let room = capacity.saturating_sub(units);
    assert_eq!(standing.room().get(), room);
    let share = if total == 0 {
        Ok(0)
    } else {
        narrow(u128::from(budget) * u128::from(capacity) / u128::from(total))
    };
    let ceiling = share.map(|share| share.saturating_sub(earned).min(budget.saturating_sub(spent)).min(pool));
    assert_eq!(standing.ceiling().map(Amount::get), ceiling);
    let (uncut, limited) = (standing.uncut(Units(delta)), standing.accrue(Units(delta)));
    let Ok(limited) = limited else {
        // What overflows is either refused, or cut before it is worked out.
        assert!(!matches!(uncut, Ok(Some(_))));
        return;
    };
    assert!(limited.reward.get() <= ceiling.expect("what accrues has a ceiling"));
    assert!(limited.eligible.get() <= room);
    let within = units <= capacity && earned <= share.unwrap_or(0) && spent <= budget;
    match uncut.expect("what accrues fits") {
        Some(uncut) => {
            assert!(limited.eligible.get() == delta && !limited.cut);
            assert_eq!((uncut.amount, uncut.carry), (limited.reward, limited.carry));
        }
        None => assert!(limited.cut || rate == 0 || !within || delta == 0),
    }
}

/// Any sequence of claims: nothing above the earnings is taken, and nothing due is lost.
fn fees(input: &mut Input) {
    let fee_bps = u16::from_le_bytes(input.bytes()) % 3_001;
    let burn_bps = u16::from_le_bytes(input.bytes()) % (3_001 - fee_bps);
    // Below 20,000 together: what every claim keeps to.
    let fee = u16::from_le_bytes(input.bytes()) % 10_000;
    let mut carries = Carries {
        fee,
        burn: u16::from_le_bytes(input.bytes()) % (20_000 - fee),
    };
    let start = [u128::from(carries.fee), u128::from(carries.burn)];
    let (mut fee, mut burn, mut sum) = (0u128, 0u128, 0u128);
    for _ in 0..1 + input.below(12) {
        let earnings = input.number();
        let charge = charge(Amount(earnings), fee_bps, burn_bps, carries).expect("no claim is held up");
        let taken = u128::from(charge.fee.get()) + u128::from(charge.burn.get());
        assert!(taken <= u128::from(earnings), "more is taken than was earned");
        sum += u128::from(earnings);
        fee += u128::from(charge.fee.get());
        burn += u128::from(charge.burn.get());
        carries = charge.carries;
        assert!(
            carries.fee < 10_000 && carries.fee + carries.burn < 20_000,
            "{carries:?} is out of range"
        );
        let due = [
            start[0] + sum * u128::from(fee_bps),
            start[1] + sum * u128::from(burn_bps),
        ];
        assert_eq!(
            [
                fee * WHOLE + u128::from(carries.fee),
                burn * WHOLE + u128::from(carries.burn)
            ],
            due
        );
    }
}

/// Demand-backed rewards: at most what the sales paid, and all that waits is paid in the end or goes on waiting.
fn demand(input: &mut Input) {
    let [units, taken, rate, room, ceiling] = [(); 5].map(|()| input.number());
    let carry = input.number() % 1_000_000;
    let found = worth(Units(units), Amount(taken), Carry(carry), Rate(rate));
    let Waiting { units: waiting, reward } = found.waiting;
    let full = (u128::from(carry) + u128::from(units) * u128::from(rate)) / MILLION;
    assert!(reward.get() <= taken, "more than the sales paid");
    assert!(u128::from(reward.get()) <= full && waiting.get() <= units);
    assert!(u128::from(found.carry.get()) < MILLION);
    if full <= u128::from(taken) {
        assert_eq!(u128::from(reward.get()), full);
        assert_eq!(
            u128::from(found.carry.get()),
            (u128::from(carry) + u128::from(units) * u128::from(rate)) % MILLION
        );
        assert_eq!(waiting.get(), if full == 0 { 0 } else { units });
    } else {
        assert_eq!((reward.get(), found.carry.get()), (taken, 0));
        let needed = (u128::from(taken) * MILLION).div_ceil(u128::from(rate));
        assert_eq!(u128::from(waiting.get()), needed.min(u128::from(units)));
    }
    let mut left = Waiting {
        units: Units(input.number()),
        reward: Amount(input.number()),
    };
    let before = left;
    let paid = left.take(Units(room), Amount(ceiling)).expect("a part always fits");
    assert_eq!(
        (
            left.units.get() + paid.units.get(),
            left.reward.get() + paid.reward.get()
        ),
        (before.units.get(), before.reward.get())
    );
    assert!(paid.units.get() <= room && paid.reward.get() <= ceiling);
    let eligible = u128::from(room.min(before.units.get()));
    let due = match before.units.get() {
        0 => 0,
        all => u128::from(before.reward.get()) * eligible / u128::from(all),
    };
    assert_eq!(u128::from(paid.reward.get()), due.min(u128::from(ceiling)));
    if due > u128::from(ceiling) {
        assert_eq!(u128::from(paid.units.get()), eligible * u128::from(ceiling) / due);
    } else {
        assert_eq!(u128::from(paid.units.get()), eligible);
    }
}

/// Penalties and slashes: never more than is there, and a quarter of a slash is the pool's.
fn slashes(input: &mut Input) {
    let bps = u16::from_le_bytes(input.bytes()) % 10_001;
    let [bond, owed, deposit, due] = [(); 4].map(|()| input.number());
    let cut = |amount: u64| u128::from(amount) * u128::from(bps) / WHOLE;
    assert_eq!(
        part(Amount(bond), bps).map(|part| u128::from(part.get())),
        Ok(cut(bond))
    );
    let delivered = input.number();
    let missing = due.saturating_sub(delivered);
    let found = penalty(Amount(due), Amount(delivered), bps).expect("a part fits");
    assert_eq!(u128::from(found.get()), cut(missing));
    assert!(
        found <= part(Amount(due), bps).expect("a part fits"),
        "more than was held"
    );
    assert_eq!(undecided_part(Amount(deposit)).get(), deposit / 10);

    let held = input.number();
    let found = Slash::of(Amount(bond), Amount(held), bps, Amount(owed), Amount(deposit));
    let Some(free) = bond.checked_sub(held) else {
        assert_eq!(found, Err(Overflow));
        return;
    };
    let found = found.expect("what is free can be slashed");
    let [consumer, challenger, pool] =
        [found.consumer, found.challenger, found.pool].map(|each| u128::from(each.get()));
    let total = cut(bond).min(u128::from(free));
    assert_eq!(consumer + challenger + pool, total);
    assert!(pool * 4 >= total && consumer <= u128::from(owed) && challenger <= u128::from(deposit));
    let shared = total - total.div_ceil(4);
    assert_eq!(consumer, u128::from(owed).min(shared), "the consumer comes first");
    assert_eq!(challenger, u128::from(deposit).min(shared - consumer));
}

fn quantities(input: &mut Input) {
    let (a, b, c) = (input.number(), input.number(), input.number());
    let (left, right) = (Amount(a), Amount(b));
    assert_eq!(left.plus(right).map(Amount::get), a.checked_add(b).ok_or(Overflow));
    assert_eq!(left.minus(right).map(Amount::get), a.checked_sub(b).ok_or(Overflow));
    assert_eq!(left.less(right).get(), a.saturating_sub(b));
    assert_eq!(left.saturating_plus(right).get(), a.saturating_add(b));
    assert_eq!(
        left.leaves_room(right, Amount(c)),
        u128::from(a) + u128::from(b) <= u128::from(c)
    );
}

fn times(input: &mut Input) {
    let [now, created] = [(); 2].map(|()| i64::from_le_bytes(input.number().to_le_bytes()));
    let length = u32::try_from(input.number() & 0xffff_ffff).expect("32 bits");
    let elapsed = (i128::from(now) - i128::from(created)).max(0);
    let expected = match length {
        0 => Err(Overflow),
        _ => u64::try_from(elapsed / i128::from(length)).map_err(|_| Overflow),
    };
    let found = EpochIndex::at(Timestamp(now), Timestamp(created), Seconds(length));
    assert_eq!(found.map(|epoch| epoch.0), expected);
    let after = i64::try_from(i128::from(now) + i128::from(length)).map_err(|_| Overflow);
    assert_eq!(Timestamp(now).after(Seconds(length)).map(|time| time.0), after);
}
