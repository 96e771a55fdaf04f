"""Which generator's site stands in a folder, and what its own config says. Reading only; nothing is run."""
