"""Training of the starter backbone: a VGG16 of our own, from random weights to an exported model.

The stages, each one file and each rerunnable by itself:

``corpus`` (photos to one pixel cache) -> ``teacher`` (what a small pretrained network says of each)
-> ``split`` and ``soft_labels`` (which labels may be seen, and which are doubted)
-> ``train`` (the long loop, on ``network`` and ``batches``) -> ``export`` (features, head, statistics,
files).

Nothing here is imported by the daemon: it is run by ``PYTHONPATH=models python -m recipe``.
"""
