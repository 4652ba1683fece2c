import pickle

from domain.errors import InvalidValueError, PermanentError


def test_the_text_names_field_problem_and_remedy() -> None:
    assert str(InvalidValueError("user_id", "is missing", "send one")) == "user_id is missing; send one"


def test_an_invalid_value_never_becomes_valid() -> None:
    assert issubclass(InvalidValueError, PermanentError)


def test_the_parts_survive_the_way_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(InvalidValueError("user_id", "is missing", "send one")))  # noqa: S301

    assert (error.field, error.problem, error.remedy) == ("user_id", "is missing", "send one")
