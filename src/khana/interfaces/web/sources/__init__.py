"""Sources: what is connected, how fresh, what arrived, what waits, the contract, what is missing."""
