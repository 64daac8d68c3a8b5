"""VGG16: its engines, precisions, quantisation and heat map."""
