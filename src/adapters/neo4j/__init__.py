"""The interaction graph in Neo4j 5, through its official driver. Only the container imports from here."""
