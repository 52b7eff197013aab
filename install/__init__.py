"""What ``run.py`` needs to prepare a machine, and the locked dependencies. Only the standard library is used."""
