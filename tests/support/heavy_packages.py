"""Packages that the daemon and the light commands must never load."""

HEAVY = (
    "numpy",
    "cv2",
    "openvino",
    "tensorflow",
    "keras",
    "pandas",
    "matplotlib",
    "PIL",
    "scipy",
    "sklearn",
    "nncf",
    "dask",
    "distributed",
    "cryptography",
)
