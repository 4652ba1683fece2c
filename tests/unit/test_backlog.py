"""What `doctor` says of work that nobody does."""

from datetime import timedelta

from application import backlog
from application.backlog import Backlog
from application.ports.examinable import Finding, Health
from domain.errors import UnavailableError
from tests.builders import searched, viewed
from tests.shop import Shop


def _findings(shop: Shop) -> dict[str, Finding]:
    looked = Backlog(outbox=shop.outbox, dead_letters=shop.dead_letters, clock=shop.clock)
    return {finding.subject: finding for finding in looked.examine()}


def test_events_that_were_just_recorded_are_no_reason_to_worry(shop: Shop) -> None:
    shop.record(viewed("m1"), viewed("m2"))
    shop.clock.advance(backlog.LATE)

    found = _findings(shop)

    assert {finding.health for finding in found.values()} == {Health.OK}
    assert "2 events" in found["outbox"].text


def test_events_that_nobody_takes_are_counted_with_the_command_that_takes_them(shop: Shop) -> None:
    shop.record(viewed("m1"), viewed("m2"))
    shop.clock.advance(timedelta(minutes=25))
    shop.record(viewed("m3"))

    found = _findings(shop)["outbox"]

    assert (found.health, found.text[:16]) == (Health.WARNING, "2 of its events ")
    assert "25 minutes" in found.text
    assert "penchant worker" in found.remedy


def test_dead_letters_are_counted_with_the_newest_reason(shop: Shop) -> None:
    shop.embedder.refused.add("bad")
    shop.apply(searched("m1", "bad idea"), searched("m2", "bad habit"))

    found = _findings(shop)["dead letters"]

    assert found.health is Health.WARNING
    assert (
        found.text == "2 events were given up, the last for PermanentError: " + shop.dead_letters.list(1)[0].error_text
    )
    assert "penchant failed list" in found.remedy


class Away:
    """An outbox that cannot be reached."""

    def due(self, *_: object) -> None:
        raise UnavailableError("The database is away.")


def test_a_database_that_is_away_is_one_finding(shop: Shop) -> None:
    shop.outbox = Away()

    [found] = _findings(shop).values()

    assert (found.health, found.text) == (Health.FAILED, "The database is away.")
