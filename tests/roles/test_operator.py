"""The operator: creating, changing, pausing and funding a network, and reading it."""

from __future__ import annotations

from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from spl.token.instructions import approve
from spl.token.models import ApproveParams

from support.fleet import CLASS, EPOCH, FUNDS, TIMING, Fleet, StartFleet
from support.network import Network
from worktab.chain.embedded import EmbeddedChain
from worktab.chain.sending import Sender
from worktab.chain.tokens import associated_account
from worktab.core import contexts
from worktab.core.addresses import TOKEN_2022_PROGRAM_ID
from worktab.core.errors import InputError, SimulationFailed
from worktab.core.records import Meter
from worktab.program.generated import PROGRAM_ID, errors
from worktab.program.generated.types import ClassTerms
from worktab.roles.base import program_sender
from worktab.roles.changes import (
    AdmissionChange,
    AuthorityChange,
    Cancel,
    ClassChange,
    DelayChange,
    DisputeChange,
    FeeChange,
    GuardianChange,
    NetworkChange,
    PendingChange,
    pending_change,
)
from worktab.roles.errors import NetworkExists, NetworkNotFound, WrongCluster
from worktab.roles.operator import Operator
from worktab.roles.reading import NetworkReader
from worktab.roles.terms import NOBODY, Pause, RewardPath, WorkClass

DAY = 86_400


