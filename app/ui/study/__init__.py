"""Pages of a listening test: what a listener reads, hears and answers. They know samples by their labels only."""
