"""What `jobkit demo` shows: a small shop, real jobs in real processes, and the files they make."""
