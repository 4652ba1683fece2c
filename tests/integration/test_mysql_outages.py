"""A real MySQL that is stopped, frozen or wrongly set: one clear error, and no password in it."""

import traceback

import pytest
import sqlalchemy as sa

from adapters.memory.system import ManualClock
from adapters.sql.database import Database
from adapters.sql.dead_letters import SqlDeadLetters
from adapters.sql.event_log import SqlEventLog
from application.ports.dead_letters import DeadLetter
from application.record import RecordEvents, RecordStatus
from domain.errors import ConfigurationError, PenchantError, PermanentError, UnavailableError
from tests.builders import NOW, searched, submitted
from tests.integration.mysql_tables import append, opened
from tests.services import MysqlServer


def _fails(database: Database) -> bool:
    """Whether the next call fails, as it may on a connection that the server has forgotten."""
    try:
        SqlEventLog(database).count()
    except UnavailableError:
        return True
    return False


def test_a_stopped_server_is_one_clear_error_and_recording_goes_on_when_it_is_back(
    mysql_url: str, mysql_server: MysqlServer
) -> None:
    with opened(mysql_url) as [database]:
        record = RecordEvents(SqlEventLog(database), ManualClock(NOW))
        record(submitted(searched("m1")))

        mysql_server.stop()
        with pytest.raises(UnavailableError) as caught:
            record(submitted(searched("m1"), searched("m2")))
        mysql_server.start()
        receipts = record(submitted(searched("m1"), searched("m2")))

        assert [receipt.status for receipt in receipts] == [RecordStatus.REPEATED, RecordStatus.RECORDED]
        assert "DATABASE_URL" in str(caught.value)
        assert not _tells_the_password(caught.value, mysql_url)


def test_a_restart_that_nobody_saw_costs_one_error_at_most(mysql_url: str, mysql_server: MysqlServer) -> None:
    with opened(mysql_url) as [database]:
        with database.reading(), database.reading(), database.reading():
            append(SqlEventLog(database), [searched("m1")])  # so that there are connections to be forgotten

        mysql_server.stop()
        mysql_server.start()

        assert sum(_fails(database) for _ in range(10)) <= 1


def test_a_frozen_server_is_given_up_after_the_time_out_and_used_again_afterwards(
    mysql_url: str, mysql_server: MysqlServer
) -> None:
    with opened(mysql_url + "?read_timeout=2&connect_timeout=2") as [database]:
        append(SqlEventLog(database), [searched("m1")])

        mysql_server.pause()
        try:
            with pytest.raises(UnavailableError):
                SqlEventLog(database).count()
        finally:
            mysql_server.resume()

        assert SqlEventLog(database).count() == 1


def test_a_body_that_the_server_does_not_take_never_will_be_and_says_what_to_raise(mysql_url: str) -> None:
    with opened(mysql_url) as [database]:
        with database.reading() as connection:
            limit: int = connection.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one()
        dead_letters = SqlDeadLetters(database)

        with pytest.raises(PermanentError, match="max_allowed_packet"):
            dead_letters.add([_letter("m1", b"short"), _letter("m2", b"x" * limit)])

        assert dead_letters.count() == 0


def _letter(message_id: str, body: bytes) -> DeadLetter:
    return DeadLetter(
        message_id=message_id,
        user_id=None,
        queue="updates",
        body=body,
        error_type="InvalidValueError",
        error_text="It is too large.",
        attempts=1,
        first_failed_at=NOW,
        last_failed_at=NOW,
    )


def _with(url: str, **parts: object) -> str:
    return sa.make_url(url).set(**parts).render_as_string(hide_password=False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parts", "kind", "said"),
    [
        ({"password": "secret-and-wrong"}, ConfigurationError, "password"),
        ({"username": "nobody"}, ConfigurationError, "user"),
        ({"database": "penchant_test_none"}, ConfigurationError, "CREATE DATABASE"),
        ({"database": ""}, ConfigurationError, "names no database"),
        ({"port": 1}, UnavailableError, "cannot be reached"),
        ({"host": "nowhere.invalid"}, UnavailableError, "nowhere.invalid"),
    ],
    ids=["wrong password", "wrong user", "missing database", "no database", "nobody listens", "no such host"],
)
def test_a_wrong_setting_is_one_paragraph_with_its_name_and_no_password(
    mysql_url: str, parts: dict[str, object], kind: type[PenchantError], said: str
) -> None:
    url = _with(mysql_url, **parts)

    with pytest.raises(kind) as caught:
        _set_up(url)

    text = str(caught.value)
    assert "DATABASE_URL" in text
    assert said in text
    assert "\n" not in text
    assert not _tells_the_password(caught.value, url)


def test_missing_tables_are_a_wrong_setting_with_a_remedy(mysql_url: str) -> None:
    database = Database(mysql_url, "DATABASE_URL")

    with pytest.raises(ConfigurationError, match="penchant setup"):
        SqlEventLog(database).count()
    database.dispose()


def test_an_address_as_symfony_writes_it_is_taken(mysql_url: str) -> None:
    symfony = _with(mysql_url, drivername="mysql") + "?serverVersion=8.0.32&charset=utf8"

    with opened(symfony) as [database]:
        [logged] = append(SqlEventLog(database), [searched("m1", "🧁")])

        assert SqlEventLog(database).find(["m1"]) == {"m1": logged}


def _set_up(url: str) -> None:
    with opened(url):
        pass


def _tells_the_password(error: BaseException, url: str) -> bool:
    password = sa.make_url(url).password
    assert password
    return password in "".join(traceback.format_exception(error))