async def test_a_network_is_created_as_planned(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(create=False)
    guardian, attestors = Keypair().pubkey(), tuple(Keypair().pubkey() for _ in range(4))
    second = WorkClass(rate=7, max_capacity=8, budget=9, least_bond=10, meter=Meter.GPU_MS)
    plan = fleet.plan(
        id=5,
        classes=(CLASS, second),
        reward_path=RewardPath.ROOTS,
        admission=True,
        fee_bps=100,
        burn_bps=50,
        dispute_deposit=2**64 - 1,
        slash_bps=2_500,
        guardian=guardian,
        attestors=attestors,
    )
    operator = Operator.of_plan(fleet.sender, plan, authority=fleet.authority)

    before = await fleet.clock.now()
    created = await operator.create_network(plan)
    after = await fleet.clock.now()

    network = await operator.network()
    assert created.address == operator.address
    assert created.vault == network.vault == associated_account(created.address, fleet.mint.address)
    assert (network.creator, network.authority) == (fleet.authority.pubkey(), fleet.authority.pubkey())
    assert (network.guardian, network.pending_authority) == (guardian, NOBODY)
    assert network.attestors == (*attestors, *[NOBODY] * 12)
    assert (network.attestor_count, network.threshold) == (4, 3)
    assert (network.id, network.epoch_length, network.reward_path, network.admission) == (5, EPOCH, 2, 1)
    assert (network.fee_bps, network.burn_bps) == (100, 50)
    assert before <= network.created_at <= after
    assert (network.parameter_delay, network.lane_close_delay) == (DAY, 3_600)
    assert (network.challenge_delay, network.unbonding_delay) == (DAY, 7 * DAY)
    assert (network.dispute_deposit, network.slash_bps) == (2**64 - 1, 2_500)
    assert network.domain == contexts.domain(await fleet.chain.genesis_hash(), PROGRAM_ID, created.address)
    assert network.rent_payer == fleet.payer.pubkey()
    first, other, *unused = network.classes
    assert (first.meter, first.rate, first.max_capacity, first.least_bond, first.budget) == (
        1,
        2_000_000,
        1_000_000,
        0,
        1_000_000,
    )
    assert (other.meter, other.rate, other.max_capacity, other.least_bond, other.budget) == (3, 7, 8, 10, 9)
    assert [each.meter for each in unused] == [0] * 6
    assert await fleet.mint.balance(created.address) == 0


async def test_only_the_fee_payer_pays(fleet: Fleet) -> None:
    assert await fleet.lamports(fleet.authority.pubkey()) == 0


async def test_a_network_is_created_once(fleet: Fleet) -> None:
    with pytest.raises(NetworkExists) as caught:
        await fleet.operator.create_network(fleet.plan())
    assert caught.value.code == "network_exists"


async def test_an_operator_creates_no_other_network_than_its_own(fleet: Fleet) -> None:
    with pytest.raises(InputError, match="another network") as caught:
        await fleet.operator.create_network(fleet.plan(id=1))
    assert caught.value.expected == str(fleet.network)


async def test_a_network_needs_a_mint(fleet: Fleet) -> None:
    plan = fleet.plan(id=1, mint=Keypair().pubkey())
    operator = Operator.of_plan(fleet.sender, plan, authority=fleet.authority)
    with pytest.raises(InputError, match="no token mint"):
        await operator.create_network(plan)


async def test_a_plan_that_the_program_refuses_is_its_own_error(fleet: Fleet) -> None:
    plan = fleet.plan(id=1, fee_bps=3_000, burn_bps=1)
    operator = Operator.of_plan(fleet.sender, plan, authority=fleet.authority)
    with pytest.raises(errors.InvalidParameter):
        await operator.create_network(plan)


async def test_a_network_of_another_cluster_is_refused(fleet: Fleet) -> None:
    account = await fleet.chain.account(fleet.network)
    assert account is not None
    elsewhere = EmbeddedChain(genesis_hash=b"e" * 32)
    elsewhere.set_account(fleet.network, account)

    with pytest.raises(WrongCluster) as caught:
        await NetworkReader(elsewhere, fleet.network).network()

    assert caught.value.code == "wrong_cluster"
    assert caught.value.expected == f"domain {contexts.domain(b'e' * 32, PROGRAM_ID, fleet.network).hex()}"
    assert caught.value.got == contexts.domain(await fleet.chain.genesis_hash(), PROGRAM_ID, fleet.network).hex()


async def test_what_is_no_network_is_not_found(fleet: Fleet) -> None:
    device = await fleet.device()
    for address, got in [
        (Keypair().pubkey(), "no account"),
        (fleet.mint.address, f"an account of {fleet.mint.program}"),
        (device.device, f"an account of {PROGRAM_ID}"),
    ]:
        with pytest.raises(NetworkNotFound) as caught:
            await NetworkReader(fleet.chain, address).network()
        assert (caught.value.code, caught.value.got) == ("network_not_found", got)


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (FeeChange(5, 6), {"fee_bps": 5, "burn_bps": 6}),
        (
            DelayChange(1, 3_601, 2, 3),
            {"parameter_delay": 1, "lane_close_delay": 3_601, "challenge_delay": 2, "unbonding_delay": 3},
        ),
        (AdmissionChange(True), {"admission": 1}),
        (GuardianChange(Pubkey(b"g" * 32)), {"guardian": Pubkey(b"g" * 32)}),
        (GuardianChange(None), {"guardian": NOBODY}),
        (DisputeChange(7, 10_000), {"dispute_deposit": 7, "slash_bps": 10_000}),
    ],
)
async def test_a_change_waits_its_delay(start_fleet: StartFleet, change: NetworkChange, fields: dict[str, Any]) -> None:
    fleet = await start_fleet(parameter_delay=1_000)
    operator = fleet.operator
    before = await operator.network()

    earliest = await fleet.clock.now() + 1_000
    proposed = await operator.propose_update(change)

    assert earliest <= proposed.effective_at <= await fleet.clock.now() + 1_000
    waiting = await operator.network()
    assert pending_change(waiting) == PendingChange(change, proposed.effective_at)  # type: ignore[arg-type]
    await fleet.clock.advance(900)
    with pytest.raises(errors.NotDue):
        await operator.apply_update()
    await fleet.clock.set_time(proposed.effective_at)
    # Anyone may apply it.
    await Operator(fleet.sender, fleet.network, authority=Keypair()).apply_update()

    after = await operator.network()
    assert pending_change(after) is None
    assert {name: getattr(after, name) for name in fields} == fields
    unchanged = set(type(after).OFFSETS) - set(fields) - {"pending"}
    assert {name: getattr(after, name) for name in unchanged} == {name: getattr(before, name) for name in unchanged}


