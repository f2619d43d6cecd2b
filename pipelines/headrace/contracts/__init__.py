"""What a good record is: the contract, the checks that decide, the judge that applies them. Pure."""
