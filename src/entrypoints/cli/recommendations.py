"""`penchant recommend` and `penchant similar`."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated

import typer
from attrs import asdict

from application.optional_source import OptionalSource
from application.recommend import Recommendation, Wishes
from domain.attributes import parse_conditions
from domain.blend import Source
from domain.errors import NotAppliedYetError, UnavailableError
from domain.identifier import parse_identifier
from domain.interaction import EventType
from entrypoints.cli.output import Json, ago, out, print_json, print_paragraph, table, warn
from entrypoints.cli.profile import Limit, User, why_nothing
from entrypoints.cli.wiring import looking
from entrypoints.container import Container

DID = {
    EventType.PURCHASE: "bought",
    EventType.VIEW: "viewed",
    EventType.CLICK: "clicked",
    EventType.SEARCH: "searched for",
}

NOTHING = "There is no product to recommend: none is in the catalogue, or nobody has had to do with any yet."
NONE_AMONG_THESE = "None of the products that are wanted can be recommended: they are not in the catalogue, or bought."
NONE_WITH_THESE = "None of the products that are wanted has these attributes."
Where = Annotated[
    list[str] | None,
    typer.Option(
        help="Only products with this attribute, such as colour=red. Given again, with another name both must hold, "
        "and with the same name either."
    ),
]
ALONE = {
    Source.EMBEDDING: "near to what the user is into",
    Source.BOUGHT_WITH: "bought by those who bought the same",
    Source.POPULAR: "popular now",
}
"""Reasons that name nothing of the user's own."""


def recommend(
    user: User,
    limit: Limit = 10,
    source: Annotated[
        list[Source] | None, typer.Option(help="Only by this source; may be repeated. All of them, if left out.")
    ] = None,
    with_bought: Annotated[bool, typer.Option("--with-bought", help="What was bought already may come, too.")] = False,
    diversity: Annotated[float, typer.Option(min=0, max=1, help="0: the best first; 1: as unlike as can be.")] = 0.0,
    among: Annotated[list[str] | None, typer.Option(help="Only this product; may be repeated.")] = None,
    where: Where = None,
    as_json: Json = False,
) -> None:
    """Show what to offer a user next, and why: near to what the user is into now, popular, bought by similar buyers.

    The rankings of all sources are joined; what was bought is left out. Of a user who is new only what is popular is
    known. The source bought_with is there where NEO4J_URL is set.

    Examples:

      penchant recommend 17850

      penchant recommend 17850 --source embedding --diversity 0.3

      penchant recommend 17850 --where colour=red --where size=S --where size=M
    """
    with looking() as container:
        user_id = parse_identifier("user_id", user)
        products = [parse_identifier("product_id", one) for one in among] if among is not None else None
        allowed = _allowed(container, where, products)
        wishes = Wishes(limit=limit, sources=source or (), with_bought=with_bought, diversity=diversity, among=allowed)
        found = container.recommend()(user_id, wishes)
        told = _told(container, user_id, found, wishes)
        left_out = _left_out(container)
        now = container.clock().now()
    for source_left_out, error in left_out.items():
        warn(f"nothing comes from {source_left_out}: {error}")
    if as_json:
        print_json({"user_id": user, "recommendations": [asdict(one) for one in found]})
        return
    if found:
        rows = [(one.product_id, one.text, _similarity(one), _why(one, now)) for one in found]
        out.print(table(f"For user {user}", ("product", "text", "similarity", "why"), rows, ("similarity",)))
    if told:
        print_paragraph(told)


def similar(
    product: Annotated[str, typer.Argument(help="The product's id.", show_default=False)],
    limit: Limit = 10,
    where: Where = None,
    as_json: Json = False,
) -> None:
    """Show the products that are most like this one.

    Examples:

      penchant similar 22423

      penchant similar 22423 --where colour=red
    """
    with looking() as container:
        allowed = _allowed(container, where)
        found = container.similar_products()(parse_identifier("product_id", product), limit, allowed)
    if as_json:
        print_json({"product_id": product, "products": [asdict(one) for one in found]})
        return
    if not found:
        print_paragraph("There is no other product in the catalogue" + (" with these attributes." if where else "."))
        return
    rows = [(one.product_id, one.text, f"{one.similarity:.3f}") for one in found]
    out.print(table(f"Like product {product}", ("product", "text", "similarity"), rows, ("similarity",)))


def _allowed(
    container: Container, where: Sequence[str] | None, among: Collection[str] | None = None
) -> Collection[str] | None:
    return container.filter_products()(parse_conditions(where if where is not None else (), "="), among)


def _told(container: Container, user_id: str, found: Sequence[Recommendation], wishes: Wishes) -> str:
    """What is to be said beside the table: why it is empty, or has nothing of the user's own."""
    if not container.event_log().heads_of([user_id]):
        popular = f"Nothing is known of {user_id} yet, so this is what is popular. Is the id right?"
        return popular if found else _why_none(wishes, is_new=True)
    try:
        return why_nothing(container, user_id, _why_none(wishes, is_new=False) if not found else "")
    except NotAppliedYetError as error:
        return f"{error}. If that does not help, start a worker where none runs (penchant worker)."


def _left_out(container: Container) -> Mapping[Source, UnavailableError]:
    """The sources that are left out for now, and why."""
    optional = {source: one for source, one in container.sources().items() if isinstance(one, OptionalSource)}
    return {source: one.error for source, one in optional.items() if one.error is not None}


def _why_none(wishes: Wishes, *, is_new: bool) -> str:
    if wishes.among is not None:
        return NONE_AMONG_THESE if wishes.among else NONE_WITH_THESE
    if wishes.sources:
        return f"Nothing comes from {' or '.join(wishes.sources)} alone; without --source all sources are asked."
    if not wishes.with_bought and not is_new:
        return "There is no product that the user has not bought."
    return NOTHING


def _similarity(found: Recommendation) -> str:
    return f"{found.similarity:.3f}" if found.similarity is not None else ""


def _why(found: Recommendation, now: datetime) -> str:
    reason = found.reason
    if reason.text is None or reason.event_type is None or reason.occurred_at is None:
        return ALONE[reason.source]
    when = f"{DID[reason.event_type]} {ago(reason.occurred_at, now)}"
    return when if reason.product_id == found.product_id else f"like {reason.text}, {when}"
