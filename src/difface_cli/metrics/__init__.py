"""How near a restored face is to another picture, how much fine detail it has, how it varies."""
