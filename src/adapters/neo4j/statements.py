"""The statements on the graph. Each takes a list, so that a batch is one round trip a statement.

(:User {user_id, position, missing})-[:VIEWED|CLICKED|PURCHASED {count, first, last}]->(:Product {product_id})
(:User)-[:SEARCHED {count, first, last}]->(:Phrase {text})
"""

from typing import LiteralString

from domain.interaction import EventType

TYPES: dict[EventType, LiteralString] = {
    EventType.VIEW: "VIEWED",
    EventType.CLICK: "CLICKED",
    EventType.PURCHASE: "PURCHASED",
    EventType.SEARCH: "SEARCHED",
}
"""The type of the relationships of each type of event."""

_OURS: LiteralString = "VIEWED|CLICKED|PURCHASED|SEARCHED"

# What is read of a node may be old until it is locked, and a write locks it.
LOCK: LiteralString = """
UNWIND $user_ids AS user_id
MERGE (user:User {user_id: user_id})
SET user.penchant_lock = true
REMOVE user.penchant_lock
RETURN user.user_id AS user_id, user.position AS position, user.missing AS missing
"""

APPLIED: LiteralString = """
UNWIND $user_ids AS user_id
MATCH (user:User {user_id: user_id})
RETURN user.user_id AS user_id, user.position AS position, user.missing AS missing
"""

# Relationships of other types, and whatever else others keep on these nodes, stay. A phrase that nobody has searched
# for any more does not.
FORGET: LiteralString = f"""
UNWIND $user_ids AS user_id
MATCH (user:User {{user_id: user_id}})
REMOVE user.position, user.missing
WITH user
MATCH (user)-[edge:{_OURS}]->(subject)
DELETE edge
WITH DISTINCT subject
WHERE subject:Phrase AND NOT EXISTS {{ (subject)<--() }}
DELETE subject
"""

MARK: LiteralString = """
UNWIND $users AS marked
MATCH (user:User {user_id: marked.user_id})
SET user.position = marked.position, user.missing = marked.missing
"""

USER_IDS: LiteralString = """
MATCH (user:User)
WHERE user.user_id > $after AND user.position IS NOT NULL
RETURN user.user_id AS user_id
ORDER BY user.user_id
LIMIT $limit
"""

EDGES: LiteralString = f"""
UNWIND $user_ids AS user_id
MATCH (user:User {{user_id: user_id}})-[edge:{_OURS}]->(subject)
RETURN user_id, type(edge) AS type, coalesce(subject.product_id, subject.text) AS subject,
       edge.count AS count, edge.first AS first, edge.last AS last
"""


def add(event_type: EventType) -> LiteralString:
    """Add edges of one type: what is there already counts more, from the earlier to the later time.

    Each is a list: user, subject, count, seconds and nanoseconds of the first time, the same of the last. To send times
    as such, and edges as maps, takes the driver seven times as long.
    """
    subject: LiteralString = (
        "(subject:Phrase {text: subject_id})"
        if event_type is EventType.SEARCH
        else "(subject:Product {product_id: subject_id})"
    )
    return f"""
UNWIND $edges AS row
WITH row[0] AS user_id, row[1] AS subject_id, row[2] AS count,
     datetime({{epochSeconds: row[3], nanosecond: row[4]}}) AS first,
     datetime({{epochSeconds: row[5], nanosecond: row[6]}}) AS last
MATCH (user:User {{user_id: user_id}})
MERGE {subject}
MERGE (user)-[edge:{TYPES[event_type]}]->(subject)
ON CREATE SET edge.count = count, edge.first = first, edge.last = last
ON MATCH SET edge.count = coalesce(toIntegerOrNull(edge.count), 0) + count,
             edge.first = CASE WHEN edge.first <= first THEN edge.first ELSE first END,
             edge.last = CASE WHEN edge.last >= last THEN edge.last ELSE last END
"""
