"""What is shown while a run goes on: bars on a terminal, and one line of JSON after the other for programs."""
