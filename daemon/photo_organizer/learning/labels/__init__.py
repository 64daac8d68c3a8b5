"""From where the photos lie to what their owner meant."""
