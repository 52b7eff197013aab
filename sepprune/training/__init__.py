"""Training separators: scenes and their rendering, learners, the training loop, validation."""
