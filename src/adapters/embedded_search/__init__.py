"""Product search in this process, on copies of the catalogue's vectors in files. Only the container imports it."""
