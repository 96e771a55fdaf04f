"""Publishing: what is in the output directory, onto origins; edges and hubs are told what changed."""
