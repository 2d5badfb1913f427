"""How networks and devices are told, wherever a command tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from worktab.cli.output import Amount, Rows, Usage, When
from worktab.program.generated.accounts import Network
from worktab.roles.changes import (
    AddAttestor,
    AdmissionChange,
    ClassChange,
    DelayChange,
    DelayedChange,
    DisputeChange,
    FeeChange,
    GuardianChange,
    PoolWithdrawal,
    RewardPathChange,
    ThresholdChange,
    pending_change,
)
from worktab.roles.decoding import known
from worktab.roles.forecast import Forecast
from worktab.roles.ledger import Ledger
from worktab.roles.root_stats import RootStats
from worktab.roles.stats import DeviceStats, NetworkStats, Utilisation
from worktab.roles.terms import NOBODY, Pause, RewardBasis, RewardPath, WorkClass
from worktab.roles.trust_stats import NetworkGuarantees

_DEVICE_COLUMNS = (
    "index",
    "device",
    "status",
    "class",
    "jobs",
    "units",
    "units_sold",
    "units_self_sold",
    "revenue",
    "utilisation",
    "rewards",
    "rewards_owed",
    "earnings_owed",
)

_STAKE_COLUMNS = (
    "index",
    "device",
    "status",
    "bond",
    "bond_held",
    "bond_leaving",
    "slas_kept",
    "slas_missed",
    "slas_open",
    "open_disputes",
    "fees_paid",
    "burned",
    "paid_away_bps",
)


def network_terms(network: Network) -> dict[str, Any]:
    """What a network's authority chose, what of it may change soon, and who it is."""
    return {
        "authority": network.authority,
        "pending_authority": _somebody(network.pending_authority),
        "guardian": _somebody(network.guardian),
        "mint": network.mint,
        "decimals": network.decimals,
        "vault": network.vault,
        "created_at": When(network.created_at),
        "epoch_length": network.epoch_length,
        "reward_path": known(RewardPath, network.reward_path, "reward path"),
        "basis": known(RewardBasis, network.basis, "basis"),
        "paused": Pause(network.pause),
        "admission": bool(network.admission),
        "fee_bps": network.fee_bps,
        "burn_bps": network.burn_bps,
        "parameter_delay": network.parameter_delay,
        "lane_close_delay": network.lane_close_delay,
        "challenge_delay": network.challenge_delay,
        "unbonding_delay": network.unbonding_delay,
        "dispute_deposit": Amount(network.dispute_deposit, network.decimals),
        "slash_bps": network.slash_bps,
        "attestors": list(network.attestors[: network.attestor_count]),
        "threshold": network.threshold,
        "pending_change": _pending(network),
    }


def network_facts(stats: NetworkStats) -> dict[str, Any]:
    """What a network did and what it owes."""

    def amount(base_units: int) -> Amount:
        return Amount(base_units, stats.decimals)

    classes = [
        {
            "class": each.number,
            "meter": each.meter,
            "rate": each.rate,
            "max_capacity": each.max_capacity,
            "least_bond": amount(each.least_bond),
            "budget": amount(each.budget),
            "budget_left": amount(each.budget_left),
            "devices": each.devices,
            "utilisation": _usage(each.utilisation),
            "next_capacity": each.next_capacity,
        }
        for each in stats.classes
    ]
    return {
        "epoch": stats.epoch,
        "epoch_ends_at": When(stats.epoch_ends_at),
        "devices_registered": stats.devices,
        "jobs": stats.jobs,
        "units": stats.units,
        "utilisation": None if stats.utilisation is None else _usage(stats.utilisation),
        "units_sold": stats.units_sold,
        "units_self_sold": stats.units_self_sold,
        "revenue": amount(stats.revenue),
        "fees_paid": amount(stats.fees_paid),
        "burned": amount(stats.burned),
        "paid_away_bps": stats.paid_away_bps,
        "earnings_owed": amount(stats.earnings_owed),
        "fees": amount(stats.fees),
        "rewards": amount(stats.rewards_accrued),
        "rewards_owed": amount(stats.rewards_owed),
        "pool_free": amount(stats.pool_free),
        "classes": Rows(classes, tuple(classes[0]) if classes else ()),
        "guarantees": guarantee_facts(stats.guarantees, stats.decimals),
        "roots": None if stats.roots is None else root_facts(stats.roots, stats.decimals),
    }


def guarantee_facts(stats: NetworkGuarantees, decimals: int) -> dict[str, Any]:
    """What a network's devices have at stake, the promises they kept, and what became of accusations."""
    return {
        "bonds": Amount(stats.bonds, decimals),
        "bonds_held": Amount(stats.bonds_held, decimals),
        "bonds_leaving": Amount(stats.bonds_leaving, decimals),
        "slas_kept": stats.slas_kept,
        "slas_missed": stats.slas_missed,
        "slas_open": stats.slas_open,
        "disputes_guilty": stats.disputes_guilty,
        "disputes_not_guilty": stats.disputes_not_guilty,
        "disputes_open": stats.disputes_open,
        "slashed": Amount(stats.slashed, decimals),
    }


def root_facts(stats: RootStats, decimals: int) -> dict[str, Any]:
    """What a network's roots came to, and what it took to check the work behind them."""
    check = stats.verification
    return {
        "pays_from": stats.pays_from,
        "epoch": stats.epoch,
        "root": None if stats.epoch is None else stats.root,
        "payees": stats.payees,
        "units": stats.units,
        "total": Amount(stats.total, decimals),
        "claimed": Amount(stats.claimed, decimals),
        "claimed_bps": stats.claimed_bps,
        "owed": Amount(stats.owed, decimals),
        "records_checked": check.records,
        "records_failed": check.failed,
        "failed_bps": check.failed_bps,
        "check_ms": check.ms,
        "us_a_record": check.us_a_record,
    }


