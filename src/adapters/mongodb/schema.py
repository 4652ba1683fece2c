"""Indexes and validators: made by `penchant setup`, looked at by `penchant doctor`."""

from collections.abc import Sequence

from pymongo import IndexModel
from pymongo.errors import OperationFailure

from adapters.mongodb.collection_plans import PLANS, CollectionPlan
from adapters.mongodb.database import MongoDatabase
from adapters.mongodb.errors import COMMAND_NOT_FOUND, DUPLICATE_KEY, INDEX_DIFFERS, NAMESPACE_EXISTS
from adapters.mongodb.examination import Examination
from adapters.mongodb.found_collection import FoundCollection
from application.ports.examinable import Finding
from domain.errors import ConfigurationError


class MongoSchema:
    """The collections with their indexes and validators, in a database used with vectors of `dimensions` numbers."""

    def __init__(self, database: MongoDatabase, dimensions: int) -> None:
        self._database = database
        self._dimensions = dimensions

    def install(self) -> Sequence[str]:
        """As the port says. That a server knows no validators is said along with the first thing that is made."""
        changes: list[str] = []
        remarks: list[str] = []
        with self._database.translated():
            for plan in PLANS:
                found = FoundCollection.of(self._database, plan)
                self._refuse_collation(found)
                if not found.exists and self._create(plan):
                    changes.append(f"Made the collection {plan.name}.")
                    found = FoundCollection.of(self._database, plan)
                if not found.is_validated and self._set_validator(plan):
                    changes.append(f"Set the validator of {plan.name}.")
                elif not found.is_validated:
                    remarks.append(f"This server keeps no validators: {plan.name} takes any document.")
                changes += self._make_indexes(found)
        return [*changes, *remarks] if changes else []

    def examine(self) -> Sequence[Finding]:
        return Examination(self._database, self._dimensions).findings()

    def _refuse_collation(self, found: FoundCollection) -> None:
        if found.has_collation:
            raise ConfigurationError(
                f"The collection {found.plan.name} in {self._database.where} has a collation, so it may take ids for "
                "one another. Rename it, then run `penchant setup` and `penchant rebuild --all`."
            )

    def _create(self, plan: CollectionPlan) -> bool:
        """Make a collection with its validator; whether it was not there."""
        try:
            self._database.create_collection(plan.name, validator=plan.validator)
        except OperationFailure as error:
            if error.code == NAMESPACE_EXISTS:  # another process was first
                return False
            raise
        return True

    def _set_validator(self, plan: CollectionPlan) -> bool:
        """Set the validator; whether the server knows how to."""
        options = {"validator": plan.validator, "validationLevel": "strict", "validationAction": "error"}
        try:
            self._database.command("collMod", plan.name, **options)
        except OperationFailure as error:
            if error.code == COMMAND_NOT_FOUND:
                return False
            raise
        return True

    def _make_indexes(self, found: FoundCollection) -> Sequence[str]:
        plan, missing = found.plan, found.missing_indexes
        if not missing:
            return []
        models = [IndexModel(index.keys, name=index.name, unique=index.unique) for index in missing]
        try:
            self._database.collection(plan.name).create_indexes(models)
        except OperationFailure as error:
            if error.code not in {*INDEX_DIFFERS, DUPLICATE_KEY}:
                raise
            raise ConfigurationError(self._why_no_index(error.code, plan)) from error
        return [f"Made the index {index.name} of {plan.name}." for index in missing]

    def _why_no_index(self, code: int | None, plan: CollectionPlan) -> str:
        where, key = f"The collection {plan.name} in {self._database.where}", plan.indexes[0].fields[0]
        if code == DUPLICATE_KEY:
            return (
                f"{where} has several documents with the same {key}. "
                f"Remove those whose _id is not their {key}, and run `penchant setup` again."
            )
        names = ", ".join(index.name for index in plan.indexes)
        return f"{where} has an index that is not as it has to be. Drop it ({names}) and run `penchant setup` again."
