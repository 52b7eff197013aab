"""Making ladders: levels are cut, fine-tuned with the dense separator as teacher, measured and stored."""
