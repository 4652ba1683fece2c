"""What every clock, every source of ids and every count of what happened promises."""

from datetime import timedelta

from application.ports.system import Clock, Ids, Metrics
from tests.contract.adapters import CountOf


def test_a_clock_is_aware_and_in_utc(clock: Clock) -> None:
    assert clock.now().utcoffset() == timedelta(0)


def test_monotonic_time_never_goes_back(clock: Clock) -> None:
    readings = [clock.monotonic() for _ in range(100)]

    assert readings == sorted(readings)


def test_ids_are_short_and_nobody_had_them_before(ids: Ids) -> None:
    given = [ids.new() for _ in range(1_000)]

    assert len(set(given)) == 1_000
    assert all(1 <= len(name) <= 36 for name in given)


def test_counters_add_up_by_name_and_label(metrics: tuple[Metrics, CountOf]) -> None:
    counted, count_of = metrics

    counted.count("penchant_http_refusals_total", 2, kind="busy")
    counted.count("penchant_http_refusals_total", kind="busy")
    counted.count("penchant_http_refusals_total", 5, kind="slow")
    counted.count("penchant_relayed_events_total")

    assert count_of("penchant_http_refusals_total", {"kind": "busy"}) == 3
    assert count_of("penchant_http_refusals_total", {"kind": "slow"}) == 5
    assert count_of("penchant_relayed_events_total", {}) == 1
    assert count_of("penchant_http_refusals_total", {}) == 0
