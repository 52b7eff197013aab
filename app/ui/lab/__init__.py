"""The latency lab: measures this computer, and shows and changes what the chunk times of the live sound depend on."""
