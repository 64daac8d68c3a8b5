"""Fine-tuning of the last convolution block."""
