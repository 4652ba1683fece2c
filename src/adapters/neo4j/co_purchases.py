"""Bought by people who bought: read from the interaction graph."""

from collections.abc import Collection, Sequence
from typing import LiteralString

from adapters.neo4j.database import Neo4jDatabase

BUYERS = 1_000
"""Of each product: so many are a sample that ranks well, and all buyers of what everybody buys would be everybody."""

# There is one edge between a user and a product, so that edges are buyers, and Neo4j knows their number.
_BOUGHT_WITH: LiteralString = """
UNWIND $product_ids AS product_id
MATCH (mine:Product {product_id: product_id})<-[:PURCHASED]-(buyer:User)
WITH mine, collect(buyer)[..$buyers] AS buyers
UNWIND buyers AS buyer
MATCH (buyer)-[:PURCHASED]->(other:Product)
WHERE NOT other.product_id IN $product_ids
WITH mine, size(buyers) AS buyers, other, count(*) AS both
WITH other, sum(both / sqrt(toFloat(buyers) * COUNT { (other)<-[:PURCHASED]-() })) AS score
RETURN other.product_id AS product_id
ORDER BY score DESC, product_id
LIMIT $limit
"""


class Neo4jCoPurchases:
    """Reads the edges of purchases, of up to BUYERS buyers a product."""

    def __init__(self, database: Neo4jDatabase) -> None:
        self._database = database

    def bought_with(self, product_ids: Collection[str], limit: int) -> Sequence[str]:
        asked = {"product_ids": list(product_ids), "buyers": BUYERS, "limit": limit}
        return [record["product_id"] for record in self._database.read(_BOUGHT_WITH, **asked)]
