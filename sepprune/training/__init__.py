"""Training causal separators: data, losses, scores, the loop."""
