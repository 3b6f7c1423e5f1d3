"""RSMix: an expression's moving regions pasted onto a neutral face of the same person."""
