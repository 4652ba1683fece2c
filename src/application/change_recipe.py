"""Changing the recipe on a running system: the new one is made active, and everything is brought to it (ADR 0006)."""

from collections.abc import Callable, Collection, Sequence

from attrs import frozen

from application.active_recipe import ACTIVE_RECIPE
from application.import_products import CHANGES_AT_ONCE, ImportProducts
from application.phrases import EmbedPhrases
from application.ports.event_log import EventLog
from application.ports.product_catalogue import ProductCatalogue
from application.ports.registry import Registry
from application.ports.user_embedding_store import UserEmbeddingStore
from application.rebuild import RebuildUsers, pages_of_users
from domain.errors import InvalidValueError, TransientError
from domain.phrase import normalize_phrase
from domain.product import Product
from domain.recipe import Recipe

CHANGE_UNDER_WAY = "recipe_change"
"""The registry holds the recipe that is left behind under this name, until the change is through."""


@frozen(kw_only=True)
class RecipeChange:
    """What a change of the recipe came to."""

    products_embedded: int = 0
    users_rebuilt: int = 0
    products_without_vector: tuple[str, ...] = ()
    """The ids of products whose text has none in the new model: events about them wait."""
    products_with_old_vector: tuple[str, ...] = ()
    """The ids of products with a vector of the shop's own, in another model: events about them wait, too."""


class ChangeRecipe:
    """Makes `recipe` the active one.

    Workers of another recipe end at their next write; those that follow the active one start again with the new. What
    is cut short is finished by doing it again.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        recipe: Recipe,
        catalogue: ProductCatalogue,
        import_products: ImportProducts,
        log: EventLog,
        phrases: EmbedPhrases,
        store: UserEmbeddingStore,
        rebuild: RebuildUsers,
    ) -> None:
        self._registry = registry
        self._recipe = recipe
        self._catalogue = catalogue
        self._import_products = import_products
        self._log = log
        self._phrases = phrases
        self._store = store
        self._rebuild = rebuild

    def __call__(self, on_users: Callable[[int], None] | None = None) -> RecipeChange:
        """Change it; tell `on_users` how many users each step looked at.

        Raises
        ------
        TransientError : something is out of reach; call again to go on.
        """
        if not self._begin():
            return RecipeChange()
        products, without = self._embed_products()
        self._embed_phrases()
        users = self._rebuild_users(on_users)
        self._registry.set(CHANGE_UNDER_WAY, "")
        return RecipeChange(
            products_embedded=products,
            users_rebuilt=users,
            products_without_vector=tuple(without),
            products_with_old_vector=tuple(sorted(self._catalogue.outdated_own())),
        )

    def _begin(self) -> bool:
        """Switch, and return whether anything is to do after it."""
        active = self._registry.get(ACTIVE_RECIPE)
        if active != self._recipe.as_json():
            # The note first: a change that dies right after the switch must be seen to be unfinished.
            self._registry.set(CHANGE_UNDER_WAY, active if active is not None else "-")
            self._registry.set(ACTIVE_RECIPE, self._recipe.as_json())
            return True
        return bool(self._registry.get(CHANGE_UNDER_WAY))

    def _embed_products(self) -> tuple[int, list[str]]:
        """How many products were embedded, and the ids of those whose text has no vector in the new model."""
        embedded, without = 0, set[str]()
        while fresh := self._outdated(without):
            refused = self._embed(fresh)
            embedded += len(fresh) - len(refused)
            without |= refused
        return embedded, sorted(without)

    def _outdated(self, without: Collection[str]) -> Sequence[Product]:
        outdated = self._catalogue.outdated(CHANGES_AT_ONCE + len(without))
        return [product for product in outdated if product.product_id not in without]

    def _embed(self, products: Sequence[Product]) -> set[str]:
        """Embed these; return the ids of those whose text is refused, found by halves."""
        try:
            self._import_products(products)
        except InvalidValueError:
            if len(products) == 1:
                return {products[0].product_id}
            half = len(products) // 2
            return self._embed(products[:half]) | self._embed(products[half:])
        return set()

    def _embed_phrases(self) -> None:
        """A rebuild embeds nothing, so every phrase of the log must have a vector of the new model before it."""
        for page in self._log.phrases():
            for error in self._phrases({normalize_phrase(phrase) for phrase in page}).values():
                if isinstance(error, TransientError):
                    raise error

    def _rebuild_users(self, on_users: Callable[[int], None] | None) -> int:
        rebuilt = 0
        while left := self._pass(on_users):
            rebuilt += left
        return rebuilt

    def _pass(self, on_users: Callable[[int], None] | None) -> int:
        rebuilt = 0
        for user_ids in pages_of_users(self._log):
            old = self._of_another_recipe(user_ids)
            self._rebuild(old)
            rebuilt += len(old)
            if on_users is not None:
                on_users(len(user_ids))
        return rebuilt

    def _of_another_recipe(self, user_ids: Sequence[str]) -> Sequence[str]:
        return [user_id for user_id, state in self._store.read(user_ids).items() if not state.is_of(self._recipe)]


def change_under_way(registry: Registry) -> bool:
    """Whether a change of the recipe has begun and is not through."""
    return bool(registry.get(CHANGE_UNDER_WAY))
