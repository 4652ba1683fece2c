"""What MySQL's errors are called, and what they tell."""

import pytest
from sqlalchemy import exc

from adapters.sql import mysql
from domain.errors import (
    ConfigurationError,
    LostRaceError,
    OtherTablesError,
    PenchantError,
    PermanentError,
    StorageFullError,
    TransientError,
    UnavailableError,
)

WHERE = "the database at mysql://ann:***@db/penchant (DATABASE_URL)"


def _error(code: int, text: str = "", kind: type[exc.DBAPIError] = exc.OperationalError) -> PenchantError:
    return mysql.error_of(kind("SELECT 1", None, Exception(code, text)), WHERE)


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (1020, "", LostRaceError),
        (1062, "", LostRaceError),
        (1205, "", LostRaceError),
        (1213, "", LostRaceError),
        (1021, "", StorageFullError),
        (1114, "", StorageFullError),
        (1030, 'Got error 28 "No space left on device" from storage engine InnoDB', StorageFullError),
        (1040, "", UnavailableError),
        (1053, "", UnavailableError),
        (1290, "", UnavailableError),
        (2002, "", UnavailableError),
        (2003, "", UnavailableError),
        (2006, "", UnavailableError),
        (2013, "", UnavailableError),
        (4031, "", UnavailableError),
        (1044, "", ConfigurationError),
        (1045, "", ConfigurationError),
        (1049, "", ConfigurationError),
        (1054, "", OtherTablesError),
        (1142, "", ConfigurationError),
        (1146, "", OtherTablesError),
        (1665, "", ConfigurationError),
        (1153, "", PermanentError),
        (1969, "", TransientError),
        (3024, "", TransientError),
        (1234, "", TransientError),
    ],
)
def test_an_error_is_of_the_kind_that_says_what_to_do(code: int, text: str, kind: type[PenchantError]) -> None:
    assert type(_error(code, text)) is kind


@pytest.mark.parametrize("code", [1044, 1045, 1049, 1142, 1146, 1153, 1290, 2003])
def test_what_an_operator_has_to_mend_names_the_address_and_the_setting(code: int) -> None:
    assert WHERE.partition(" ")[2] in str(_error(code))


def test_missing_tables_have_their_remedy() -> None:
    assert "penchant setup" in str(_error(1146))


@pytest.mark.parametrize("code", [1062, 1064, 1292, 1366])
@pytest.mark.parametrize("kind", [exc.OperationalError, exc.ProgrammingError, exc.DataError, exc.IntegrityError])
def test_values_that_mysql_quotes_are_not_told(code: int, kind: type[exc.DBAPIError]) -> None:
    assert "a phrase" not in str(_error(code, "Incorrect value 'a phrase' for column", kind))


def test_a_value_that_does_not_fit_never_will() -> None:
    error = _error(1406, "Data too long for column 'user_id' at row 1", exc.DataError)

    assert type(error) is PermanentError
    assert "user_id" in str(error)
