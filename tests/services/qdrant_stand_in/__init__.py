"""A stand-in for Qdrant's server: its REST interface, as the real client calls it, over the client's own local mode.

Refusals have the status and the words of the real server, as its source has them. What it does not do: no index of
vectors or of payloads (every search and every filter looks at every point, so searches are exact, and no figure of
speed says anything about Qdrant), no gRPC, no cluster, no snapshots, no rights but one key, no write that is answered
before it is done (`wait=false`), no calls but those of `http_api.py`. Queries other than for what is nearest to a
vector are as local mode does them, and so is Cosine: it scales what is of unit length already, which the real server
leaves.

It is run by its path, `python tests/services/qdrant_stand_in`, and imported by nothing.
"""
