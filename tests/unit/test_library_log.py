"""What libraries log, as the journal tells it."""

import logging
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.memory.system import ManualClock, RememberedJournal
from adapters.structlog.library_log import SENTENCES_REMEMBERED, LibraryLog
from tests.builders import NOW

PHRASE = "green teapot"
SOURCE = Path(__file__).parents[2] / "src"
ROOT_AFTERWARDS = """
import logging
from adapters.wordllama.embedder import WordLlamaEmbedder
WordLlamaEmbedder().embed(["tea"])
print(logging.getLogger().handlers, logging.getLogger().level)
"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def journal() -> RememberedJournal:
    return RememberedJournal()


@pytest.fixture
def library(clock: ManualClock, journal: RememberedJournal) -> logging.Logger:
    logger = logging.Logger("kombu.connection")
    logger.addHandler(LibraryLog(journal, clock))
    return logger


def test_the_same_sentence_is_told_once_in_ten_seconds(
    library: logging.Logger, clock: ManualClock, journal: RememberedJournal
) -> None:
    for seconds in (0, 5, 4.9, 0.1):
        clock.advance(timedelta(seconds=seconds))
        library.warning("Connection to %s lost.", f"mq-{seconds}")
    library.warning("Another sentence.")

    assert [sentence for _, sentence, _ in journal.entries] == [
        "Connection to %s lost.",
        "Connection to %s lost.",
        "Another sentence.",
    ]
    assert {(action, fields["logger"]) for action, _, fields in journal.entries} == {
        ("library_warning", "kombu.connection")
    }


def test_what_is_no_warning_is_not_told(library: logging.Logger, journal: RememberedJournal) -> None:
    library.info("Connected.")

    assert journal.entries == []


def test_values_texts_of_errors_and_what_follows_the_first_line_are_not_told(
    library: logging.Logger, journal: RememberedJournal
) -> None:
    library.warning("Retrying after %r.", PHRASE)
    try:
        raise ValueError(PHRASE)
    except ValueError:
        library.exception("Task exception was never retrieved\nfuture: <Task exception=ValueError('%s')>", PHRASE)
        library.error(f"In a row\n{PHRASE}")  # as some libraries do

    assert PHRASE not in str(journal.entries)
    assert [action for action, _, _ in journal.entries] == ["library_warning", "library_error", "library_warning"]
    _, sentence, fields = journal.entries[1]
    assert (sentence, fields["error"]) == ("Task exception was never retrieved", "ValueError")
    assert str(fields["where"]).startswith("test_library_log.py:")


def test_ever_new_sentences_do_not_fill_the_memory(library: logging.Logger, journal: RememberedJournal) -> None:
    for number in range(2 * SENTENCES_REMEMBERED):
        library.warning("Sentence " + str(number))  # as some libraries do

    (handler,) = library.handlers
    assert isinstance(handler, LibraryLog)
    assert handler.remembered <= SENTENCES_REMEMBERED
    assert len(journal.entries) == 2 * SENTENCES_REMEMBERED


def test_wordllama_leaves_the_root_of_logging_as_it_was() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ROOT_AFTERWARDS], cwd=SOURCE, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == f"[] {logging.WARNING}"
    assert done.stderr == ""
