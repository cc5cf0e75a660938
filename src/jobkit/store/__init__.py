"""The job store: a SQL database that is the truth about every job."""
