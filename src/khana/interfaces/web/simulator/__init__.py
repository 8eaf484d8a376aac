"""The policy simulator: sliders, what they give at once, scenarios side by side."""
