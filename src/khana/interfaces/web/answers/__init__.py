"""The five answers: numbers, charts, maps, and the rows behind each number."""
