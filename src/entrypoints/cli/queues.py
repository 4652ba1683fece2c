"""The option --queue of the commands that work on what consumers keep."""

from typing import Annotated

import typer

OfQueue = Annotated[
    str,
    typer.Option(
        "--queue", help="What of: user_embedding_updates, the embeddings; neo4j, the graph; qdrant, the index; all."
    ),
]
