"""API keys: what is made, what is kept of it, and which lines are taken."""

import errno
import os
import re
from pathlib import Path
from typing import Any

import pytest

from adapters.memory.system import CountingMetrics, RememberedJournal
from adapters.system.key_file import KeyFile
from application.api_keys import ONE_LINE, ApiKey, Scope, keys_in, new_key, parse_keys
from domain.errors import ConfigurationError, InvalidValueError
from entrypoints.keys import keys_of, watched_keys
from entrypoints.settings import Settings

DIGEST = ONE_LINE.rpartition(":")[2]


def made(name: str = "shop", byte: int = 7) -> tuple[str, ApiKey]:
    return new_key(name, [Scope.READ, Scope.INGEST], bytes([byte]) * 32)


def test_a_key_is_found_by_what_was_shown_once_and_by_nothing_else() -> None:
    key, kept = made()
    other, _ = made(byte=8)
    keys = parse_keys({"here": kept.line})

    assert keys.find(key) == kept
    assert [keys.find(wrong) for wrong in (other, key[:-1], key.upper(), "", "é\udc80", kept.digest.hex())] == [
        None
    ] * 6


def test_what_is_stored_says_who_and_what_for_and_not_the_key() -> None:
    key, kept = made()

    assert re.fullmatch(r"pk_[0-9a-f]{64}", key)
    assert kept.line.startswith("shop:ingest,read:")
    assert key.removeprefix("pk_") not in kept.line
    assert kept.digest.hex() not in repr(kept)


def test_each_of_many_keys_opens_what_it_is_for() -> None:
    keys = [new_key(f"key-{scope}", [scope], bytes([number]) * 32) for number, scope in enumerate(Scope)]
    stored = parse_keys({str(number): kept.line for number, (_, kept) in enumerate(keys)})

    assert [stored.find(key) for key, _ in keys] == [kept for _, kept in keys]
    assert [kept.scopes for _, kept in keys] == [{scope} for scope in Scope]


def test_a_key_is_seen_in_whatever_stands_around_it() -> None:
    (key, kept), (other, _) = made(), made(byte=8)

    assert keys_in(f"The key:\n{key}\n{kept.line}\n") == keys_in(f'{{"key":"{key}"}} {key}') == {key}
    assert keys_in(f"{key},{other}") == {key, other}
    assert keys_in(f"{key}0 {key[:-1]} {key.upper()} s{key} {kept.line} nokey") == set()


@pytest.mark.parametrize("name", ["", "-shop", "a b", "a:b", "é", "x" * 65, "a\nb"])
def test_a_name_that_would_not_fit_into_a_line_is_refused(name: str) -> None:
    with pytest.raises(InvalidValueError, match="name"):
        made(name)


