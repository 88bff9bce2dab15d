"""Pictures with known faces, made of portraits with one face each.

`album` reads the portraits; `poses` scales, tilts, mirrors and turns a face; `textures`, `facefree`
and `creatures` make what is no face; `pasting`, `disguises` and `collages` put them together;
`wear` makes the picture as bad as old photos are. Everything is drawn from the generator that is
handed in. Pixels are h×w×3 uint8 RGB, and pixel (0, 0) is centred at (0, 0).
"""
