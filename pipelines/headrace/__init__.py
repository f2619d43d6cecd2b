"""headrace: the channel that carries fresh signals to models. Contracts, dead letters, features, scores, one ledger.

Used through the command ``headrace`` and the YAML under ``conf/``; what the packages within offer, and which may import
which, stands in ARCHITECTURE.md.
"""
