"""What may refuse: a call before it is dialed, a sentence before it is spoken. Fails closed."""
