"""The vocabulary of the methods: frame schemas shared by more than one of them."""
