"""Models: what is asked, how the answer is read, how a version is trained. Pure."""
