"""A collection as it is on the server, beside the plan for it."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from adapters.mongodb.collection_plans import CollectionPlan, Index
from adapters.mongodb.database import MongoDatabase


@frozen(kw_only=True)
class FoundCollection:
    """A collection; without anything where it is not there.

    Parameters
    ----------
    options : as it was made with, such as validator and collation.
    indexes : by name, as pymongo describes them.
    """

    plan: CollectionPlan
    exists: bool
    options: Mapping[str, Any]
    indexes: Mapping[str, Any]

    @classmethod
    def of(cls, database: MongoDatabase, plan: CollectionPlan) -> "FoundCollection":
        """Ask the server. Use it within `translated`."""
        options = database.options_of(plan.name)
        return cls(
            plan=plan,
            exists=options is not None,
            options=options if options is not None else {},
            indexes=database.collection(plan.name).index_information() if options is not None else {},
        )

    @property
    def is_validated(self) -> bool:
        """Whether the server keeps out what the plan's validator refuses."""
        return (
            self.options.get("validator") == self.plan.validator
            and self.options.get("validationLevel", "strict") == "strict"
            and self.options.get("validationAction", "error") == "error"
        )

    @property
    def has_collation(self) -> bool:
        """Whether ids are compared otherwise than byte by byte."""
        return "collation" in self.options

    @property
    def missing_indexes(self) -> list[Index]:
        """The indexes of the plan that are not there."""
        return [index for index in self.plan.indexes if not self._has(index)]

    def _has(self, index: Index) -> bool:
        return any(
            list(there["key"]) == index.keys and bool(there.get("unique", False)) >= index.unique
            for there in self.indexes.values()
        )
