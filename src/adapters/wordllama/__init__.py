"""WordLlama: small static embeddings whose weights come inside the wheel, so that nothing is downloaded."""
