"""Training what the paper trains: the estimator, the prior, and here also the face detector.

`recipe` is a TOML file as records, `pictures` a folder of them, `objective` what one network
learns; `estimator`, `prior` and `detector` are the objectives, `loop` the engine that runs any.
Nothing random lives between two steps: example i of a recipe is drawn from the seed and i alone,
so a training that stops and resumes, or is spread over processes, sees what one run would see.
"""
