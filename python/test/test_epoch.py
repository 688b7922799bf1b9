"""Who gets which rows of an epoch, and in which order. The oracle is a list of all rows."""

from __future__ import annotations

import hashlib
import random

import pytest

import tributary_data as td
from tributary_data.epoch import (
    Consumer,
    RowGroup,
    cut_blocks,
    delivered_by,
    permutation,
    plan_epoch,
    rank_rows,
    turn_after,
    worker_batches,
)


def random_groups(chance: random.Random) -> list[RowGroup]:
    return [RowGroup(n // 3, n % 3, chance.choice([0, 1, 2, 7, 30])) for n in range(chance.randrange(12))]


def rows_of(groups: list[RowGroup], consumer: Consumer, **how: object) -> list[tuple[int, int, int]]:
    spans = plan_epoch(groups, consumer, **how)  # type: ignore[arg-type]
    return [(span.file, span.group, row) for span in spans for row in range(span.start, span.stop)]


def test_a_permutation_is_the_order_of_the_words_of_shake_128_and_so_the_same_everywhere() -> None:
    keys = hashlib.shake_128(b"7/3").digest(8 * 500)
    naive = sorted(range(500), key=lambda n: int.from_bytes(keys[8 * n : 8 * n + 8], "little"))
    assert permutation(500, 7, 3).to_pylist() == naive
    assert permutation(10, 7, 3).to_pylist() == [6, 1, 7, 9, 4, 2, 3, 5, 8, 0]
    assert permutation(0, 1).to_pylist() == []


def test_all_consumers_together_get_every_row_once_and_as_many_as_any_other() -> None:
    chance = random.Random(1)
    for _ in range(300):
        groups = random_groups(chance)
        every = [(group.file, group.group, row) for group in groups for row in range(group.rows)]
        world, workers, seed = chance.randrange(1, 6), chance.randrange(1, 4), chance.choice([None, 5])
        given = [
            rows_of(groups, Consumer(rank, world, worker, workers), epoch=2, seed=seed, even=False)
            for rank in range(world)
            for worker in range(workers)
        ]
        flat = [row for rows in given for row in rows]
        assert sorted(flat) == sorted(every)
        assert flat == every or seed is not None
        assert max(map(len, given)) - min(map(len, given)) <= 2


def test_even_ranks_have_exactly_as_many_rows_and_lose_fewer_than_there_are_ranks() -> None:
    chance = random.Random(2)
    for _ in range(300):
        total, world = chance.randrange(200), chance.randrange(1, 9)
        stretches = [rank_rows(total, Consumer(rank, world), even=True) for rank in range(world)]
        assert len({stop - start for start, stop in stretches}) == 1
        assert 0 <= total - sum(stop - start for start, stop in stretches) < world
        assert all(0 <= start <= stop <= total for start, stop in stretches)


def test_even_ranks_make_as_many_steps_whatever_the_workers() -> None:
    for total in range(60):
        for world, workers, batch in ((2, 1, 4), (3, 2, 5), (4, 3, 1), (5, 4, 7)):
            steps = {
                sum(worker_batches(total, Consumer(rank, world, 0, workers), batch=batch, even=True, drop_last=False))
                for rank in range(world)
            }
            assert len(steps) == 1


def test_each_epoch_has_an_order_of_its_own_and_the_same_one_again() -> None:
    groups = [RowGroup(0, n, 5) for n in range(20)]
    orders = [tuple(rows_of(groups, Consumer(), epoch=epoch, seed=1, even=False)) for epoch in (0, 1, 0)]
    assert orders[0] == orders[2] != orders[1]
    assert rows_of(groups, Consumer(), epoch=0, seed=2, even=False) != list(orders[0])


def test_blocks_hold_the_same_rows_in_the_same_order_and_are_full_but_for_the_last() -> None:
    chance = random.Random(3)
    for _ in range(300):
        spans = plan_epoch(random_groups(chance), Consumer(), epoch=0, seed=4, even=False)
        size = chance.randrange(1, 40)
        blocks = cut_blocks(spans, size)
        line = [(s.file, s.group, row) for s in spans for row in range(s.start, s.stop)]
        assert line == [(s.file, s.group, row) for block in blocks for s in block for row in range(s.start, s.stop)]
        sizes = [sum(span.stop - span.start for span in block) for block in blocks]
        assert all(count == size for count in sizes[:-1])
        assert all(0 < count <= size for count in sizes)


def test_how_many_batches_each_worker_gave_is_as_when_they_take_turns() -> None:
    for totals in ([3], [3, 3], [3, 2, 3], [1, 0, 1, 1], [0, 0], [2, 2, 1]):
        left = list(totals)
        given = [0] * len(totals)
        turn = 0
        for delivered in range(sum(totals) + 1):
            assert [delivered_by(worker, totals, delivered) for worker in range(len(totals))] == given
            if delivered == sum(totals):
                break
            rest = [total - count for total, count in zip(totals, given, strict=True)]
            start = turn_after(totals, delivered)
            order = [*range(start, len(totals)), *range(start)]
            while left[turn % len(totals)] == 0:
                turn += 1
            assert next(worker for worker in order if rest[worker] > 0) == turn % len(totals)
            left[turn % len(totals)] -= 1
            given[turn % len(totals)] += 1
            turn += 1


@pytest.mark.parametrize("numbers", [(2, 2), (5, 2), (-1, 2), (0, 0), (0, -1), (0, 1, 2, 2)])
def test_a_rank_or_a_worker_that_cannot_be_is_refused(numbers: tuple[int, ...]) -> None:
    with pytest.raises(td.TributaryError, match="ARGUMENT_INVALID"):
        Consumer(*numbers)
