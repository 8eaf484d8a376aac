"""What ODK's clients speak: OpenRosa for ODK Collect, the read part of ODK Central's address for pyodk. Translates only."""
