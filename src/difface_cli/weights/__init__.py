"""Files of parameters: found, verified, and put into networks."""
