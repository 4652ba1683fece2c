"""Co-purchases counted from the graph in memory."""

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import numpy as np

from adapters.memory.graph import MemoryGraph
from application.ports.co_purchases import BUYERS
from domain.decay import Decay
from domain.edges import Edge
from domain.instant import to_microseconds
from domain.interaction import EventType

Purchases = Mapping[str, Mapping[str, Edge]]
"""The edge of each buyer of each product."""


class MemoryCoPurchases:
    """Looks at all users at each call."""

    def __init__(self, graph: MemoryGraph) -> None:
        self._graph = graph

    def bought_with(self, product_ids: Collection[str], at: datetime, decay: Decay, limit: int) -> Sequence[str]:
        purchases = self._purchases()
        scores: dict[str, float] = {}
        for mine in product_ids:
            last = sorted(purchases.get(mine, {}).values(), key=lambda edge: edge.last, reverse=True)[:BUYERS]
            left = {edge.user_id: _left(edge, at, decay) for edge in last}
            for other, edges in purchases.items():
                shared = sum(left[buyer] * _left(edge, at, decay) for buyer, edge in edges.items() if buyer in left)
                if other != mine and shared > 0:
                    scores[other] = scores.get(other, 0.0) + shared / math.sqrt(len(left) * len(edges))
        return sorted(scores, key=lambda other: (-scores[other], other))[:limit]

    def _purchases(self) -> Purchases:
        purchases: dict[str, dict[str, Edge]] = {}
        for edge in self._graph.edges(list(self._graph.users)):
            if edge.event_type is EventType.PURCHASE:
                purchases.setdefault(edge.subject, {})[edge.user_id] = edge
        return purchases


def _left(edge: Edge, at: datetime, decay: Decay) -> float:
    return float(decay.factors(np.array(to_microseconds(at) - to_microseconds(edge.last))))