def test_a_key_for_nothing_and_one_of_few_bits_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="scope"):
        new_key("shop", [], bytes(32))
    with pytest.raises(InvalidValueError, match="secret"):
        new_key("shop", Scope, bytes(16))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("shop", "NAME:SCOPES:HASH"),
        (f"shop:{DIGEST}", "NAME:SCOPES:HASH"),
        (f"shop:read:{DIGEST}:", "NAME:SCOPES:HASH"),
        (f":read:{DIGEST}", "name"),
        (f"shop::{DIGEST}", "scopes that are none"),
        (f"shop:read,:{DIGEST}", "scopes that are none"),
        (f"shop:READ:{DIGEST}", "scopes that are none"),
        (f"shop:read:{DIGEST[:-1]}", "hash"),
        (f"shop:read:{DIGEST.upper()}", "hash"),
        (f"shop:read:pk_{DIGEST}", "That key is spent"),
    ],
)
def test_a_broken_line_is_named_by_its_place_and_not_shown(line: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^keys\.txt, line 3 .*{reason}") as raised:
        parse_keys({"keys.txt, line 2": ONE_LINE, "keys.txt, line 3": line})

    assert DIGEST[:20] not in str(raised.value).replace(ONE_LINE, "")


def test_the_same_hash_in_two_places_is_refused_with_both(tmp_path: Path) -> None:
    line = made()[1].line
    file = tmp_path / "keys"
    file.write_text(f"# ours\n{line}\n{made('new', 8)[1].line}\n{line.replace('shop', 'app')}\n")

    with pytest.raises(ConfigurationError, match=rf"^{file}, line 2, and {file}, line 4 have the same hash"):
        keys_of(Settings.model_validate({"PENCHANT_API_KEYS_FILE": file}))
    file.write_text(line)
    settings = Settings.model_validate({"PENCHANT_API_KEYS_FILE": file, "PENCHANT_API_KEYS": line})
    with pytest.raises(ConfigurationError, match=rf"^PENCHANT_API_KEYS, key 1, and {file}, line 1 have the same hash"):
        watched_keys(settings, RememberedJournal(), CountingMetrics())


def test_a_key_says_where_it_stands_and_how_its_hash_begins() -> None:
    key, kept = made()

    found = parse_keys({"keys.txt, line 3": kept.line}).find(key)

    assert found is not None
    assert (found.place, found.fingerprint) == ("keys.txt, line 3", kept.line.rpartition(":")[2][:8])


def test_keys_come_from_the_setting_and_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# our keys\n\n  {made('filed')[1].line}  \n")
    given = f"{made('one', 1)[1].line};{made('two', 2)[1].line}\n {made('three', 3)[1].line}"
    settings = Settings.model_validate({"PENCHANT_API_KEYS": given, "PENCHANT_API_KEYS_FILE": file})

    found = keys_of(settings)

    assert found is not None
    assert [key.name for key in found.keys] == ["one", "two", "three", "filed"]
    assert settings.shown("api_keys") == "***"


def test_without_settings_there_are_no_keys_and_a_file_without_a_key_is_no_way_to_open_everything(
    tmp_path: Path,
) -> None:
    file = tmp_path / "keys"
    file.write_text("# none\n")

    assert keys_of(Settings.model_validate({})) is None
    with pytest.raises(ConfigurationError, match="has no key"):
        keys_of(Settings.model_validate({"PENCHANT_API_KEYS_FILE": file}))
    with pytest.raises(ConfigurationError, match="PENCHANT_API_KEYS, key 2 is not"):
        keys_of(Settings.model_validate({"PENCHANT_API_KEYS": f"{ONE_LINE} nonsense"}))


def test_the_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    file, journal = tmp_path / "keys", RememberedJournal()
    (key, kept), (new, kept_new) = made(), made("new", 8)
    file.write_text(f"{kept.line}\n")
    keys = KeyFile(file, {}, journal, CountingMetrics())
    assert keys().find(key) == kept

    file.write_text(f"{kept_new.line}\n")

    assert (keys().find(key), keys().find(new)) == (None, kept_new)
    assert [action for action, _, _ in journal.entries] == ["api_keys_read"]


def test_a_file_that_has_been_broken_emptied_or_taken_away_changes_nothing_and_is_told_once(tmp_path: Path) -> None:
    file, journal = tmp_path / "keys", RememberedJournal()
    key, kept = made()
    file.write_text(f"{kept.line}\n")
    keys = KeyFile(file, {}, journal, CountingMetrics())

    file.write_text(f"{kept.line}\n{kept.line[:-1]}\n")
    assert [keys().find(key) for _ in range(3)] == [kept] * 3
    file.write_text("")
    assert [keys().find(key) for _ in range(3)] == [kept] * 3
    file.unlink()
    assert [keys().find(key) for _ in range(3)] == [kept] * 3

    assert [action for action, _, _ in journal.entries] == ["api_keys_unreadable"] * 3
    assert [
        reason in journal.entries[number][1] for number, reason in enumerate([", line 2", "no key", "No such"])
    ] == [True] * 3


class FailingFile(type(Path())):  # type: ignore[misc]  # the class of paths on this system
    """A file whose disk fails on as many reads as are set."""

    failures = 0

    def read_text(self, *arguments: Any, **named: Any) -> str:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return str(super().read_text(*arguments, **named))


def test_a_read_that_failed_is_tried_again_though_the_file_is_as_it_was(tmp_path: Path) -> None:
    file, journal, metrics = FailingFile(tmp_path / "keys"), RememberedJournal(), CountingMetrics()
    (key, kept), (_, other) = made(), made("new", 8)
    file.write_text(f"{kept.line}\n{other.line}\n")
    keys = KeyFile(file, {}, journal, metrics)
    file.write_text(f"{other.line}\n")
    file.failures = 2

    assert [keys().find(key) for _ in range(3)] == [kept, kept, None]
    assert metrics.gauges["penchant_api_keys_broken"] == 0
    assert [action for action, _, _ in journal.entries] == ["api_keys_unreadable", "api_keys_read"]


def test_a_file_that_comes_back_as_it_was_is_no_longer_broken(tmp_path: Path) -> None:
    folder, away, metrics = tmp_path / "mounted", tmp_path / "away", CountingMetrics()
    folder.mkdir()
    (folder / "keys").write_text(made()[1].line)
    keys = KeyFile(folder / "keys", {}, RememberedJournal(), metrics)

    def shown() -> float:
        keys()
        return metrics.gauges["penchant_api_keys_broken"]

    folder.rename(away)
    assert shown() == 1
    away.rename(folder)
    assert shown() == 0


def test_a_gauge_shows_for_how_long_the_file_has_been_broken(tmp_path: Path) -> None:
    file, metrics = tmp_path / "keys", CountingMetrics()
    line = made()[1].line
    file.write_text(line)
    keys = KeyFile(file, {}, RememberedJournal(), metrics)

    def shown(text: str | None) -> float:
        file.write_text(text) if text is not None else file.unlink()
        keys()
        keys()
        return metrics.gauges["penchant_api_keys_broken"]

    texts = (line[:-1], f"{line}\n", None, line, "", f"{line}\n", f"{line}\n{line}")
    assert [shown(text) for text in texts] == [1, 0, 1, 0, 1, 0, 1]


def test_at_the_start_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="PENCHANT_API_KEYS_FILE names .*No such file"):
        KeyFile(tmp_path / "keys", {}, RememberedJournal(), CountingMetrics())
