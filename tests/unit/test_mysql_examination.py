"""What `penchant doctor` makes of what MySQL says."""

import pytest

from adapters.sql import mysql_examination as examination
from application.ports.examinable import Finding, Health


@pytest.mark.parametrize(
    ("part", "text", "health"),
    [
        ("MySQL", "8.0.16", Health.FAILED),
        ("MySQL", "8.0.17", Health.OK),
        ("MySQL", "8.4.3-commercial", Health.OK),
        ("MySQL", "5.7.44-log", Health.FAILED),
        ("MariaDB", "10.5.29-MariaDB", Health.FAILED),
        ("MariaDB", "10.6.0-MariaDB", Health.OK),
        ("MariaDB", "11.8.2-MariaDB-ubu2404", Health.OK),
    ],
)
def test_a_version_without_what_we_need_fails(part: str, text: str, health: Health) -> None:
    assert examination.version(part, text).health is health


@pytest.mark.parametrize(
    ("is_on", "written_by", "health"),
    [(False, "STATEMENT", Health.OK), (True, "STATEMENT", Health.FAILED), (True, "ROW", Health.OK)],
)
def test_a_binary_log_by_statement_fails(is_on: bool, written_by: str, health: Health) -> None:
    assert examination.binary_log("MySQL", is_on, written_by).health is health


@pytest.mark.parametrize(
    ("finding", "remedy"),
    [
        (examination.durability("MySQL", 2), "innodb_flush_log_at_trx_commit = 1"),
        (examination.largest_statement("MySQL", 4_194_304), "max_allowed_packet"),
        (examination.latency("MySQL", 50.0), "nearer"),
        (examination.clock("MySQL", -9.0), "NTP"),
    ],
    ids=["durability", "largest statement", "latency", "clock"],
)
def test_what_works_badly_is_a_warning_with_a_remedy(finding: Finding, remedy: str) -> None:
    assert finding.health is Health.WARNING
    assert remedy in finding.remedy


@pytest.mark.parametrize(
    "finding",
    [
        examination.durability("MySQL", 1),
        examination.largest_statement("MySQL", 67_108_864),
        examination.latency("MySQL", 0.5),
        examination.clock("MySQL", 0.5),
        examination.collation("MySQL", {}),
        examination.permissions("MySQL", "ann@%", "penchant", {}),
    ],
    ids=lambda finding: finding.subject,
)
def test_what_is_well_needs_no_remedy(finding: Finding) -> None:
    assert (finding.health, finding.remedy) == (Health.OK, "")


def test_what_is_refused_comes_with_the_grant_that_allows_it() -> None:
    finding = examination.permissions("MySQL", "ann@10.0.0.%", "shop", {"UPDATE": ["outbox", "registry"]})

    assert finding.health is Health.FAILED
    assert finding.text == "ann@10.0.0.% may not UPDATE outbox, registry."
    assert finding.remedy.startswith("GRANT SELECT, INSERT, UPDATE, DELETE")
    assert finding.remedy.endswith("ON `shop`.* TO 'ann'@'10.0.0.%'.")
