"""`penchant demo`: real purchases in, live embeddings out, and the proof."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from shutil import which
from sys import argv, platform

import typer

from application.event_message import Submission
from application.ports.sample_shop import LineKind
from application.recommend import Recommendation, Wishes
from application.record import Receipt, RecordStatus
from domain.blend import Source
from domain.errors import ConfigurationError
from domain.interaction import EventType, Interaction, LoggedEvent, Retraction
from domain.user_embedding import UserEmbedding
from entrypoints.cli.demo_data import BATCH, Loaded, load, shift_days
from entrypoints.cli.output import Json, ago, out, print_json, progress, table
from entrypoints.cli.verification import of_embeddings, print_verification
from entrypoints.cli.wiring import penchant
from entrypoints.container import Container

CLOCKS, CUTLERY, CAKES = "15380", "12664", "12356"
CUSTOMERS = (CLOCKS, CUTLERY, CAKES)
PHRASE = "hot water bottle"
HOT_WATER_BOTTLE = "23358"


def demo(as_json: Json = False) -> None:
    """Load half a million invoice lines of a real shop and watch embeddings live.

    The data are the invoices of a British gift shop (Online Retail, UCI, CC BY 4.0), moved by whole days to end
    yesterday. They go into PENCHANT_HOME the way every event goes; running it again changes nothing.

    Example:

      penchant demo
    """
    with penchant() as container:
        if not container.applies_itself():
            raise ConfigurationError("The demo applies events by itself, without a broker; unset RABBITMQ_DSN for it.")
        out.quiet = as_json
        try:
            told = _demo(container)
        finally:
            out.quiet = False
    if as_json:
        print_json(told)
    raise typer.Exit(1 if told["mismatches"] or told["lag"] else 0)


def _demo(container: Container) -> dict[str, object]:
    """Do all of it, tell the story, and return its figures."""
    out.rule("[bold]Penchant[/bold]: what each customer of a shop is into now", align="left")
    days = shift_days(container)
    start = container.clock().monotonic()
    loaded = load(container, timedelta(days=days))
    seconds = container.clock().monotonic() - start
    _tell_what_was_loaded(container, loaded, days, seconds)
    _show_customers(container)
    _search_live(container, CAKES)
    _buy_twice_and_cancel(container, CAKES)
    out.print()
    with progress("verifying", container.event_log().user_count()) as advance:
        report = container.verify().all(advance)
    print_verification(report, of_embeddings(container))
    total = container.clock().monotonic() - start
    peak_mib = _peak_memory_mib()
    out.print(f"{total:.1f} s from the start of the import to this proof; peak memory {peak_mib or '?'} MiB")
    _suggest()
    return {
        "lines": {kind.value: count for kind, count in loaded.kinds.items()},
        "recorded": loaded.statuses[RecordStatus.RECORDED],
        "repeated": loaded.statuses[RecordStatus.REPEATED],
        "rebuilt": loaded.rebuilt.total(),
        "shift_days": days,
        "import_seconds": seconds,
        "seconds": total,
        "peak_memory_mib": peak_mib,
        "users": report.users,
        "events": report.events,
        "mismatches": len(report.mismatches),
        "max_error": report.max_error,
        "lag": report.lag,
    }


def _tell_what_was_loaded(container: Container, loaded: Loaded, days: int, seconds: float) -> None:
    kinds, counts = loaded.kinds, container.stats()()
    rate = f"{loaded.events:,} events of {counts.users:,} customers and {counts.products:,} products in {seconds:.1f} s"
    if loaded.statuses[RecordStatus.RECORDED]:
        speed = f"[bold]{loaded.events / seconds:,.0f} events/s[/bold], each recorded durably and applied"
        out.print(f"Loaded {rate}: {speed}.")
        rebuilds = ", ".join(f"{count:,} ({reason})" for reason, count in sorted(loaded.rebuilt.items())) or "none"
        out.print(f"  Users that had to be rebuilt from the log on the way: {rebuilds}.")
    else:
        out.print(f"Read {rate}. All were in the log already: recording them again [bold]changed nothing[/bold].")
    if loaded.statuses[RecordStatus.RECORDED] and loaded.statuses[RecordStatus.REPEATED]:
        out.print(f"  {loaded.statuses[RecordStatus.REPEATED]:,} were in the log already, and counted no second time.")
    out.print(
        f"  {kinds[LineKind.PURCHASE]:,} purchases, {kinds[LineKind.RETRACTION]:,} of them taken back later. Left out: "
        f"{kinds[LineKind.NO_CUSTOMER]:,} lines without a customer, {kinds[LineKind.NO_PRODUCT]:,} about postage, "
        f"fees and the like, {kinds[LineKind.OTHER_CANCELLATION]:,} cancellations of a part or of nothing known."
    )
    out.print(f"  All times were moved by {days:,} days, so that the data end on the day before the first run.")


def _show_customers(container: Container) -> None:
    now = container.clock().now()
    rows = []
    for user_id in CUSTOMERS:
        bought = _latest_purchases(container, user_id)
        texts = container.catalogue().read([p for p, _ in bought])
        lately = "\n".join(f"{texts[p].product.text} ({ago(logged.event.occurred_at, now)})" for p, logged in bought)
        next_up = "\n".join(f"{r.text} {r.similarity:.2f}" for r in _nearest(container, user_id, 4))
        rows.append((user_id, lately + "\n", next_up))
    out.print()
    out.print(table("Three customers", ("customer", "bought lately", "would be shown next"), rows))


def _latest_purchases(container: Container, user_id: str, count: int = 4) -> list[tuple[str, LoggedEvent]]:
    latest: dict[str, LoggedEvent] = {}
    for page in container.event_log().history([user_id]):
        for logged in page:
            event = logged.event
            if isinstance(event, Interaction) and event.product_id is not None and logged.retracted_by is None:
                latest.pop(event.product_id, None)
                latest[event.product_id] = logged
    return list(latest.items())[: -count - 1 : -1]


def _search_live(container: Container, user_id: str) -> None:
    """Record a search and show what it moves."""
    before = _state(container, user_id)
    shown_before = _closeness(container, user_id)
    search = Interaction(
        message_id="demo-search",
        user_id=user_id,
        event_type=EventType.SEARCH,
        search_phrase=PHRASE,
        occurred_at=container.clock().now(),
    )
    (receipt,) = container.record()([Submission(event=search, time_given=False)])
    recorded = container.clock().monotonic()
    container.work().drain(BATCH)
    after = _state(container, user_id)
    milliseconds = (container.clock().monotonic() - recorded) * 1_000
    shown_after = _closeness(container, user_id)
    out.print()
    out.print(f'[bold]A search, live.[/bold] Customer {user_id} searches for "{PHRASE}".')
    if receipt.status is RecordStatus.REPEATED:
        out.print(
            f"  It is in the log since an earlier run: still version {after.version}, [bold]nothing changed[/bold]."
        )
        return
    out.print(f"  before  {shown_before}, version {before.version}")
    out.print(f"  after   {shown_after}, version {after.version}")
    out.print(f"  readable [bold]{milliseconds:.0f} ms[/bold] after it was recorded")


def _nearest(container: Container, user_id: str, limit: int) -> Sequence[Recommendation]:
    """What the embedding alone recommends: it is what the demo shows."""
    return container.recommend()(user_id, Wishes(limit=limit, sources=[Source.EMBEDDING]))


def _closeness(container: Container, user_id: str) -> str:
    """How near the hot water bottle is to the user, and its place among all products not bought."""
    products = _nearest(container, user_id, container.catalogue().count())
    for place, product in enumerate(products, start=1):
        if product.product_id == HOT_WATER_BOTTLE:
            return f"{product.text}: similarity {product.similarity:+.2f}, place {place:,} of {len(products):,}"
    return "it was bought"


def _buy_twice_and_cancel(container: Container, user_id: str) -> None:
    before = _state(container, user_id)
    purchase = Interaction(
        message_id="demo-purchase",
        user_id=user_id,
        event_type=EventType.PURCHASE,
        product_id=HOT_WATER_BOTTLE,
        occurred_at=container.clock().now(),
    )
    submission = Submission(event=purchase, time_given=False)
    once, first = _apply(container, submission)
    twice, second = _apply(container, submission)
    out.print()
    out.print("[bold]A purchase, recorded twice.[/bold] The same message comes again, as messages do.")
    out.print(f"  first   {first.status}: {once.event_count:,} live events, version {once.version}")
    out.print(f"  second  {second.status}: {twice.event_count:,} live events, version {twice.version}")
    retraction = Retraction(
        message_id="demo-cancellation",
        user_id=user_id,
        retracts="demo-purchase",
        occurred_at=container.clock().now(),
    )
    after, receipt = _apply(container, Submission(event=retraction, time_given=False))
    out.print()
    out.print("[bold]A cancellation.[/bold] The purchase is taken back, as if it had never been.")
    same = _cosine(before, after)
    out.print(
        f"  {receipt.status}: {after.event_count:,} live events, version {after.version}; "
        f"cosine with the embedding before the purchase {same:.6f}"
    )


def _apply(container: Container, submission: Submission) -> tuple[UserEmbedding, Receipt]:
    (receipt,) = container.record()([submission])
    container.work().drain(BATCH)
    return _state(container, submission.event.user_id), receipt


def _state(container: Container, user_id: str) -> UserEmbedding:
    state: UserEmbedding = container.store().read([user_id])[user_id]
    return state


def _cosine(one: UserEmbedding, other: UserEmbedding) -> float:
    if one.embedding is None or other.embedding is None:
        return 0.0
    return float(one.embedding.astype("f8") @ other.embedding.astype("f8"))


def _peak_memory_mib() -> int | None:
    """The largest amount of memory that this process had; None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if platform == "darwin" else 2**10))


def _suggest() -> None:
    program = "penchant" if which("penchant") else str(Path(argv[0]))
    out.print()
    out.print("Try next:")
    for command in (
        f"{program} profile explain {CLOCKS}",
        f'{program} record --user {CLOCKS} --event search --phrase "christmas tree"',
        f"{program} recommend {CLOCKS}",
    ):
        out.print(f"  [cyan]{command}[/cyan]")
