"""Co-purchases counted from the graph in memory."""

import math
from collections.abc import Collection, Mapping, Sequence

from adapters.memory.graph import MemoryGraph
from domain.interaction import EventType


class MemoryCoPurchases:
    """Looks at all users at each call."""

    def __init__(self, graph: MemoryGraph) -> None:
        self._graph = graph

    def bought_with(self, product_ids: Collection[str], limit: int) -> Sequence[str]:
        buyers = self._buyers()
        mine = [buyers[product_id] for product_id in product_ids if product_id in buyers]
        scores = {
            other: sum(len(of_other & one) / math.sqrt(len(of_other) * len(one)) for one in mine)
            for other, of_other in buyers.items()
            if other not in product_ids
        }
        common = [other for other, score in scores.items() if score > 0]
        return sorted(common, key=lambda other: (-scores[other], other))[:limit]

    def _buyers(self) -> Mapping[str, set[str]]:
        buyers: dict[str, set[str]] = {}
        for edge in self._graph.edges(list(self._graph.users)):
            if edge.event_type is EventType.PURCHASE:
                buyers.setdefault(edge.subject, set()).add(edge.user_id)
        return buyers
