"""What every registry promises."""

from concurrent.futures import ThreadPoolExecutor

from application.ports.registry import Registry
from tests.builders import ODD_TEXTS


def test_there_is_nothing_at_first(registry: Registry) -> None:
    assert registry.get("recipe") is None


def test_the_first_text_is_kept_and_returned_to_whoever_comes_later(registry: Registry) -> None:
    assert registry.set_if_absent("recipe", "first") == "first"
    assert registry.set_if_absent("recipe", "second") == "first"
    assert registry.get("recipe") == "first"


def test_an_empty_text_is_a_text(registry: Registry) -> None:
    registry.set("recipe", "")

    assert registry.set_if_absent("recipe", "second") == ""
    assert registry.get("recipe") == ""


def test_set_replaces_and_touches_no_other_name(registry: Registry) -> None:
    registry.set("recipe", "first")
    registry.set("Recipe", "other")

    registry.set("recipe", "second")

    assert (registry.get("recipe"), registry.get("Recipe"), registry.get("recipe ")) == ("second", "other", None)


def test_texts_come_back_as_they_were(registry: Registry) -> None:
    text = "\n".join(ODD_TEXTS) * 200

    registry.set("recipe", text)

    assert registry.get("recipe") == text


def test_many_at_once_agree_on_one_text(registry: Registry) -> None:
    with ThreadPoolExecutor(4) as threads:
        kept = set(threads.map(lambda n: registry.set_if_absent("recipe", f"by {n}"), range(12)))

    assert kept == {registry.get("recipe")}


def test_replacing_needs_what_is_expected(registry: Registry) -> None:
    assert not registry.replace("turn", "first", "second")
    assert registry.replace("turn", None, "first")
    assert not registry.replace("turn", None, "second")
    assert not registry.replace("turn", "FIRST", "second")
    assert registry.replace("turn", "first", "second")
    assert registry.get("turn") == "second"


def test_of_several_that_expect_the_same_one_replaces_it(registry: Registry) -> None:
    registry.set("turn", "first")

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(lambda n: registry.replace("turn", "first", f"mine {n}"), range(4)))

    assert won.count(True) == 1


def test_of_several_that_expect_nothing_one_replaces_it(registry: Registry) -> None:
    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(lambda n: registry.replace("turn", None, f"mine {n}"), range(4)))

    assert won.count(True) == 1