def device_facts(stats: DeviceStats, decimals: int) -> dict[str, Any]:
    """What a device did, what it is owed and what it has at stake."""
    staked = stats.guarantees

    def amount(base_units: int) -> Amount:
        return Amount(base_units, decimals)

    return {
        "device": stats.address,
        "index": stats.index,
        "status": stats.status,
        "owner": stats.owner,
        "payout": stats.payout,
        "key": stats.key_kind,
        "class": stats.work_class,
        "jobs": stats.jobs,
        "units": stats.units,
        "utilisation": _usage(stats.utilisation),
        "next_capacity": stats.next_capacity,
        "units_sold": stats.units_sold,
        "units_self_sold": stats.units_self_sold,
        "revenue": amount(stats.revenue),
        "fees_paid": amount(stats.fees_paid),
        "burned": amount(stats.burned),
        "paid_away_bps": stats.paid_away_bps,
        "earnings_owed": amount(stats.earnings_owed),
        "rewards": amount(stats.rewards_accrued),
        "rewards_owed": amount(stats.rewards_owed),
        "epoch_rewards": amount(stats.epoch_rewards),
        "epoch_share": amount(stats.epoch_share),
        "last_receipt_at": When(stats.last_receipt_at),
        "bond": amount(staked.bond),
        "bond_held": amount(staked.bond_held),
        "bond_leaving": amount(staked.bond_leaving),
        "bond_leaves_at": When(staked.leaves_at) if staked.leaves_at else None,
        "slas_kept": staked.slas_kept,
        "slas_missed": staked.slas_missed,
        "slas_open": staked.slas_open,
        "open_disputes": staked.open_disputes,
    }


def device_rows(devices: list[DeviceStats], decimals: int, most: int | None) -> Rows:
    """Devices, of which people see the first `most`, in two tables: what they did, and what they have at stake."""
    return Rows([device_facts(each, decimals) for each in devices], _DEVICE_COLUMNS, most, _STAKE_COLUMNS)


def ledger_facts(ledger: Ledger, decimals: int) -> dict[str, Any]:
    """Every term of the ledger rule, and whether it holds."""
    names = (
        *("pool_free", "pool_owed", "device_rewards", "root_owed", "fees", "device_earnings", "tab_balances"),
        *("lane_reserves", "bonds", "deposits", "accounted", "vault", "surplus", "root_total", "root_claimed"),
    )
    terms = {name: Amount(getattr(ledger, name), decimals) for name in names}
    return {**terms, "holds": ledger.holds}


def forecast_facts(forecast: Forecast, decimals: int) -> dict[str, Any]:
    """What a receipt would earn now, and what limits would cut."""
    return {
        "new_units": forecast.new_units,
        "eligible": forecast.eligible,
        "full_reward": Amount(forecast.full_reward, decimals),
        "reward": Amount(forecast.reward, decimals),
        "limits": [str(each) for each in forecast.limits],
        "next_epoch_at": When(forecast.next_epoch_at),
    }


def class_terms(terms: WorkClass) -> dict[str, Any]:
    """What a class pays for and how much, in base units."""
    return {
        "meter": terms.meter,
        "rate": terms.rate,
        "max_capacity": terms.max_capacity,
        "budget": terms.budget,
        "least_bond": terms.least_bond,
    }


def _pending(network: Network) -> Mapping[str, Any] | None:
    pending = pending_change(network)
    if pending is None:
        return None
    return {**_change(pending.change, network.decimals), "effective_at": When(pending.effective_at)}


def _change(change: DelayedChange, decimals: int) -> dict[str, Any]:
    match change:
        case ClassChange(number, terms):
            return {"kind": "class", "class": number, **class_terms(terms)}
        case FeeChange(fee_bps, burn_bps):
            return {"kind": "fees", "fee_bps": fee_bps, "burn_bps": burn_bps}
        case DelayChange(parameter, lane_close, challenge, unbonding):
            return {
                "kind": "delays",
                "parameter_delay": parameter,
                "lane_close_delay": lane_close,
                "challenge_delay": challenge,
                "unbonding_delay": unbonding,
            }
        case AdmissionChange(required):
            return {"kind": "admission", "admission": required}
        case GuardianChange(guardian):
            return {"kind": "guardian", "guardian": guardian}
        case RewardPathChange():
            return {"kind": "reward_path", "reward_path": RewardPath.ROOTS}
        case AddAttestor(attestor, threshold):
            return {"kind": "add_attestor", "attestor": attestor, "threshold": threshold}
        case ThresholdChange(threshold):
            return {"kind": "threshold", "threshold": threshold}
        case PoolWithdrawal(amount, destination):
            return {"kind": "withdraw_pool", "amount": Amount(amount, decimals), "to": destination}
        case DisputeChange(deposit, slash_bps):
            return {"kind": "disputes", "dispute_deposit": Amount(deposit, decimals), "slash_bps": slash_bps}


def _usage(utilisation: Utilisation) -> Usage:
    return Usage(utilisation.units, utilisation.capacity, utilisation.bps)


def _somebody(key: Any) -> Any:
    return None if key == NOBODY else key
