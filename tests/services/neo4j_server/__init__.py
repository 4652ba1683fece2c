"""Neo4j itself, as its publisher puts it into Maven's repository."""