def test_a_meter_that_is_not_known_is_told() -> None:
    with pytest.raises(InputError, match="meter is not known"):
        WorkClass.decode(ClassTerms(7, 1, 1, 0, 1))


async def test_a_class_is_changed_and_another_set_up(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(parameter_delay=0)
    changed = WorkClass(rate=1, max_capacity=2, budget=3)
    new = WorkClass(rate=4, max_capacity=5, budget=6, least_bond=7, meter=Meter.SAMPLES)
    for change in (ClassChange(0, changed), ClassChange(7, new)):
        await fleet.operator.propose_update(change)
        pending = pending_change(await fleet.operator.network())
        assert pending is not None
        assert pending.change == change
        await fleet.operator.apply_update()
    classes = (await fleet.operator.network()).classes
    assert [(each.meter, each.rate, each.max_capacity, each.budget, each.least_bond) for each in classes] == [
        (1, 1, 2, 3, 0),
        *[(0, 0, 0, 0, 0)] * 6,
        (6, 4, 5, 6, 7),
    ]


async def test_a_pending_change_can_be_withdrawn(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(parameter_delay=0)
    await fleet.operator.propose_update(FeeChange(5, 6))
    assert (await fleet.operator.propose_update(Cancel())).effective_at == 0
    with pytest.raises(errors.NothingPending):
        await fleet.operator.apply_update()


async def test_the_authority_changes_hands_in_two_steps(fleet: Fleet) -> None:
    heir = Operator(fleet.sender, fleet.network, authority=Keypair())
    with pytest.raises(errors.Unauthorized):
        await heir.accept_authority()

    assert (await fleet.operator.propose_update(AuthorityChange(heir.authority.pubkey()))).effective_at == 0
    assert (await heir.network()).authority == fleet.authority.pubkey()
    await heir.accept_authority()

    assert (await heir.network()).authority == heir.authority.pubkey()
    with pytest.raises(errors.Unauthorized):
        await fleet.operator.propose_update(Cancel())


async def test_a_proposed_authority_can_be_withdrawn(fleet: Fleet) -> None:
    heir = Operator(fleet.sender, fleet.network, authority=Keypair())
    await fleet.operator.propose_update(AuthorityChange(heir.authority.pubkey()))
    await fleet.operator.propose_update(AuthorityChange(None))
    with pytest.raises(errors.Unauthorized):
        await heir.accept_authority()


async def test_a_guardian_pauses_and_only_the_authority_resumes(start_fleet: StartFleet) -> None:
    keypair = Keypair()
    fleet = await start_fleet(guardian=keypair.pubkey())
    guardian = Operator(fleet.sender, fleet.network, authority=keypair)

    await guardian.set_pause(Pause.REGISTER)
    await guardian.set_pause(Pause.REGISTER | Pause.SUBMIT)
    assert (await guardian.network()).pause == 3
    with pytest.raises(errors.Paused):
        await fleet.device()
    with pytest.raises(errors.Unauthorized):
        await guardian.set_pause(Pause.SUBMIT)

    await fleet.operator.set_pause(Pause.NONE)
    assert (await guardian.network()).pause == 0
    await fleet.operator.set_pause(Pause.ALL)
    assert (await guardian.network()).pause == 31


async def test_the_pool_is_funded_from_the_authoritys_account(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(funds=0)
    await fleet.mint.give(fleet.authority.pubkey(), 1_000)

    funded = await fleet.operator.fund_pool(400)

    assert (funded.amount, funded.surplus) == (400, 0)
    assert await fleet.mint.balance(fleet.authority.pubkey()) == 600
    assert await fleet.vault() == 400
    network = await fleet.operator.network()
    assert (network.pool_free, network.accounted) == (400, 400)


async def test_anyone_funds_the_pool_and_a_stray_transfer_is_credited(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(funds=0)
    funder = Keypair()
    source = await fleet.mint.give(funder.pubkey(), 70)
    await fleet.mint.give(fleet.network, 5)

    funded = await fleet.operator.fund_pool(70, funder=funder, source=source)
    nothing = await fleet.operator.fund_pool(0, funder=funder)

    assert (funded.amount, funded.surplus) == (70, 5)
    assert (nothing.amount, nothing.surplus) == (0, 0)
    assert await fleet.mint.balance(funder.pubkey()) == 0
    network = await fleet.operator.network()
    assert (await fleet.vault(), network.pool_free, network.accounted) == (75, 75, 75)


async def test_a_funder_may_spend_from_anothers_account(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(funds=0)
    holder, funder = Keypair(), Keypair()
    source = await fleet.mint.give(holder.pubkey(), 9)
    params = ApproveParams(
        program_id=fleet.mint.program,
        source=source,
        delegate=funder.pubkey(),
        owner=holder.pubkey(),
        amount=6,
    )
    await fleet.sender.send([approve(params)], [holder])
    await fleet.operator.fund_pool(6, funder=funder, source=source)
    assert (await fleet.mint.balance(holder.pubkey()), await fleet.vault()) == (3, 6)


async def test_a_network_pays_in_a_token_2022_mint(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(token_program=TOKEN_2022_PROGRAM_ID)
    network = await fleet.operator.network()
    assert network.token_program == TOKEN_2022_PROGRAM_ID
    assert await fleet.vault() == network.pool_free == FUNDS


async def test_devices_are_listed_by_index_and_by_owner(fleet: Fleet) -> None:
    owner, other = fleet.owner(), fleet.owner()
    devices = [await fleet.device(owner=each) for each in (owner, other, owner)]
    plan = fleet.plan(id=1)
    elsewhere = Operator.of_plan(fleet.sender, plan, authority=fleet.authority)
    await elsewhere.create_network(plan)

    table = await fleet.operator.devices()

    assert table.addresses == tuple(each.device for each in devices)
    assert len(table) == 3
    assert table.total("next_capacity") == 3_000
    assert list(table) == [(each.device, await fleet.read(each.device)) for each in devices]
    assert (await owner.devices()).addresses == (devices[0].device, devices[2].device)
    assert len(await elsewhere.devices()) == 0


async def test_a_lookup_table_holds_what_the_network_names(fleet: Fleet) -> None:
    devices = [Keypair().pubkey() for _ in range(40)]

    table = await fleet.operator.create_lookup_table(devices)

    network = await fleet.operator.network()
    shared = ["Sysvar1nstructions1111111111111111111111111", fleet.network, network.vault, fleet.mint.address]
    named = [*map(str, shared), str(network.token_program), *map(str, devices)]
    assert [str(address) for address in table.addresses] == named


async def test_a_lookup_table_has_room_for_251_devices(fleet: Fleet) -> None:
    with pytest.raises(InputError, match="from 1 to 256"):
        await fleet.operator.create_lookup_table([Keypair().pubkey() for _ in range(252)])


async def test_a_sender_without_our_errors_still_tells_the_number(fleet: Fleet) -> None:
    plain = Operator(Sender(fleet.chain, fee_payer=fleet.payer, **TIMING), fleet.network, authority=Keypair())
    with pytest.raises(SimulationFailed, match=r"Custom\(6001\)"):
        await plain.set_pause(Pause.ALL)


async def test_errors_of_another_program_are_not_ours(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(funds=0)
    poor = Keypair()
    await fleet.mint.give(poor.pubkey(), 1)
    with pytest.raises(SimulationFailed, match=r"Custom\(1\)") as caught:  # the token program's InsufficientFunds
        await fleet.operator.fund_pool(2, funder=poor)
    assert caught.type is SimulationFailed


async def test_a_call_can_be_repeated_within_one_block(start_fleet: StartFleet) -> None:
    fleet = await start_fleet(funds=0)
    await fleet.mint.give(fleet.authority.pubkey(), 10)
    frozen = Network(fleet.chain)
    frozen.frozen = await fleet.chain.latest_blockhash()
    sender = program_sender(frozen, fee_payer=fleet.payer, **TIMING)
    twins = [Operator(sender, fleet.network, authority=fleet.authority) for _ in range(2)]
    for twin in twins:
        await twin.fund_pool(5)
    assert await fleet.vault() == 10
