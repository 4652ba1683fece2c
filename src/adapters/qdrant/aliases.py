"""Aliases: the names that searches use, and the collections behind them."""

from collections.abc import Mapping

from qdrant_client import QdrantClient, models


def collections_behind(client: QdrantClient) -> Mapping[str, str]:
    """The collection of each alias that there is."""
    return {found.alias_name: found.collection_name for found in client.get_aliases().aliases}


def point_aliases(client: QdrantClient, aliases: Mapping[str, str]) -> None:
    """Let these aliases be of these collections, all in one step, whatever they were of before."""
    operations: list[models.CreateAliasOperation | models.RenameAliasOperation | models.DeleteAliasOperation] = []
    for alias, collection in aliases.items():
        create = models.CreateAlias(collection_name=collection, alias_name=alias)
        operations += [
            models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias)),
            models.CreateAliasOperation(create_alias=create),
        ]
    client.update_collection_aliases(operations)
