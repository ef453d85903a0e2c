"""What a workspace remembers: the database, the big tables and the event log."""
