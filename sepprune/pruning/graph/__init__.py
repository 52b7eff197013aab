"""The graph of a module: its trace, and the channel labels that flow through its operations."""
