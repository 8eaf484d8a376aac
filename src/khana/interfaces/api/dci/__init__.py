"""The standard interfaces (DCI Social Registry and IBR v1.0.0) for partners' systems. Translates only."""
