"""Train the starter model: a VGG16, from random weights to an exported model directory.

Each stage is one module and can be run again by itself:

`corpus` (photos to one pixel cache) -> `teacher` (output of a pretrained network for each photo)
-> `split` and `soft_labels` (which photos are held out, and which labels are doubtful)
-> `train` (the training loop, on `network` and `batches`) -> `export` (features, head, figures, files).

The daemon imports nothing from here. Run it with ``PYTHONPATH=models python -m recipe``.
"""
