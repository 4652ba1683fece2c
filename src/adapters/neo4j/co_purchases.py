"""Bought by people who bought: read from the interaction graph."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import LiteralString

from adapters.neo4j.database import Neo4jDatabase
from application.ports.co_purchases import BUYERS
from domain.decay import Decay

# There is one edge between a user and a product, so that edges are buyers, and Neo4j knows their number.
#
# What takes the time is to look at everything that the buyers have bought. So each buyer is taken once, with the sum of
# what speaks for whatever else that buyer has bought, and this sum is taken apart only for another of these products.
_BOUGHT_WITH: LiteralString = """
UNWIND $product_ids AS product_id
CALL (product_id) {
    MATCH (mine:Product {product_id: product_id})<-[purchase:PURCHASED]-(buyer:User)
    WITH mine, purchase, buyer ORDER BY purchase.last DESC LIMIT $buyers
    WITH mine, collect([buyer, exp($rate_per_ms * (purchase.last.epochMillis - $at_ms))]) AS buyers
    UNWIND buyers AS one
    RETURN mine, one[0] AS buyer, one[1] / sqrt(size(buyers)) AS left
}
WITH buyer, sum(left) AS left, collect(mine) AS bought, collect([mine, left]) AS lefts
MATCH (buyer)-[purchase:PURCHASED]->(other)
WITH other, sum(exp($rate_per_ms * (purchase.last.epochMillis - $at_ms)) * CASE
    WHEN other IN bought
    THEN reduce(rest = 0.0, one IN lefts | rest + CASE one[0] WHEN other THEN 0.0 ELSE one[1] END)
    ELSE left
END) AS shared
WHERE shared > 0 AND other:Product
RETURN other.product_id AS product_id
ORDER BY shared / sqrt(COUNT { (other)<-[:PURCHASED]-() }) DESC, product_id
LIMIT $limit
"""

PATIENCE_SECONDS = 5.0
"""Somebody waits for the answer, and can do without it."""


class Neo4jCoPurchases:
    """Reads the edges of purchases."""

    def __init__(self, database: Neo4jDatabase) -> None:
        self._database = database

    def bought_with(self, product_ids: Collection[str], at: datetime, decay: Decay, limit: int) -> Sequence[str]:
        asked = {
            "product_ids": list(product_ids),
            "buyers": BUYERS,
            "limit": limit,
            "at_ms": at.timestamp() * 1_000,
            "rate_per_ms": decay.rate_per_day / 86_400_000,
        }
        return [record["product_id"] for record in self._database.read(_BOUGHT_WITH, seconds=PATIENCE_SECONDS, **asked)]
