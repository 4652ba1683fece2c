"""Filters by attributes: which products they allow."""

from collections.abc import Collection, Sequence
from threading import Lock

from attrs import define, field

from application.ports.product_catalogue import ProductCatalogue
from domain.attributes import Attributes
from domain.errors import UnknownAttributeError

KEPT_IDS = 500_000
"""In all answers that are kept: some 50 MB."""
NAMES_SHOWN = 20


@define(kw_only=True)
class _Answers:
    """What the catalogue has answered in one revision."""

    revision: int
    having: dict[Attributes, frozenset[str]] = field(factory=dict)
    names: Sequence[str] | None = None

    def keep(self, where: Attributes, found: frozenset[str], kept_ids: int) -> None:
        """Keep an answer, in place of the oldest where there is no room, unless there is none for it at all."""
        room = kept_ids - len(found)
        while self.having and 0 <= room < sum(map(len, self.having.values())):
            del self.having[next(iter(self.having))]
        if room >= 0:
            self.having[where] = found


class FilterProducts:
    """Makes a filter into the ids that it allows, which is all that a search has to know.

    Answers are kept for as long as the catalogue does not change: a wide filter takes longer than the search after it.
    """

    def __init__(self, catalogue: ProductCatalogue, kept_ids: int = KEPT_IDS) -> None:
        self._catalogue = catalogue
        self._kept_ids = kept_ids
        self._lock = Lock()
        self._kept = _Answers(revision=0)

    def __call__(self, where: Attributes, among: Collection[str] | None = None) -> Collection[str] | None:
        """Those of `among` (None: of all) that have one of the values of each name; `among` itself without a filter.

        Raises
        ------
        UnknownAttributeError : no product has an attribute of such a name at all.
        TransientError : the catalogue is out of reach.
        """
        if not where:
            return among
        answers = self._answers()
        found = answers.having.get(where)
        if found is None:
            found = frozenset(self._catalogue.having(where))
            with self._lock:
                answers.keep(where, found, self._kept_ids)
        if not found:
            self._require_names(answers, where)
        return found if among is None else found & set(among)

    def _answers(self) -> _Answers:
        """Those of the catalogue as it is; an answer is asked for after that, so none is older than it says."""
        revision = self._catalogue.revision()
        with self._lock:
            if self._kept.revision != revision:
                self._kept = _Answers(revision=revision)
            return self._kept

    def _require_names(self, answers: _Answers, where: Attributes) -> None:
        if answers.names is None:
            answers.names = self._catalogue.attribute_names()
        for name in sorted({one.name for one in where} - set(answers.names)):
            more = ", …" if len(answers.names) > NAMES_SHOWN else ""
            there = f"the attributes are {', '.join(answers.names[:NAMES_SHOWN])}{more}"
            remedy = there if answers.names else "bring attributes with `penchant products import`"
            raise UnknownAttributeError("where", f"asks for {name!r}, which no product has", remedy)
