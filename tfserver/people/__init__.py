"""People on terminals: who belongs where, what is there, and how one becomes the other."""
