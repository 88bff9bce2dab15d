"""How fast the networks of a model run here."""
