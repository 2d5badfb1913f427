"""What test suites use: a pytest plugin with a chain, a funded wallet, a token, a network and devices."""
