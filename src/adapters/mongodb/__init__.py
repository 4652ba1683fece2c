"""MongoDB through pymongo: user embeddings and the catalogue, one document a user and one a product."""
