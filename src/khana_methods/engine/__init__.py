"""SQL on frames and Parquet; nothing above knows which engine runs."""
